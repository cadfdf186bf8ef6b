// Pages of a search, their order, and the links between them while resources come, change and go.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

#include "tests/fhir/interactions/search_fixture.h"

namespace hilum::fhir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

TEST_F(SearchTest, GoesOnWithLinksAfterAForm) {
  PutClinic();
  const BundleView first(
      Run("Observation/_search", {.method = "POST", .query = {{"_count", "2"}, {"status", "final"}}}));
  EXPECT_THAT(first.matches, ElementsAre("Observation/a", "Observation/b"));
  EXPECT_THAT(Search(first.Link("next")).matches, ElementsAre("Observation/c"));
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

}  // namespace
}  // namespace hilum::fhir
