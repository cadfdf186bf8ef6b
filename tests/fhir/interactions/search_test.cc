#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/fhir/interactions/store_fixture.h"
#include "tests/support/seeded_random.h"

namespace hilum::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class SearchTest : public StoreFixture {
 protected:
  BundleView Search(std::string_view url, Interaction request = {}) { return BundleView(Get(url, std::move(request))); }

  // Every page from `url` on.
  std::vector<std::string> Follow(std::string url, std::string_view relation = "next") {
    std::vector<std::string> all;
    for (size_t pages = 0; !url.empty() && pages < 1000; ++pages) {
      const BundleView page = Search(url);
      all.insert(all.end(), page.matches.begin(), page.matches.end());
      url = page.Link(relation);
    }
    return all;
  }

  void PutClinic() {
    Put(R"({"resourceType":"Organization","id":"parent","name":"Parent"})");
    Put(R"({"resourceType":"Organization","id":"org","name":"Clinic","partOf":{"reference":"Organization/parent"}})");
    Put(Patient("1", "Doe", R"(,"gender":"male","managingOrganization":{"reference":"Organization/org"})"));
    Put(Patient("2", "Roe", R"(,"gender":"female")"));
    Put(Observation("a", "1", "8480-6"));
    Put(Observation("b", "1", "8462-4", R"(,"derivedFrom":[{"reference":"Observation/a"}])"));
    Put(Observation("c", "2", "8480-6"));
  }
};

TEST_F(SearchTest, FindsWhatMatchesAndCountsIt) {
  PutClinic();
  const BundleView found = Search("Patient?gender=male");
  EXPECT_EQ(found.total, 1);
  EXPECT_THAT(found.matches, ElementsAre("Patient/1"));
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Patient?gender=male");
  EXPECT_EQ(found.Link("next"), "");
  EXPECT_EQ(Search("Patient?gender=other").total, 0);
}

TEST_F(SearchTest, GivesLinksThatAreUrls) {
  PutClinic();
  const BundleView found = Search("Observation?code=http://loinc.org|8480-6,http://loinc.org|8462-4&_count=1");
  const std::string url =
      "http://hilum.test/fhir/Observation?code=http://loinc.org%7C8480-6,http://loinc.org%7C8462-4&_count=1";
  EXPECT_EQ(found.Link("self"), url);
  EXPECT_EQ(found.Link("first"), url);
  EXPECT_THAT(found.Link("next"), ::testing::StartsWith(url + "&_cursor="));
  EXPECT_EQ(Follow(url), (std::vector<std::string>{"Observation/a", "Observation/b", "Observation/c"}));
}

// As without http.public_url: what clients call the server is known by each request only.
class SearchWithoutPublicUrlTest : public SearchTest {
 protected:
  void SetUp() override { Open(); }
};

