// Final answers: CSV `IMG_ID,LAT,LON,method,confidence_km,reason[,rule][,model][,area_50_km2,area_90_km2,radius_50_km,
// radius_90_km]`. A photo without an answer has empty
// LAT and LON and a reason; it is never written as (0, 0), a real place that would be scored as one. rule and model are
// those of the candidate that is the answer, the areas those of re-ranking (gallery/candidates.h).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/geo/latlon.h"

namespace dualgeo {

struct Prediction {
  std::string id;
  std::optional<LatLon> location;
  std::string method;
  std::optional<double> confidence_km;  // radius meant to hold the truth with probability one half
  std::string reason;                   // why there is no answer
  std::string rule = {};                // where a cell is the answer: mean, centre, member
  std::string model = {};               // which answered, of several
  std::optional<PlaceAreas> areas = std::nullopt;

  // Made by a rule that stands in for the named method (predict.lmm.fallback): never counted as answered by it.
  bool is_fallback() const { return method.starts_with("fallback/"); }

  bool operator==(const Prediction&) const = default;
};

// "8 of 12 photos answered by lmm (3 by fallback/reranked_first)"
std::string DescribeAnswered(const std::vector<Prediction>& predictions, const std::string& method);

struct PredictionColumns {
  std::string id = "IMG_ID";
  std::string lat = "LAT";
  std::string lon = "LON";
};

// Columns from method on may be absent. Throws InputError, naming file and line, for what CsvTable
// refuses, a missing column, an empty or repeated id (both lines), a location that is half empty, not a number, or out
// of range, and a negative confidence_km, area or radius.
std::vector<Prediction> ReadPredictions(const std::filesystem::path& path, const PredictionColumns& columns = {});

// rule, model and the columns of areas are written when any prediction has one. Atomic.
void WritePredictions(const std::filesystem::path& path, const std::vector<Prediction>& predictions);

}  // namespace dualgeo
