#include "tests/bench/fhir/searches.h"

#include <mutex>
#include <random>

#include "tests/bench/fhir/population.h"
#include "tests/bench/fhir/report.h"

namespace hilum::bench {
namespace {

constexpr int kReaders = 2;
constexpr uint64_t kReadsEach = 20'000;
constexpr int kRounds = 10;  // times that each query is asked
constexpr int kFarPage = 1000;
constexpr int kFirstYear = 2012;
constexpr int kYears = 9;

// Milliseconds of each of kRounds times each query, after once for nothing, with what was found added up.
std::vector<double> Times(Server& server, const std::vector<std::string>& queries) {
  for (const std::string& query : queries) server.Get(query);
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& query : queries) {
      times.push_back(1e3 * Seconds(1, [&](int) { server.Get(query); }));
    }
  }
  return times;
}

double TotalOf(const std::string& answer) {
  const auto document = fhir::json::Document::Parse(answer);
  Require(document.status());
  const auto total = fhir::json::Find(document->root(), "total");
  return total ? std::stod(std::string(total->text())) : 0;
}

// Empty when there is none.
std::string NextOf(const std::string& answer) {
  const auto document = fhir::json::Document::Parse(answer);
  Require(document.status());
  const auto links = fhir::json::Find(document->root(), "link");
  if (!links) return "";
  for (const fhir::json::Value link : links->children()) {
    if (fhir::json::Find(link, "relation").TextOr("") == "next") {
      return std::string(fhir::json::Find(link, "url").TextOr(""));
    }
  }
  return "";
}

void ReportTimes(Server& server, const std::string& what, const std::vector<std::string>& queries) {
  double hits = 0;
  for (const std::string& query : queries) hits = std::max(hits, TotalOf(server.Get(query)));
  const std::vector<double> times = Times(server, queries);
  Report(what, {{"queries", static_cast<double>(queries.size())},
                {"most_hits", hits},
                {"p50_ms", Quantile(times, 0.5)},
                {"p99_ms", Quantile(times, 0.99)}});
}

std::string ByCode(size_t place) {
  return "Observation?code=http://loinc.org|" + std::string(Population::Code(place));
}
std::string InYear(int year) {
  return "&date=ge" + std::to_string(year) + "&date=lt" + std::to_string(year + 1);
}
int YearOf(size_t place) {
  return kFirstYear + static_cast<int>(place) % kYears;
}

}  // namespace

void ReadById(Server& server, uint64_t population) {
  std::vector<double> times;
  std::mutex mu;
  const double seconds = Seconds(kReaders, [&](int reader) {
    std::mt19937_64 random(static_cast<uint64_t>(reader) + 1);
    std::vector<double> mine;
    for (uint64_t i = 0; i < kReadsEach; ++i) {
      const uint64_t number = random() % population;
      const std::string url = std::string(Population::TypeOf(number)) + "/" + Population::IdOf(number);
      const auto begin = std::chrono::steady_clock::now();
      server.Get(url);
      mine.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    const std::lock_guard lock(mu);
    times.insert(times.end(), mine.begin(), mine.end());
  });
  Report("read by id", {{"per_s", kReaders * kReadsEach / seconds},
                        {"p50_ms", Quantile(times, 0.5)},
                        {"p99_ms", Quantile(times, 0.99)}});
}

void CountObservations(Server& server) {
  std::vector<std::string> codes, dates, quantities;
  for (size_t place = 0; place < Population::kCodes; ++place) {
    const std::string counted = ByCode(place) + "&_summary=count";
    codes.push_back(counted);
    dates.push_back(counted + InYear(YearOf(place)));
    quantities.push_back(counted + "&value-quantity=gt" + std::to_string(Population::MiddleOf(place)));
  }
  ReportTimes(server, "count by code", codes);
  ReportTimes(server, "count by code and date", dates);
  ReportTimes(server, "count by code and quantity", quantities);
}

void ReadPages(Server& server) {
  const std::string sorted = "&_sort=-date&_count=50";
  std::vector<std::string> firsts = {"Observation?status=final" + sorted, "Encounter?status=finished" + sorted,
                                     "Encounter?class=EMER" + sorted,
                                     "Patient?gender=female&_sort=birthdate&_count=50"};
  for (size_t place = 0; place < 8; ++place) {
    firsts.push_back(ByCode(place) + sorted);
    firsts.push_back(ByCode(place) + InYear(YearOf(place)) + sorted);
  }
  ReportTimes(server, "first page by date", firsts);

  std::string page = "Observation?_sort=-date&_count=50";
  const std::vector<std::string> first(10, page);
  int pages = 1;
  for (; pages < kFarPage; ++pages) {
    std::string next = NextOf(server.Get(page));
    if (next.empty()) break;
    page = std::move(next);
  }
  const std::vector<double> times = Times(server, std::vector<std::string>(10, page));
  Report("far page by date", {{"page", pages},
                              {"p50_ms", Quantile(times, 0.5)},
                              {"p99_ms", Quantile(times, 0.99)},
                              {"first_p50_ms", Quantile(Times(server, first), 0.5)}});
}

void FollowReferences(Server& server) {
  std::vector<std::string> chains, reverse;
  for (size_t place = 0; place < 5; ++place) {
    const std::string family(Population::FamilyName(place * Population::kOfPatient));
    chains.push_back(ByCode(place) + "&subject:Patient.family=" + family + "&_count=50");
    chains.push_back(ByCode(place) + "&patient.gender=female&_count=50");
    chains.push_back("Encounter?patient.birthdate=ge" + std::to_string(1950 + 10 * place) + "&_count=50");
    const std::string code(Population::Code(place));
    reverse.push_back("Patient?_has:Observation:patient:code=http://loinc.org|" + code + "&_count=50");
    reverse.push_back("Patient?family=" + family + "&_has:Observation:patient:code=" + code + "&_count=50");
  }
  ReportTimes(server, "chain", chains);
  ReportTimes(server, "_has", reverse);
}

}  // namespace hilum::bench