TEST_F(SearchWithoutPublicUrlTest, FindsByTheUrlOfATargetAsTheClientKnowsIt) {
  PutClinic();
  Put(Patient("3", "Poe", R"(,"managingOrganization":{"reference":"http://hilum.test/fhir/Organization/org"})"));
  Put(Patient("4", "Coe", R"(,"managingOrganization":{"reference":"http://other.test/fhir/Organization/org"})"));
  EXPECT_THAT(Search("Patient?organization=http://hilum.test/fhir/Organization/org").matches,
              ElementsAre("Patient/1", "Patient/3"));
  EXPECT_THAT(Search("Patient?organization=http://other.test/fhir/Organization/org").matches, ElementsAre("Patient/4"));
  EXPECT_THAT(Search("Observation?subject:Patient=http://hilum.test/fhir/Patient/2").matches,
              ElementsAre("Observation/c"));
  EXPECT_THAT(Search("Observation?subject=http://hilum.test/fhir/Location/2").matches, IsEmpty());
  EXPECT_THAT(Search("Patient?organization=Organization/org").matches, ElementsAre("Patient/1"))
      << "what an absolute reference means is settled when it is stored";
}

TEST_F(SearchTest, NoLongerFindsDeletedResourcesAndOldVersions) {
  PutClinic();
  Put(Patient("1", "Moe", R"(,"gender":"male")"));
  Delete("Patient", "2");
  EXPECT_EQ(Search("Patient?family=Doe").total, 0);
  EXPECT_THAT(Search("Patient").matches, ElementsAre("Patient/1"));
  EXPECT_THAT(Search("Patient?family=moe").matches, ElementsAre("Patient/1"));
}

TEST_F(SearchTest, CountsWithoutEntriesWhenAskedTo) {
  PutClinic();
  for (const char* url : {"Observation?_summary=count", "Observation?_count=0"}) {
    const BundleView found = Search(url);
    EXPECT_EQ(found.total, 3) << url;
    EXPECT_THAT(found.matches, IsEmpty()) << url;
  }
  EXPECT_EQ(Search("Observation?_total=none").total, -1);
  EXPECT_EQ(Search("Observation?_total=accurate").total, 3);
}

TEST_F(SearchTest, PagesForwardsBackwardsAndToTheEnd) {
  std::vector<std::string> all;
  for (int i = 0; i < 23; ++i) {
    Put(Patient("p" + std::to_string(i), "Doe"));
    all.push_back("Patient/p" + std::to_string(i));
  }
  EXPECT_EQ(Follow("Patient?_count=5"), all);
  const BundleView first = Search("Patient?_count=5");
  EXPECT_EQ(first.total, 23);
  EXPECT_EQ(first.Link("previous"), "");
  const BundleView last = Search(first.Link("last"));
  EXPECT_THAT(last.matches, ElementsAre("Patient/p20", "Patient/p21", "Patient/p22"));
  EXPECT_EQ(last.Link("next"), "");
  EXPECT_EQ(Follow(first.Link("last"), "previous").size(), 23u);
  EXPECT_EQ(Search(last.Link("first")).matches, first.matches);
}

TEST_F(SearchTest, KeepsItsPlaceWhenResourcesComeAndGoBetweenPages) {
  for (int i = 0; i < 6; ++i) Put(Patient("p" + std::to_string(i), "Doe"));
  const BundleView first = Search("Patient?_count=3");
  Delete("Patient", "p0");
  EXPECT_THAT(Search(first.Link("next")).matches, ElementsAre("Patient/p3", "Patient/p4", "Patient/p5"));
}

TEST_F(SearchTest, KeepsItsPlaceWhenResourcesAreUpdatedBetweenPages) {
  for (int i = 0; i < 9; ++i) Put(Patient("p" + std::to_string(i), "Doe"));
  for (const std::string sort : {"", "&_sort=_id", "&_sort=family"}) {
    std::vector<std::string> all;
    for (std::string url = "Patient?_count=3" + sort; !url.empty();) {
      const BundleView page = Search(url);
      all.insert(all.end(), page.matches.begin(), page.matches.end());
      url = page.Link("next");
      // Each gets a new version, and keeps its value in the order.
      for (const char* id : {"p1", "p4", "p8"})
        Put(Patient(id, "Doe", R"(,"active":true,"birthDate":"1970-01-0)" + std::to_string(all.size() % 9 + 1) + "\""));
    }
    EXPECT_THAT(all, ElementsAre("Patient/p0", "Patient/p1", "Patient/p2", "Patient/p3", "Patient/p4", "Patient/p5",
                                 "Patient/p6", "Patient/p7", "Patient/p8"))
        << sort;
  }
}

TEST_F(SearchTest, SortsByIds) {
  const std::vector<std::string> ids = {"b", "A", "a", "10", "9", "b-1", "B", "aa", "-", "b.1"};
  for (const std::string& id : ids) Put(Patient(id, id == "aa" || id == "9" ? "Roe" : "Doe"));
  // Rare ones among many.
  for (int i = 0; i < 300; ++i) Put(Patient("x" + std::to_string(i), i == 150 || i == 15 ? "Roe" : "Moe"));
  Delete("Patient", "10");
  const std::vector<std::string> doe = {"Patient/-", "Patient/A",   "Patient/B",  "Patient/a",
                                        "Patient/b", "Patient/b-1", "Patient/b.1"};
  const std::vector<std::string> roe = {"Patient/9", "Patient/aa", "Patient/x15", "Patient/x150"};
  for (const char* count : {"1", "2", "3", "50"}) {
    const std::string page = std::string("&_count=") + count;
    EXPECT_EQ(Follow("Patient?family=Doe&_sort=_id" + page), doe);
    EXPECT_EQ(Follow("Patient?family=Doe&_sort=-_id,family" + page),
              std::vector<std::string>(doe.rbegin(), doe.rend()));
    EXPECT_EQ(Follow("Patient?family=Roe&_sort=_id" + page), roe);
    EXPECT_EQ(Follow("Patient?family=Roe&_sort=-_id" + page), std::vector<std::string>(roe.rbegin(), roe.rend()));
  }
  std::vector<std::string> all = Follow("Patient?_sort=_id&_count=7");
  EXPECT_EQ(all.size(), 309u);
  EXPECT_TRUE(std::ranges::is_sorted(all));
  EXPECT_EQ(Follow("Patient?family=Nobody&_sort=_id").size(), 0u);
  const BundleView first = Search("Patient?_sort=_id&_count=2");
  EXPECT_EQ(first.Link("last"), "");
  Delete("Patient", first.matches[1].substr(8));
  EXPECT_EQ(Search(first.Link("next")).matches[0], all[2]) << "whatever becomes of the one before";
}

TEST_F(SearchTest, GivesEachOnceWhileItsValueInTheOrderChangesBetweenPages) {
  std::mt19937 random(7);
  const auto patient = [&](int i) {
    const std::string day = R"(,"birthDate":"1970-01-0)" + std::to_string(1 + random() % 9) + "\"";
    Put(Patient("p" + std::to_string(i), std::string(1, static_cast<char>('a' + random() % 6)),
                random() % 5 == 0 ? "" : day));
  };
  for (const std::string sort :
       {"family", "-family", "birthdate,-family", "-birthdate", "_lastUpdated", "-_lastUpdated", "birthdate,_id"}) {
    for (int i = 0; i < 30; ++i) patient(i);
    const std::vector<std::string> expected = Follow("Patient?_count=100&_sort=" + sort);
    std::vector<std::string> all;
    for (std::string url = "Patient?_count=4&_sort=" + sort; !url.empty();) {
      const BundleView page = Search(url);
      all.insert(all.end(), page.matches.begin(), page.matches.end());
      url = page.Link("next");
      // Some change, some of them more than once, and one goes and comes back.
      for (int changes = 0; changes < 9; ++changes) patient(static_cast<int>(random() % 30));
      const int gone = static_cast<int>(random() % 30);
      Delete("Patient", "p" + std::to_string(gone));
      patient(gone);
    }
    EXPECT_EQ(all, expected) << sort;
  }
}

TEST_F(SearchTest, GivesWhatIsNewAtMostOnceWhileItChangesBetweenPages) {
  for (int i = 0; i < 9; ++i) Put(Patient("old" + std::to_string(i), "m"));
  const std::string letters = "anzbmyco";
  std::vector<std::string> all;
  size_t pages = 0;
  for (std::string url = "Patient?_count=2&_sort=family"; !url.empty() && pages < 30; ++pages) {
    const BundleView page = Search(url);
    all.insert(all.end(), page.matches.begin(), page.matches.end());
    url = page.Link("next");
    Put(Patient("new", std::string(1, letters[pages % letters.size()])));
    Put(Patient("late", std::string(1, letters[(pages + 2) % letters.size()])));
  }
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::count(all, "Patient/new"), 0) << "first it stood before the page's end";
  EXPECT_EQ(std::ranges::count(all, "Patient/late"), 1);
  EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end());
  EXPECT_EQ(all.size(), 10u);
}

