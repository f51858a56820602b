#include "degrade/degrade.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "degradations.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

struct Degradation {
  const char* name;
  const char* what;
  cv::Mat (*apply)(const cv::Mat&, int, Random&);
};

#define ENTRY(name, what, apply) {name, what, degradations::apply},
constexpr Degradation kDegradations[] = {DUALGEO_DEGRADATIONS(ENTRY)};
#undef ENTRY

const Degradation& FindDegradation(const std::string& name) { return FindKind(kDegradations, name, "degradation"); }

}  // namespace

const std::vector<std::string>& DegradationNames() {
  static const std::vector<std::string> names = NamesOf(kDegradations);
  return names;
}

void RequireDegradation(const std::string& name, const std::string& key) { FindKind(kDegradations, name, key); }

std::string DescribeDegradation(const std::string& name) { return FindDegradation(name).what; }

cv::Mat Degrade(const cv::Mat& photo, const std::string& name, int severity, std::uint64_t seed,
                const std::string& id) {
  const Degradation& degradation = FindDegradation(name);
  if (severity < 0 || severity > kSeverities) {
    throw InputError("severity " + std::to_string(severity) + " is not in [0, " + std::to_string(kSeverities) + "]");
  }
  if (photo.type() != CV_8UC3 || photo.empty()) throw Error("a photo is 8-bit RGB");
  if (severity == 0) return photo.clone();
  Random random(DeriveSeed(seed, "degrade " + name + " " + id));
  return degradation.apply(photo, severity, random);
}

cv::Mat DegradationSheet(const std::vector<cv::Mat>& photos, const std::vector<std::string>& names, std::uint64_t seed,
                         int cell) {
  constexpr int kLabel = 16, kLeft = 104;
  const int rows = static_cast<int>(photos.size() * names.size());
  cv::Mat sheet(kLabel + rows * cell, kLeft + (kSeverities + 1) * cell, CV_8UC3, cv::Scalar::all(250));
  const auto write = [&](int x, int y, const std::string& text) {
    cv::putText(sheet, text, {x, y}, cv::FONT_HERSHEY_SIMPLEX, 0.38, cv::Scalar(20, 20, 20), 1, cv::LINE_AA);
  };
  for (int s = 0; s <= kSeverities; ++s) write(kLeft + s * cell + 4, kLabel - 4, "severity " + std::to_string(s));
  int top = kLabel;
  for (std::size_t p = 0; p < photos.size(); ++p) {
    for (const auto& name : names) {
      write(4, top + cell / 2, name);
      for (int s = 0; s <= kSeverities; ++s) {
        const cv::Mat degraded = Degrade(photos[p], name, s, seed, std::to_string(p));
        const double scale = static_cast<double>(cell) / std::max(degraded.cols, degraded.rows);
        cv::Mat small;
        cv::resize(degraded, small,
                   {std::max(1, static_cast<int>(degraded.cols * scale)),
                    std::max(1, static_cast<int>(degraded.rows * scale))},
                   0, 0, cv::INTER_AREA);
        small.copyTo(sheet(cv::Rect(kLeft + s * cell, top, small.cols, small.rows)));
      }
      top += cell;
    }
  }
  return sheet;
}

}  // namespace dualgeo
