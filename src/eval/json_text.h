// JSON files as the evaluation writes them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "eval/statistics.h"

namespace dualgeo {

using Json = nlohmann::ordered_json;

inline Json PairOf(const Interval& interval) { return Json::array({interval.low, interval.high}); }

inline Json OrNull(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

// What intervals and tests are over: a column and how many values it has, or "none": photos.
inline void AddClusters(Json& settings, const std::optional<PhotoClusters>& clusters) {
  settings["cluster"] = clusters ? clusters->column : "none";
  if (clusters) settings["clusters"] = clusters->count;
}

// File names and ids need not be UTF-8.
inline std::string Dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace dualgeo