TEST_F(SearchTest, GivesEachOfSeveralTypesOnceWhileDatesChangeBetweenPages) {
  std::mt19937 random(11);
  const auto put = [&](int i) {
    const std::string day = "\"2020-01-0" + std::to_string(1 + random() % 9) + "\"";
    const bool dated = random() % 6 != 0;
    const std::string id = "r" + std::to_string(i);
    if (i % 3 == 0) {
      Put(R"({"resourceType":"Encounter","id":")" + id + R"(","status":"finished","class":{"code":"AMB"})" +
          (dated ? R"(,"period":{"start":)" + day + "}" : "") + "}");
    } else {
      Put(Observation(id, "1", "8480-6", dated ? R"(,"effectiveDateTime":)" + day : ""));
    }
  };
  const std::string types = "?_type=Observation,Encounter";
  for (const std::string sort : {"date", "-date", "_lastUpdated", "-date,_lastUpdated"}) {
    for (int i = 0; i < 24; ++i) put(i);
    const std::vector<std::string> expected = Follow(types + "&_count=100&_sort=" + sort);
    std::vector<std::string> all;
    for (std::string url = types + "&_count=5&_sort=" + sort; !url.empty();) {
      const BundleView page = Search(url);
      all.insert(all.end(), page.matches.begin(), page.matches.end());
      url = page.Link("next");
      for (int changes = 0; changes < 6; ++changes) put(static_cast<int>(random() % 24));
    }
    EXPECT_EQ(all, expected) << sort;
  }
}

TEST_F(SearchTest, SortsAcrossPagesWithoutLosingOrRepeatingAny) {
  for (int i = 0; i < 12; ++i)
    Put(Patient("p" + std::to_string(i), std::string(1, static_cast<char>('a' + i * 5 % 7))));
  const std::vector<std::string> up = Follow("Patient?_sort=family&_count=5");
  EXPECT_EQ(up.size(), 12u);
  EXPECT_EQ(std::set<std::string>(up.begin(), up.end()).size(), 12u);
  EXPECT_EQ(up, Follow("Patient?_sort=family&_count=100"));
  EXPECT_EQ(up.front(), "Patient/p0");
  EXPECT_EQ(Follow("Patient?_sort=-family&_count=4"), Follow("Patient?_sort=-family"));
}

TEST_F(SearchTest, RefusesCursorsThatAreForgedOrOfAnotherSearch) {
  for (int i = 0; i < 4; ++i) Put(Patient("p" + std::to_string(i), "Doe"));
  std::string next = Search("Patient?_count=2").Link("next");
  EXPECT_EQ(Get(next).status, 200);
  EXPECT_EQ(Get(next + "A").status, 400);
  EXPECT_EQ(Get("Patient?_count=2&_cursor=AAAA").status, 400);
  EXPECT_EQ(Get(next + "&family=Doe").status, 400);
  next.replace(next.find("/Patient"), 8, "/Observation");
  EXPECT_EQ(Get(next).status, 400);
}

TEST_F(SearchTest, SaysWhatItIgnoresOrRefusesIt) {
  PutClinic();
  const BundleView found = Search("Patient?gender=male&shoe-size=44");
  EXPECT_EQ(found.total, 1);
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Patient?gender=male");
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("shoe-size"));
  EXPECT_EQ(Get("Patient?gender=male&shoe-size=44", {.prefer_handling = Handling::kStrict}).status, 400);
  Configure({.handling = Handling::kStrict});
  EXPECT_EQ(Get("Patient?shoe-size=44").status, 400);
  EXPECT_EQ(Get("Patient?shoe-size=44", {.prefer_handling = Handling::kLenient}).status, 200);
}

TEST_F(SearchTest, RefusesValuesThatDoNotFit) {
  for (const char* url :
       {"Patient?birthdate=tomorrow", "Patient?_count=-1", "Patient?_include=Patient", "?_type=Nothing"})
    EXPECT_EQ(Get(url).status, 400) << url;
}

TEST_F(SearchTest, IncludesWhatMatchesReferTo) {
  PutClinic();
  const BundleView found = Search("Observation?code=8480-6&_include=Observation:subject");
  EXPECT_THAT(found.matches, ElementsAre("Observation/a", "Observation/c"));
  EXPECT_THAT(found.included, ElementsAre("Patient/1", "Patient/2"));
  EXPECT_EQ(found.total, 2) << "what is included does not count";
  EXPECT_THAT(Search("Observation?_id=a&_include=Observation:subject:Group").included, IsEmpty());
}

