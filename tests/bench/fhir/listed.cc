#include "tests/bench/fhir/listed.h"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "tests/bench/fhir/population.h"
#include "tests/bench/fhir/report.h"

namespace hilum::bench {
namespace {

constexpr int kRounds = 40;  // times that each search is asked in each order

// {patient}, {encounter} and {mrn} stand for the logical ids and the record number of somebody.
constexpr const char* kSearches[] = {
    // string, and parameters of every resource
    "Patient?name=gre",
    "Patient?family:exact=Garcia",
    "Patient?name:contains=an",
    "Patient?address-city=boston,lowell",
    "Patient?_id={patient}",
    "Patient?_lastUpdated=gt2020-01-01",
    // token
    "Patient?gender=female",
    "Patient?gender:not=male",
    "Patient?identifier=http://hospital.example.org/mrn|{mrn}",
    "Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|{mrn}",
    "Patient?deceased:missing=true",
    "Encounter?class=EMER",
    "Encounter?length:missing=true",
    "Observation?code=http://loinc.org|8867-4",
    "Observation?code=8867-4,8310-5,9279-1",
    "Observation?code:not=8867-4&status=final",
    "Observation?category=http://terminology.hl7.org/CodeSystem/observation-category|",
    // date
    "Patient?birthdate=1970",
    "Patient?birthdate=ge1960-05&birthdate=le1980-06-15",
    "Patient?birthdate=ne1975",
    "Encounter?date=ap2015-03",
    "Encounter?date=eb2013",
    "Encounter?date=sa2019-06&class:not=EMER",
    "Observation?date=ge2015&date=lt2016&category=laboratory",
    // number and quantity
    "RiskAssessment?probability=0.25",
    "RiskAssessment?probability=gt0.5&probability=lt0.75",
    "Observation?value-quantity=gt100",
    "Observation?value-quantity=lt0.9|http://unitsofmeasure.org|mg/dL",
    "Observation?code=8480-6&value-quantity=ap120",
    // composite
    "Observation?code-value-quantity=http://loinc.org|8480-6$gt170",
    "Observation?code-value-quantity=2339-0$le70",
    // uri
    "RiskAssessment?_profile:below=http://hospital.example.org/profiles/",
    "RiskAssessment?_source:above=http://hospital.example.org/wards/7/risk/2024",
    // reference, compartment, chain, include
    "Encounter?patient=Patient/{patient}",
    "RiskAssessment?performer:identifier=http://hospital.example.org/staff|D007",
    "Patient/{patient}/Observation?status=final",
    "Observation?encounter:Encounter={encounter}&_include=Observation:patient",
    "Observation?patient.identifier=http://hospital.example.org/mrn|{mrn}",
    "Patient?family=Garcia&address-postalcode=011&_revinclude=Encounter:patient",
    "Patient?_has:RiskAssessment:patient:probability=gt0.995",
};
static_assert(std::size(kSearches) == 40);

struct Orders {
  const char* type;
  std::vector<const char*> sorts;
};
const Orders kOrders[] = {{"Patient", {"", "-_lastUpdated", "family,given", "-birthdate", "gender,birthdate"}},
                          {"Encounter", {"", "-_lastUpdated", "-date", "class,date", "status,-_id"}},
                          {"Observation", {"", "-_lastUpdated", "-date", "code,-date", "-value-quantity"}},
                          {"RiskAssessment", {"", "-_lastUpdated", "-date", "probability", "_source,-date"}}};

// The type of the results.
const Orders& OrdersOf(const std::string& search) {
  const std::string path = search.substr(0, search.find('?'));
  const std::string type = path.substr(path.rfind('/') + 1);
  return *std::ranges::find(kOrders, type, &Orders::type);
}

std::string Filled(std::string text, const std::string& name, const std::string& value) {
  const size_t at = text.find(name);
  return at == text.npos ? text : text.replace(at, name.size(), value);
}

// Milliseconds of each round, after one for nothing. Prints them beside the processor time, which says more where
// others use the machine too.
std::vector<double> Times(Server& server, const std::string& url) {
  server.Get(url);
  std::vector<double> times, processor;
  for (int round = 0; round < kRounds; ++round) {
    const std::clock_t begin = std::clock();
    times.push_back(1e3 * Seconds(1, [&](int) { server.Get(url); }));
    processor.push_back(1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
  }
  std::fprintf(stderr, "processor %7.2f ms  p50 %7.2f ms  p99 %7.2f ms  %s\n", Quantile(processor, 0.5),
               Quantile(times, 0.5), Quantile(times, 0.99), url.c_str());
  return times;
}

}  // namespace

void ReadListedPages(Server& server, uint64_t population) {
  const uint64_t patient = population / 2 / Population::kOfPatient * Population::kOfPatient;
  double worst = -1, middle = 0;
  std::string worst_search;
  std::vector<double> all;
  for (std::string search : kSearches) {
    search = Filled(search, "{patient}", Population::IdOf(patient));
    search = Filled(search, "{encounter}", Population::IdOf(patient + 1));
    search = Filled(search, "{mrn}", Population::RecordNumber(patient));
    std::vector<double> times;
    for (const std::string sort : OrdersOf(search).sorts) {
      const std::vector<double> some = Times(server, search + "&_count=50" + (sort.empty() ? "" : "&_sort=" + sort));
      times.insert(times.end(), some.begin(), some.end());
    }
    all.insert(all.end(), times.begin(), times.end());
    if (Quantile(times, 0.99) <= worst) continue;
    worst = Quantile(times, 0.99);
    middle = Quantile(times, 0.5);
    worst_search = search;
  }
  Report("listed first pages",
         {{"searches", std::size(kSearches)},
          {"all_p50_ms", Quantile(all, 0.5)},
          {"all_p99_ms", Quantile(all, 0.99)},
          {"p50_ms", middle},
          {"p99_ms", worst}},
         worst_search);
}

void ReadSearches(Server& server, const std::string& searches, uint64_t rounds) {
  std::istringstream urls(searches);
  for (std::string url; urls >> url;) {
    std::string answer = server.Get(url);
    const std::clock_t begin = std::clock();
    for (uint64_t round = 0; round < rounds; ++round) answer = server.Get(url);
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    std::printf("processor %7.3f ms  %8zu bytes %016zx  %s\n", 1e3 * seconds / static_cast<double>(rounds),
                answer.size(), std::hash<std::string>()(answer), url.c_str());
  }
}

}  // namespace hilum::bench
