#include "storage/catalogue/changes.h"

#include <utility>

namespace hilum::storage {
namespace {

// The first step knows what there was, the last one what is left.
template <typename Row>
void Follow(bool is_new, RowPair<Row> step, RowPair<Row>* whole) {
  if (is_new) whole->before = std::move(step.before);
  whole->after = std::move(step.after);
}

}  // namespace

void CatalogueChanges::Note(Doc study, RowPair<StudyRow> study_row, Doc series, RowPair<SeriesRow> series_row,
                            Doc instance, RowPair<InstanceRow> instance_row) {
  const auto [study_at, new_study] = studies_.try_emplace(study);
  Follow(new_study, std::move(study_row), &study_at->second.row);
  const auto [series_at, new_series] = study_at->second.series.try_emplace(series);
  Follow(new_series, std::move(series_row), &series_at->second.row);
  auto& instances = series_at->second.instances;
  const auto [instance_at, new_instance] = instances.try_emplace(instance);
  Follow(new_instance, std::move(instance_row), &instance_at->second);
  if (!instance_at->second.before && !instance_at->second.after) instances.erase(instance_at);
}

}  // namespace hilum::storage