TEST_F(SearchTest, IncludesNothingInSummariesOfTextAndSaysSo) {
  PutClinic();
  const std::string url = "Observation?_id=a&_include=Observation:subject&_summary=text";
  const BundleView found = Search(url);
  EXPECT_THAT(found.included, IsEmpty());
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("do not go with _summary=text"));
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Observation?_id=a&_summary=text");
  EXPECT_EQ(Get(url, {.prefer_handling = Handling::kStrict}).status, 400);
}

TEST_F(SearchTest, IncludesFurtherOnlyWhenItIterates) {
  PutClinic();
  EXPECT_THAT(Search("Observation?_id=a&_include=Observation:subject&_include=Patient:organization").included,
              ElementsAre("Patient/1"));
  EXPECT_THAT(Search("Observation?_id=a&_include=Observation:subject&_include:iterate=Patient:organization").included,
              UnorderedElementsAre("Patient/1", "Organization/org"));
  EXPECT_THAT(Search("Observation?_id=b&_include:iterate=*").included,
              UnorderedElementsAre("Patient/1", "Observation/a", "Organization/org", "Organization/parent"));
  EXPECT_THAT(Search("Observation?_id=b&_include=*").included, UnorderedElementsAre("Patient/1", "Observation/a"));
}

TEST_F(SearchTest, IncludesWhatRefersToMatches) {
  PutClinic();
  EXPECT_THAT(Search("Patient?_id=1&_revinclude=Observation:subject").included,
              ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Patient?_id=1&_revinclude=*").included, ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Patient?_id=1&_revinclude=Observation:*").included,
              ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Organization?_id=parent&_revinclude:iterate=*").included,
              UnorderedElementsAre("Organization/org", "Patient/1", "Observation/a", "Observation/b"));
}

TEST_F(SearchTest, IncludesEachOnceInACycle) {
  Put(R"({"resourceType":"Organization","id":"x","partOf":{"reference":"Organization/y"}})");
  Put(R"({"resourceType":"Organization","id":"y","partOf":{"reference":"Organization/x"}})");
  const BundleView found = Search("Organization?_id=x&_include:iterate=*&_revinclude:iterate=*");
  EXPECT_THAT(found.matches, ElementsAre("Organization/x"));
  EXPECT_THAT(found.included, ElementsAre("Organization/y"));
}

TEST_F(SearchTest, LeavesOutIncludesThatAreNotThere) {
  Put(Observation("o", "never", "1-1"));
  Put(Patient("gone", "Doe"));
  Put(Observation("p", "gone", "1-1"));
  Delete("Patient", "gone");
  EXPECT_THAT(Search("Observation?_include=Observation:subject").included, IsEmpty());
}

TEST_F(SearchTest, StopsIncludingAtTheLimitAndSaysSo) {
  PutClinic();
  Configure({.max_included = 1});
  const BundleView found = Search("Patient?_id=1&_revinclude=Observation:subject");
  EXPECT_EQ(found.included.size(), 1u);
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("too-costly"));
}

TEST_F(SearchTest, EndsAPageThatGetsLong) {
  const std::string long_text(1000, 'x');
  std::vector<std::string> all;
  for (const std::string id : {"a", "b", "c", "d", "e", "f", "g"}) {
    const std::string more = R"(,"photo":[{"title":")" + long_text + "\"}]";
    Put(Patient(id, "Doe", id == "d" ? R"(,"photo":[{"title":")" + std::string(9000, 'x') + "\"}]" : more));
    all.push_back("Patient/" + id);
  }
  Configure({.max_page_bytes = 3000});
  EXPECT_EQ(Search("Patient").matches, std::vector<std::string>(all.begin(), all.begin() + 3));
  EXPECT_EQ(Search("Patient").total, 7);
  EXPECT_EQ(Follow("Patient"), all);
  EXPECT_EQ(Follow("Patient?_sort=_lastUpdated"), all);
  EXPECT_EQ(Follow("Patient?_sort=_id"), all);
  EXPECT_EQ(Follow("?_type=Patient,Observation&_sort=_lastUpdated"), all);
  EXPECT_EQ(Follow("?_type=Patient,Observation"), all);
  EXPECT_EQ(Search("Patient?_elements=name").matches.size(), 7u) << "what counts is what is sent";
}

TEST_F(SearchTest, LeavesOutIncludedResourcesThatGetLongAndSaysSo) {
  PutClinic();
  const std::string comment = R"(,"note":[{"text":")" + std::string(2000, 'x') + "\"}]";
  for (const std::string id : {"x", "y", "z"}) Put(Observation(id, "2", "n", comment));
  Configure({.max_page_bytes = 3000});
  const BundleView page = Search("Patient?_id=2&_revinclude=Observation:subject");
  EXPECT_THAT(page.matches, ElementsAre("Patient/2"));
  EXPECT_EQ(page.included.size(), 3u) << "the short one, and two of the long ones";
  ASSERT_EQ(page.outcomes.size(), 1u);
  EXPECT_THAT(page.outcomes[0], HasSubstr("not all resources to include are here, only 3;"));
}

