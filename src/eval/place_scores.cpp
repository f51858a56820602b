#include "eval/place_scores.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <unordered_map>

#include "eval/statistics.h"
#include "geo/land.h"
#include "table_cells.h"

namespace dualgeo {
namespace {

constexpr double kNearKm = 25;  // of a country's outline, for places at sea

std::string CountryNameOf(const std::string& code, const std::string& name) {
  const Country* country = FindCountry(code);
  return country != nullptr ? country->name : name;
}

// What a place is called at each level; empty where it has no such name.
struct PlaceWords {
  std::string country, region, city;
};

PlaceWords WordsOf(LatLon place, const PlaceNames& names) {
  const std::size_t index = names.Find(place).index;
  const NamedPlace& town = names.places()[index];
  PlaceWords words;
  if (const CountryShape* shape = CountryAt(place, kNearKm)) {
    words.country = CountryNameOf(shape->code, shape->name);
  } else if (!town.country.empty()) {
    words.country = CountryNameOf(town.country, town.country);
  }
  if (!town.region.empty()) words.region = town.country + "/" + town.region;
  words.city = std::to_string(index);  // there are many Springfields
  return words;
}

// The share of the photos for which `right` holds, with the intervals that the evaluation's options ask for: a photo
// that is right has an error of 0, and an answered one that is not is infinitely far off.
PlaceLevel ScoreLevel(const Evaluation& evaluation, const std::string& name,
                      const std::function<bool(std::size_t)>& right) {
  Evaluation as_errors = evaluation;
  as_errors.options.thresholds_km = {1};
  std::vector<std::size_t> photos;
  for (std::size_t i = 0; i < as_errors.photos.size(); ++i) {
    constexpr double kFarKm = 20000;
    auto& error = as_errors.photos[i].error_km;
    if (error) error = right(i) ? 0 : kFarKm;
    photos.push_back(i);
  }
  return {name, 0, ScoreGroup(as_errors, name, photos).scores};
}

}  // namespace

void AddPlaceScores(Evaluation& evaluation, const RegionTable& regions, const PlaceNames& names) {
  const std::size_t count = evaluation.photos.size();
  if (!regions.countries.empty() && regions.countries.size() != count) {
    throw std::invalid_argument("regions are not of the evaluation's truth table");
  }
  std::vector<PlaceWords> truths, answers(count);
  for (std::size_t i = 0; i < count; ++i) {
    const PhotoResult& photo = evaluation.photos[i];
    truths.push_back(WordsOf(photo.truth, names));
    if (!regions.countries.empty() && !regions.countries[i].empty()) truths[i].country = regions.countries[i];
    if (photo.error_km) answers[i] = WordsOf(*photo.prediction, names);
  }
  evaluation.places.clear();
  const auto add = [&](const char* name, std::string PlaceWords::*word) {
    PlaceLevel level = ScoreLevel(evaluation, name, [&](std::size_t i) {
      return !(truths[i].*word).empty() && truths[i].*word == answers[i].*word;
    });
    level.unnamed = std::ranges::count_if(truths, [word](const PlaceWords& w) { return (w.*word).empty(); });
    evaluation.places.push_back(std::move(level));
  };
  add("country", &PlaceWords::country);
  if (names.has_regions()) add("region", &PlaceWords::region);
  add("city", &PlaceWords::city);
}

void AddStatedAreas(Evaluation& evaluation, const std::vector<Prediction>& predictions) {
  std::unordered_map<std::string_view, const PlaceAreas*> areas_of;
  for (const auto& prediction : predictions) {
    if (prediction.areas) areas_of.emplace(prediction.id, &*prediction.areas);
  }
  evaluation.stated.clear();
  const auto add = [&](const char* name, double meant, const auto& value, bool radius) {
    std::vector<double> values;
    Evaluation stated = evaluation;  // of the photos that state it
    stated.photos.clear();
    std::vector<std::size_t> photos;
    if (stated.subject.clusters) stated.subject.clusters->of_photo.clear();
    for (std::size_t i = 0; i < evaluation.photos.size(); ++i) {
      const auto found = areas_of.find(evaluation.photos[i].id);
      if (found == areas_of.end() || !evaluation.photos[i].error_km) continue;
      const std::optional<double> own = value(*found->second);
      if (!own) continue;
      values.push_back(*own);
      photos.push_back(photos.size());
      stated.photos.push_back(evaluation.photos[i]);
      // Held: an error of 0; else farther than any threshold.
      stated.photos.back().error_km = *evaluation.photos[i].error_km <= *own ? 0 : 20000;
      if (const auto& clusters = evaluation.subject.clusters) {
        stated.subject.clusters->of_photo.push_back(clusters->of_photo[i]);
      }
    }
    if (values.empty()) return;
    StatedArea area{name, meant, static_cast<std::int64_t>(values.size()), Median(values)};
    stated.options.thresholds_km = {1};
    if (radius) area.held = ScoreGroup(stated, name, photos).scores;
    evaluation.stated.push_back(std::move(area));
  };
  add(
      "area_50_km2", 50, [](const PlaceAreas& a) { return std::optional(a.half_km2); }, false);
  add(
      "area_90_km2", 90, [](const PlaceAreas& a) { return std::optional(a.most_km2); }, false);
  add(
      "radius_50_km", 50, [](const PlaceAreas& a) { return a.half_radius_km; }, true);
  add(
      "radius_90_km", 90, [](const PlaceAreas& a) { return a.most_radius_km; }, true);
}

TextTable PlaceScoreTable(const Evaluation& evaluation) {
  TextTable table;
  table.header = {"place", "photos", "right %", "without a name"};
  table.text_columns = 1;
  for (const auto& level : evaluation.places) {
    const Accuracy& accuracy = level.scores.accuracy.front();
    table.rows.push_back({level.name, std::to_string(level.scores.count),
                          WithInterval(accuracy.percent, accuracy.ci95, 2), std::to_string(level.unnamed)});
  }
  return table;
}

TextTable StatedAreaTable(const Evaluation& evaluation) {
  TextTable table;
  table.header = {"stated", "answers", "median", "meant to hold %", "holds %"};
  table.text_columns = 1;
  for (const auto& area : evaluation.stated) {
    std::string held = "-";
    if (area.held) held = WithInterval(area.held->accuracy.front().percent, area.held->accuracy.front().ci95, 2);
    char median[32];
    std::snprintf(median, sizeof median, "%.4g", area.median);
    table.rows.push_back({area.name, std::to_string(area.count), median, Fixed(area.meant, 0), held});
  }
  return table;
}

}  // namespace dualgeo
