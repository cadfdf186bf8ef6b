// CT-like instances for load tests: one template, of which an instance differs by its UIDs and number only. Making the
// next instance costs a copy of about 2 kB; the pixels are shared by all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hilum::load {

class DicomTemplate {
 public:
  // Instances of about `bytes` bytes (at least the header and one pixel row).
  explicit DicomTemplate(uint64_t bytes);

  // Everything before the value of Pixel Data, for patching.
  const std::string& header() const { return header_; }
  const std::string& pixels() const { return pixels_; }
  uint64_t bytes() const { return header_.size() + pixels_.size(); }

  // Writes the identity of one instance into a copy of header(). Runs, clients, studies, series and instances that
  // differ in a number differ in their UIDs; all UIDs have the same length. Every study of every client has its own
  // patient.
  struct Identity {
    uint64_t run = 0;
    uint64_t client = 0;
    uint64_t study = 0;
    uint64_t series = 0;
    uint64_t instance = 0;
  };
  void Patch(const Identity& identity, std::string* header) const;

 private:
  std::string header_;
  std::string pixels_;
  std::vector<size_t> study_at_, series_at_, instance_at_, number_at_, patient_at_;
};

}  // namespace hilum::load