TEST_F(SearchTest, GoesThroughSeveralTypes) {
  PutClinic();
  EXPECT_THAT(Search("?_type=Patient,Organization").matches,
              ElementsAre("Organization/parent", "Organization/org", "Patient/1", "Patient/2"));
  EXPECT_EQ(Follow("?_type=Patient,Organization&_count=1"), Search("?_type=Patient,Organization").matches);
  EXPECT_EQ(Follow("?_type=Patient,Organization&_count=2"), Search("?_type=Patient,Organization").matches);
  EXPECT_EQ(Search("?_summary=count").total, 7);
  EXPECT_THAT(Search("?_id=1").matches, ElementsAre("Patient/1"));
  const BundleView ignoring = Search("?_type=Patient,Organization&gender=male");
  EXPECT_EQ(ignoring.total, 4) << "not known to both, so it has no effect";
  EXPECT_EQ(ignoring.outcomes.size(), 1u);
  EXPECT_EQ(Search("?_type=Patient&gender=male").total, 1);
}

TEST_F(SearchTest, SortsSeveralTypesIntoOneOrder) {
  struct Dated {
    std::string date, type, id;
    int number;
  };
  std::vector<Dated> all;
  std::mt19937 random(5);
  for (int number = 0; number < 60; ++number) {
    // Some have no date, some only an end: they begin before all others.
    const std::string day = "2020-01-0" + std::to_string(1 + random() % 4);
    const std::string date = number % 7 == 0 ? "" : number % 5 == 0 ? "0" : day;
    const std::string id = "r" + std::to_string(number), type = random() % 3 == 0 ? "Encounter" : "Observation";
    all.push_back({date, type, id, number});
    const std::string begin = date == "0" ? "" : R"("start":")" + day + "\",";
    const std::string period = date.empty() ? "" : R"(eriod":{)" + begin + R"("end":")" + day + "\"}";
    Put(type == "Observation"
            ? Observation(id, "1", "8480-6", period.empty() ? "" : R"(,"effectiveP)" + period)
            : R"({"resourceType":"Encounter","id":")" + id + R"(","status":"finished","class":{"code":"AMB"})" +
                  (period.empty() ? "" : R"(,"p)" + period) + "}");
  }
  const auto in_order = [&](bool descending) {
    // What has no date comes last; those of one day by type, and within it in the order they came.
    std::ranges::sort(all, [&](const Dated& a, const Dated& b) {
      if (a.date.empty() != b.date.empty()) return b.date.empty();
      if (a.date != b.date) return (a.date < b.date) != descending;
      if (a.type != b.type) return a.type < b.type;
      return (a.number < b.number) != descending;
    });
    std::vector<std::string> names;
    for (const Dated& each : all) names.push_back(each.type + "/" + each.id);
    return names;
  };
  for (const char* count : {"1", "2", "7", "25", "100"}) {
    const std::string url = std::string("?_type=Observation,Encounter&_count=") + count + "&_sort=";
    EXPECT_EQ(Follow(url + "date"), in_order(false)) << count;
    EXPECT_EQ(Follow(url + "-date"), in_order(true)) << count;
  }
  std::vector<std::string> written;
  std::ranges::sort(all, {}, &Dated::number);
  for (const Dated& each : all) written.push_back(each.type + "/" + each.id);
  EXPECT_EQ(Follow("?_sort=_lastUpdated&_count=7"), written) << "all types, most of them empty";
  std::ranges::sort(all, [](const Dated& a, const Dated& b) {
    if (a.date.empty() != b.date.empty()) return b.date.empty();
    return a.date != b.date ? a.date < b.date : a.number > b.number;
  });
  std::vector<std::string> by_two;
  for (const Dated& each : all) by_two.push_back(each.type + "/" + each.id);
  for (const char* count : {"1", "4", "100"}) {
    EXPECT_EQ(Follow(std::string("?_type=Observation,Encounter&_sort=date,-_lastUpdated&_count=") + count), by_two);
  }
  EXPECT_EQ(Search("?_sort=_lastUpdated&_count=7").Link("previous"), "");
}

TEST_F(SearchTest, LeavesOutAnOrderThatMeansNothingAcrossTypes) {
  PutClinic();
  for (const char* sort : {"_id", "family", "-date,birthdate", "_lastUpdated,status"}) {
    const BundleView found = Search(std::string("?_type=Patient,Observation&_sort=") + sort);
    EXPECT_EQ(found.outcomes.size(), 1u) << sort;
    EXPECT_EQ(found.matches, Search("?_type=Patient,Observation").matches) << sort;
  }
  EXPECT_EQ(Get("?_type=Patient,Observation&_sort=_id", {.prefer_handling = Handling::kStrict}).status, 400);
  EXPECT_EQ(Get("Observation?_sort=subject", {.prefer_handling = Handling::kStrict}).status, 400);
  const BundleView found = Search("Observation?_sort=subject");
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("no order")) << "of references";
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Observation");
}

