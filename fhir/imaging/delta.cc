#include "fhir/imaging/delta.h"

namespace hilum::fhir::imaging {
namespace {

constexpr uint64_t kFromScratch = 1, kHasZone = 2;
constexpr uint64_t kRemoved = 1, kDescribed = 2, kHasLaterality = 4;

constexpr std::string SeriesImages::*kTexts[] = {&SeriesImages::number,      &SeriesImages::modality,
                                                 &SeriesImages::description, &SeriesImages::body_part,
                                                 &SeriesImages::start_date,  &SeriesImages::start_time};

std::optional<SeriesDelta> DeltaOf(const storage::SeriesChange& change) {
  SeriesDelta delta;
  if (!change.row.after) {
    delta.removed = true;
    return change.row.before ? std::optional(delta) : std::nullopt;
  }
  const SeriesImages now = Describe(*change.row.after);
  if (!change.row.before || !now.SaysTheSame(Describe(*change.row.before))) delta.described = now;
  for (const auto& [doc, instance] : change.instances) {
    if (!instance.after) {
      delta.instances[instance.before->uid] = std::nullopt;
      continue;
    }
    const InstanceImage image = Describe(*instance.after);
    if (instance.before && Describe(*instance.before) == image) continue;
    delta.instances[instance.after->uid] = image;
  }
  if (!delta.described && delta.instances.empty()) return std::nullopt;
  return delta;
}

bool ReadSeries(ByteReader* in, SeriesDelta* delta) {
  uint64_t flags = 0, instances = 0;
  if (!in->ReadVarint(&flags)) return false;
  delta->removed = (flags & kRemoved) != 0;
  if ((flags & kDescribed) != 0) {
    delta->described.emplace();
    for (const auto text : kTexts) {
      if (!in->ReadSized(&((*delta->described).*text))) return false;
    }
    if ((flags & kHasLaterality) != 0 && !in->ReadSized(&delta->described->laterality)) return false;
  }
  if (!in->ReadVarint(&instances)) return false;
  for (; instances > 0; --instances) {
    std::string uid;
    uint64_t there = 0;
    if (!in->ReadSized(&uid) || !in->ReadVarint(&there)) return false;
    std::optional<InstanceImage>& instance = delta->instances[uid];
    if (there == 0) continue;
    instance.emplace();
    if (!in->ReadSized(&instance->sop_class) || !in->ReadSized(&instance->number)) return false;
  }
  return true;
}

}  // namespace

StudyDelta DeltaOf(const storage::StudyChange& change) {
  StudyDelta delta;
  if (change.row.after) {
    const std::string zone = ZoneOf(*change.row.after);
    if (zone != (change.row.before ? ZoneOf(*change.row.before) : std::string())) delta.zone = zone;
  }
  for (const auto& [doc, series] : change.series) {
    auto of_series = DeltaOf(series);
    if (!of_series) continue;
    const std::string& uid = series.row.after ? series.row.after->uid : series.row.before->uid;
    // A series that was removed and stored again is here twice, the removal first: documents rise.
    of_series->removed = of_series->removed || delta.series[uid].removed;
    delta.series[uid] = *std::move(of_series);
  }
  return delta;
}

StudyDelta DeltaOf(const StudyImages& images) {
  StudyDelta delta{.from_scratch = true, .zone = images.zone};
  for (const auto& [uid, series] : images.series) {
    SeriesDelta& of_series = delta.series[uid];
    of_series.described = series;
    of_series.described->instances.clear();
    for (const auto& [sop, instance] : series.instances) of_series.instances[sop] = instance;
  }
  return delta;
}

void Apply(const StudyDelta& delta, StudyImages* images) {
  if (delta.from_scratch) *images = {};
  if (delta.zone) images->zone = *delta.zone;
  for (const auto& [uid, change] : delta.series) {
    if (change.removed) images->series.erase(uid);
    if (!change.described && change.instances.empty()) continue;
    SeriesImages& series = images->series[uid];
    if (change.described) {
      auto instances = std::move(series.instances);
      series = *change.described;
      series.instances = std::move(instances);
    }
    for (const auto& [sop, instance] : change.instances) {
      if (instance) {
        series.instances[sop] = *instance;
      } else {
        series.instances.erase(sop);
      }
    }
  }
}

std::string Encode(const StudyDelta& delta) {
  std::string out;
  AppendVarint(&out, (delta.from_scratch ? kFromScratch : 0) | (delta.zone ? kHasZone : 0));
  if (delta.zone) AppendSized(&out, *delta.zone);
  AppendVarint(&out, delta.series.size());
  for (const auto& [uid, series] : delta.series) {
    AppendSized(&out, uid);
    const bool has_laterality = series.described && !series.described->laterality.empty();
    AppendVarint(&out, (series.removed ? kRemoved : 0) | (series.described ? kDescribed : 0) |
                           (has_laterality ? kHasLaterality : 0));
    if (series.described) {
      for (const auto text : kTexts) AppendSized(&out, (*series.described).*text);
    }
    if (has_laterality) AppendSized(&out, series.described->laterality);
    AppendVarint(&out, series.instances.size());
    for (const auto& [sop, instance] : series.instances) {
      AppendSized(&out, sop);
      AppendVarint(&out, instance ? 1 : 0);
      if (!instance) continue;
      AppendSized(&out, instance->sop_class);
      AppendSized(&out, instance->number);
    }
  }
  return out;
}

std::optional<StudyDelta> DecodeDelta(Bytes bytes) {
  ByteReader in(bytes);
  StudyDelta delta;
  uint64_t flags = 0, series = 0;
  if (!in.ReadVarint(&flags)) return std::nullopt;
  delta.from_scratch = (flags & kFromScratch) != 0;
  if ((flags & kHasZone) != 0 && !in.ReadSized(&delta.zone.emplace())) return std::nullopt;
  if (!in.ReadVarint(&series)) return std::nullopt;
  for (; series > 0; --series) {
    std::string uid;
    if (!in.ReadSized(&uid) || !ReadSeries(&in, &delta.series[uid])) return std::nullopt;
  }
  if (!in.empty()) return std::nullopt;
  return delta;
}

}  // namespace hilum::fhir::imaging
