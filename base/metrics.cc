#include "base/metrics.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string_view>

namespace hilum {

std::vector<double> RequestSeconds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  assert(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::Observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

uint64_t Histogram::CumulativeCount(size_t i) const {
  uint64_t count = 0;
  for (size_t bucket = 0; bucket <= i; ++bucket) count += counts_[bucket].load(std::memory_order_relaxed);
  return count;
}

double Histogram::sum() const {
  return sum_.load(std::memory_order_relaxed);
}

// All series of one name. A series is kept under its rendered labels: `a="1",b="2"`.
struct Registry::Family {
  std::string help;
  std::string_view type;
  std::map<std::string, std::unique_ptr<Counter>> counters;
  std::map<std::string, std::unique_ptr<Gauge>> gauges;
  std::map<std::string, std::unique_ptr<Histogram>> histograms;
  std::map<std::string, std::function<std::vector<Registry::Sample>()>> functions;
};

namespace {

void AppendEscaped(std::string* out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      out->append("\\n");
      continue;
    }
    if (c == '\\' || (c == '"' && quotes)) out->push_back('\\');
    out->push_back(c);
  }
}

std::string Render(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    if (!text.empty()) text.push_back(',');
    text.append(name).append("=\"");
    AppendEscaped(&text, value, true);
    text.push_back('"');
  }
  return text;
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  return std::string(digits, end);
}

void AppendSample(std::string* out, std::string_view name, std::string_view labels, const std::string& value) {
  out->append(name);
  if (!labels.empty()) out->append("{").append(labels).append("}");
  out->append(" ").append(value).append("\n");
}

void AppendHistogram(std::string* out, const std::string& name, const std::string& labels, const Histogram& histogram) {
  const std::string prefix = labels.empty() ? "" : labels + ",";
  const auto& bounds = histogram.bounds();
  for (size_t i = 0; i < bounds.size(); ++i) {
    AppendSample(out, name + "_bucket", prefix + "le=\"" + Number(bounds[i]) + "\"",
                 std::to_string(histogram.CumulativeCount(i)));
  }
  // Read once: the +Inf bucket and the count must agree although observations go on.
  const std::string count = std::to_string(histogram.CumulativeCount(bounds.size()));
  AppendSample(out, name + "_bucket", prefix + "le=\"+Inf\"", count);
  AppendSample(out, name + "_sum", labels, Number(histogram.sum()));
  AppendSample(out, name + "_count", labels, count);
}

}  // namespace

Registry::Registry() = default;
Registry::~Registry() = default;

Registry::Family& Registry::FamilyFor(const std::string& name, const std::string& help, const char* type) {
  auto& family = families_[name];
  if (family == nullptr) {
    family = std::make_unique<Family>();
    family->help = help;
    family->type = type;
  }
  assert(family->type == type && family->help == help);
  return *family;
}

Counter& Registry::counter(const std::string& name, const std::string& help, Labels labels) {
  const std::lock_guard lock(mu_);
  auto& series = FamilyFor(name, help, "counter").counters[Render(labels)];
  if (series == nullptr) series = std::make_unique<Counter>();
  return *series;
}

Gauge& Registry::gauge(const std::string& name, const std::string& help, Labels labels) {
  const std::lock_guard lock(mu_);
  auto& series = FamilyFor(name, help, "gauge").gauges[Render(labels)];
  if (series == nullptr) series = std::make_unique<Gauge>();
  return *series;
}

Histogram& Registry::histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                               Labels labels) {
  const std::lock_guard lock(mu_);
  auto& series = FamilyFor(name, help, "histogram").histograms[Render(labels)];
  if (series == nullptr) series = std::make_unique<Histogram>(std::move(bounds));
  return *series;
}

void Registry::gauge_function(const std::string& name, const std::string& help, std::function<double()> read,
                              Labels labels) {
  const std::lock_guard lock(mu_);
  FamilyFor(name, help, "gauge").functions[Render(labels)] = [read = std::move(read), labels] {
    return std::vector<Sample>{{labels, read()}};
  };
}

void Registry::gauge_functions(const std::string& name, const std::string& help,
                               std::function<std::vector<Sample>()> read) {
  const std::lock_guard lock(mu_);
  FamilyFor(name, help, "gauge").functions[""] = std::move(read);
}

// Functions take locks of their own and ask the disk: nobody who counts waits for them.
std::map<std::string, std::vector<Registry::Sample>> Registry::ReadFunctions() const {
  std::vector<std::pair<std::string, ReadSamples>> functions;
  {
    const std::lock_guard lock(mu_);
    for (const auto& [name, family] : families_)
      for (const auto& [labels, read] : family->functions) functions.emplace_back(name, read);
  }
  std::map<std::string, std::vector<Sample>> samples;
  for (const auto& [name, read] : functions) std::ranges::move(read(), std::back_inserter(samples[name]));
  return samples;
}

std::string Registry::Expose() const {
  const auto read = ReadFunctions();
  const std::lock_guard lock(mu_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out.append("# HELP ").append(name).append(" ");
    AppendEscaped(&out, family->help, false);
    out.append("\n# TYPE ").append(name).append(" ").append(family->type).append("\n");
    for (const auto& [labels, series] : family->counters) {
      AppendSample(&out, name, labels, std::to_string(series->value()));
    }
    for (const auto& [labels, series] : family->gauges) {
      AppendSample(&out, name, labels, std::to_string(series->value()));
    }
    if (const auto samples = read.find(name); samples != read.end())
      for (const Sample& sample : samples->second)
        AppendSample(&out, name, Render(sample.labels), Number(sample.value));
    for (const auto& [labels, series] : family->histograms) AppendHistogram(&out, name, labels, *series);
  }
  return out;
}

}  // namespace hilum