TEST_F(SearchTest, FindsFromADayOnAndUpToADayWhatLiesPartlyInIt) {
  Put(R"({"resourceType":"Encounter","id":"night","status":"finished","class":{"code":"IMP"},)"
      R"("period":{"start":"2020-01-10T22:00:00Z","end":"2020-01-11T06:00:00Z"}})");
  Put(R"({"resourceType":"Encounter","id":"stay","status":"in-progress","class":{"code":"IMP"},)"
      R"("period":{"start":"2020-01-11T08:00:00Z"}})");
  struct Case {
    const char* date;
    std::vector<std::string> found;
  };
  const std::string night = "Encounter/night", stay = "Encounter/stay";
  for (const auto& [date, found] : std::vector<Case>{{"ge2020-01-11", {night, stay}},
                                                     {"ge2020-01-11T05:00", {night, stay}},
                                                     {"ge2020-01-11T06:01", {stay}},
                                                     {"ge2020-01-12", {stay}},
                                                     {"le2020-01-09", {}},
                                                     {"le2020-01-10", {night}},
                                                     {"le2020-01-11", {night, stay}}}) {
    const std::string url = std::string("Encounter?date=") + date;
    EXPECT_THAT(Search(url).matches, ::testing::ElementsAreArray(found)) << url;
  }
}

TEST_F(SearchTest, StaysWithinACompartment) {
  PutClinic();
  EXPECT_THAT(Search("Patient/1/Observation").matches, ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Patient/1/Observation?code=8480-6").matches, ElementsAre("Observation/a"));
  EXPECT_THAT(Search("Patient/1/*").matches, UnorderedElementsAre("Observation/a", "Observation/b", "Patient/1"));
  EXPECT_THAT(Search("Patient/9/Observation").matches, IsEmpty());
  EXPECT_EQ(Get("Patient/1/Medication").status, 404);
}

TEST_F(SearchTest, FindsAVersionOfACanonicalUrl) {
  const auto value_set = [](const std::string& id, const std::string& version) {
    return R"({"resourceType":"ValueSet","status":"active","url":"http://a.test/vs","id":")" + id + R"(","version":")" +
           version + "\"}";
  };
  Put(value_set("1", "1.0"));
  Put(value_set("2", "2.0"));
  EXPECT_THAT(Search("ValueSet?url=http://a.test/vs|2.0").matches, ElementsAre("ValueSet/2"));
  EXPECT_EQ(Search("ValueSet?url=http://a.test/vs|3.0").total, 0);
  EXPECT_EQ(Search("ValueSet?url=http://a.test/vs").total, 2);
  EXPECT_EQ(Search("ValueSet?url:below=http://a.test/").total, 2);
  EXPECT_EQ(Get("ValueSet?url:below=urn:oid:1.2").status, 400) << "URNs have nothing below";
}

TEST_F(SearchTest, FindsQuantitiesByTheUnitForPeopleToo) {
  const auto put = [&](const std::string& id, const std::string& quantity) {
    Put(Observation(id, "1", "8480-6", ",\"valueQuantity\":{\"value\":120," + quantity + "}"));
  };
  put("a", R"("unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]")");
  put("b", R"("unit":"mmHg")");
  put("c", R"("unit":"furlong","system":"urn:own","code":"fl")");
  EXPECT_THAT(Search("Observation?value-quantity=120||mmHg").matches,
              UnorderedElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search("Observation?value-quantity=gt100||mm[Hg]").matches, ElementsAre("Observation/a"));
  EXPECT_THAT(Search("Observation?value-quantity=120||furlong").matches, ElementsAre("Observation/c"));
  EXPECT_THAT(Search("Observation?value-quantity=120||fl").matches, ElementsAre("Observation/c"));
  EXPECT_EQ(Search("Observation?value-quantity=120|urn:own|furlong").total, 0);
}

TEST_F(SearchTest, SaysByWhichMethodASearchIsPosted) {
  for (const std::string url : {"_search", "Patient/_search", "Patient/1/Observation/_search"}) {
    EXPECT_EQ(Run(url, {.method = "GET"}).status, 405) << url;
    EXPECT_EQ(Run(url, {.method = "PUT"}).status, 405) << url;
  }
}

TEST_F(SearchTest, AParameterThatNarrowsAnotherMissesNothingThatItFinds) {
  Put(Observation("dangling", "nobody", "n"));
  Put(Patient("gone", "Gone"));
  Put(Observation("orphan", "gone", "n"));
  Delete("Patient", "gone");
  Put(R"({"resourceType":"Observation","id":"of-group","status":"final","code":{"coding":[{"code":"n"}]},)"
      R"("subject":{"reference":"Group/g"}})");
  EXPECT_THAT(Search("Observation?code=n&patient=Patient/nobody,Patient/gone").matches,
              ElementsAre("Observation/dangling", "Observation/orphan"));
  EXPECT_THAT(Search("Observation?code=n&patient:missing=false").matches,
              ElementsAre("Observation/dangling", "Observation/orphan"));
  EXPECT_THAT(Search("Observation?code=n&patient:missing=true").matches, ElementsAre("Observation/of-group"));
}

TEST_F(SearchTest, AParameterThatNarrowsAnotherNeverLeadsToOtherTypes) {
  Put(R"({"resourceType":"Group","id":"g","type":"person","actual":true,"code":{"text":"x"}})");
  Put(R"({"resourceType":"Observation","id":"of-group","status":"final","code":{"coding":[{"code":"n"}]},)"
      R"("subject":{"reference":"Group/g"}})");
  EXPECT_THAT(Search("Group?_has:Observation:subject:code=n").matches, ElementsAre("Group/g"));
  EXPECT_THAT(Search("Group?_has:Observation:patient:code=n").matches, IsEmpty());
  EXPECT_THAT(Search("Observation?subject:Group.type=person").matches, ElementsAre("Observation/of-group"));
  EXPECT_THAT(Search("Observation?patient:Group.type=person").matches, IsEmpty());
  EXPECT_EQ(Get("Group?_has:Observation:patient:nothing=n", {.prefer_handling = Handling::kStrict}).status, 400);
}

