#include "server/dicomweb/cine.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace hilum::dicomweb {
namespace {

using dicom::Tag;

constexpr Tag kRecommendedRate(0x0008, 0x2144), kCineRate(0x0018, 0x0040);   // frames a second
constexpr Tag kFrameTime(0x0018, 0x1063), kFrameTimeVector(0x0018, 0x1065);  // milliseconds
constexpr double kUsual = 100, kShortest = 20, kLongest = 60'000;

// 0 where there is none.
double PositiveNumber(std::string_view text) {
  const double number = ParseDecimal<double>(Trimmed(text)).value_or(0);
  return std::isfinite(number) ? std::max(number, 0.0) : 0;
}

// Of the steps to each frame from the one before; the first one has none before it.
double MeanOfSteps(const dicom::Attribute* vector) {
  if (vector == nullptr || vector->values.size() < 2) return 0;
  double sum = 0;
  for (const std::string& step : vector->values) sum += PositiveNumber(step);
  return sum / static_cast<double>(vector->values.size() - 1);
}

double MillisecondsOf(const dicom::Header& header) {
  for (const Tag rate : {kRecommendedRate, kCineRate})
    if (const double frames = PositiveNumber(header.First(rate)); frames > 0) return 1000 / frames;
  if (const double time = PositiveNumber(header.First(kFrameTime)); time > 0) return time;
  const double step = MeanOfSteps(header.Find(kFrameTimeVector));
  return step > 0 ? step : kUsual;
}

}  // namespace

Pace::Pace(double milliseconds) : milliseconds_(std::clamp(milliseconds, kShortest, kLongest)) {}

Result<Pace> Pace::Of(Bytes file, const dicom::ReadLimits& limits) {
  const dicom::AttributeSelection wanted({{kRecommendedRate}, {kCineRate}, {kFrameTime}, {kFrameTimeVector}});
  HILUM_ASSIGN_OR_RETURN(const dicom::Header header, dicom::ReadHeader(file, wanted, limits));
  return Pace(MillisecondsOf(header));
}

uint16_t Pace::Hundredths(uint32_t frame) const {
  const auto begin = [&](double number) { return std::llround(number * milliseconds_ / 10); };
  return static_cast<uint16_t>(begin(frame + 1.0) - begin(frame));
}

}  // namespace hilum::dicomweb
