// Real files: every codec against the uncompressed references, and everything there is through decoding and rendering.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "codecs/pixel/instance.h"
#include "codecs/pixel/render.h"
#include "tests/codecs/pixel/generated.h"
#include "tests/codecs/pixel/instances.h"

namespace hilum::pixel {
namespace {

const std::string kData = std::string(HILUM_TEST_DATA) + "/dicom";
const std::string kPydicom = "/usr/lib/python3/dist-packages/pydicom/data/test_files";

bool HaveData() {
  return std::filesystem::is_directory(kData);
}

Result<Image> FirstFrame(const std::string& path) {
  const std::string file = testing::ReadFileOrEmpty(path);
  HILUM_ASSIGN_OR_RETURN(const Instance instance, Instance::Open(file));
  std::string storage;
  HILUM_ASSIGN_OR_RETURN(const Bytes frame, instance.Frame(0, &storage));
  return Decode(instance.syntax().uid, frame, instance.format());
}

struct Pair {
  std::string coded, reference;
  double greatest;  // difference of a sample; 0: bit-exact
};

void Compare(const std::string& folder, const std::vector<Pair>& pairs) {
  for (const Pair& pair : pairs) {
    const Result<Image> coded = FirstFrame(folder + pair.coded), reference = FirstFrame(folder + pair.reference);
    ASSERT_TRUE(coded.ok()) << pair.coded << ": " << coded.status().message();
    ASSERT_TRUE(reference.ok()) << pair.reference << ": " << reference.status().message();
    ASSERT_EQ(coded->pixels.size(), reference->pixels.size()) << pair.coded;
    EXPECT_LE(testing::GreatestDifference(*coded, *reference), pair.greatest) << pair.coded;
  }
}

TEST(Corpus, CodecsAgreeWithTheUncompressedReferences) {
  if (!HaveData()) GTEST_SKIP() << "no test data";
  // The lossy ones are coarse: what counts is that no row, sign or scale is wrong.
  Compare(kData + "/wg04/",
          {
              {"CT1_J2KR", "CT1_UNC", 0},   {"CT1_JLSL", "CT1_UNC", 0},    {"CT1_JPLL", "CT1_UNC", 0},
              {"CT1_RLE", "CT1_UNC", 0},    {"CT1_JLSN", "CT1_UNC", 10},   {"MR1_J2KR", "MR1_UNC", 0},
              {"MR1_JLSL", "MR1_UNC", 0},   {"MR1_JPLL", "MR1_UNC", 0},    {"MR1_RLE", "MR1_UNC", 0},
              {"MR1_JLSN", "MR1_UNC", 10},  {"MR3_J2KR", "MR3_UNC", 0},    {"MR3_JLSL", "MR3_UNC", 0},
              {"MR3_JPLL", "MR3_UNC", 0},   {"MR3_RLE", "MR3_UNC", 0},     {"MR3_JLSN", "MR3_UNC", 10},
              {"NM1_J2KR", "NM1_UNC", 0},   {"NM1_JLSL", "NM1_UNC", 0},    {"NM1_RLE", "NM1_UNC", 0},
              {"NM1_JLSN", "NM1_UNC", 10},  {"VL1_J2KR", "VL1_UNC", 0},    {"VL1_RLE", "VL1_UNC", 0},
              {"XA1_JLSL", "XA1_J2KR", 0},  {"XA1_JPLL", "XA1_J2KR", 0},   {"XA1_RLE", "XA1_J2KR", 0},
              {"XA1_JLSN", "XA1_J2KR", 10}, {"VL1_J2KI", "VL1_UNC", 160},  {"MR1_JPLY", "MR1_UNC", 400},
              {"MR3_JPLY", "MR3_UNC", 400}, {"XA1_JPLY", "XA1_J2KR", 130},
          });
}

TEST(Corpus, OneImageInFifteenSyntaxes) {
  if (!HaveData()) GTEST_SKIP() << "no test data";
  const std::string plain = "CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm";
  std::vector<Pair> pairs;
  for (const std::string name :
       {"BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2",
        "DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99",
        "JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90",
        "JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80", "JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70",
        "JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57", "LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2",
        "RLELosslessTransferSyntax_1.2.840.10008.1.2.5"}) {
    pairs.push_back({"CTImage.dcm_" + name + ".dcm", plain, 0});
  }
  pairs.push_back({"CTImage.dcm_JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91.dcm", plain, 120});
  pairs.push_back({"CTImage.dcm_JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm", plain, 10});
  Compare(kData + "/cornerstone/", pairs);
}

TEST(Corpus, ColoursOfTestPatternsAgree) {
  if (!HaveData()) GTEST_SKIP() << "no test data";
  const auto picture = [](const std::string& name) -> Picture {
    const std::string file = testing::ReadFileOrEmpty(kData + "/" + name);
    const Result<Instance> instance = Instance::Open(file);
    if (!instance.ok()) return {};
    LocalCodec codec;
    Result<Picture> rendered = RenderPicture(*instance, 0, {}, codec);
    return rendered.ok() ? *std::move(rendered) : Picture{};
  };
  const auto mean = [](const Picture& a, const Picture& b) -> double {
    if (a.samples.size() != b.samples.size() || a.samples.empty()) return 1e9;
    double sum = 0;
    for (size_t i = 0; i < a.samples.size(); ++i)
      sum += std::abs(static_cast<uint8_t>(a.samples[i]) - static_cast<uint8_t>(b.samples[i]));
    return sum / static_cast<double>(a.samples.size());
  };
  const Picture pattern = picture("cornerstone/TestPattern_RGB.dcm");
  for (const std::string name : {"JPEG-Baseline_YBR422", "JPEG-Baseline_YBRFull", "JPEG-LS-Lossless",
                                 "JPEG-LS-NearLossless", "JPEG-Lossless_RGB", "Palette", "Palette_16"}) {
    EXPECT_LT(mean(pattern, picture("cornerstone/TestPattern_" + name + ".dcm")), 8) << name;
  }
  const std::string from = "ms-dicom-server/TranscoderTestsFiles_Decode_From";
  for (const std::string name : {"JPEG2000Lossless", "JPEG2000Lossy", "JPEGProcess1"}) {
    EXPECT_LT(mean(picture(from + name + "_Input.dcm"), picture(from + name + "_ExpectedOutput.dcm")), 0.6) << name;
  }
}

// Files that are damaged, by intent of their makers or not: what is refused, and no others.
const std::map<std::string, Code> kRefused = {
    {"JPEG2000-embedded-sequence-delimiter.dcm", Code::kInvalid},
    {"2026-05-26-oob-monochrome-46341.dcm", Code::kInvalid},
    {"2026-05-26-oob-monochrome-65535.dcm", Code::kInvalid},
    {"rtplan_truncated.dcm", Code::kInvalid},
    {"meta_missing_tsyntax.dcm", Code::kInvalid},
    {"nested_priv_SQ.dcm", Code::kInvalid},
    {"2026-05-06-Deeply-Nested-Sequence.dcm", Code::kLimit},
    {"no_meta.dcm", Code::kInvalid},
    {"MR_truncated.dcm", Code::kInvalid},
    {"DICOMDIR-nooffset", Code::kInvalid},
};

void TryEverything(const std::string& folder) {
  LocalCodec codec;
  size_t images = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (!entry.is_regular_file() || name.ends_with(".tsv") || name.ends_with(".txt") || name.ends_with(".json") ||
        name.ends_with(".dump") || name.ends_with(".gz") || name == "README") {
      continue;
    }
    const std::string file = testing::ReadFileOrEmpty(entry.path());
    const Result<Instance> instance = Instance::Open(file);
    Status status = instance.status();
    if (status.code() == Code::kNotFound) continue;
    if (status.ok()) {
      const uint32_t last = instance->frames() - 1;
      status = Render(*instance, last, {}, codec).status();
      if (status.ok())
        status = Render(*instance, 0, ThumbnailOptions(*instance, 128, PictureType::kJpeg), codec).status();
      if (status.ok()) ++images;
    }
    const auto refused = kRefused.find(name);
    EXPECT_EQ(status.code(), refused == kRefused.end() ? Code::kOk : refused->second)
        << entry.path() << ": " << status.message();
  }
  EXPECT_GT(images, 30u);
}

TEST(Corpus, EveryFileIsRenderedOrRefusedForAReason) {
  if (!HaveData()) GTEST_SKIP() << "no test data";
  TryEverything(kData);
}

TEST(Corpus, PydicomsFilesToo) {
  if (!std::filesystem::is_directory(kPydicom)) GTEST_SKIP() << "python3-pydicom is not installed";
  TryEverything(kPydicom);
}

// Whole instances: to HTJ2K and back the pixels are the same, whatever they were stored in.
TEST(Corpus, InstancesSurviveTranscoding) {
  const std::string folder = std::filesystem::is_directory(kPydicom) ? kPydicom : kData + "/pydicom";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "no files";
  int done = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const std::string file = testing::ReadFileOrEmpty(entry.path());
    const Result<Instance> instance = Instance::Open(file);
    if (!instance.ok()) continue;
    const Result<std::string> native = testing::TranscodeToString(file, "1.2.840.10008.1.2.1");
    if (!native.ok()) continue;
    const Result<std::string> coded = testing::TranscodeToString(*native, "1.2.840.10008.1.2.4.201");
    if (!coded.ok() && coded.status().code() == Code::kUnsupported) continue;  // 32 bits
    ASSERT_TRUE(coded.ok()) << entry.path() << ": " << coded.status().message();
    const Result<std::string> back = testing::TranscodeToString(*coded, "1.2.840.10008.1.2.1");
    ASSERT_TRUE(back.ok()) << entry.path() << ": " << back.status().message();
    const Result<Instance> a = Instance::Open(*native), b = Instance::Open(*back);
    ASSERT_TRUE(a.ok() && b.ok()) << entry.path();
    std::string storage;
    for (uint32_t i = 0; i < a->frames(); ++i) {
      const Result<Bytes> fa = a->Frame(i, &storage);
      ASSERT_TRUE(fa.ok());
      const Result<Image> ia = Decode(a->syntax().uid, *fa, a->format());
      const Result<Bytes> fb = b->Frame(i, &storage);
      ASSERT_TRUE(fb.ok());
      const Result<Image> ib = Decode(b->syntax().uid, *fb, b->format());
      ASSERT_TRUE(ia.ok() && ib.ok()) << entry.path();
      EXPECT_TRUE(ia->pixels == ib->pixels) << entry.path() << " frame " << i;
    }
    ++done;
  }
  EXPECT_GT(done, 20);
}

}  // namespace
}  // namespace hilum::pixel