TEST_F(SearchTest, FindsTheMembersOfAList) {
  PutClinic();
  Put(R"({"resourceType":"List","id":"l","status":"current","mode":"working","entry":[{"item":{"reference":"Patient/2"}}]})");
  EXPECT_THAT(Search("Patient?_list=l").matches, ElementsAre("Patient/2"));
}

TEST_F(SearchTest, DoesNotTakeAFunctionalListForAnEmptyOne) {
  EXPECT_GE(Get("AllergyIntolerance?_list=$current-allergies").status, 400);
}

TEST_F(SearchTest, TakesAFormAsTheSameSearch) {
  PutClinic();
  const BundleView found =
      BundleView(Run("Patient/_search?gender=male", {.method = "POST", .query = {{"family", "doe"}}}));
  EXPECT_THAT(found.matches, ElementsAre("Patient/1"));
  EXPECT_EQ(found.Link("self"), "http://hilum.test/fhir/Patient?gender=male&family=doe");
}

TEST_F(SearchTest, GoesOnWithLinksAfterAForm) {
  PutClinic();
  const BundleView first(
      Run("Observation/_search", {.method = "POST", .query = {{"_count", "2"}, {"status", "final"}}}));
  EXPECT_THAT(first.matches, ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search(first.Link("next")).matches, ElementsAre("Observation/c"));
}

TEST_F(SearchTest, NamesElementsThatDoNotExist) {
  PutClinic();
  const BundleView found = Search("Observation?_elements=status,valueQuantity");
  ASSERT_EQ(found.outcomes.size(), 1u);
  EXPECT_THAT(found.outcomes[0], HasSubstr("valueQuantity"));
  EXPECT_EQ(found.matches.size(), 3u);
  EXPECT_THAT(Search("Observation?_elements=status,value").outcomes, IsEmpty());
  EXPECT_THAT(Search("?_type=Patient,Observation&_elements=gender,status").outcomes, IsEmpty());
  EXPECT_THAT(Search("Observation?_elements=gender&_include=Observation:subject").outcomes, IsEmpty());
}

TEST_F(SearchTest, GoesOnWithLinksThatFitAUrlAfterALongForm) {
  PutClinic();
  std::string ids = "a";
  for (int i = 0; i < 2000; ++i) ids += ",not-there-" + std::to_string(i);
  ids += ",b,c";
  const Interaction form{.method = "POST",
                         .query = {{"_id", ids}, {"_sort", "-_lastUpdated"}, {"_count", "1"}, {"status", "final"}}};
  const BundleView first(Run("Observation/_search", form));
  EXPECT_EQ(first.total, 3);
  EXPECT_THAT(first.matches, ElementsAre("Observation/c"));
  for (const Parameter& link : first.links) EXPECT_LT(link.value.size(), 8000u) << link.name;
  EXPECT_THAT(Follow(first.Link("next")), ElementsAre("Observation/b", "Observation/a"));
  EXPECT_EQ(Search(first.Link("self")).matches, first.matches);
  EXPECT_EQ(Search(first.Link("first")).Link("self"), first.Link("first"));
  EXPECT_THAT(Search(first.Link("last")).matches, ElementsAre("Observation/a"));

  Interaction of_all = form;
  of_all.query.push_back({"_type", "Observation,Patient"});
  std::erase_if(of_all.query, [](const Parameter& each) { return each.name == "status" || each.name == "_sort"; });
  const BundleView both(Run("_search", of_all));
  EXPECT_THAT(Follow(both.Link("self")), ElementsAre("Observation/a", "Observation/b", "Observation/c"));

  // A restart forgets it, until it is asked for again.
  Configure({});
  const Answer forgotten = Get(first.Link("next"));
  EXPECT_EQ(forgotten.status, 410);
  EXPECT_THAT(forgotten.body, AllOf(HasSubstr("OperationOutcome"), HasSubstr("send that search again")));
  EXPECT_EQ(BundleView(Run("Observation/_search", form)).Link("first"), first.Link("first"));
  EXPECT_THAT(Search(first.Link("next")).matches, ElementsAre("Observation/b"));
}

TEST_F(SearchTest, RefusesCursorsOfOtherLongSearches) {
  PutClinic();
  const auto first_of = [&](const std::string& id) {
    return BundleView(
        Run("Observation/_search",
            {.method = "POST", .query = {{"_id", "a,b," + id + std::string(7000, 'x')}, {"_count", "1"}}}));
  };
  const std::string next = first_of("m").Link("next"), other = first_of("n").Link("first");
  const std::string cursor = next.substr(next.find("_cursor="));
  EXPECT_EQ(Get(next).status, 200);
  EXPECT_EQ(Get(other + "&" + cursor).status, 400);
  EXPECT_EQ(Get("Observation?_kept=1").status, 410);
}

