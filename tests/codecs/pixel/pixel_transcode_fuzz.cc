// What goes along with pixels when they change their transfer syntax: icons, overlays in unused bits, and whether there
// is room for the image at all. The input describes an instance of a few pixels, so that every byte of it matters.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "codecs/dicom/writer.h"
#include "codecs/pixel/instance.h"
#include "codecs/pixel/transcode.h"

namespace {

using namespace hilum;         // NOLINT: the module under test
using namespace hilum::pixel;  // NOLINT
using dicom::Tag;
using dicom::Vr;

constexpr std::string_view kRle = "1.2.840.10008.1.2.5", kExplicit = "1.2.840.10008.1.2.1",
                           kDeflatedFrames = "1.2.840.10008.1.2.8.1";
constexpr const char* kPhotometrics[] = {"MONOCHROME1",  "MONOCHROME2", "PALETTE COLOR", "RGB",
                                         "YBR_FULL_422", "YBR_FULL",    "ARGB",          ""};

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(reinterpret_cast<const char*>(data), size) {}
  uint8_t Byte() {
    if (data_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(data_.front());
    data_.remove_prefix(1);
    return byte;
  }
  uint16_t Short() { return static_cast<uint16_t>(Byte() | Byte() << 8); }
  std::string_view Take(size_t most) {
    const std::string_view piece = data_.substr(0, most);
    data_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view data_;
};

void AppendShort(std::string* out, Tag tag, uint16_t value) {
  std::string bytes;
  AppendLe(&bytes, value);
  dicom::DataSetWriter(out).Add(tag, Vr("US"), bytes);
}

// Rows up to 255, of an image or an icon.
std::string Describe(Input* in) {
  std::string out;
  const uint8_t choice = in->Byte();
  AppendShort(&out, {0x0028, 0x0002}, choice & 0x40 ? 3 : 1);
  dicom::DataSetWriter(&out).Add({0x0028, 0x0004}, Vr("CS"), kPhotometrics[choice & 7]);
  if (choice & 0x40) AppendShort(&out, {0x0028, 0x0006}, choice >> 7);
  if (choice & 8) dicom::DataSetWriter(&out).Add({0x0028, 0x0008}, Vr("IS"), std::to_string(in->Byte() % 8));
  AppendShort(&out, {0x0028, 0x0010}, choice & 0x10 ? in->Short() : in->Byte() % 16);
  AppendShort(&out, {0x0028, 0x0011}, choice & 0x10 ? in->Short() : in->Byte() % 16);
  AppendShort(&out, {0x0028, 0x0100}, in->Byte());
  AppendShort(&out, {0x0028, 0x0101}, in->Byte());
  AppendShort(&out, {0x0028, 0x0102}, in->Byte());
  AppendShort(&out, {0x0028, 0x0103}, in->Byte() & 1);
  return out;
}

std::string Item(const std::string& content) {
  std::string item("\xFE\xFF\x00\xE0", 4);
  AppendLe<uint32_t>(&item, static_cast<uint32_t>(content.size()));
  return item + content;
}

// Pixel Data as fragments of the input, or native.
void AppendPixels(Input* in, bool encapsulated, std::string* out) {
  constexpr Tag kPixelData{0x7FE0, 0x0010};
  if (!encapsulated) {
    const uint16_t bytes = in->Short();
    dicom::DataSetWriter(out).Add(kPixelData, Vr("OW"), in->Take(bytes % 4096));
    return;
  }
  out->append("\xE0\x7F\x10\x00OB\x00\x00\xFF\xFF\xFF\xFF", 12).append(Item(""));
  for (int i = in->Byte() % 4; i >= 0; --i) {
    std::string fragment(in->Take(in->Byte()));
    if (fragment.size() % 2 != 0) fragment.push_back('\0');
    out->append(Item(fragment));
  }
  out->append("\xFE\xFF\xDD\xE0\0\0\0\0", 8);
}

void AppendOverlay(Input* in, uint16_t group, std::string* out) {
  AppendShort(out, {group, 0x0010}, in->Short());
  AppendShort(out, {group, 0x0011}, in->Short());
  dicom::DataSetWriter(out).Add({group, 0x0015}, Vr("IS"), std::to_string(in->Byte()));
  std::string origin;
  AppendLe(&origin, in->Short());
  AppendLe(&origin, in->Short());
  dicom::DataSetWriter(out).Add({group, 0x0050}, Vr("SS"), origin);
  AppendShort(out, {group, 0x0100}, in->Byte());
  AppendShort(out, {group, 0x0102}, in->Byte());
}

std::string MakeFile(Input* in, std::string_view syntax) {
  const bool encapsulated = syntax != kExplicit;
  std::string file = dicom::Part10Writer("1.2.840.10008.5.1.4.1.1.7", "1.2.3", syntax).Take();
  file += Describe(in);
  const uint8_t parts = in->Byte();
  if (parts & 1) {
    std::string icon = Describe(in);
    AppendPixels(in, encapsulated && (parts & 2), &icon);
    dicom::DataSetWriter(&file).Add({0x0088, 0x0200}, Vr("SQ"), Item(icon));
  }
  if (parts & 4) AppendOverlay(in, 0x6000, &file);
  if (parts & 8) AppendOverlay(in, 0x6002, &file);
  AppendPixels(in, encapsulated, &file);
  return file;
}

// Encoders of libraries are for pixel_worker_fuzz.
bool IsOurs(const TransferSyntax& syntax) {
  return syntax.coding == Coding::kNative || syntax.coding == Coding::kRle || syntax.coding == Coding::kDeflatedFrame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  constexpr std::string_view kStored[] = {kExplicit, kRle, kDeflatedFrames};
  const std::string file = MakeFile(&in, kStored[in.Byte() % 3]);
  LocalCodec codec;
  const TranscodeOptions options{.decode = {.max_frame_bytes = 1 << 20}};
  for (const TransferSyntax& target : TransferSyntaxes()) {
    const Status room = CheckTranscode(file, target.uid, options);
    if (!IsOurs(target) || !target.can_encode) continue;
    std::string out;
    const Status status = Transcode(file, target.uid, options, codec, [&](Bytes bytes) {
      out.append(bytes);
      return out.size() < (8 << 20) ? Status::Ok() : LimitExceeded("large");
    });
    if (status.ok() && !room.ok()) std::abort();  // there was room after all
    if (status.ok() && !Instance::Open(out).ok()) std::abort();
  }
  return 0;
}
