// Cohorts over records and images, without HTTP, beside the same by reading every resource. One line of JSON for each.
//
//   cohort_bench FOLDER [--patients 50000]      20 resources and 20 instances a patient; a folder that exists is
//   measured
//                                               as it is
#include <charconv>
#include <filesystem>

#include "fhir/cohort/cohort.h"
#include "fhir/cohort/images.h"
#include "fhir/imaging/linker.h"
#include "fhir/validate/validate.h"
#include "pipelines/dicom_ingest/ingest.h"
#include "tests/bench/cohort/plain.h"
#include "tests/bench/cohort/world.h"
#include "tests/bench/fhir/report.h"
#include "tests/bench/support/bare_file.h"

namespace {

using namespace hilum;         // NOLINT: a program
using namespace hilum::bench;  // NOLINT

constexpr uint64_t kPatientsPerBatch = 250;
constexpr int kRounds = 20;
constexpr int kBornBefore = 1961;
constexpr int kDaysAfter = 90;

class Archive {
 public:
  explicit Archive(const std::string& folder) {
    storage::StoreOptions options;
    options.directory = folder;
    auto store = storage::Store::Open(options, disk_, clock_, random_, Logger());
    Require(store.status());
    store_ = *std::move(store);
    auto resources = fhir::ResourceStore::Open(*store_, {.base_url = "http://bench.example/fhir"}, clock_, random_);
    Require(resources.status());
    resources_ = *std::move(resources);
    auto linker = fhir::imaging::Linker::Start(*store_, *resources_, {}, Logger());
    Require(linker.status());
    linker_ = *std::move(linker);
  }

  void AddRecords(uint64_t begin, uint64_t end) {
    const auto reader = resources_->Read();
    std::vector<fhir::Write> writes;
    for (uint64_t patient = begin; patient < end; ++patient) {
      for (uint64_t place = 0; place < World::kResources; ++place) writes.push_back(Prepare(*reader, patient, place));
    }
    const auto committed = resources_->Commit(std::move(writes), {});
    Require(committed.status());
    if (committed->outdated) Require(Internal("somebody else writes the same resources"));
  }

  // One request of STOW-RS: a study.
  void AddImages(uint64_t patient) {
    IngestBatch batch(*store_, {}, std::nullopt, Logger());
    for (uint64_t series = 0; series < World::kSeries; ++series) {
      for (uint64_t instance = 0; instance < World::kInstances; ++instance) {
        batch.BeginInstance();
        batch.Append(World::Instance(patient, series, instance));
        batch.EndInstance();
      }
    }
    for (const InstanceOutcome& outcome : batch.Finish()) {
      if (!outcome.stored()) Require(Internal(outcome.explanation));
    }
  }

  storage::Store& store() { return *store_; }
  fhir::ResourceStore& resources() { return *resources_; }

 private:
  fhir::Write Prepare(fhir::ResourceReader& reader, uint64_t patient, uint64_t place) {
    const auto document = fhir::json::Document::Parse(World::Resource(patient, place));
    Require(document.status());
    const fhir::Validation validation = fhir::Validate(document->root());
    if (!validation.ok()) Require(Internal(fhir::OperationOutcome(validation.issues)));
    fhir::Write write{.type = *fhir::ResourceTypeOf(document->root()),
                      .id = std::string(fhir::json::Find(document->root(), "id").TextOr(""))};
    auto prepared = resources_->Prepare(document->root(), validation.typing, write.id, 1);
    Require(prepared.status());
    write.after = *std::move(prepared);
    return write;
  }

