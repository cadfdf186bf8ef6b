#include "codecs/pixel/transcode.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "codecs/dicom/attributes.h"
#include "codecs/dicom/values.h"
#include "codecs/pixel/instance.h"
#include "tests/codecs/dicom/part10_builder.h"
#include "tests/codecs/pixel/generated.h"
#include "tests/codecs/pixel/instances.h"

namespace hilum::pixel {
namespace {

using dicom::Tag;
using dicom::Vr;
using testing::ImageSpec;
using testing::MakeImage;
using testing::MakeInstance;
using testing::TranscodeToString;

constexpr std::string_view kExplicit = "1.2.840.10008.1.2.1", kImplicit = "1.2.840.10008.1.2",
                           kDeflated = "1.2.840.10008.1.2.1.99", kRle = "1.2.840.10008.1.2.5",
                           kBaseline = "1.2.840.10008.1.2.4.50", kHtj2k = "1.2.840.10008.1.2.4.201",
                           kJpeg2000 = "1.2.840.10008.1.2.4.91";

// Pixels of all frames, decoded.
std::string AllPixels(Bytes file) {
  const Result<Instance> instance = Instance::Open(file);
  if (!instance.ok()) return instance.status().ToString();
  std::string pixels, storage;
  for (uint32_t i = 0; i < instance->frames(); ++i) {
    const Result<Bytes> frame = instance->Frame(i, &storage);
    if (!frame.ok()) return frame.status().ToString();
    const Result<Image> image = Decode(instance->syntax().uid, *frame, instance->format());
    if (!image.ok()) return image.status().ToString();
    pixels += image->pixels;
  }
  return pixels;
}

std::string Value(Bytes file, Tag tag) {
  const auto header = dicom::ReadHeader(file, dicom::AttributeSelection({{tag}}), {});
  if (!header.ok()) return header.status().ToString();
  const dicom::Attribute* attribute = header->Find(tag);
  if (attribute == nullptr) return "(none)";
  std::string text;
  for (const std::string& value : attribute->values) text += (text.empty() ? "" : "\\") + value;
  return text;
}

std::string Multiframe(const ImageSpec& base, uint32_t frames) {
  testing::InstanceSpec spec{.frames = frames};
  for (uint32_t i = 0; i < frames; ++i) {
    ImageSpec one = base;
    one.seed = i + 1;
    const Image image = MakeImage(one);
    spec.format = image.format;
    spec.pixels += image.pixels;
  }
  return MakeInstance(spec);
}

TEST(InstanceTest, TakesTheKeptTableOfItsFramesWhereThatFits) {
  const Image image = MakeImage({.rows = 16, .columns = 16});
  const std::string native =
      MakeInstance({.format = image.format, .frames = 3, .pixels = image.pixels + image.pixels + image.pixels});
  const Result<std::string> file = TranscodeToString(native, kRle);
  ASSERT_TRUE(file.ok());
  const Result<Instance> walked = Instance::Open(*file);
  ASSERT_TRUE(walked.ok());
  dicom::FrameTable table;
  for (uint32_t frame = 0; frame < 3; ++frame) {
    table.first_range.push_back(frame);
    table.ranges.push_back(walked->Ranges(frame).front());
  }
  table.first_range.push_back(3);
  // Fragments that cannot be walked through any more tell which of the two was used.
  std::string broken = *file;
  broken.replace(walked->Ranges(1).front().offset - 8, 8, "no item!");
  ASSERT_FALSE(Instance::Open(broken).ok());
  const Result<Instance> kept = Instance::Open(broken, {}, table);
  ASSERT_TRUE(kept.ok()) << kept.status().ToString();
  std::string storage;
  for (uint32_t frame = 0; frame < 3; ++frame)
    EXPECT_TRUE(*kept->Frame(frame, &storage) == *walked->Frame(frame, &storage));
  dicom::FrameTable beyond = table, of_two = table;
  beyond.ranges[2].length = file->size();
  of_two.first_range.pop_back();
  for (const dicom::FrameTable& other : {beyond, of_two}) {
    EXPECT_FALSE(Instance::Open(broken, {}, other).ok());
    EXPECT_TRUE(Instance::Open(*file, {}, other).ok());
  }
}

TEST(Transcode, ThereAndBackIsTheSameFile) {
  const std::vector<ImageSpec> kinds = {
      {.bits_allocated = 16, .bits_stored = 12, .is_signed = true},
      {.bits_allocated = 8, .bits_stored = 8},
      {.bits_allocated = 16, .bits_stored = 16, .samples = 3, .photometric = Photometric::kRgb},
  };
  for (const ImageSpec& kind : kinds) {
    const std::string file = Multiframe(kind, 3);
    for (const TransferSyntax& syntax : TransferSyntaxes()) {
      if (!syntax.can_encode || syntax.lossy_only) continue;
      const Result<std::string> there = TranscodeToString(file, syntax.uid);
      ASSERT_TRUE(there.ok()) << syntax.name << ": " << there.status().message();
      EXPECT_EQ(Value(*there, {0x0028, 0x2110}), "(none)");
      const Result<Instance> instance = Instance::Open(*there);
      ASSERT_TRUE(instance.ok()) << syntax.name << ": " << instance.status().message();
      EXPECT_EQ(instance->layout().transfer_syntax, syntax.uid);
      EXPECT_EQ(instance->frames(), 3u);
      const Result<std::string> back = TranscodeToString(*there, kExplicit);
      ASSERT_TRUE(back.ok()) << syntax.name << ": " << back.status().message();
      // Implicit VR does not keep that 8-bit pixels were OB; both are right for the way back.
      if (syntax.uid == kImplicit) {
        EXPECT_TRUE(AllPixels(*back) == AllPixels(file));
      } else {
        EXPECT_TRUE(*back == file) << syntax.name;
      }
    }
  }
}

// By the number of the element; UIDs without padding.
std::map<uint16_t, std::string> MetaOf(Bytes file) {
  std::map<uint16_t, std::string> meta;
  const auto header = dicom::ReadHeader(file, dicom::AttributeSelection({}), {});
  if (!header.ok()) return meta;
  for (const dicom::Element& e : header->layout.meta)
    meta[e.tag.element] = e.vr == Vr("UI") ? std::string(dicom::TrimPadding(e.vr, e.value)) : std::string(e.value);
  meta.erase(0);
  return meta;
}

TEST(Transcode, FileMetaInformationKeepsWhatItHasAndGetsWhatItMustHave) {
  const std::string whole = Multiframe({}, 1);
  const auto header = dicom::ReadHeader(whole, dicom::AttributeSelection({}), {});
  ASSERT_TRUE(header.ok());
  const std::string data_set = whole.substr(header->layout.data_set_offset);
  std::string sparse = std::string(128, '\0') + "DICM";
  dicom::DataSetWriter meta(&sparse);
  meta.Add(dicom::tags::kMediaStorageSopInstanceUid, Vr("UI"), "1.2.3.4");
  meta.Add(dicom::tags::kTransferSyntaxUid, Vr("UI"), kExplicit);
  meta.Add(dicom::tags::kImplementationClassUid, Vr("UI"), "");
  meta.Add({0x0002, 0x0016}, Vr("AE"), "SOURCE");
  sparse += data_set;

  std::map<uint16_t, std::string> expected = {{0x0001, std::string("\0\1", 2)},
                                              {0x0002, "1.2.840.10008.5.1.4.1.1.7"},
                                              {0x0003, "1.2.3.4"},
                                              {0x0010, std::string(kRle)},
                                              {0x0012, std::string(dicom::kImplementationClassUid)}};
  for (const std::string& file : {whole, data_set}) {
    const auto made = TranscodeToString(file, kRle);
    ASSERT_TRUE(made.ok()) << made.status().message();
    EXPECT_EQ(MetaOf(*made), expected);
  }
  expected[0x0016] = "SOURCE";
  const auto made = TranscodeToString(sparse, kRle);
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_EQ(MetaOf(*made), expected);
}

TEST(Transcode, SingleBitsRunOnFromFrameToFrame) {
  // 15 pixels a frame: the second frame begins inside a byte.
  const FrameFormat format{.rows = 3, .columns = 5, .bits_allocated = 1, .bits_stored = 1};
  const std::string file = MakeInstance({.format = format, .frames = 2, .pixels = std::string("\xFF\x7F\x01\x20", 4)});
  for (const std::string_view to : {kRle, kHtj2k, std::string_view("1.2.840.10008.1.2.8.1")}) {
    const Result<std::string> there = TranscodeToString(file, to);
    ASSERT_TRUE(there.ok()) << there.status().message();
    EXPECT_EQ(AllPixels(*there), AllPixels(file));
    const Result<std::string> back = TranscodeToString(*there, kExplicit);
    ASSERT_TRUE(back.ok()) << back.status().message();
    EXPECT_EQ(AllPixels(*back), AllPixels(file));
  }
  EXPECT_EQ(AllPixels(file), std::string("\xFF\x7F\x02\x40", 4));
}

TEST(Transcode, LossIsWrittenDown) {
  const Image image = MakeImage({.rows = 64,
                                 .columns = 64,
                                 .bits_allocated = 8,
                                 .bits_stored = 8,
                                 .samples = 3,
                                 .photometric = Photometric::kRgb});
  const std::string file = MakeInstance({.format = image.format, .pixels = image.pixels});
  const Result<std::string> once = TranscodeToString(file, kBaseline);
  ASSERT_TRUE(once.ok()) << once.status().message();
  EXPECT_EQ(Value(*once, {0x0028, 0x2110}), "01");
  EXPECT_EQ(Value(*once, {0x0028, 0x2114}), "ISO_10918_1");
  EXPECT_GT(std::stod(Value(*once, {0x0028, 0x2112})), 1.5);
  EXPECT_EQ(Value(*once, {0x0028, 0x0004}), "YBR_FULL_422");
  const Result<std::string> twice = TranscodeToString(*once, kJpeg2000, {.encode = {.allow_lossy = true}});
  ASSERT_TRUE(twice.ok()) << twice.status().message();
  EXPECT_EQ(Value(*twice, {0x0028, 0x2114}), "ISO_10918_1\\ISO_15444_1");
  EXPECT_EQ(Value(*twice, {0x0028, 0x0004}), "YBR_ICT");
  const Result<std::string> native = TranscodeToString(*twice, kImplicit);
  ASSERT_TRUE(native.ok()) << native.status().message();
  EXPECT_EQ(Value(*native, {0x0028, 0x2110}), "01");
  EXPECT_EQ(Value(*native, {0x0028, 0x0004}), "RGB");
  EXPECT_EQ(Value(*native, {0x0010, 0x0010}), "Doe^Jane");
}

TEST(Transcode, OffsetTablesAreFilledWithinTheBudget) {
  const std::string file = Multiframe({.rows = 20, .columns = 21}, 4);
  const Result<std::string> table = TranscodeToString(file, kRle);
  const Result<std::string> none = TranscodeToString(file, kRle, {.offset_table_bytes = 1});
  ASSERT_TRUE(table.ok() && none.ok());
  EXPECT_EQ(table->size(), none->size() + 16);
  EXPECT_EQ(AllPixels(*table), AllPixels(file));
  EXPECT_EQ(AllPixels(*none), AllPixels(file));
  // Given memory for one frame more than the one at hand
  MemoryAllowance small(1000), large(100'000);
  const Result<std::string> tight = TranscodeToString(file, kRle, {.held = &small});
  const Result<std::string> wide = TranscodeToString(file, kRle, {.held = &large});
  ASSERT_TRUE(tight.ok() && wide.ok());
  EXPECT_TRUE(*tight == *none);
  EXPECT_TRUE(*wide == *table);
  EXPECT_EQ(small.left(), 1000u) << "it is given back";
  EXPECT_EQ(large.left(), 100'000u);
}

TEST(Transcode, ADeflatedDataSetIsInflatedTwiceAtMostAtATime) {
  const Image image = MakeImage({.rows = 300, .columns = 300});
  const Result<std::string> file =
      TranscodeToString(MakeInstance({.format = image.format, .pixels = image.pixels}), kDeflated);
  ASSERT_TRUE(file.ok()) << file.status().message();
  MemoryAllowance plenty(100 << 20);
  const Result<Instance> instance = Instance::Open(*file, {.inflated_memory = &plenty});
  ASSERT_TRUE(instance.ok());
  const uint64_t once = (100 << 20) - plenty.left();
  MemoryAllowance enough(2 * once);
  EXPECT_TRUE(TranscodeToString(*file, kImplicit, {.read = {.inflated_memory = &enough}}).ok());
  EXPECT_EQ(enough.left(), 2 * once) << "it is given back";
}

TEST(Transcode, SequencesAndPrivateElementsSurvive) {
  const Image image = MakeImage({.rows = 4, .columns = 4});
  std::string items;
  AppendLe<uint32_t>(&items, 0xE000FFFE);
  AppendLe<uint32_t>(&items, 16);
  items += std::string(
      "\x08\x00\x50\x11UI\x08\x00"
      "1.2.3.4\0",
      16);
  const std::string file =
      MakeInstance({.format = image.format, .pixels = image.pixels, .before_pixels = [&](dicom::Part10Writer* out) {
                      out->Add({0x0029, 0x0010}, Vr("LO"), "Somebody");
                      out->Add({0x0029, 0x1001}, Vr("FD"), std::string(8, 'x'));
                      out->Add({0x0040, 0x0275}, Vr("SQ"), items);
                    }});
  for (const std::string_view to : {kImplicit, kDeflated, kRle}) {
    const Result<std::string> there = TranscodeToString(file, to);
    ASSERT_TRUE(there.ok()) << there.status().message();
    const auto header =
        dicom::ReadHeader(*there, dicom::AttributeSelection({{Tag(0x0040, 0x0275), Tag(0x0008, 0x1150)}}), {});
    ASSERT_TRUE(header.ok()) << header.status().message();
    ASSERT_EQ(header->attributes.size(), 1u);
    EXPECT_EQ(header->attributes[0].values.at(0), "1.2.3.4");
    EXPECT_EQ(Value(*there, {0x0029, 0x0010}), "Somebody");
  }
}

// An image in RLE with an icon, 8 bits each; the icon has these fragments.
std::string WithIcon(const Image& image, const std::vector<Bytes>& icon_fragments) {
  dicom::Part10Writer icon("", "", kRle);
  const size_t head = icon.Take().size();
  icon = dicom::Part10Writer("", "", kRle);
  dicom::Part10Writer out("1.2.840.10008.5.1.4.1.1.7", "1.2.3.4", kRle);
  for (dicom::Part10Writer* const data_set : {&icon, &out}) {
    data_set->AddUint16({0x0028, 0x0002}, 1);
    data_set->Add({0x0028, 0x0004}, Vr("CS"), "MONOCHROME2");
    data_set->AddUint16({0x0028, 0x0010}, static_cast<uint16_t>(image.format.rows));
    data_set->AddUint16({0x0028, 0x0011}, static_cast<uint16_t>(image.format.columns));
    for (const auto& [element, value] : {std::pair(0x0100, 8), std::pair(0x0101, 8), std::pair(0x0102, 7)})
      data_set->AddUint16({0x0028, static_cast<uint16_t>(element)}, static_cast<uint16_t>(value));
    data_set->AddUint16({0x0028, 0x0103}, 0);
  }
  icon.AddFragments({0x7FE0, 0x0010}, icon_fragments);
  const std::string elements = icon.Take().substr(head);
  std::string item;
  AppendLe<uint32_t>(&item, 0xE000FFFE);
  AppendLe<uint32_t>(&item, static_cast<uint32_t>(elements.size()));
  out.Add({0x0088, 0x0200}, Vr("SQ"), item + elements);
  const auto frame = Encode(image, kRle);
  out.AddFragments({0x7FE0, 0x0010}, std::vector<Bytes>{frame->bytes});
  return out.Take();
}

TEST(Transcode, AnEncapsulatedIconBecomesNative) {
  const Image image = MakeImage({.rows = 16, .columns = 16, .bits_allocated = 8, .bits_stored = 8, .noise = 90});
  const auto icon = Encode(image, kRle);
  ASSERT_TRUE(icon.ok());
  const std::string file = WithIcon(image, {icon->bytes});
  for (const std::string_view to : {kExplicit, kImplicit, kHtj2k, std::string_view("1.2.840.10008.1.2.4.80")}) {
    const Result<std::string> there = TranscodeToString(file, to);
    ASSERT_TRUE(there.ok()) << there.status().message();
    EXPECT_TRUE(AllPixels(*there) == image.pixels) << to;
    const size_t at = there->find(image.pixels);
    ASSERT_TRUE(at != std::string::npos) << to << ": the pixels of the icon, as they are";
    EXPECT_TRUE(there->find(icon->bytes) == std::string::npos) << to;
    std::string length;
    AppendLe(&length, static_cast<uint32_t>(image.pixels.size()));
    EXPECT_TRUE(there->substr(at - 4, 4) == length) << to;
  }
  EXPECT_TRUE(*TranscodeToString(file, kRle) == *TranscodeToString(file, kRle));
  EXPECT_TRUE(TranscodeToString(file, kRle)->find(icon->bytes) != std::string::npos) << "in its own syntax";
}

TEST(Transcode, AnIconThatCannotBeDecodedIsLeftOutAndSaidSo) {
  const Image image = MakeImage({.rows = 16, .columns = 16, .bits_allocated = 8, .bits_stored = 8});
  const std::string file = WithIcon(image, {"no segments, nothing"});
  ASSERT_EQ(Value(file, {0x0088, 0x0200}), "");
  for (const std::string_view to : {kExplicit, kHtj2k}) {
    std::string remarks;
    TranscodeOptions options;
    options.remark = [&](std::string_view what) { remarks += what; };
    const Result<std::string> there = TranscodeToString(file, to, options);
    ASSERT_TRUE(there.ok()) << there.status().message();
    EXPECT_EQ(Value(*there, {0x0088, 0x0200}), "(none)");
    EXPECT_EQ(remarks, "the icon image was left out: it cannot be decoded");
    EXPECT_TRUE(AllPixels(*there) == image.pixels);
  }
}

TEST(Transcode, OverlaysInUnusedBitsBecomeOverlayData) {
  for (const bool is_signed : {false, true}) {
    constexpr uint32_t kFrames = 2, kRows = 7, kColumns = 9, kFrameCells = kRows * kColumns;
    const ImageSpec kind{.rows = kRows, .columns = kColumns, .bits_stored = 12, .is_signed = is_signed};
    std::string plain, pixels, drawn(kFrames * kFrameCells / 8 + 1, '\0');
    for (uint32_t frame = 0; frame < kFrames; ++frame) plain += MakeImage(kind).pixels;
    for (uint32_t i = 0; i < kFrames * kFrameCells; ++i) {
      const bool set = i % 5 == 0 || i % 7 == 3;
      auto cell = LoadLe<uint16_t>(plain.data() + 2 * size_t{i});
      cell = static_cast<uint16_t>((cell & 0x0FFF) | (set ? 0x1000 : 0));
      AppendLe(&pixels, cell);
      if (set) drawn[i / 8] = static_cast<char>(drawn[i / 8] | 1 << i % 8);
    }
    // In its other unused bits a signed value has no sign here: it is not lost either.
    for (size_t at = 1; is_signed && at < plain.size(); at += 2)
      plain[at] = static_cast<char>((plain[at] & 0x0F) | (plain[at] & 0x08 ? 0x10 : 0));
    const std::string file = MakeInstance({.format = testing::FormatOf(kind), .frames = kFrames, .pixels = pixels});
    const size_t before_pixels = file.size() - pixels.size() - 12;
    std::string overlay;
    const auto number = [&](uint16_t element, const char* vr, const std::string& value) {
      dicom::DataSetWriter(&overlay).Add({0x6000, element}, Vr(vr[0], vr[1]), value);
    };
    number(0x0010, "US", std::string("\x07\0", 2));
    number(0x0011, "US", std::string("\x09\0", 2));
    number(0x0040, "CS", "G ");
    number(0x0050, "SS", std::string("\x01\0\x01\0", 4));
    number(0x0100, "US", std::string("\x10\0", 2));
    number(0x0102, "US", std::string("\x0C\0", 2));
    const std::string with = file.substr(0, before_pixels) + overlay + file.substr(before_pixels);
    const Result<Instance> before = Instance::Open(with);
    ASSERT_TRUE(before.ok() && before->overlays().size() == 1);
    EXPECT_TRUE(before->format().embeds_overlays);
    for (const std::string_view to : {kRle, kHtj2k, std::string_view("1.2.840.10008.1.2.4.80")}) {
      const Result<std::string> there = TranscodeToString(with, to);
      ASSERT_TRUE(there.ok()) << there.status().message();
      const Result<Instance> after = Instance::Open(*there);
      ASSERT_TRUE(after.ok() && after->overlays().size() == 1) << to;
      EXPECT_FALSE(after->format().embeds_overlays) << to;
      EXPECT_EQ(after->overlays()[0].frames, kFrames);
      EXPECT_TRUE(after->overlays()[0].bits.starts_with(drawn)) << to;
      EXPECT_EQ(Value(*there, {0x6000, 0x0100}), "1");
      EXPECT_EQ(Value(*there, {0x6000, 0x0102}), "0");
      EXPECT_TRUE(AllPixels(*there) == plain) << to << is_signed;
    }
    EXPECT_TRUE(AllPixels(*TranscodeToString(with, kImplicit)) == pixels) << "native pixels have room for them";
  }
}

TEST(Transcode, ColoursThatAreNotKnownKeepTheirName) {
  const Image image =
      MakeImage({.bits_allocated = 8, .bits_stored = 8, .samples = 3, .photometric = Photometric::kRgb});
  std::string file = MakeInstance({.format = image.format, .pixels = image.pixels});
  file.replace(file.find("RGB "), 4, "HSV ");
  for (const std::string_view to : {kJpeg2000, kHtj2k, kRle}) {
    const Result<std::string> there = TranscodeToString(file, to);
    ASSERT_TRUE(there.ok()) << there.status().message();
    EXPECT_EQ(Value(*there, {0x0028, 0x0004}), "HSV") << to;
    EXPECT_TRUE(AllPixels(*there) == image.pixels) << to;
  }
  EXPECT_EQ(TranscodeToString(file, kBaseline).status().code(), Code::kUnsupported);
}

TEST(Transcode, EightBitsInSixteenBecomeEightInBaselineJpeg) {
  const Image image = MakeImage({.bits_allocated = 16, .bits_stored = 8, .noise = 0});
  const std::string file = MakeInstance({.format = image.format, .pixels = image.pixels});
  const Result<std::string> there = TranscodeToString(file, kBaseline);
  ASSERT_TRUE(there.ok()) << there.status().message();
  EXPECT_TRUE(AllPixels(*TranscodeToString(file, "1.2.840.10008.1.2.4.51")) == AllPixels(*there));
  EXPECT_EQ(Value(*there, {0x0028, 0x0100}), "8");
  EXPECT_EQ(Value(*there, {0x0028, 0x0101}), "8");
  const Result<Instance> instance = Instance::Open(*there);
  ASSERT_TRUE(instance.ok()) << instance.status().message();
  const std::string pixels = AllPixels(*there);
  ASSERT_EQ(pixels.size() * 2, image.pixels.size());
  for (size_t i = 0; i < pixels.size(); ++i)
    ASSERT_NEAR(static_cast<uint8_t>(pixels[i]), static_cast<uint8_t>(image.pixels[2 * i]), 12);
  std::string more = image.pixels;
  more[1] = 1;  // a value of nine bits
  EXPECT_EQ(TranscodeToString(MakeInstance({.format = image.format, .pixels = more}), kBaseline).status().code(),
            Code::kUnsupported);
}

TEST(Transcode, NativeFramesThatAreThereAreReadWhenOthersAreMissing) {
  const std::string whole = Multiframe({.rows = 4, .columns = 4}, 3);
  std::string file = whole.substr(0, whole.size() - 20);  // half of the last one
  const size_t length = file.find(std::string("\xE0\x7F\x10\x00OW\0\0", 8)) + 8;
  file[length] = static_cast<char>(file[length] - 20);
  const Result<Instance> instance = Instance::Open(file);
  ASSERT_TRUE(instance.ok()) << instance.status().message();
  EXPECT_EQ(instance->frames(), 2u);
  EXPECT_EQ(instance->missing_frames(), 1u);
  EXPECT_TRUE(AllPixels(file) == AllPixels(whole).substr(0, 64));
  EXPECT_EQ(TranscodeToString(file, kRle).status().code(), Code::kInvalid) << "it would hide that there are more";
}

TEST(Transcode, NumbersOfUnknownVrAreLittleEndianBeforeAndAfter) {
  using dicom::testing::DataSet, dicom::testing::kExplicitBig;
  const std::string file = dicom::testing::Part10(DataSet(kExplicitBig)
                                                      .Numbers({0x0028, 0x0002}, "US", {1})
                                                      .Text({0x0028, 0x0004}, "CS", "MONOCHROME2")
                                                      .Numbers({0x0028, 0x0010}, "US", {1})
                                                      .Numbers({0x0028, 0x0011}, "US", {2})
                                                      .Numbers({0x0028, 0x0100}, "US", {8})
                                                      .Raw({0x0028, 0x0101}, "UN", std::string_view("\7\0", 2))
                                                      .Numbers({0x0028, 0x0102}, "US", {6})
                                                      .Numbers({0x0028, 0x0103}, "US", {0})
                                                      .Raw({0x7FE0, 0x0010}, "OB", "ab"));
  const Result<std::string> out = TranscodeToString(file, kExplicit);
  ASSERT_TRUE(out.ok()) << out.status().message();
  for (const std::string& one : {file, *out}) {
    const Result<Instance> instance = Instance::Open(one);
    ASSERT_TRUE(instance.ok()) << instance.status().message();
    EXPECT_EQ(instance->format().bits_stored, 7);
  }
}

TEST(Transcode, RefusesWithReasons) {
  const Image image = MakeImage({.bits_stored = 16});
  const std::string file = MakeInstance({.format = image.format, .pixels = image.pixels});
  EXPECT_EQ(TranscodeToString(file, kBaseline).status().code(), Code::kUnsupported);
  EXPECT_EQ(TranscodeToString(file, "1.2.840.10008.1.2.2").status().code(), Code::kUnsupported);
  EXPECT_EQ(TranscodeToString(file, "1.2.3").status().code(), Code::kUnsupported);
  EXPECT_EQ(TranscodeToString("no DICOM", kExplicit).status().code(), Code::kInvalid);
  EXPECT_TRUE(CanTranscode(kRle, kHtj2k));
  EXPECT_FALSE(CanTranscode(kRle, "1.2.840.10008.1.2.2"));
  EXPECT_FALSE(CanTranscode("1.2.840.10008.1.2.4.100", kExplicit));
}

TEST(Transcode, ASinkThatFailsEndsTheWork) {
  const std::string file = Multiframe({}, 3);
  LocalCodec codec;
  int calls = 0;
  const Status status =
      Transcode(file, kRle, {}, codec, [&](Bytes) { return ++calls == 2 ? Cancelled("enough") : Status::Ok(); });
  EXPECT_EQ(status.code(), Code::kCancelled);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace hilum::pixel
