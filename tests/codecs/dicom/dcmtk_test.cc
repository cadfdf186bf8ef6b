// Every sample file is read by DCMTK as well: both must see the same elements with the same bytes.
#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/oflog/oflog.h>
#include <gtest/gtest.h>

#include "codecs/dicom/reader.h"
#include "tests/codecs/dicom/part10_builder.h"
#include "tests/codecs/dicom/sample_files.h"

namespace hilum::dicom {
namespace {

using testing::ReadSample;
using testing::SampleFiles;

struct Seen {
  uint32_t depth = 0;
  Tag tag;
  std::string vr;
  bool has_value = false;
  std::string value;
};

class Collect : public Visitor {
 public:
  Status OnElement(const Element& element) override {
    seen.push_back({element.depth, element.tag, std::string(element.vr.text()), true, std::string(element.value)});
    return Status::Ok();
  }
  Status OnSequenceBegin(const Element& element) override {
    seen.push_back({element.depth, element.tag, "SQ"});
    return Status::Ok();
  }
  Status OnItemBegin(uint32_t depth) override {
    seen.push_back({depth, tags::kItem, "item"});
    return Status::Ok();
  }
  Status OnEncapsulated(const Element& element) override {
    seen.push_back({element.depth, element.tag, "encapsulated"});
    return Status::Ok();
  }

