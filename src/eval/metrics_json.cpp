#include "eval/metrics_json.h"

#include <cmath>

#include "dualgeo/util/text.h"
#include "json_text.h"

namespace dualgeo {
namespace {

Json AccuracyJson(const GroupAccuracy& group) {
  Json accuracy = Json::object();
  for (const auto& a : group.accuracy) accuracy[FormatDouble(a.threshold_km)] = a.percent;
  return accuracy;
}

Json IntervalsJson(const GroupAccuracy& group) {
  Json intervals = Json::object();
  for (const auto& a : group.accuracy) intervals[FormatDouble(a.threshold_km)] = PairOf(a.ci95);
  return intervals;
}

// Of accuracies over clusters: {"1": 6.2}, and the standard errors in points.
void AddDesignEffects(Json& json, const GroupAccuracy& group) {
  for (const auto& a : group.accuracy) {
    if (!a.design_effect || group.count == 0) continue;
    const std::string km = FormatDouble(a.threshold_km);
    json["design_effect"][km] = *a.design_effect;
    const double variance = a.percent * (100 - a.percent) / static_cast<double>(group.count);
    json["standard_error"][km] = std::sqrt(variance * *a.design_effect);
  }
}

Json GroupJson(const GroupAccuracy& group) {
  return {{"count", group.count}, {"accuracy", AccuracyJson(group)}, {"ci95", IntervalsJson(group)}};
}

Json GroupsJson(const std::vector<GroupScores>& groups) {
  Json json = Json::object();
  for (const auto& group : groups) {
    Json item = GroupJson(group.scores);
    item["answered"] = group.answered;
    item["median_km"] = group.median_km ? Json(*group.median_km) : Json();
    item["geoscore"] = group.geoscore;
    json[group.name] = item;
  }
  return json;
}

Json RecallJson(const std::vector<RecallAtK>& recall) {
  Json json = Json::object();
  for (const auto& row : recall) {
    Json item = GroupJson(row.recall);
    item["median_km"] = row.median_km ? Json(*row.median_km) : Json();
    item["mean_km"] = row.mean_km ? Json(*row.mean_km) : Json();
    item["geoscore"] = row.geoscore;
    json[std::to_string(row.k)] = item;
  }
  return json;
}

Json PublishedJson(const std::vector<PublishedRow>& published) {
  Json json = Json::array();
  for (const auto& row : published) {
    Json accuracy = Json::object();
    for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
      accuracy[FormatDouble(kAccuracyKm[t])] = row.percent[t] ? Json(*row.percent[t]) : Json();
    }
    json.push_back({{"system", row.system},
                    {"variant", row.variant},
                    {"year", row.year},
                    {"reported", true},
                    {"photos", row.photos},
                    {"accuracy", accuracy},
                    {"source", row.source}});
  }
  return json;
}

Json LeakageRowJson(const LeakageRow& row) {
  return {{"gallery", row.rule},
          {"candidates_removed", row.candidates_removed},
          {"lists_shortened", row.lists_shortened},
          {"lists_emptied", row.lists_emptied},
          {"answers_changed", row.answers_changed},
          {"accuracy", AccuracyJson(row.evaluation.all)},
          {"ci95", IntervalsJson(row.evaluation.all)},
          {"geoscore", row.evaluation.geoscore}};
}

Json LeakageJson(const LeakageStudy& study) {
  Json rows = Json::array();
  for (const auto& row : study.rows) {
    Json item = LeakageRowJson(row);
    for (const auto& pair : row.comparison) {
      item["against_all"][FormatDouble(pair.threshold_km)] = {
          {"right_only_with", pair.only_a}, {"right_only_without", pair.only_b}, {"p_value", pair.p_value}};
    }
    rows.push_back(item);
  }
  return {{"rows", rows}, {"unavailable", study.unavailable}};
}

// Of the answered photos those that another rule than the named method answered.
std::int64_t Fallbacks(const Evaluation& e) {
  std::int64_t count = 0;
  for (const auto& [method, group] : e.by_method) count += method.starts_with("fallback/") ? group.count : 0;
  return count;
}

Json Metrics(const Evaluation& e) {
  Json intervals = IntervalsJson(e.all);
  if (e.median_ci95) intervals["median_km"] = PairOf(*e.median_ci95);
  if (e.mean_ci95) intervals["mean_km"] = PairOf(*e.mean_ci95);
  if (e.geoscore_ci95) intervals["geoscore"] = PairOf(*e.geoscore_ci95);
  Json json = {{"benchmark", e.subject.benchmark},
               {"method", e.subject.method},
               {"note", e.subject.note},
               {"count", e.count},
               {"answered", e.answered},
               {"fallbacks", Fallbacks(e)},
               {"accuracy", AccuracyJson(e.all)},
               {"ci95", intervals},
               {"median_km", e.median_km ? Json(*e.median_km) : Json()},
               {"mean_km", e.mean_km ? Json(*e.mean_km) : Json()},
               {"geoscore", e.geoscore},
               {"quantiles_km", Json::object()},
               {"answered_only", GroupJson(e.answered_only)}};
  AddDesignEffects(json, e.all);
  if (e.without_zero) json["without_zero"] = GroupJson(*e.without_zero);
  for (const auto& [method, group] : e.by_method) json["by_method"][method] = GroupJson(group);
  for (std::size_t q = 0; q < e.quantiles_km.size(); ++q) {
    json["quantiles_km"][FormatDouble(e.options.quantiles[q])] = e.quantiles_km[q];
  }
  if (!e.continents.empty()) json["continents"] = GroupsJson(e.continents);
  if (!e.countries.empty()) json["countries"] = GroupsJson(e.countries);
  for (const auto& level : e.places) {
    const Accuracy& right = level.scores.accuracy.front();
    json["places"][level.name] = {{"count", level.scores.count},
                                  {"accuracy", right.percent},
                                  {"ci95", PairOf(right.ci95)},
                                  {"without_a_name", level.unnamed}};
  }
  for (const auto& area : e.stated) {
    Json& item = json["stated"][area.name];
    item = {{"count", area.count}, {"median", area.median}, {"meant", area.meant}};
    if (!area.held) continue;
    item["held"] = area.held->accuracy.front().percent;
    item["ci95"] = PairOf(area.held->accuracy.front().ci95);
  }
  json["zero_answers"] = e.zero_answers;
  json["unknown_ids"] = e.unknown_ids;
  json["settings"] = {{"thresholds_km", e.options.thresholds_km},
                      {"distance", e.options.distance},
                      {"interval", e.options.interval},
                      {"bootstrap", e.options.bootstrap},
                      {"seed", e.options.seed},
                      {"denominator", e.options.denominator},
                      {"zero_is_failure", e.options.zero_is_failure},
                      {"predictions", e.subject.predictions_file},
                      {"truth", e.subject.truth_file}};
  AddClusters(json["settings"], e.subject.clusters);
  if (e.subject.provenance) json["provenance"] = ToJson(*e.subject.provenance);
  return json;
}

}  // namespace

std::string MetricsJson(const EvaluationReport& report) {
  Json json = Metrics(report.evaluations.at(0));
  if (report.evaluations.size() > 1) {
    json["oracle"] = Metrics(report.evaluations[1]);
    json["oracle"].erase("provenance");  // the same
  }
  if (!report.recall.empty()) json["recall"] = RecallJson(report.recall);
  if (!report.published.empty()) json["published"] = PublishedJson(report.published);
  if (report.without_own) json["without_own_photos"] = LeakageRowJson(*report.without_own);
  if (report.leakage) json["leakage"] = LeakageJson(*report.leakage);
  return Dump(json);
}

std::string MetricsJson(const Evaluation& evaluation, const Evaluation* oracle) {
  EvaluationReport report{{evaluation}, {}, {}, std::nullopt, std::nullopt};
  if (oracle != nullptr) report.evaluations.push_back(*oracle);
  return MetricsJson(report);
}

std::string MetricsJson(const std::vector<Evaluation>& evaluations) {
  if (evaluations.size() == 1) return MetricsJson(evaluations.front());
  Json all = Json::array();
  for (const auto& e : evaluations) all.push_back(Metrics(e));
  return Dump(all);
}

}  // namespace dualgeo
