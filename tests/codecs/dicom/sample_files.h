// The DICOM files that tests read: those of the external test data and of the package python3-pydicom, as far as they
// are there.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace hilum::dicom::testing {

inline std::string ReadSample(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Sorted; without tables, texts and scripts. `part` limits them to paths that contain it.
inline std::vector<std::filesystem::path> SampleFiles(const std::string& part = "") {
  std::vector<std::filesystem::path> files;
  for (const char* folder : {HILUM_TEST_DATA "/dicom", "/usr/lib/python3/dist-packages/pydicom/data/test_files",
                             "/usr/lib/python3/dist-packages/pydicom/data/charset_files"}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
      const std::string extension = entry.path().extension();
      const bool other = extension == ".tsv" || extension == ".md" || extension == ".txt" || extension == ".json" ||
                         extension == ".dump" || extension == ".gz" || entry.path().filename() == "README";
      if (entry.is_regular_file() && !other && entry.path().string().find(part) != std::string::npos)
        files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace hilum::dicom::testing
