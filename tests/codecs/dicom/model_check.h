// What must hold of every model that a reader gave out; for fuzz targets.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "codecs/dicom/attributes.h"
#include "codecs/dicom/json.h"
#include "codecs/dicom/model.h"

namespace hilum::dicom::testing {

// Its XML reads as well-formed and within the same limits, and its file as DICOM.
inline void CheckModel(const ModelDataSet& data_set, const ModelLimits& limits) {
  std::string xml;
  AppendXmlModel(data_set, &xml);
  if (!ReadXmlModel(xml, limits).ok()) std::abort();

  const ModelBulk native{.pieces = {"abc"}};
  const ModelBulk compressed{.pieces = {"abc", "de"}, .transfer_syntax = "1.2.840.10008.1.2.4.50"};
  const auto find = [&](const std::string& uri) { return uri.empty() ? nullptr : uri == "c" ? &compressed : &native; };
  const auto file = EncodeModel(data_set, find, 1 << 20);
  if (!file.ok()) return;
  const AttributeSelection selection({{tags::kSopInstanceUid}});
  if (!ReadHeader(*file, selection, {}).ok()) std::abort();
  std::string json;
  if (!AppendJson(*file, {.bulk_data_uri = [](const std::string& path) { return path; }}, {}, &json).ok()) std::abort();
  if (!ReadJsonModel(json, {.max_elements = SIZE_MAX}).ok()) std::abort();
}

}  // namespace hilum::dicom::testing
