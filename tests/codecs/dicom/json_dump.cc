// dicom_json_dump FILE...: one line of DICOM JSON a file, or "!" and the reason, for json_vs_pydicom.py.
#include <cstdio>
#include <fstream>
#include <iterator>

#include "codecs/dicom/json.h"

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    std::ifstream stream(arguments[i], std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(stream), {}};
    const hilum::dicom::JsonOptions options{.bulk_data_uri = [](const std::string& path) { return path; }};
    std::string json;
    const hilum::Status status = hilum::dicom::AppendJson(file, options, {}, &json);
    std::printf("%s\n", status.ok() ? json.c_str() : ("!" + status.message()).c_str());
  }
}
