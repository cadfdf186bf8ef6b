#include "codecs/pixel/gif.h"

#include <gif_lib.h>

#include <utility>

#include "codecs/pixel/few_colours.h"

namespace hilum::pixel {
namespace {

constexpr uint32_t kLongestSide = 65535;
constexpr int kColours = 256, kBitsOfChannel = 8;

struct FreeColours {
  void operator()(ColorMapObject* map) const { GifFreeMapObject(map); }
};
using Colours = std::unique_ptr<ColorMapObject, FreeColours>;

// Null when there is no memory for it.
Colours MakeColours() {
  return Colours(GifMakeMapObject(kColours, nullptr));
}

class Writer : public GifWriter {
 public:
  ~Writer() override {
    if (gif_ != nullptr) EGifCloseFile(gif_, nullptr);
  }

  Status Begin(uint32_t width, uint32_t height, bool repeats) {
    int error = E_GIF_SUCCEEDED;
    gif_ = EGifOpen(this, &Writer::Take, &error);
    greys_ = MakeColours();
    if (gif_ == nullptr || greys_ == nullptr) return LimitExceeded("GIF: out of memory");
    for (int i = 0; i < kColours; ++i) {
      const auto level = static_cast<GifByteType>(i);
      greys_->Colors[i] = {level, level, level};
    }
    width_ = width;
    height_ = height;
    EGifSetGifVersion(gif_, true);
    HILUM_RETURN_IF_ERROR(Check(
        EGifPutScreenDesc(gif_, static_cast<int>(width), static_cast<int>(height), kBitsOfChannel, 0, greys_.get())));
    if (!repeats) return Status::Ok();
    HILUM_RETURN_IF_ERROR(Check(EGifPutExtensionLeader(gif_, APPLICATION_EXT_FUNC_CODE)));
    HILUM_RETURN_IF_ERROR(Check(EGifPutExtensionBlock(gif_, 11, "NETSCAPE2.0")));
    HILUM_RETURN_IF_ERROR(Check(EGifPutExtensionBlock(gif_, 3, "\1\0\0")));  // for ever
    return Check(EGifPutExtensionTrailer(gif_));
  }

  Status Add(const Picture& picture, uint16_t hundredths) override {
    if (picture.width != width_ || picture.height != height_ || picture.bits != 8)
      return Invalid("GIF: a picture of another size or depth than the first");
    const GraphicsControlBlock control{.DisposalMode = DISPOSE_DO_NOT,
                                       .UserInputFlag = false,
                                       .DelayTime = hundredths,
                                       .TransparentColor = NO_TRANSPARENT_COLOR};
    GifByteType extension[4];
    EGifGCBToExtension(&control, extension);
    HILUM_RETURN_IF_ERROR(Check(EGifPutExtension(gif_, GRAPHICS_EXT_FUNC_CODE, sizeof(extension), extension)));
    if (picture.channels == 1) return PutImage(picture.samples, nullptr);
    FewColours few = ToFewColours(picture.samples);
    const Colours own = MakeColours();
    if (own == nullptr) return LimitExceeded("GIF: out of memory");
    for (size_t i = 0; i < few.colours.size(); ++i)
      own->Colors[i] = {few.colours[i][0], few.colours[i][1], few.colours[i][2]};
    return PutImage(std::move(few.indices), own.get());
  }

  Status End() override {
    int error = E_GIF_SUCCEEDED;
    if (EGifCloseFile(std::exchange(gif_, nullptr), &error) == GIF_OK) return Status::Ok();
    return Internal("GIF: the end cannot be written");
  }

  std::string TakeBytes() override { return std::exchange(bytes_, {}); }

 private:
  static int Take(GifFileType* gif, const GifByteType* bytes, int count) {
    static_cast<Writer*>(gif->UserData)
        ->bytes_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
    return count;
  }

  Status Check(int outcome) const {
    if (outcome == GIF_OK) return Status::Ok();
    const char* const why = GifErrorString(gif_->Error);
    return Internal(std::string("GIF: ") + (why == nullptr ? "unknown error" : why));
  }

  // `colours` null: the greys. The library masks the pixels in place.
  Status PutImage(std::string pixels, const ColorMapObject* colours) {
    HILUM_RETURN_IF_ERROR(Check(EGifPutImageDesc(gif_, 0, 0, static_cast<int>(width_), static_cast<int>(height_),
                                                 /*Interlace=*/false, colours)));
    for (uint32_t row = 0; row < height_; ++row) {
      auto* const line = reinterpret_cast<GifPixelType*>(pixels.data() + size_t{row} * width_);
      HILUM_RETURN_IF_ERROR(Check(EGifPutLine(gif_, line, static_cast<int>(width_))));
    }
    return Status::Ok();
  }

  GifFileType* gif_ = nullptr;
  Colours greys_;
  uint32_t width_ = 0, height_ = 0;
  std::string bytes_;
};

}  // namespace

Result<std::unique_ptr<GifWriter>> GifWriter::Begin(uint32_t width, uint32_t height, bool repeats) {
  if (width > kLongestSide || height > kLongestSide)
    return Unsupported("GIF: a side has at most " + std::to_string(kLongestSide) +
                       " pixels; ask for a smaller viewport");
  auto writer = std::make_unique<Writer>();
  HILUM_RETURN_IF_ERROR(writer->Begin(width, height, repeats));
  return std::unique_ptr<GifWriter>(std::move(writer));
}

}  // namespace hilum::pixel
