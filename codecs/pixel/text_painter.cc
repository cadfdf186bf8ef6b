#include "codecs/pixel/text_painter.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include <unicode/normalizer2.h>
#include <unicode/ubidi.h>
#include <unicode/unistr.h>
#include <unicode/ushape.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace hilum::pixel {
namespace {

// What is longer is no line of a picture.
constexpr int32_t kMaxCharacters = 256;
constexpr int kRim = 1;  // pixels

// How much of each pixel the letters cover, 0 to 255.
struct Coverage {
  int width = 0, height = 0;
  std::vector<uint8_t> pixels;

  uint8_t At(int x, int y) const {
    return x < 0 || y < 0 || x >= width || y >= height ? 0 : pixels[static_cast<size_t>(y) * width + x];
  }
  // The most of the pixels around.
  uint8_t Around(int x, int y) const {
    uint8_t most = 0;
    for (int dy = -kRim; dy <= kRim; ++dy)
      for (int dx = -kRim; dx <= kRim; ++dx) most = std::max(most, At(x + dx, y + dy));
    return most;
  }
};

// From left to right as they are to be seen. ICU leaves text as it is where it has errors.
std::vector<char32_t> VisualOrder(std::string_view utf8) {
  auto text = icu::UnicodeString::fromUTF8(
      icu::StringPiece(utf8.data(), static_cast<int32_t>(std::min<size_t>(utf8.size(), 4 * kMaxCharacters))));
  if (text.length() > kMaxCharacters) text.truncate(kMaxCharacters);
  UErrorCode error = U_ZERO_ERROR;
  if (const icu::Normalizer2* composed = icu::Normalizer2::getNFCInstance(error); U_SUCCESS(error))
    text = composed->normalize(text, error);

  std::u16string joined(static_cast<size_t>(text.length()) * 2 + 16, u'\0');
  error = U_ZERO_ERROR;
  const int32_t length =
      u_shapeArabic(text.getBuffer(), text.length(), joined.data(), static_cast<int32_t>(joined.size()),
                    U_SHAPE_LETTERS_SHAPE | U_SHAPE_TEXT_DIRECTION_LOGICAL | U_SHAPE_LENGTH_GROW_SHRINK, &error);
  if (U_SUCCESS(error)) text = icu::UnicodeString(joined.data(), length);

  error = U_ZERO_ERROR;
  const std::unique_ptr<UBiDi, decltype(&ubidi_close)> order(ubidi_open(), ubidi_close);
  ubidi_setPara(order.get(), text.getBuffer(), text.length(), UBIDI_DEFAULT_LTR, nullptr, &error);
  std::u16string visual(static_cast<size_t>(text.length()) + 1, u'\0');
  const int32_t visible = ubidi_writeReordered(order.get(), visual.data(), static_cast<int32_t>(visual.size()),
                                               UBIDI_DO_MIRRORING | UBIDI_REMOVE_BIDI_CONTROLS, &error);
  if (U_SUCCESS(error)) text = icu::UnicodeString(visual.data(), visible);

  std::vector<char32_t> characters;
  for (int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    characters.push_back(c < 0x20 || c == 0x7F ? U' ' : static_cast<char32_t>(c));
  }
  return characters;
}

void Blend(double share, const Colour& colour, Picture* picture, size_t pixel) {
  const double most = picture->bits == 16 ? 65535 : 255;
  for (size_t c = 0; c < picture->channels; ++c) {
    const size_t at = pixel * picture->channels + c;
    const double level = colour.Channel(c, picture->channels);
    if (picture->bits == 16) {
      uint16_t value;
      std::memcpy(&value, &picture->samples[at * 2], 2);
      value = static_cast<uint16_t>(value + (level * most - value) * share);
      std::memcpy(&picture->samples[at * 2], &value, 2);
    } else {
      const auto value = static_cast<uint8_t>(picture->samples[at]);
      picture->samples[at] = static_cast<char>(static_cast<uint8_t>(value + (level * most - value) * share));
    }
  }
}

class FreeTypePainter : public TextPainter {
 public:
  ~FreeTypePainter() override {
    for (const FT_Face face : faces_) FT_Done_Face(face);
    if (library_) FT_Done_FreeType(library_);
  }

