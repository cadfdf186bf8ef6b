// Writes a searchset or history Bundle from the stored bytes of its resources. Internal to fhir/interactions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fhir/interactions/pages.h"
#include "fhir/interactions/shape.h"
#include "fhir/store/reader.h"

namespace hilum::fhir {

// Not thread-safe; one per answer.
class BundleText {
 public:
  BundleText(std::string_view type, std::string_view base_url, Shape shape)
      : type_(type), base_url_(base_url), shape_(std::move(shape)) {}

  void SetTotal(uint64_t total) { total_ = total; }
  void AddLink(std::string_view relation, std::string_view url);
  // How much of resources it takes.
  Form form() const { return FormFor(shape_); }
  size_t bytes() const { return entries_.size(); }
  // The newest versions of what was found, until they get longer than `max_bytes`; how many of them. kCorruption when
  // one is not stored.
  Result<size_t> AddResults(ResourceReader& reader, const std::vector<Row>& rows, size_t max_bytes);
  Status AddHistory(const Version& version);
  // An OperationOutcome about the search.
  void AddOutcome(const std::vector<Issue>& issues);
  // The Bundle as an answer.
  Result<Answer> Finish() const;

 private:
  Status AddResult(const Version& version, std::string_view mode);
  void BeginEntry();
  void AppendFullUrl(const Version& version);

  const std::string_view type_;
  const std::string_view base_url_;
  const Shape shape_;
  std::optional<uint64_t> total_;
  std::string links_;
  std::string entries_;
};

}  // namespace hilum::fhir
