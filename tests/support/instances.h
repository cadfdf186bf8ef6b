// DICOM instances and stores for tests of everything above the codecs.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/disk.h"
#include "codecs/dicom/writer.h"
#include "pipelines/dicom_ingest/ingest.h"
#include "storage/store/store.h"
#include "tests/support/seeded_random.h"
#include "tests/support/small_store.h"
#include "tests/support/temp_dir.h"

namespace hilum::testing {

// What a test wants to say about an instance; everything else has sensible values.
struct InstanceSpec {
  std::string study = "1.2.1";
  std::string series = "1.2.1.1";
  std::string sop = "1.2.1.1.1";
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.2";
  std::string modality = "CT";
  std::string patient_name = "Doe^Jane";
  std::string patient_id = "P1";
  std::string birth_date = "19700101";
  std::string study_date = "20240115";
  std::string study_time = "101500";
  std::string accession = "A1";
  std::string study_description = "Head";
  std::string series_number = "1";
  std::string series_description = "Axial";
  std::string instance_number = "1";
  size_t pixel_bytes = 512;
  char pixel_fill = 7;
  bool with_character_set = true;  // UTF-8
  // Ascending, below the pixels; in place of what there is otherwise.
  struct Element {
    dicom::Tag tag;
    dicom::Vr vr;
    std::string value;
  };
  std::vector<Element> more = {};
};

// The value of a sequence with one item.
inline std::string OneItem(const std::vector<InstanceSpec::Element>& elements) {
  std::string content;
  for (const auto& [tag, vr, value] : elements) dicom::DataSetWriter(&content).Add(tag, vr, value);
  std::string item("\xFE\xFF\x00\xE0", 4);
  AppendLe<uint32_t>(&item, static_cast<uint32_t>(content.size()));
  return item + content;
}

inline std::string MakeInstance(const InstanceSpec& spec) {
  using dicom::Vr;
  namespace t = dicom::tags;
  dicom::Part10Writer out(spec.sop_class, spec.sop);
  auto more = spec.more.begin();
  const auto more_before = [&](dicom::Tag tag) {
    for (; more != spec.more.end() && more->tag < tag; ++more) out.Add(more->tag, more->vr, more->value);
  };
  const auto add = [&](dicom::Tag tag, dicom::Vr vr, const std::string& value) {
    more_before(tag);
    if (more != spec.more.end() && more->tag == tag) {
      out.Add(tag, more->vr, more->value);
      ++more;
    } else {
      out.Add(tag, vr, value);
    }
  };
  const auto uint16 = [&](dicom::Tag tag, uint16_t value) {
    more_before(tag);
    out.AddUint16(tag, value);
  };
  if (spec.with_character_set) add(t::kSpecificCharacterSet, Vr("CS"), "ISO_IR 192");
  if (!spec.sop_class.empty()) add(t::kSopClassUid, Vr("UI"), spec.sop_class);
  if (!spec.sop.empty()) add(t::kSopInstanceUid, Vr("UI"), spec.sop);
  add(t::kStudyDate, Vr("DA"), spec.study_date);
  add(t::kStudyTime, Vr("TM"), spec.study_time);
  add(t::kAccessionNumber, Vr("SH"), spec.accession);
  add(t::kModality, Vr("CS"), spec.modality);
  add(t::kReferringPhysicianName, Vr("PN"), "Referrer^Rita");
  add(t::kStudyDescription, Vr("LO"), spec.study_description);
  add(t::kSeriesDescription, Vr("LO"), spec.series_description);
  add(t::kPatientName, Vr("PN"), spec.patient_name);
  add(t::kPatientId, Vr("LO"), spec.patient_id);
  add(t::kPatientBirthDate, Vr("DA"), spec.birth_date);
  add(t::kPatientSex, Vr("CS"), "F");
  if (!spec.study.empty()) add(t::kStudyInstanceUid, Vr("UI"), spec.study);
  if (!spec.series.empty()) add(t::kSeriesInstanceUid, Vr("UI"), spec.series);
  add(t::kStudyId, Vr("SH"), "S1");
  add(t::kSeriesNumber, Vr("IS"), spec.series_number);
  add(t::kInstanceNumber, Vr("IS"), spec.instance_number);
  uint16(t::kSamplesPerPixel, 1);
  add(t::kPhotometricInterpretation, Vr("CS"), "MONOCHROME2");
  uint16(t::kRows, 16);
  uint16(t::kColumns, static_cast<uint16_t>(spec.pixel_bytes / 32));
  uint16(t::kBitsAllocated, 16);
  uint16({0x0028, 0x0101}, 16);  // Bits Stored, High Bit, Pixel Representation
  uint16({0x0028, 0x0102}, 15);
  uint16({0x0028, 0x0103}, 0);
  more_before(t::kPixelData);
  out.Add(t::kPixelData, Vr("OW"), std::string(spec.pixel_bytes, spec.pixel_fill));
  return out.Take();
}

// A file of one grey sample, up to its pixels.
struct SmallImage {
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.7.2";
  std::string sop = "1.2.1.1.1";
  std::string study = "1.2.1";
  std::string series = "1.2.1.1";
  std::string transfer_syntax = "1.2.840.10008.1.2.1";
  std::string patient_id;
  size_t frames = 0;  // 0: not said
  uint16_t bits = 8;
  uint16_t side = 16;  // rows, and columns
};

inline dicom::Part10Writer BeginImage(const SmallImage& image) {
  namespace t = dicom::tags;
  dicom::Part10Writer out(image.sop_class, image.sop, image.transfer_syntax);
  out.Add(t::kSopClassUid, "UI", image.sop_class);
  out.Add(t::kSopInstanceUid, "UI", image.sop);
  if (!image.patient_id.empty()) out.Add(t::kPatientId, "LO", image.patient_id);
  out.Add(t::kStudyInstanceUid, "UI", image.study);
  out.Add(t::kSeriesInstanceUid, "UI", image.series);
  out.AddUint16(t::kSamplesPerPixel, 1);
  out.Add(t::kPhotometricInterpretation, "CS", "MONOCHROME2");
  if (image.frames > 0) out.Add(t::kNumberOfFrames, "IS", std::to_string(image.frames));
  out.AddUint16(t::kRows, image.side);
  out.AddUint16(t::kColumns, image.side);
  out.AddUint16(t::kBitsAllocated, image.bits);
  out.AddUint16({0x0028, 0x0101}, image.bits);  // Bits Stored, High Bit, Pixel Representation
  out.AddUint16({0x0028, 0x0102}, static_cast<uint16_t>(image.bits - 1));
  out.AddUint16({0x0028, 0x0103}, 0);
  return out;
}

// Pixels of such frames of 8 bits, each full of one letter.
inline std::string LetterFrames(const std::string& letters) {
  std::string pixels;
  for (const char letter : letters) pixels.append(256, letter);
  return pixels;
}

// A real disk that may seem to be full.
class FullDisk : public PosixDisk {
 public:
  Result<uint64_t> FreeBytes(const std::string& path) const override {
    if (full) return uint64_t{0};
    return PosixDisk::FreeBytes(path);
  }
  std::atomic<bool> full{false};
};

// A store in a folder of its own.
class StoreFixture : public ::testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    auto store = storage::Store::Open(SmallStore(directory_.path() + "/data"), disk_, clock_, random_, Logger());
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }
  void Reopen() {
    store_.reset();
    Open();
  }

  InstanceOutcome Ingest(const std::string& part10, const IngestOptions& options = {},
                         std::optional<std::string> study = std::nullopt) {
    IngestBatch batch(*store_, options, std::move(study), Logger());
    batch.BeginInstance();
    batch.Append(part10);
    batch.EndInstance();
    return batch.Finish().at(0);
  }
  InstanceOutcome Ingest(const InstanceSpec& spec) { return Ingest(MakeInstance(spec)); }

  // The rows of a page of matches.
  struct FoundRows {
    std::vector<storage::CatalogueMatch> rows;
    uint64_t total = 0;
  };
  FoundRows Find(const storage::CatalogueQuery& query) {
    storage::CatalogueReader reader = store_->Read();
    const auto matches = reader.Find(query);
    EXPECT_TRUE(matches.ok()) << matches.status().ToString();
    if (!matches.ok()) return {};
    FoundRows found{.rows = {}, .total = matches->total};
    storage::CatalogueMatch match;
    for (const storage::Doc doc : matches->docs) {
      const Status status = reader.ReadMatch(query.level, doc, &match);
      EXPECT_TRUE(status.ok()) << status.ToString();
      found.rows.push_back(match);
    }
    return found;
  }

  std::string StoredBytes(const storage::InstanceName& name) {
    const storage::CatalogueReader reader = store_->Read();
    const auto doc = reader.FindInstance(name);
    if (!doc.ok() || !*doc) return "(not found)";
    const auto row = reader.Instance(**doc);
    if (!row.ok()) return "(no row)";
    std::string bytes(row->object.length, '\0');
    const Status status = store_->objects().Read(row->object, 0, bytes);
    return status.ok() ? bytes : status.ToString();
  }

  // Findings of a full check, one a line; empty is sound.
  std::string Findings() {
    const auto report = storage::Verify(*store_, {});
    if (!report.ok()) return report.status().ToString();
    std::string text;
    for (const std::string& finding : report->findings.texts) text += finding + "\n";
    return text;
  }

  TempDir directory_;
  FullDisk disk_;
  FakeClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<storage::Store> store_;
};

}  // namespace hilum::testing