  Status Load(const std::vector<std::string>& fonts) {
    if (FT_Init_FreeType(&library_) != 0) return Internal("FreeType cannot be started");
    for (const std::string& file : fonts) {
      FT_Face face = nullptr;
      if (FT_New_Face(library_, file.c_str(), 0, &face) == 0) faces_.push_back(face);
    }
    if (faces_.empty()) return NotFound("none of the fonts can be read");
    return Status::Ok();
  }

  void Draw(std::string_view utf8, uint32_t size, const Colour& colour, int64_t x, int64_t y,
            Picture* picture) override {
    const Coverage line = Cover(utf8, size);
    for (int row = -kRim; row < line.height + kRim; ++row) {
      for (int column = -kRim; column < line.width + kRim; ++column) {
        const int64_t to_x = x + column, to_y = y + row;
        if (to_x < 0 || to_y < 0 || to_x >= picture->width || to_y >= picture->height) continue;
        const size_t pixel = static_cast<size_t>(to_y) * picture->width + static_cast<size_t>(to_x);
        if (const uint8_t rim = line.Around(column, row); rim > 0)
          Blend(rim / 255.0, colour.Channel(0, 1) < 0.5 ? 1 : 0, picture, pixel);
        if (const uint8_t share = line.At(column, row); share > 0) Blend(share / 255.0, colour, picture, pixel);
      }
    }
  }

  uint32_t Width(std::string_view utf8, uint32_t size) override {
    return static_cast<uint32_t>(Cover(utf8, size).width);
  }

 private:
  Coverage Cover(std::string_view utf8, uint32_t size) {
    size = std::clamp(size, 4u, 256u);
    const std::vector<char32_t> characters = VisualOrder(utf8);
    const std::lock_guard lock(mu_);
    for (const FT_Face face : faces_) FT_Set_Pixel_Sizes(face, 0, size);
    int width = 0;
    for (const char32_t c : characters) width += Advance(c);
    Coverage line{.width = width, .height = static_cast<int>(LineHeight(size))};
    line.pixels.assign(static_cast<size_t>(line.width) * line.height, 0);
    int pen = 0;
    for (const char32_t c : characters) {
      const FT_Face face = FaceFor(c);
      if (FT_Load_Char(face, c, FT_LOAD_RENDER | FT_LOAD_NO_BITMAP) != 0) continue;
      Copy(face->glyph->bitmap, pen + face->glyph->bitmap_left, static_cast<int>(size) - face->glyph->bitmap_top,
           &line);
      pen += static_cast<int>(face->glyph->advance.x >> 6);
    }
    return line;
  }

  FT_Face FaceFor(char32_t c) const {
    for (const FT_Face face : faces_)
      if (FT_Get_Char_Index(face, c) != 0) return face;
    return faces_.front();
  }

  int Advance(char32_t c) const {
    const FT_Face face = FaceFor(c);
    return FT_Load_Char(face, c, FT_LOAD_NO_BITMAP) == 0 ? static_cast<int>(face->glyph->advance.x >> 6) : 0;
  }

  static void Copy(const FT_Bitmap& glyph, int left, int top, Coverage* line) {
    if (glyph.pixel_mode != FT_PIXEL_MODE_GRAY) return;
    for (int row = 0; row < static_cast<int>(glyph.rows); ++row) {
      for (int column = 0; column < static_cast<int>(glyph.width); ++column) {
        const int x = left + column, y = top + row;
        if (x < 0 || y < 0 || x >= line->width || y >= line->height) continue;
        uint8_t& pixel = line->pixels[static_cast<size_t>(y) * line->width + x];
        pixel = std::max(pixel, static_cast<uint8_t>(glyph.buffer[row * glyph.pitch + column]));
      }
    }
  }

  std::mutex mu_;
  FT_Library library_ = nullptr;
  std::vector<FT_Face> faces_;
};

}  // namespace

Result<std::unique_ptr<TextPainter>> TextPainter::Open(const std::vector<std::string>& fonts) {
  auto painter = std::make_unique<FreeTypePainter>();
  HILUM_RETURN_IF_ERROR(painter->Load(fonts));
  return std::unique_ptr<TextPainter>(std::move(painter));
}

}  // namespace hilum::pixel