  PosixDisk disk_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<fhir::ResourceStore> resources_;
  std::unique_ptr<fhir::imaging::Linker> linker_;
};

void Fill(Archive& archive, uint64_t patients) {
  const double records = Seconds(1, [&](int) {
    for (uint64_t begin = 0; begin < patients; begin += kPatientsPerBatch)
      archive.AddRecords(begin, std::min(patients, begin + kPatientsPerBatch));
  });
  uint64_t instances = 0;
  const double images = Seconds(1, [&](int) {
    for (uint64_t patient = 0; patient < patients; ++patient) {
      if (!World::HasStudy(patient)) continue;
      archive.AddImages(patient);
      instances += World::kSeries * World::kInstances;
    }
  });
  Require(archive.store().kv().CompactAll());
  Report("filled", {{"resources", static_cast<double>(patients * World::kResources)},
                    {"resources_per_s", static_cast<double>(patients * World::kResources) / records},
                    {"instances", static_cast<double>(instances)},
                    {"instances_per_s", static_cast<double>(instances) / images}});
}

fhir::CohortStep Include(const std::string& search, const std::string& name = "") {
  return {.name = name, .any = {{.search = search, .place = search}}, .place = search};
}

// Counts and attrition, as $cohort answers them; the patients' ids when asked for.
fhir::Cohort Ask(Archive& archive, const fhir::CohortDefinition& definition, fhir::ImageCounts* images) {
  const auto reader = archive.resources().Read();
  const auto catalogue = archive.store().Read();
  const fhir::SearchOptions options = archive.resources().search_options();
  auto cohort = fhir::CohortRun(definition, *reader, options).Run(std::nullopt);
  Require(cohort.status());
  const auto counted = fhir::CountImages(*reader, catalogue, cohort->studies);
  Require(counted.status());
  *images = *counted;
  return *std::move(cohort);
}

std::set<std::string> Ids(Archive& archive, const storage::Bitmap& patients) {
  std::set<std::string> ids;
  const auto reader = archive.resources().Read();
  for (const storage::Doc doc : patients.ToVector()) {
    const auto version = reader->Newest(*fhir::FindResourceType("Patient"), doc);
    Require(version.status());
    ids.insert((*version)->id);
  }
  return ids;
}

void Measure(Archive& archive, const char* what, const fhir::CohortDefinition& definition, double thinner_than,
             int within_days) {
  fhir::ImageCounts images;
  const fhir::Cohort cohort = Ask(archive, definition, &images);
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    times.push_back(1e3 * Seconds(1, [&](int) { Ask(archive, definition, &images); }));
  }
  std::set<std::string> plain;
  const double plain_ms =
      1e3 * Seconds(1, [&](int) { plain = PlainCohort(archive.resources(), kBornBefore, thinner_than, within_days); });
  if (plain != Ids(archive, cohort.patients)) Require(Internal(std::string(what) + ": the two do not agree"));
  Report(what, {{"patients", static_cast<double>(cohort.patients.Count())},
                {"studies", static_cast<double>(images.studies)},
                {"instances", static_cast<double>(images.instances)},
                {"p50_ms", Quantile(times, 0.5)},
                {"p99_ms", Quantile(times, 0.99)},
                {"every_resource_ms", plain_ms},
                {"times_faster", plain_ms / Quantile(times, 0.5)}});
}

bool Parse(int argc, char** argv, std::string* folder, uint64_t* patients) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument != "--patients") {
      *folder = argument;
      continue;
    }
    if (++i == argc) return false;
    const std::string_view value = argv[i];
    if (std::from_chars(value.begin(), value.end(), *patients).ec != std::errc()) return false;
  }
  return !folder->empty() && *patients > 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder;
  uint64_t patients = 50'000;
  if (!Parse(argc, argv, &folder, &patients)) {
    std::fprintf(stderr, "usage: cohort_bench FOLDER [--patients 50000]\n");
    return 2;
  }
  const bool is_new = std::filesystem::create_directories(folder);
  Archive archive(folder + "/data");
  if (is_new) Fill(archive, patients);

  const std::string condition = "Condition?code=http://snomed.info/sct%7C1000";
  const std::string age = "Patient?birthdate=lt" + std::to_string(kBornBefore);
  const std::string ct = "ImagingStudy?modality=CT";
  fhir::CohortDefinition cohort;
  const auto ask = [&](const std::string& what, const std::string& images, double thinner_than) {
    cohort.steps = {Include(condition, "diagnosis"), Include(age), Include(images)};
    Measure(archive, ("condition, age, " + what).c_str(), cohort, thinner_than, -1);
    cohort.steps.back().any.front().relation =
        fhir::CohortRelation{.to = "diagnosis", .max_micros = kDaysAfter * int64_t{86'400'000'000}};
    Measure(archive, ("condition, age, " + what + " within 90 days").c_str(), cohort, thinner_than, kDaysAfter);
  };
  ask("CT", ct, 1000);
  ask("CT with slices below 1.5 mm", ct + "&dicom-SliceThickness=lt1.5", 1.5);
  return 0;
}
