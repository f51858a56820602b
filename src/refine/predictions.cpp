#include "dualgeo/refine/predictions.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "util/atomic_file.h"

namespace dualgeo {

namespace {

constexpr const char* kAreaNames[] = {"area_50_km2", "area_90_km2", "radius_50_km", "radius_90_km"};

PlaceAreas ReadAreas(const CsvTable& csv, std::size_t row) {
  const auto number = [&](const char* name) -> std::optional<double> {
    const auto column = csv.Find(name);
    if (!column || csv.Missing(row, *column)) return std::nullopt;
    const double value = csv.Number(row, *column);
    if (value < 0) throw InputError(csv.At(row, std::string(name) + " is negative"));
    return value;
  };
  const auto most = number(kAreaNames[1]);
  if (!most) throw InputError(csv.At(row, std::string(kAreaNames[0]) + " is given, and " + kAreaNames[1] + " is not"));
  return {number(kAreaNames[0]).value(), *most, number(kAreaNames[2]), number(kAreaNames[3])};
}

}  // namespace

std::string DescribeAnswered(const std::vector<Prediction>& predictions, const std::string& method) {
  std::size_t answered = 0;
  std::map<std::string, int> fallbacks;
  for (const Prediction& prediction : predictions) {
    if (!prediction.location) continue;
    if (prediction.is_fallback()) {
      ++fallbacks[prediction.method];
    } else {
      ++answered;
    }
  }
  std::string text =
      std::to_string(answered) + " of " + std::to_string(predictions.size()) + " photos answered by " + method;
  for (const auto& [rule, count] : fallbacks) text += " (" + std::to_string(count) + " by " + rule + ")";
  return text;
}

std::vector<Prediction> ReadPredictions(const std::filesystem::path& path, const PredictionColumns& columns) {
  const CsvTable csv = CsvTable::Read(path);
  const std::size_t id = csv.Require(columns.id);
  const std::size_t lat = csv.Require(columns.lat);
  const std::size_t lon = csv.Require(columns.lon);
  const auto method = csv.Find("method");
  const auto confidence = csv.Find("confidence_km");
  const auto reason = csv.Find("reason");
  const auto rule = csv.Find("rule");
  const auto model = csv.Find("model");
  const auto half_area = csv.Find(kAreaNames[0]);

  std::vector<Prediction> predictions(csv.rows());
  std::unordered_map<std::string_view, std::size_t> row_of_id;
  row_of_id.reserve(csv.rows());
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    Prediction& prediction = predictions[row];
    prediction.id = csv.Cell(row, id);
    if (prediction.id.empty()) throw InputError(csv.At(row, columns.id + " is empty"));
    const auto [first, inserted] = row_of_id.emplace(csv.Cell(row, id), row);
    if (!inserted) {
      throw InputError(csv.At(row, columns.id + " '" + Printable(prediction.id) + "' already stands in line " +
                                       std::to_string(csv.Line(first->second))));
    }
    if (!csv.Missing(row, lat) || !csv.Missing(row, lon)) {
      const LatLon place{csv.Number(row, lat), csv.Number(row, lon)};
      if (!IsValid(place)) {
        const bool lat_bad = std::abs(place.lat) > 90;
        const bool swapped = IsValid({place.lon, place.lat});
        throw InputError(
            csv.At(row, lat_bad ? columns.lat + " " + FormatDouble(place.lat) + " is outside [-90, 90]" +
                                      (swapped ? "; are " + columns.lat + " and " + columns.lon + " swapped?" : "")
                                : columns.lon + " " + FormatDouble(place.lon) + " is outside [-180, 180]"));
      }
      prediction.location = place;
    }
    if (method) prediction.method = csv.Text(row, *method);
    if (confidence && !csv.Missing(row, *confidence)) {
      prediction.confidence_km = csv.Number(row, *confidence);
      if (*prediction.confidence_km < 0) throw InputError(csv.At(row, "confidence_km is negative"));
    }
    if (reason) prediction.reason = csv.Text(row, *reason);
    if (rule) prediction.rule = csv.Text(row, *rule);
    if (model) prediction.model = csv.Text(row, *model);
    if (half_area && !csv.Missing(row, *half_area)) prediction.areas = ReadAreas(csv, row);
  }
  return predictions;
}

void WritePredictions(const std::filesystem::path& path, const std::vector<Prediction>& predictions) {
  AtomicFile file(path);
  const bool rules = std::ranges::any_of(predictions, [](const Prediction& p) { return !p.rule.empty(); });
  const bool models = std::ranges::any_of(predictions, [](const Prediction& p) { return !p.model.empty(); });
  const bool areas = std::ranges::any_of(predictions, [](const Prediction& p) { return p.areas.has_value(); });
  const auto text = [](const std::optional<double>& value) { return value ? FormatDouble(*value) : ""; };
  std::vector<std::string> header = {"IMG_ID", "LAT", "LON", "method", "confidence_km", "reason"};
  if (rules) header.emplace_back("rule");
  if (models) header.emplace_back("model");
  if (areas) header.insert(header.end(), std::begin(kAreaNames), std::end(kAreaNames));
  CsvWriter writer(file.stream(), header);
  for (const auto& p : predictions) {
    std::vector<std::string> fields = {p.id,
                                       p.location ? FormatDouble(p.location->lat) : "",
                                       p.location ? FormatDouble(p.location->lon) : "",
                                       p.method,
                                       p.confidence_km ? FormatDouble(*p.confidence_km) : "",
                                       p.reason};
    if (rules) fields.push_back(p.rule);
    if (models) fields.push_back(p.model);
    if (areas && p.areas) {
      fields.insert(fields.end(), {FormatDouble(p.areas->half_km2), FormatDouble(p.areas->most_km2),
                                   text(p.areas->half_radius_km), text(p.areas->most_radius_km)});
    } else if (areas) {
      fields.insert(fields.end(), std::size(kAreaNames), "");
    }
    writer.Row(fields);
  }
  file.Commit();
}

}  // namespace dualgeo
