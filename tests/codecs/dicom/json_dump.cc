// dicom_json_dump [--xml] FILE...: one line of DICOM JSON a file, or the same as Native DICOM Model; "!" and the reason
// when there is none. For json_vs_pydicom.py, and as seeds of fuzz targets.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string_view>

#include "codecs/dicom/json.h"
#include "codecs/dicom/model.h"

namespace {

// `json`: of one data set; becomes XML.
hilum::Status ToXml(std::string* json) {
  HILUM_ASSIGN_OR_RETURN(const auto data_sets, hilum::dicom::ReadJsonModel("[" + *json + "]", {}));
  json->clear();
  hilum::dicom::AppendXmlModel(data_sets.at(0), json);
  return hilum::Status::Ok();
}

}  // namespace

int main(int count, char** arguments) {
  const bool xml = count > 1 && std::string_view(arguments[1]) == "--xml";
  for (int i = xml ? 2 : 1; i < count; ++i) {
    std::ifstream stream(arguments[i], std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(stream), {}};
    const hilum::dicom::JsonOptions options{.bulk_data_uri = [](const std::string& path) { return path; }};
    std::string text;
    hilum::Status status = hilum::dicom::AppendJson(file, options, {}, &text);
    if (status.ok() && xml) status = ToXml(&text);
    std::printf("%s\n", status.ok() ? text.c_str() : ("!" + status.message()).c_str());
  }
}
