#include "dualgeo/data/degrade.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "degradations.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

struct Degradation {
  std::string name;
  std::string what;
  cv::Mat (*apply)(const cv::Mat&, int, Random&);
};

const std::vector<Degradation>& Table() {
  static const std::vector<Degradation> table = {
      {"night", "light of 2/5 to 1/30, little colour, a dark sky, sensor noise", degradations::Night},
      {"dusk", "light of 3/4 to 1/4, a warm horizon below a blue sky", degradations::Dusk},
      {"overexposure", "0.5 to 2.6 stops too bright, highlights clipped and glowing", degradations::Overexposure},
      {"underexposure", "1 to 4.2 stops too dark, with the noise that goes with it", degradations::Underexposure},
      {"fog", "Koschmieder's law, optical depth 0.5 to 3 at the horizon", degradations::Fog},
      {"rain", "streaks, a grey veil, dimmer light", degradations::Rain},
      {"snow", "flakes, a white veil, lying snow in the lower part", degradations::Snow},
      {"season", "greens turn to autumn (1 to 3) and to bare winter colours (4, 5)", degradations::Season},
      {"blur", "out of focus by a disc of 0.6 to 3.5 % of the shorter side", degradations::Blur},
      {"noise", "Gaussian, deviation 0.08 to 0.38 (ImageNet-C, Hendrycks & Dietterich 2019)", degradations::Noise},
      {"jpeg", "quality 25 to 7 (ImageNet-C)", degradations::Jpeg},
  };
  return table;
}

const Degradation& FindDegradation(const std::string& name) { return FindKind(Table(), name, "degradation"); }

}  // namespace

const std::vector<std::string>& DegradationNames() {
  static const std::vector<std::string> names = NamesOf(Table());
  return names;
}

const std::string& DescribeDegradation(const std::string& name) { return FindDegradation(name).what; }

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
