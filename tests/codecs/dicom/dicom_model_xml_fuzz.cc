// Native DICOM Model documents from anybody; what is taken must be written, and read again.
#include "tests/codecs/dicom/model_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hilum::dicom;  // NOLINT: a program of its own
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ModelLimits limits{.max_elements = 100'000};
  const auto data_set = ReadXmlModel(text, limits);
  if (data_set.ok()) testing::CheckModel(*data_set, limits);
  return 0;
}
