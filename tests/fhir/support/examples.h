// The external example resources, when they are there (HILUM_TEST_DATA). For tests only.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <zlib.h>

namespace hilum::fhir {

inline std::vector<std::filesystem::path> FilesBelow(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::exists(folder)) return files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Bytes of a file, inflated when it is gzip.
inline std::string ReadAll(const std::filesystem::path& path) {
  std::string out;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return out;
  std::string buffer(1 << 20, '\0');
  for (int size = 0; (size = gzread(file, buffer.data(), buffer.size())) > 0;) out.append(buffer, 0, size);
  gzclose(file);
  return out;
}

#ifdef HILUM_TEST_DATA
inline std::filesystem::path FhirData() {
  return std::filesystem::path(HILUM_TEST_DATA) / "fhir";
}
#endif

}  // namespace hilum::fhir
