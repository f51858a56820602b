#include "dualgeo/eval/evaluate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "dualgeo/eval/statistics.h"
#include "dualgeo/refine/predictor.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

bool IsZero(const LatLon& place) { return place.lat == 0 && place.lon == 0; }

std::string Count(std::int64_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

// Accuracies with the intervals that the options ask for.
GroupAccuracy Scored(const std::vector<double>& errors_km, std::int64_t count, const EvaluateOptions& options) {
  GroupAccuracy group = Accuracies(errors_km, count, options.thresholds_km);
  if (options.interval != "bootstrap" || count == 0) return group;
  const auto unanswered = count - static_cast<std::int64_t>(errors_km.size());
  const auto intervals = Bootstrap(errors_km, unanswered, options.bootstrap, static_cast<std::uint64_t>(options.seed),
                                   options.thresholds_km);
  for (std::size_t t = 0; t < group.accuracy.size(); ++t) group.accuracy[t].ci95 = intervals.accuracy[t];
  return group;
}

}  // namespace

GroupAccuracy Accuracies(const std::vector<double>& errors_km, std::int64_t count,
                         const std::vector<double>& thresholds_km) {
  GroupAccuracy group;
  group.count = count;
  for (const double threshold : thresholds_km) {
    Accuracy accuracy;
    accuracy.threshold_km = threshold;
    accuracy.within = std::count_if(errors_km.begin(), errors_km.end(), [&](double e) { return e < threshold; });
    accuracy.percent = count == 0 ? 0 : 100.0 * static_cast<double>(accuracy.within) / static_cast<double>(count);
    accuracy.ci95 = WilsonPercent(accuracy.within, count);
    group.accuracy.push_back(accuracy);
  }
  return group;
}

std::string FirstFew(const std::vector<std::string>& ids) {
  constexpr std::size_t kFew = 3;
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(kFew, ids.size()); ++i) shown.push_back(Printable(ids[i]));
  std::string text = Join(shown);
  if (ids.size() > kFew) text += " and " + std::to_string(ids.size() - kFew) + " more";
  return text;
}

GroupScores ScoreGroup(const Evaluation& evaluation, const std::string& name, const std::vector<std::size_t>& photos) {
  std::vector<double> errors;
  GroupScores group;
  group.name = name;
  for (const std::size_t photo : photos) {
    if (const auto& error = evaluation.photos.at(photo).error_km) errors.push_back(*error);
  }
  group.answered = static_cast<std::int64_t>(errors.size());
  const auto count =
      evaluation.options.denominator == "answered" ? group.answered : static_cast<std::int64_t>(photos.size());
  group.scores = Scored(errors, count, evaluation.options);
  if (!errors.empty()) group.median_km = Median(errors);
  for (const double error : errors) group.geoscore += GeoScore(error) / static_cast<double>(count);
  return group;
}

void EvaluateOptions::Validate() const {
  if (thresholds_km.empty()) throw InputError("evaluate.thresholds_km is empty; give at least one distance");
  for (const double threshold : thresholds_km) {
    if (!(threshold > 0 && threshold <= 20100)) {
      throw InputError("evaluate.thresholds_km has " + FormatDouble(threshold) + "; it must lie in (0, 20100]");
    }
  }
  if (std::adjacent_find(thresholds_km.begin(), thresholds_km.end(), std::greater_equal<>()) != thresholds_km.end()) {
    throw InputError("evaluate.thresholds_km must rise from one to the next, each once");
  }
  const auto& distances = DistanceKindNames();
  if (std::find(distances.begin(), distances.end(), distance) == distances.end()) {
    throw InputError("evaluate.distance is " + Printable(distance) + "; allowed: " + Join(distances));
  }
  if (denominator != "all" && denominator != "answered") {
    throw InputError("evaluate.denominator is " + Printable(denominator) + "; allowed: all, answered");
  }
  if (interval != "wilson" && interval != "bootstrap") {
    throw InputError("evaluate.interval is " + Printable(interval) + "; allowed: wilson, bootstrap");
  }
  if (interval == "bootstrap" && bootstrap == 0) {
    throw InputError("evaluate.interval is bootstrap, and evaluate.bootstrap 0: give a number of rounds");
  }
  for (const double quantile : quantiles) {
    if (!(quantile >= 0 && quantile <= 100)) {
      throw InputError("evaluate.quantiles has " + FormatDouble(quantile) + "; it must lie in [0, 100] percent");
    }
  }
  for (const int k : oracle_k) {
    if (k < 1) throw InputError("evaluate.oracle_k has " + std::to_string(k) + "; it must be 1 or more");
  }
  if (bootstrap < 0 || bootstrap > 1'000'000) {
    throw InputError("evaluate.bootstrap is " + std::to_string(bootstrap) + "; it must lie in [0, 1000000]");
  }
}

