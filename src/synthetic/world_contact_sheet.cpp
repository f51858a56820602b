#include "synthetic/world_contact_sheet.h"

#include <array>
#include <cstdio>
#include <opencv2/imgproc.hpp>
#include <set>

#include "synthetic/world_render.h"

namespace dualgeo {
namespace {

constexpr int kCell = 160;  // photo and mask are drawn at this size
constexpr int kLabelHeight = 16;
constexpr int kRows = 8;

constexpr Conditions kColumns[] = {
    {TimeOfDay::kDay, Season::kSummer, Weather::kClear, 0},
    {TimeOfDay::kNight, Season::kWinter, Weather::kSnow, 0},
    {TimeOfDay::kDusk, Season::kAutumn, Weather::kClear, 0},
    {TimeOfDay::kDay, Season::kSpring, Weather::kFog, 0.3},
    {TimeOfDay::kNight, Season::kSummer, Weather::kClear, 0.3},
    {TimeOfDay::kDay, Season::kWinter, Weather::kRain, -0.3},
};

void Write(cv::Mat& sheet, cv::Point at, const std::string& text) {
  cv::putText(sheet, text, at, cv::FONT_HERSHEY_SIMPLEX, 0.38, cv::Scalar(20, 20, 20), 1, cv::LINE_AA);
}

std::vector<WorldPlace> Choose(const std::vector<WorldPlace>& places, std::uint64_t seed) {
  std::vector<WorldPlace> chosen;
  for (const WorldPlace& p : places) {  // the first base and its neighbours
    if (p.base_index == 0 && chosen.size() < 4) chosen.push_back(p);
  }
  std::set<Climate> seen;
  if (!chosen.empty()) seen.insert(SketchClimate(chosen[0].base_location, seed).climate);
  for (const WorldPlace& p : places) {
    if (chosen.size() >= kRows) break;
    if (p.kind != Neighbour::kBase || p.base_index == 0) continue;
    if (seen.insert(SketchClimate(p.base_location, seed).climate).second) chosen.push_back(p);
  }
  for (const WorldPlace& p : places) {
    if (chosen.size() >= kRows) break;
    if (p.kind == Neighbour::kBase && p.base_index > 3) chosen.push_back(p);
  }
  return chosen;
}

}  // namespace

cv::Mat ColorMask(const cv::Mat& mask) {
  std::array<cv::Vec3b, 256> colors{};
  for (const AdeClassInfo& c : WorldClasses()) {
    colors[static_cast<std::size_t>(c.id)] = cv::Vec3b(c.color[2], c.color[1], c.color[0]);
  }
  cv::Mat out(mask.size(), CV_8UC3);
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) out.at<cv::Vec3b>(y, x) = colors[mask.at<uchar>(y, x)];
  }
  return out;
}

cv::Mat DrawContactSheet(const std::vector<WorldPlace>& places, std::uint64_t seed) {
  const auto chosen = Choose(places, seed);
  const int columns = static_cast<int>(std::size(kColumns)), rows = static_cast<int>(chosen.size());
  const int gap = 4, cell_width = 2 * kCell + gap, cell_height = kCell + kLabelHeight;
  cv::Mat sheet(kLabelHeight + 4 + rows * cell_height, columns * cell_width, CV_8UC3, cv::Scalar::all(250));
  for (int j = 0; j < columns; ++j) {
    const Conditions& c = kColumns[j];
    Write(sheet, {j * cell_width + 4, kLabelHeight - 4},
          std::string(Name(c.season)) + " " + Name(c.time) + ", " + Name(c.weather) +
              (c.weather == Weather::kSnow ? " (where it snows)" : "") + "; synthetic");
  }
  for (int i = 0; i < rows; ++i) {
    const WorldPlace& place = chosen[static_cast<std::size_t>(i)];
    const Scene scene = MakeScene(place, seed);
    const int top = kLabelHeight + 4 + i * cell_height;
    char where[64];
    std::snprintf(where, sizeof where, "%.2f, %.2f", place.location.lat, place.location.lon);
    Write(sheet, {4, top + kLabelHeight - 5},
          place.name + " (" + place.country + ")  " + where + "  " + Name(scene.climate.climate) + ", " +
              Name(scene.ridge_kind) + ", " + Name(scene.landmark.kind) + ", drives " +
              (scene.style.drives_left ? "left" : "right"));
    for (int j = 0; j < columns; ++j) {
      Conditions c = kColumns[j];
      if (c.weather == Weather::kSnow && !scene.climate.CanSnow(c.season)) c.weather = Weather::kOvercast;
      const auto view = RenderView(
          scene, c, DeriveSeed(seed, "world-sheet", static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(j)),
          kCell);
      const cv::Rect at(j * cell_width, top + kLabelHeight, kCell, kCell);
      view.photo.copyTo(sheet(at));
      ColorMask(view.mask).copyTo(sheet(at + cv::Point(kCell, 0)));
    }
  }
  return sheet;
}

}  // namespace dualgeo
