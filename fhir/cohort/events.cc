#include "fhir/cohort/events.h"

#include <algorithm>
#include <span>
#include <tuple>

namespace hilum::fhir {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;

// Distances from an anchor to an event, both ends included.
struct Window {
  int64_t low = 0;
  int64_t high = 0;
};

std::vector<Window> WindowsOf(const CohortRelation& relation) {
  // No two dates of a calendar with four digits are this far apart.
  constexpr int64_t kForever = 10'000 * 366 * kMicrosPerDay;
  const int64_t min = relation.min_micros, max = relation.max_micros.value_or(kForever);
  switch (relation.when) {
    case CohortRelation::When::kAfter:
      return {{min, max}};
    case CohortRelation::When::kBefore:
      return {{-max, -min}};
    case CohortRelation::When::kEither:
      return {{min, max}, {-max, -min}};
  }
  return {};
}

// The anchors of one patient.
class Anchors {
 public:
  // `anchors` in order of `first`; borrowed.
  explicit Anchors(std::span<const Event> anchors) : anchors_(anchors) {
    for (const Event& anchor : anchors)
      latest_.push_back(std::max(anchor.last, latest_.empty() ? anchor.last : latest_.back()));
  }

  // Whether some moment of the event lies within the window of some moment of an anchor: event.last - anchor.first >=
  // low and event.first - anchor.last <= high. Of the anchors that meet the first, the one with the latest `last` is
  // the one to try.
  bool Reach(const Event& event, const Window& window) const {
    const auto behind = std::ranges::upper_bound(anchors_, event.last - window.low, {}, &Event::first);
    if (behind == anchors_.begin()) return false;
    const int64_t latest = latest_[static_cast<size_t>(behind - anchors_.begin()) - 1];
    return event.first - latest <= window.high;
  }

 private:
  const std::span<const Event> anchors_;
  std::vector<int64_t> latest_;  // greatest `last` up to each
};

}  // namespace

std::optional<Event> EventOf(storage::Doc patient, storage::Doc doc, const storage::DateValue& date) {
  // Four digits of years, with a day's room: what lies beyond stands for an open end.
  constexpr int64_t kBound = 10'000 * 366 * kMicrosPerDay;
  if (date.low < -kBound || date.low > kBound) return std::nullopt;
  const int64_t length = date.high > date.low + kMicrosPerDay ? kMicrosPerDay : date.high - date.low;
  return Event{patient, doc, date.low, date.low + std::max<int64_t>(length, 1) - 1};
}

std::vector<Event> Related(std::vector<Event> events, std::vector<Event> anchors, const CohortRelation& relation) {
  std::ranges::sort(events, {}, [](const Event& event) { return std::tuple(event.patient, event.doc, event.first); });
  std::ranges::sort(anchors, {}, [](const Event& anchor) { return std::tuple(anchor.patient, anchor.first); });
  const std::vector<Window> windows = WindowsOf(relation);

  std::vector<Event> related;
  auto anchor = anchors.begin();
  for (auto event = events.begin(); event != events.end();) {
    const storage::Doc patient = event->patient;
    const auto first = std::lower_bound(anchor, anchors.end(), patient,
                                        [](const Event& each, storage::Doc wanted) { return each.patient < wanted; });
    anchor = std::upper_bound(first, anchors.end(), patient,
                              [](storage::Doc wanted, const Event& each) { return wanted < each.patient; });
    const Anchors of_patient({first, anchor});
    for (; event != events.end() && event->patient == patient; ++event) {
      const bool holds =
          std::ranges::any_of(windows, [&](const Window& window) { return of_patient.Reach(*event, window); });
      if (holds) related.push_back(*event);
    }
  }
  return related;
}

}  // namespace hilum::fhir