  std::vector<Seen> seen;
};

// DCMTK leaves a sequence of known length that is written as UN closed: this has DCMTK open it, as what `data_set`
// holds.
DcmSequenceOfItems* OpenUnknown(DcmElement& element, DcmDataset* data_set) {
  const Tag tag(element.getGTag(), element.getETag());
  const DictionaryEntry* entry = FindTag(tag);
  if (element.getVR() != EVR_UN || entry == nullptr || entry->vr != Vr("SQ")) return nullptr;
  std::string bytes;
  AppendLe(&bytes, tag.group);
  AppendLe(&bytes, tag.element);
  AppendLe(&bytes, static_cast<uint32_t>(element.getLengthField()));
  const size_t header = bytes.size();
  bytes.resize(header + element.getLengthField());
  if (bytes.size() > header && element.getPartialValue(&bytes[header], 0, bytes.size() - header).bad()) return nullptr;
  DcmInputBufferStream stream;
  stream.setBuffer(bytes.data(), static_cast<offile_off_t>(bytes.size()));
  stream.setEos();
  data_set->transferInit();
  if (data_set->read(stream, EXS_LittleEndianImplicit).bad()) return nullptr;
  data_set->transferEnd();
  return dynamic_cast<DcmSequenceOfItems*>(data_set->getElement(0));
}

void CollectFromDcmtk(DcmItem& item, uint32_t depth, E_ByteOrder order, std::vector<Seen>* seen) {
  const auto collect_items = [&](DcmSequenceOfItems& sequence, const Tag& tag, E_ByteOrder inner) {
    seen->push_back({depth, tag, "SQ"});
    for (unsigned long k = 0; k < sequence.card(); ++k) {
      seen->push_back({depth, tags::kItem, "item"});
      CollectFromDcmtk(*sequence.getItem(k), depth + 1, inner, seen);
    }
  };
  for (unsigned long i = 0; i < item.card(); ++i) {
    DcmElement* element = item.getElement(i);
    const Tag tag(element->getGTag(), element->getETag());
    if (auto* sequence = dynamic_cast<DcmSequenceOfItems*>(element); sequence != nullptr) {
      collect_items(*sequence, tag, order);
      continue;
    }
    DcmDataset opened;
    if (DcmSequenceOfItems* sequence = OpenUnknown(*element, &opened); sequence != nullptr) {
      collect_items(*sequence, tag, EBO_LittleEndian);
      continue;
    }
    if (element->ident() == EVR_PixelData && element->getLengthField() == DCM_UndefinedLength) {
      seen->push_back({depth, tag, "encapsulated"});
      continue;
    }
    std::string value(element->getLengthField(), '\0');
    const OFCondition read = element->getPartialValue(value.data(), 0, value.size(), nullptr, order);
    EXPECT_TRUE(value.empty() || read.good()) << ToString(tag);
    seen->push_back({depth, tag, DcmVR(element->getVR()).getValidVRName(), true, value});
  }
}

// Files that we refuse, and why.
struct Refused {
  std::string_view name, reason;
};
constexpr Refused kRefused[] = {
    {"MR_truncated.dcm", "pixel data break off"},
    {"rtplan_truncated.dcm", "a sequence breaks off"},
    {"no_meta.dcm", "a byte is missing at the front"},
    {"DICOMDIR-nooffset", "the last item breaks off"},
    {"Deeply-Nested-Sequence.dcm", "deeper than any real file; DCMTK dies of it"},
};

std::string_view Unpadded(std::string_view value) {
  while (!value.empty() && (value.back() == ' ' || value.back() == 0)) value.remove_suffix(1);
  return value;
}

// Differences in how one element is seen that are right on both sides.
bool IsJustified(const Layout& layout, const Seen& ours, const Seen& theirs) {
  const bool same_value = ours.value == theirs.value;
  // DCMTK looks at private creators and at the types of directory records while it reads, which blanks their padding.
  const bool looked_at = (ours.tag.is_private() && ours.tag.element <= 0xFF) || ours.tag == Tag(0x0004, 0x1430);
  if (looked_at && ours.vr == theirs.vr) return Unpadded(ours.value) == Unpadded(theirs.value);
  // DCMTK knows private dictionaries, and writes UN of later editions for VRs it does not know.
  if (ours.vr == "UN" && ours.tag.is_private() && !layout.explicit_vr) return same_value;
  // Repeating groups and the like: the dictionaries agree, the choice among several VRs does not (PS3.5 A.1).
  if (!layout.explicit_vr && (ours.vr == "OW" || ours.vr == "US" || ours.vr == "SS")) return same_value;
  // Letters that are no VR have no name in DCMTK.
  if (ours.vr == "UN" && theirs.vr == "??") return same_value;
  return false;
}

std::string Show(const Seen& seen) {
  return std::string(seen.depth * 2, ' ') + ToString(seen.tag) + " " + seen.vr + " " +
         std::to_string(seen.value.size());
}

void Compare(const std::filesystem::path& path, const Layout& layout, const std::vector<Seen>& ours,
             const std::vector<Seen>& theirs) {
  for (size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    const Seen& a = ours[i];
    const Seen& b = theirs[i];
    const bool same = a.depth == b.depth && a.tag == b.tag && a.vr == b.vr && a.value == b.value;
    const bool comparable = a.depth == b.depth && a.tag == b.tag && a.has_value == b.has_value;
    ASSERT_TRUE(same || (comparable && IsJustified(layout, a, b)))
        << path << "\nours:   " << Show(a) << "\ntheirs: " << Show(b);
  }
  ASSERT_EQ(ours.size(), theirs.size()) << path;
}

// False when DCMTK does not read the file.
bool ReadWithDcmtk(const std::filesystem::path& path, bool big_endian, std::vector<Seen>* seen) {
  DcmFileFormat file;
  if (file.loadFile(path.c_str(), EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_autoDetect).bad()) return false;
  CollectFromDcmtk(*file.getDataset(), 0, big_endian ? EBO_BigEndian : EBO_LittleEndian, seen);
  return true;
}

class DcmtkTest : public ::testing::Test {
 protected:
  DcmtkTest() { OFLog::configure(OFLogger::OFF_LOG_LEVEL); }
};

TEST_F(DcmtkTest, SeesTheSameElementsInEverySampleFile) {
  const auto files = SampleFiles();
  if (files.empty()) GTEST_SKIP() << "no sample files";
  int compared = 0, only_ours = 0;
  for (const auto& path : files) {
    const std::string file = ReadSample(path);
    Collect collect;
    Inflated inflated;
    const auto layout = Read(file, {}, collect, &inflated);
    const auto* refused = std::find_if(std::begin(kRefused), std::end(kRefused),
                                       [&](const Refused& entry) { return path.string().ends_with(entry.name); });
    EXPECT_EQ(layout.ok(), refused == std::end(kRefused)) << path << ": " << layout.status().message();
    if (!layout.ok()) continue;
    std::vector<Seen> theirs;
    if (!ReadWithDcmtk(path, layout->big_endian, &theirs)) {
      ++only_ours;
      std::printf("only ours: %s\n", path.c_str());
      continue;
    }
    ++compared;
    Compare(path, *layout, collect.seen, theirs);
  }
  std::printf("%d files compared, %d that DCMTK refuses\n", compared, only_ours);
  EXPECT_GT(compared, 100);
}

TEST_F(DcmtkTest, SeesTheSameElementsInGeneratedInstances) {
  const auto path = std::filesystem::temp_directory_path() / ("hilum_dcmtk_test_" + std::to_string(getpid()) + ".dcm");
  for (const auto& encoding :
       {testing::kImplicitLittle, testing::kExplicitLittle, testing::kExplicitBig, testing::kJpegBaseline}) {
    const testing::DataSet item = testing::DataSet(encoding).Text(tags::kScheduledProcedureStepId, "SH", "A");
    testing::DataSet extra(encoding);
    extra.Sequence(tags::kRequestAttributesSequence, {item, testing::DataSet(encoding)},
                   testing::DataSet::Lengths::kUndefined);
    testing::InstanceSpec spec{.encoding = encoding, .extra = extra.bytes()};
    if (encoding.uid == testing::kJpegBaseline.uid) spec.fragments = {"", "abcd"};
    const std::string file = testing::Instance(spec);
    std::ofstream(path, std::ios::binary) << file;
    Collect collect;
    Inflated inflated;
    const auto layout = Read(file, {}, collect, &inflated);
    ASSERT_TRUE(layout.ok());
    std::vector<Seen> theirs;
    ASSERT_TRUE(ReadWithDcmtk(path, layout->big_endian, &theirs));
    Compare(path, *layout, collect.seen, theirs);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace hilum::dicom