Evaluation Evaluate(const PhotoTable& truth, const std::vector<Prediction>& predictions, const EvaluateOptions& options,
                    EvaluateSettings settings) {
  options.Validate();
  if (truth.rows.empty()) throw InputError(truth.path.string() + ": the truth table has no rows");
  const DistanceKind distance = ParseDistanceKind(options.distance);

  Evaluation result;
  result.settings = std::move(settings);
  result.options = options;
  result.count = static_cast<std::int64_t>(truth.rows.size());

  std::unordered_map<std::string_view, const Prediction*> prediction_of;
  prediction_of.reserve(predictions.size());
  for (const auto& prediction : predictions) {
    if (!prediction_of.emplace(prediction.id, &prediction).second) {
      throw InputError("photo '" + Printable(prediction.id) + "' has two predictions");
    }
  }

  std::unordered_set<std::string_view> known;
  known.reserve(truth.rows.size());
  std::vector<double> errors, errors_without_zero;
  std::map<std::string, std::vector<double>> errors_of_method;
  for (const auto& row : truth.rows) {
    known.insert(row.id);
    if (!row.location) {
      throw InputError(truth.path.string() + ":" + std::to_string(row.line) + ": photo '" + Printable(row.id) +
                       "' has no location to score against");
    }
    PhotoResult photo;
    photo.id = row.id;
    photo.truth = *row.location;
    const auto found = prediction_of.find(row.id);
    if (found == prediction_of.end()) {
      photo.reason = "no prediction";
    } else if (!found->second->location) {
      photo.answer = Answer::kNoLocation;
      photo.reason = found->second->reason;
    } else {
      const LatLon place = *found->second->location;
      photo.prediction = place;
      const bool zero = IsZero(place);
      result.zero_answers += zero ? 1 : 0;
      if (zero && options.zero_is_failure) {
        photo.answer = Answer::kZeroAsFailure;
        photo.reason = "answer at exactly 0, 0 taken as a failure";
      } else {
        photo.answer = Answer::kAnswered;
        photo.error_km = DistanceKm(photo.truth, place, distance);
        errors.push_back(*photo.error_km);
        errors_of_method[found->second->method].push_back(*photo.error_km);
        if (!zero) errors_without_zero.push_back(*photo.error_km);
      }
    }
    result.photos.push_back(std::move(photo));
  }
  for (const auto& prediction : predictions) {
    if (!known.contains(prediction.id)) result.unknown_ids.push_back(prediction.id);
  }
  if (!predictions.empty() && result.unknown_ids.size() == predictions.size()) {
    std::vector<std::string> ids;
    for (const auto& row : truth.rows) ids.push_back(row.id);
    const std::string& file = result.settings.predictions_file;
    throw InputError((file.empty() ? "predictions" : file) + ": none of the " + std::to_string(predictions.size()) +
                     " photos is in the truth table " + truth.path.string() +
                     "; is it another benchmark's? Predicted: " + FirstFew(result.unknown_ids) +
                     "; in the truth table: " + FirstFew(ids));
  }

  result.answered = static_cast<std::int64_t>(errors.size());
  const std::int64_t denominator = options.denominator == "answered" ? result.answered : result.count;
  result.all = Accuracies(errors, denominator, options.thresholds_km);
  if (errors_without_zero.size() != errors.size()) {
    result.without_zero = Scored(errors_without_zero, static_cast<std::int64_t>(errors_without_zero.size()), options);
  }
  const bool fallback = std::any_of(errors_of_method.begin(), errors_of_method.end(),
                                    [](const auto& item) { return item.first.starts_with("fallback/"); });
  if (fallback) {
    for (const auto& [method, of_method] : errors_of_method) {
      const auto n = static_cast<std::int64_t>(of_method.size());
      result.by_method.emplace_back(method, Scored(of_method, n, options));
    }
  }
  double score = 0;
  for (const double error : errors) score += GeoScore(error);
  result.geoscore = denominator == 0 ? 0 : score / static_cast<double>(denominator);
  if (!errors.empty()) {
    result.median_km = Median(errors);
    result.mean_km = std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(errors.size());
    for (const double percent : options.quantiles) result.quantiles_km.push_back(Quantile(errors, percent / 100));
  }
  if (options.bootstrap > 0 && denominator > 0) {
    const BootstrapIntervals intervals = Bootstrap(errors, denominator - result.answered, options.bootstrap,
                                                   static_cast<std::uint64_t>(options.seed), options.thresholds_km);
    result.median_ci95 = intervals.median_km;
    result.mean_ci95 = intervals.mean_km;
    result.geoscore_ci95 = intervals.geoscore;
    for (std::size_t t = 0; options.interval == "bootstrap" && t < intervals.accuracy.size(); ++t) {
      result.all.accuracy[t].ci95 = intervals.accuracy[t];
    }
  }
  const bool complete = result.answered == denominator;
  result.answered_only = complete ? result.all : Scored(errors, result.answered, options);
  return result;
}