TEST_F(SearchTest, ForgetsTheLongSearchThatWasNotUsedForTheLongestTime) {
  PutClinic();
  Configure({.max_kept_searches = 40'000});
  const auto first_of = [&](char letter, size_t size) {
    return Run("Observation/_search",
               {.method = "POST", .query = {{"_id", "a,b," + std::string(size, letter)}, {"_count", "1"}}});
  };
  std::vector<std::string> next;
  for (char letter = 'a'; letter < 'f'; ++letter) next.push_back(BundleView(first_of(letter, 7500)).Link("next"));
  EXPECT_EQ(Get(next[0]).status, 200);
  EXPECT_EQ(BundleView(first_of('x', 7500)).matches.size(), 1u);
  EXPECT_EQ(Get(next[0]).status, 200) << "used since";
  EXPECT_EQ(Get(next[1]).status, 410);
  EXPECT_EQ(Get(next[2]).status, 200);
  EXPECT_EQ(first_of('y', 10'001).status, 413) << "more than a quarter of all";
}

TEST_F(SearchTest, AnswersWhateverItIsAsked) {
  PutClinic();
  const std::vector<std::string> paths = {
      "",         "Patient", "Observation", "Patient/1/*", "Patient/1/$everything", "_history", "Patient/1/_history",
      "Patient/1"};
  const std::vector<std::string> names = {"_id",
                                          "code",
                                          "date",
                                          "_sort",
                                          "_count",
                                          "_include",
                                          "_revinclude:iterate",
                                          "_cursor",
                                          "_type",
                                          "_since",
                                          "_at",
                                          "_list",
                                          "_has:Observation:subject:code",
                                          "subject:Patient.name",
                                          "_elements",
                                          "_summary",
                                          "start",
                                          "name:missing",
                                          "value-quantity",
                                          "code-value-quantity",
                                          "_total",
                                          "_lastUpdated",
                                          "x:y:z"};
  const std::string_view pieces[] = {
      "*",       ":",  ",",    "|", "$",  "1",    "-", "Patient", "Observation",          "subject",
      "2020-01", "ge", "true", "/", "\\", "code", "é", ".",       "99999999999999999999", "count"};
  testing::SeededRandom random(11);
  for (int i = 0; i < 3000; ++i) {
    Interaction request{.method = "GET"};
    for (uint64_t n = random.Next64() % 3; n < 3; ++n) {
      std::string value;
      for (uint64_t m = random.Next64() % 5; m < 5; ++m) value += pieces[random.Next64() % std::size(pieces)];
      request.query.push_back({names[random.Next64() % names.size()], value});
    }
    const std::string& path = paths[random.Next64() % paths.size()];
    const Answer answer = Run(path, request);
    EXPECT_TRUE(answer.status == 200 || answer.status == 400)
        << answer.status << " " << path << "?" << JoinQuery(request.query);
    EXPECT_TRUE(json::Document::Parse(answer.body).ok()) << path << "?" << JoinQuery(request.query);
  }
}

TEST_F(SearchTest, GivesOnlyThePartsAskedFor) {
  PutClinic();
  const BundleView found = Search("Patient?_id=1&_elements=gender");
  EXPECT_THAT(found.resources.at(0), HasSubstr("SUBSETTED"));
  EXPECT_THAT(found.resources.at(0), Not(HasSubstr("Doe")));
  EXPECT_THAT(Get("Patient?_id=1&_pretty=true").body, HasSubstr("\n  \"type\": \"searchset\""));
}

// The plainest search there is, over what was put in.
struct Made {
  std::string id, patient, code, status;
  int day;
};

TEST_F(SearchTest, TotalsAreThoseOfCountingByHand) {
  std::vector<Made> made;
  testing::SeededRandom random(7);
  const auto pick = [&](uint64_t below) { return static_cast<int>(random.Next64() % below); };
  const std::vector<std::string> codes = {"1-1", "2-2", "3-3"}, statuses = {"final", "amended", "preliminary"};
  for (int i = 0; i < 3; ++i) Put(Patient(std::to_string(i), "Doe"));
  for (int i = 0; i < 80; ++i) {
    Made one{.id = "o" + std::to_string(i),
             .patient = std::to_string(pick(3)),
             .code = codes[pick(3)],
             .status = statuses[pick(3)],
             .day = 10 + pick(9)};
    Put(R"({"resourceType":"Observation","id":")" + one.id + R"(","status":")" + one.status +
        R"(","code":{"coding":[{"code":")" + one.code + R"("}]},"subject":{"reference":"Patient/)" + one.patient +
        R"("},"effectiveDateTime":"2020-01-)" + std::to_string(one.day) + "\"}");
    made.push_back(std::move(one));
  }
  for (int i = 0; i < 100; ++i) {
    const bool by_code = pick(2), by_status = pick(2), by_patient = pick(2), by_day = pick(2);
    const std::string code = codes[pick(3)], other = codes[pick(3)], status = statuses[pick(3)];
    const std::string patient = std::to_string(pick(3));
    const int day = 10 + pick(9);
    std::string url = "Observation?_count=7";
    if (by_code) url += "&code=" + code + "," + other;
    if (by_status) url += "&status:not=" + status;
    if (by_patient) url += "&subject=Patient/" + patient;
    if (by_day) url += "&date=ge2020-01-" + std::to_string(day);
    const long expected = std::ranges::count_if(made, [&](const Made& one) {
      return (!by_code || one.code == code || one.code == other) && (!by_status || one.status != status) &&
             (!by_patient || one.patient == patient) && (!by_day || one.day >= day);
    });
    EXPECT_EQ(Search(url).total, expected) << url;
    EXPECT_EQ(static_cast<long>(Follow(url).size()), expected) << url;
  }
}

}  // namespace
}  // namespace hilum::fhir
