// dicom_reader_bench [FILE]: the time to get 24 index attributes out of one CT, by us and by DCMTK, in one run.
//
// Ours is ReadHeader: it checks the whole file, and makes UTF-8 values and DICOM JSON of each attribute. DCMTK parses
// up to the pixel data and gets the values as they stand in the file. Both read from memory and use one thread. Rounds
// of equal time alternate, so that both meet the same machine; the median ratio of neighbouring rounds is shown.
#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/oflog/oflog.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iterator>

#include "codecs/dicom/attributes.h"
#include "codecs/dicom/json.h"
#include "tests/bench/support/figures.h"
#include "tests/codecs/dicom/part10_builder.h"

namespace {

using namespace hilum;         // NOLINT: a program of its own
using namespace hilum::dicom;  // NOLINT
using hilum::bench::Median;

constexpr uint32_t kTags[] = {0x00080005, 0x00080016, 0x00080018, 0x00080020, 0x00080030, 0x00080050,
                              0x00080060, 0x00080070, 0x00080090, 0x00081030, 0x0008103E, 0x00081090,
                              0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00180015, 0x00180050,
                              0x0020000D, 0x0020000E, 0x00200010, 0x00200011, 0x00200013, 0x00280010};
constexpr int kRounds = 21;
constexpr std::chrono::milliseconds kRoundTime(50);

// A CT with as many elements as scanners write, private ones included.
std::string GeneratedCt() {
  namespace t = hilum::dicom::testing;
  t::DataSet extra;
  for (uint16_t element = 0x1000; element < 0x10E0; ++element)
    extra.Text({0x0045, element}, element % 3 == 0 ? "DS" : "LO", "12345.678");
  return t::Instance({.rows = 512, .columns = 512, .extra = extra.bytes()});
}

std::string Load(int count, char** arguments) {
  const std::string path =
      count > 1 ? arguments[1]
                : HILUM_TEST_DATA
          "/dicom/cornerstone/CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm";
  std::ifstream stream(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(stream), {}};
  std::printf("file: %s\n", file.empty() ? "generated CT" : path.c_str());
  return file.empty() ? GeneratedCt() : file;
}

size_t ReadWithDcmtk(const std::string& file) {
  DcmInputBufferStream stream;
  stream.setBuffer(file.data(), static_cast<offile_off_t>(file.size()));
  stream.setEos();
  DcmFileFormat parsed;
  parsed.transferInit();
  if (parsed.readUntilTag(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, DCM_PixelData).bad()) std::abort();
  parsed.transferEnd();
  size_t found = 0;
  OFString value;
  for (const uint32_t tag : kTags) {
    found += parsed.getDataset()->findAndGetOFStringArray(DcmTagKey(tag >> 16, tag & 0xFFFF), value).good();
  }
  return found;
}

size_t ReadWithHilum(const std::string& file, const AttributeSelection& selection) {
  const auto header = ReadHeader(file, selection, {});
  if (!header.ok()) std::abort();
  return header->attributes.size();
}

double MicrosPerCall(const std::function<size_t()>& call) {
  const auto start = std::chrono::steady_clock::now();
  int calls = 0;
  auto elapsed = start - start;
  for (; elapsed < kRoundTime; elapsed = std::chrono::steady_clock::now() - start) {
    for (int i = 0; i < 10; ++i) call();
    calls += 10;
  }
  return std::chrono::duration<double, std::micro>(elapsed).count() / calls;
}

}  // namespace

int main(int count, char** arguments) {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL);
  const std::string file = Load(count, arguments);
  std::vector<TagPath> paths;
  for (const uint32_t tag : kTags) paths.push_back({Tag(tag)});
  const AttributeSelection selection(std::move(paths));
  const JsonOptions options{.bulk_data_uri = [](const std::string& path) { return path; }};
  std::string json;

  const size_t ours_found = ReadWithHilum(file, selection), dcmtk_found = ReadWithDcmtk(file);
  if (ours_found != dcmtk_found) {
    std::printf("found %zu attributes, DCMTK %zu\n", ours_found, dcmtk_found);
    return 1;
  }
  std::vector<double> ours, dcmtk, whole, ratios;
  for (int round = 0; round < kRounds; ++round) {
    ours.push_back(MicrosPerCall([&] { return ReadWithHilum(file, selection); }));
    dcmtk.push_back(MicrosPerCall([&] { return ReadWithDcmtk(file); }));
    ratios.push_back(dcmtk.back() / ours.back());
    whole.push_back(MicrosPerCall([&] {
      json.clear();
      AppendJson(file, options, {}, &json).IgnoreError();  // ReadHeader has accepted the file
      return json.size();
    }));
  }
  std::printf("%zu of %zu attributes, %zu bytes, median of %d rounds\n", ours_found, std::size(kTags), file.size(),
              kRounds);
  std::printf("hilum ReadHeader      %8.2f us\n", Median(ours));
  std::printf("DCMTK until PixelData %8.2f us\n", Median(dcmtk));
  std::printf("ratio                 %8.1f (target: 20)\n", Median(ratios));
  std::printf("hilum AppendJson      %8.2f us for %zu bytes of JSON\n", Median(whole), json.size());
  return Median(ratios) < 20 ? 1 : 0;
}