std::vector<std::string> Warnings(const Evaluation& evaluation) {
  std::vector<std::string> warnings;
  if (!evaluation.unknown_ids.empty()) {
    const auto n = static_cast<std::int64_t>(evaluation.unknown_ids.size());
    warnings.push_back(Count(n, "prediction is for a photo that is", "predictions are for photos that are") +
                       " not in the truth table, and not scored: " + FirstFew(evaluation.unknown_ids));
  }
  std::vector<std::string> missing;
  std::int64_t unanswered = 0;
  for (const auto& photo : evaluation.photos) {
    if (photo.answer == Answer::kNoPrediction) missing.push_back(photo.id);
    unanswered += photo.answer == Answer::kNoLocation ? 1 : 0;
  }
  if (!evaluation.unknown_countries.empty()) {
    const auto n = static_cast<std::int64_t>(evaluation.unknown_countries.size());
    warnings.push_back(Count(n, "country", "countries") +
                       " of the truth table unknown, and of no continent: " + FirstFew(evaluation.unknown_countries));
  }
  const bool all = evaluation.options.denominator == "all";
  const std::string fate = all ? "count as misses" : "are left out (evaluate.denominator: answered)";
  if (!missing.empty()) {
    warnings.push_back(Count(static_cast<std::int64_t>(missing.size()), "photo of the truth table has",
                             "photos of the truth table have") +
                       " no prediction and " + fate + ": " + FirstFew(missing));
  }
  if (unanswered > 0) {
    warnings.push_back(Count(unanswered, "photo has", "photos have") + " a prediction without coordinates and " + fate);
  }
  if (evaluation.zero_answers > 0 && !evaluation.options.zero_is_failure) {
    warnings.push_back(Count(evaluation.zero_answers, "answer is", "answers are") +
                       " exactly 0, 0, which is open sea and most likely a failure written as a coordinate; "
                       "--zero-is-failure (evaluate.zero_is_failure) scores them as no answer");
  }
  return warnings;
}

std::vector<Prediction> RankOne(const std::vector<CandidateList>& lists) {
  return PredictEach(PredictOptions{"top1"}, lists);
}

std::vector<Prediction> Oracle(const std::vector<CandidateList>& lists, const PhotoTable& truth, int top_k,
                               DistanceKind distance) {
  std::unordered_map<std::string_view, LatLon> truth_of;
  for (const auto& row : truth.rows) {
    if (row.location) truth_of.emplace(row.id, *row.location);
  }
  std::vector<Prediction> predictions;
  predictions.reserve(lists.size());
  for (const auto& list : lists) {
    Prediction best{list.query_id, std::nullopt, "oracle", std::nullopt, "no candidates"};
    const auto found = truth_of.find(list.query_id);
    double best_km = 0;
    for (const auto& candidate : list.candidates) {
      if (!candidate.similar || (top_k > 0 && candidate.rank > top_k)) break;
      const double km = found == truth_of.end() ? 0 : DistanceKm(found->second, candidate.location, distance);
      if (!best.location || km < best_km) {
        best.location = candidate.location;
        best_km = km;
        best.reason.clear();
      }
    }
    predictions.push_back(std::move(best));
  }
  return predictions;
}

}  // namespace dualgeo
