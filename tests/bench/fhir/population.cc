#include "tests/bench/fhir/population.h"

#include <cstdio>
#include <ctime>

namespace hilum::bench {
namespace {

struct Measure {
  const char *code, *display, *unit;
  double low, high;
  const char* category;
};
constexpr Measure kMeasures[Population::kCodes] = {
    {"8867-4", "Heart rate", "/min", 50, 120, "vital-signs"},
    {"8310-5", "Body temperature", "Cel", 35, 40, "vital-signs"},
    {"9279-1", "Respiratory rate", "/min", 10, 28, "vital-signs"},
    {"29463-7", "Body weight", "kg", 40, 130, "vital-signs"},
    {"8302-2", "Body height", "cm", 140, 200, "vital-signs"},
    {"39156-5", "Body mass index (BMI) [Ratio]", "kg/m2", 16, 45, "vital-signs"},
    {"8480-6", "Systolic blood pressure", "mm[Hg]", 90, 180, "vital-signs"},
    {"8462-4", "Diastolic blood pressure", "mm[Hg]", 50, 110, "vital-signs"},
    {"2339-0", "Glucose [Mass/volume] in Blood", "mg/dL", 60, 200, "laboratory"},
    {"718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 8, 18, "laboratory"},
    {"4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 4, 12, "laboratory"},
    {"2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.5, 3, "laboratory"},
    {"2947-0", "Sodium [Moles/volume] in Blood", "mmol/L", 130, 150, "laboratory"},
    {"6298-4", "Potassium [Moles/volume] in Blood", "mmol/L", 3, 6, "laboratory"},
    {"2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", 120, 300, "laboratory"},
    {"2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "mg/dL", 50, 400, "laboratory"},
    {"2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", "mg/dL", 25, 90, "laboratory"},
    {"18262-6", "Cholesterol in LDL [Mass/volume] in Serum or Plasma", "mg/dL", 50, 220, "laboratory"},
    {"6690-2", "Leukocytes [#/volume] in Blood", "10*3/uL", 3, 15, "laboratory"},
    {"777-3", "Platelets [#/volume] in Blood", "10*3/uL", 120, 450, "laboratory"}};

constexpr std::string_view kFamilies[] = {"Abbott", "Becker",  "Castillo", "Dimitrov", "Eriksen", "Fischer", "Garcia",
                                          "Hansen", "Ivanova", "Jensen",   "Kowalski", "Laurent", "Moreau",  "Nguyen",
                                          "Okafor", "Petrova", "Quinn",    "Rossi",    "Schmidt", "Tanaka"};
constexpr std::string_view kGivens[] = {"Ada",   "Bruno", "Clara", "David", "Elif",
                                        "Farid", "Greta", "Hugo",  "Ines",  "Jonas"};
constexpr std::string_view kCities[] = {"Boston", "Worcester", "Springfield", "Lowell", "Cambridge", "Quincy"};
constexpr int64_t kFirstDay = 15'340;  // 2012-01-01
constexpr int64_t kDays = 3650;

// splitmix64: as good as is needed, and free to seed.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  double Unit() { return static_cast<double>(Next() >> 11) / 9007199254740992.0; }

 private:
  uint64_t state_;
};

template <typename... Values>
std::string Format(const char* format, Values... values) {
  char text[2048];
  std::snprintf(text, sizeof(text), format, values...);
  return text;
}

std::string Time(int64_t seconds, const char* format) {
  const time_t time = seconds;
  tm parts{};
  gmtime_r(&time, &parts);
  char text[40];
  std::strftime(text, sizeof(text), format, &parts);
  return text;
}

std::string Patient(const std::string& head, uint64_t number) {
  Dice dice(number);
  const std::string birth = Time(static_cast<int64_t>(dice.Below(25'000)) * 86'400 - 631'152'000, "%Y-%m-%d");
  const std::string_view given = kGivens[dice.Below(std::size(kGivens))];
  const std::string_view city = kCities[dice.Below(std::size(kCities))];
  return head + Format(R"("identifier":[{"use":"usual",)"
                       R"("type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR",)"
                       R"("display":"Medical Record Number"}]},"system":"http://hospital.example.org/mrn",)"
                       R"("value":"%s"}],"active":true,)"
                       R"("name":[{"use":"official","family":"%s","given":["%s"]}],"telecom":[{"system":"phone",)"
                       R"("value":"555-%03d-%04d","use":"home"}],"gender":"%s","birthDate":"%s",)"
                       R"("address":[{"line":["%d Main Street"],"city":"%s","state":"MA","postalCode":"%05d",)"
                       R"("country":"US"}]})",
                       Population::RecordNumber(number).c_str(), Population::FamilyName(number).data(), given.data(),
                       static_cast<int>(dice.Below(1000)), static_cast<int>(dice.Below(10'000)),
                       dice.Below(2) == 0 ? "female" : "male", birth.c_str(), static_cast<int>(dice.Below(999)),
                       city.data(), static_cast<int>(1000 + dice.Below(1800)));
}

std::string Encounter(const std::string& head, uint64_t number, const std::string& patient) {
  Dice dice(number);
  const int64_t start = (kFirstDay + static_cast<int64_t>(dice.Below(kDays))) * 86'400 + 28'800 +
                        static_cast<int64_t>(dice.Below(36'000));
  return head + Format(R"("status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode",)"
                       R"("code":"%s"},"type":[{"coding":[{"system":"http://snomed.info/sct","code":"162673000",)"
                       R"("display":"General examination of patient"}],"text":"General examination of patient"}],)"
                       R"("subject":{"reference":"%s"},"period":{"start":"%s","end":"%s"}})",
                       dice.Below(5) == 0 ? "EMER" : "AMB", patient.c_str(), Time(start, "%Y-%m-%dT%H:%M:%SZ").c_str(),
                       Time(start + 900, "%Y-%m-%dT%H:%M:%SZ").c_str());
}

std::string Observation(const std::string& head, uint64_t number, const std::string& patient,
                        const std::string& encounter) {
  Dice dice(number);
  const double place = dice.Unit();
  const Measure& measure = kMeasures[static_cast<size_t>(place * place * Population::kCodes)];
  const int64_t when =
      (kFirstDay + static_cast<int64_t>(dice.Below(kDays))) * 86'400 + static_cast<int64_t>(dice.Below(86'400));
  const std::string time = Time(when, "%Y-%m-%dT%H:%M:%S+00:00");
  const std::string context = encounter.empty() ? "" : R"("encounter":{"reference":")" + encounter + R"("},)";
  return head +
         Format(R"("status":"final",)"
                R"("category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category",)"
                R"("code":"%s","display":"%s"}]}],)"
                R"("code":{"coding":[{"system":"http://loinc.org","code":"%s","display":"%s"}],"text":"%s"},)"
                R"("subject":{"reference":"%s"},%s"effectiveDateTime":"%s","issued":"%s",)"
                R"("valueQuantity":{"value":%.1f,"unit":"%s","system":"http://unitsofmeasure.org","code":"%s"}})",
                measure.category, measure.category, measure.code, measure.display, measure.display, patient.c_str(),
                context.c_str(), time.c_str(), time.c_str(), measure.low + dice.Unit() * (measure.high - measure.low),
                measure.unit, measure.unit);
}

// For what the others lack: numbers, uris, and references by identifier.
std::string RiskAssessment(const std::string& head, uint64_t number, const std::string& patient,
                           const std::string& encounter) {
  Dice dice(number);
  const int64_t when =
      (kFirstDay + static_cast<int64_t>(dice.Below(kDays))) * 86'400 + static_cast<int64_t>(dice.Below(86'400));
  return head + Format(R"("meta":{"source":"http://hospital.example.org/wards/%d/risk",)"
                       R"("profile":["http://hospital.example.org/profiles/%s-risk"]},"status":"final",)"
                       R"("subject":{"reference":"%s"},"encounter":{"reference":"%s"},"occurrenceDateTime":"%s",)"
                       R"("performer":{"identifier":{"system":"http://hospital.example.org/staff","value":"D%03d"}},)"
                       R"("prediction":[{"outcome":{"text":"Heart attack"},"probabilityDecimal":%.3f}]})",
                       static_cast<int>(dice.Below(40)), dice.Below(4) == 0 ? "surgical" : "cardiac", patient.c_str(),
                       encounter.c_str(), Time(when, "%Y-%m-%dT%H:%M:%SZ").c_str(), static_cast<int>(dice.Below(500)),
                       dice.Unit());
}

std::string Head(std::string_view type, const std::string& id) {
  std::string head = R"({"resourceType":")";
  head.append(type).append("\",");
  if (!id.empty()) head.append("\"id\":\"").append(id).append("\",");
  return head;
}

std::string Reference(uint64_t number) {
  return std::string(Population::TypeOf(number)).append("/").append(Population::IdOf(number));
}

}  // namespace

std::string_view Population::TypeOf(uint64_t number) {
  const uint64_t slot = number % kOfPatient;
  if (slot == kOfPatient - 1) return "RiskAssessment";
  return slot == 0 ? "Patient" : slot < 4 ? "Encounter" : "Observation";
}

std::string Population::IdOf(uint64_t number) {
  Dice dice(~number);
  const uint64_t a = dice.Next();
  const uint64_t b = dice.Next();
  return Format("%08x-%04x-4%03x-%04x-%012llx", static_cast<unsigned>(a >> 32), static_cast<unsigned>(a >> 16 & 0xffff),
                static_cast<unsigned>(a & 0xfff), static_cast<unsigned>(0x8000 | (b >> 48 & 0x3fff)),
                static_cast<unsigned long long>(b & 0xffff'ffff'ffffu));
}

std::string Population::Resource(uint64_t number) {
  const uint64_t slot = number % kOfPatient;
  const std::string head = Head(TypeOf(number), IdOf(number));
  if (slot == 0) return Patient(head, number);
  const std::string patient = Reference(number - slot);
  if (slot < 4) return Encounter(head, number, patient);
  const std::string encounter = Reference(number - slot + 1 + slot % 3);
  if (slot == kOfPatient - 1) return RiskAssessment(head, number, patient, encounter);
  return Observation(head, number, patient, encounter);
}

std::string Population::PatientTransaction(uint64_t number) {
  const std::string urn = "urn:uuid:" + IdOf(number);
  return R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":")" + urn + R"(","resource":)" +
         Patient(Head("Patient", ""), number) + R"(,"request":{"method":"POST","url":"Patient"}},{"resource":)" +
         Observation(Head("Observation", ""), number, urn, "") +
         R"(,"request":{"method":"POST","url":"Observation"}}]})";
}

std::string_view Population::Code(size_t place) {
  return kMeasures[place].code;
}
double Population::MiddleOf(size_t place) {
  return (kMeasures[place].low + kMeasures[place].high) / 2;
}
std::string Population::RecordNumber(uint64_t number) {
  return Format("MRN%09llu", static_cast<unsigned long long>(number));
}
std::string_view Population::FamilyName(uint64_t number) {
  return kFamilies[number / kOfPatient % std::size(kFamilies)];
}

}  // namespace hilum::bench
