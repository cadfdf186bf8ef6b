#include "fhir/cohort/events.h"

#include <gmock/gmock.h>

namespace hilum::fhir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using When = CohortRelation::When;

constexpr int64_t kHour = 3'600'000'000;
constexpr int64_t kDay = 24 * kHour;

Event At(storage::Doc patient, storage::Doc doc, int64_t moment) {
  return *EventOf(patient, doc, {moment, moment + 1});
}
Event On(storage::Doc patient, storage::Doc doc, int64_t day) {
  return *EventOf(patient, doc, {day * kDay, (day + 1) * kDay});
}
CohortRelation Within(When when, int64_t min, std::optional<int64_t> max) {
  return {.to = "anchor", .when = when, .min_micros = min, .max_micros = max};
}
std::vector<storage::Doc> Docs(const std::vector<Event>& events) {
  std::vector<storage::Doc> docs;
  for (const Event& event : events) docs.push_back(event.doc);
  return docs;
}

TEST(EventTest, BeginsOnItsFirstDayAndNeverWithoutABeginning) {
  EXPECT_EQ(EventOf(1, 2, {5, 6})->last, 5);
  EXPECT_EQ(EventOf(1, 2, {0, kDay})->last, kDay - 1);
  EXPECT_EQ(EventOf(1, 2, {0, 365 * kDay})->last, kDay - 1);
  EXPECT_EQ(EventOf(1, 2, {0, INT64_MAX})->last, kDay - 1);
  EXPECT_FALSE(EventOf(1, 2, {INT64_MIN, 5}));
}

TEST(RelatedTest, CountsDistancesWithBothEnds) {
  const std::vector<Event> anchors = {At(1, 0, 100 * kDay)};
  std::vector<Event> events;
  for (const int64_t day : {70, 99, 100, 101, 190, 191})
    events.push_back(At(1, static_cast<storage::Doc>(day), day * kDay));
  EXPECT_THAT(Docs(Related(events, anchors, Within(When::kAfter, 0, 90 * kDay))), ElementsAre(100, 101, 190));
  EXPECT_THAT(Docs(Related(events, anchors, Within(When::kAfter, kDay, std::nullopt))), ElementsAre(101, 190, 191));
  EXPECT_THAT(Docs(Related(events, anchors, Within(When::kBefore, 0, kDay))), ElementsAre(99, 100));
  EXPECT_THAT(Docs(Related(events, anchors, Within(When::kEither, kDay, 30 * kDay))), ElementsAre(70, 99, 101));
}

TEST(RelatedTest, TakesADayForAnyMomentOfIt) {
  EXPECT_THAT(Docs(Related({On(1, 7, 5)}, {At(1, 0, 5 * kDay + 10 * kHour)}, Within(When::kAfter, 0, kDay))),
              ElementsAre(7));
  EXPECT_THAT(Docs(Related({On(1, 7, 5)}, {At(1, 0, 5 * kDay + 10 * kHour)}, Within(When::kBefore, 0, kDay))),
              ElementsAre(7));
  EXPECT_THAT(Docs(Related({On(1, 7, 4)}, {At(1, 0, 5 * kDay)}, Within(When::kAfter, 0, kDay))), IsEmpty());
}

TEST(RelatedTest, LooksAtAnchorsOfTheSamePatientOnly) {
  const std::vector<Event> anchors = {At(1, 0, 0), At(3, 1, 50 * kDay), At(3, 2, 0)};
  const std::vector<Event> events = {At(3, 30, 51 * kDay), At(2, 20, 1), At(1, 10, 51 * kDay), At(3, 31, 200 * kDay)};
  EXPECT_THAT(Docs(Related(events, anchors, Within(When::kAfter, 0, 10 * kDay))), ElementsAre(30));
  EXPECT_THAT(Related(events, {}, Within(When::kEither, 0, std::nullopt)), IsEmpty());
}

}  // namespace
}  // namespace hilum::fhir
