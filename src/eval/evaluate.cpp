#include "dualgeo/eval/evaluate.h"
#include "config/config.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "eval/cluster_statistics.h"
#include "eval/statistics.h"
#include "io/other_names.h"
#include "lmm/predictor.h"

namespace dualgeo {
namespace {

bool IsZero(const LatLon& place) { return place.lat == 0 && place.lon == 0; }

std::string Count(std::int64_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::vector<double> ErrorsOf(const Evaluation& evaluation, const std::vector<std::size_t>& photos) {
  std::vector<double> errors;
  for (const std::size_t photo : photos) {
    if (const auto& error = evaluation.photos.at(photo).error_km) errors.push_back(*error);
  }
  return errors;
}

// Over the photos, or over the clusters that they are of.
BootstrapIntervals Resampled(const Evaluation& evaluation, const std::vector<std::size_t>& photos) {
  const EvaluateOptions& options = evaluation.options;
  const auto seed = static_cast<std::uint64_t>(options.seed);
  if (const auto& clusters = evaluation.subject.clusters) {
    std::vector<std::optional<double>> errors;
    std::vector<std::uint32_t> of_photo;
    for (const std::size_t photo : photos) {
      errors.push_back(evaluation.photos[photo].error_km);
      of_photo.push_back(clusters->of_photo[photo]);
    }
    return ClusterBootstrap(errors, of_photo, options.bootstrap, seed, options.thresholds_km);
  }
  const auto errors = ErrorsOf(evaluation, photos);
  return Bootstrap(errors, static_cast<std::int64_t>(photos.size() - errors.size()), options.bootstrap, seed,
                   options.thresholds_km);
}

bool ResamplesAccuracies(const Evaluation& evaluation) { return evaluation.options.interval == "bootstrap"; }

// Intervals of means over clusters, and not of resampled ones.
const PhotoClusters* MeansOver(const Evaluation& evaluation) {
  const auto& clusters = evaluation.subject.clusters;
  return clusters && !ResamplesAccuracies(evaluation) ? &*clusters : nullptr;
}

// Errors of some photos, and what clusters these are of.
struct ClusteredErrors {
  std::vector<std::optional<double>> errors;
  std::vector<std::uint32_t> clusters;
};

ClusteredErrors OfClusters(const Evaluation& evaluation, const std::vector<std::size_t>& photos,
                           const PhotoClusters& clusters) {
  ClusteredErrors result;
  for (const std::size_t photo : photos) {
    result.errors.push_back(evaluation.photos[photo].error_km);
    result.clusters.push_back(clusters.of_photo[photo]);
  }
  return result;
}

// Accuracies of some photos with the intervals that the options ask for.
GroupAccuracy Scored(const Evaluation& evaluation, const std::vector<std::size_t>& photos) {
  GroupAccuracy group = Accuracies(ErrorsOf(evaluation, photos), static_cast<std::int64_t>(photos.size()),
                                   evaluation.options.thresholds_km);
  if (photos.empty()) return group;
  if (const PhotoClusters* clusters = MeansOver(evaluation)) {
    const ClusteredErrors of = OfClusters(evaluation, photos, *clusters);
    SetClusterIntervals(group, of.errors, of.clusters);
  }
  if (!ResamplesAccuracies(evaluation)) return group;
  const auto intervals = Resampled(evaluation, photos);
  for (std::size_t t = 0; t < group.accuracy.size(); ++t) group.accuracy[t].ci95 = intervals.accuracy[t];
  return group;
}

LatLon Undone(const LatLon& place, CoordinateMistake mistake) {
  switch (mistake) {
    case CoordinateMistake::kExchanged:
      return {place.lon, place.lat};
    case CoordinateMistake::kLatSign:
      return {-place.lat, place.lon};
    case CoordinateMistake::kLonSign:
      return {place.lat, -place.lon};
  }
  return place;
}

// Whether undoing a mistake would turn a good part of the misses into hits. Answers that this hardly moves, near the
// diagonal, the equator or Greenwich, say nothing; nor do thresholds so wide that many a wrong answer is right.
std::optional<MistakenCoordinates> FindMistaken(const Evaluation& evaluation, DistanceKind distance) {
  constexpr double kWidestKm = 200, kMovedKm = 1000;
  std::optional<MistakenCoordinates> most;
  std::int64_t most_gained = 1;
  for (const auto mistake : {CoordinateMistake::kExchanged, CoordinateMistake::kLonSign, CoordinateMistake::kLatSign}) {
    struct Answered {
      double error, undone;
      bool moved;
    };
    std::vector<Answered> answers;
    for (const auto& photo : evaluation.photos) {
      if (!photo.error_km) continue;
      const LatLon other = Undone(*photo.prediction, mistake);
      double km = std::numeric_limits<double>::infinity();
      // Great circles, which are cheap, tell those that are near enough to be measured.
      if (IsValid(other) && DistanceKm(photo.truth, other, DistanceKind::kGreatCircle) < 1.02 * kWidestKm) {
        km = DistanceKm(photo.truth, other, distance);
      }
      const bool moved = IsValid(other) && DistanceKm(*photo.prediction, other, DistanceKind::kGreatCircle) > kMovedKm;
      answers.push_back({*photo.error_km, km, moved});
    }
    for (const double threshold : evaluation.options.thresholds_km) {
      if (threshold > kWidestKm) break;
      MistakenCoordinates found{mistake, threshold, 0, 0};
      std::int64_t gained = 0;
      for (const auto& answer : answers) {
        const bool hit = answer.error < threshold, undone = answer.undone < threshold;
        found.hits += hit ? 1 : 0;
        // A sign may be lost of some answers and right of others; columns are exchanged as a whole.
        found.undone_hits += undone || (hit && mistake != CoordinateMistake::kExchanged) ? 1 : 0;
        gained += !hit && undone && answer.moved ? 1 : 0;
      }
      const auto misses = static_cast<std::int64_t>(answers.size()) - found.hits;
      if (gained <= most_gained || 4 * gained < misses) continue;
      most = found;
      most_gained = gained;
      break;  // the narrowest threshold of each mistake
    }
  }
  return most;
}

void CheckClusters(const Evaluation& evaluation, const PhotoTable& truth) {
  const auto& clusters = evaluation.subject.clusters;
  if (!clusters) return;
  if (clusters->of_photo.size() != truth.rows.size()) {
    throw std::invalid_argument("clusters are not of the truth table");
  }
}

// Of median, mean and GeoScore.
void AddClusterIntervals(Evaluation& result, const std::vector<std::size_t>& counted, const PhotoClusters& clusters) {
  const ClusteredErrors of = OfClusters(result, counted, clusters);
  std::vector<double> answered, scores;
  std::vector<std::uint32_t> clusters_answered;
  for (std::size_t i = 0; i < of.errors.size(); ++i) {
    scores.push_back(of.errors[i] ? GeoScore(*of.errors[i]) : 0);
    if (!of.errors[i]) continue;
    answered.push_back(*of.errors[i]);
    clusters_answered.push_back(of.clusters[i]);
  }
  const auto within = [](std::optional<Interval> interval, double greatest) {
    if (interval) interval = Interval{std::max(0.0, interval->low), std::min(greatest, interval->high)};
    return interval;
  };
  result.geoscore_ci95 = within(MeanInterval(MeanOverClusters(scores, of.clusters)), 5000);
  if (answered.empty()) return;
  result.median_ci95 = MedianInterval(answered, clusters_answered);
  result.mean_ci95 = within(MeanInterval(MeanOverClusters(answered, clusters_answered)), kFarthestKm);
}

// The ids of predictions that the truth table lacks. InputError when it lacks all of them.
void FindUnknown(Evaluation& result, const PhotoTable& truth, const std::vector<Prediction>& predictions) {
  std::unordered_set<std::string_view> known;
  known.reserve(truth.rows.size());
  for (const auto& row : truth.rows) known.insert(row.id);
  for (const auto& prediction : predictions) {
    if (!known.contains(prediction.id)) result.unknown_ids.push_back(prediction.id);
  }
  if (result.unknown_ids.empty()) return;
  std::vector<std::string> unanswered;
  for (const auto& photo : result.photos) {
    if (photo.answer == Answer::kNoPrediction) unanswered.push_back(photo.id);
  }
  result.unknown_match = WhatMakesThemMatch(result.unknown_ids, unanswered);
  if (result.unknown_ids.size() < predictions.size()) return;
  const std::string& file = result.subject.predictions_file;
  const std::string& match = result.unknown_match;
  throw InputError((file.empty() ? "predictions" : file) + ": none of the " + std::to_string(predictions.size()) +
                   " photos is in the truth table " + truth.path.string() +
                   (match.empty() ? "; is it another benchmark's?" : ", but " + match + ".") +
                   " Predicted: " + FirstFew(result.unknown_ids) + "; in the truth table: " + FirstFew(unanswered));
}

// Median, mean, quantiles and GeoScore, and their intervals. counted: rows of the truth table in the denominator.
void AddErrors(Evaluation& result, const std::vector<double>& errors, const std::vector<std::size_t>& counted) {
  const EvaluateOptions& options = result.options;
  const auto denominator = static_cast<std::int64_t>(counted.size());
  double score = 0;
  for (const double error : errors) score += GeoScore(error);
  result.geoscore = denominator == 0 ? 0 : score / static_cast<double>(denominator);
  if (!errors.empty()) {
    result.median_km = Median(errors);
    result.mean_km = std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(errors.size());
    for (const double percent : options.quantiles) result.quantiles_km.push_back(Quantile(errors, percent / 100));
  }
  const PhotoClusters* clusters = MeansOver(result);
  if (clusters != nullptr && denominator > 0) result.all = Scored(result, counted);
  if (options.bootstrap > 0 && denominator > 0 && clusters != nullptr) {
    AddClusterIntervals(result, counted, *clusters);
  } else if (options.bootstrap > 0 && denominator > 0) {
    const BootstrapIntervals intervals = Resampled(result, counted);
    result.median_ci95 = intervals.median_km;
    result.mean_ci95 = intervals.mean_km;
    result.geoscore_ci95 = intervals.geoscore;
    for (std::size_t t = 0; ResamplesAccuracies(result) && t < intervals.accuracy.size(); ++t) {
      result.all.accuracy[t].ci95 = intervals.accuracy[t];
    }
  }
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
  const std::vector<double> errors = ErrorsOf(evaluation, photos);
  GroupScores group;
  group.name = name;
  group.answered = static_cast<std::int64_t>(errors.size());
  std::vector<std::size_t> counted = photos;
  if (evaluation.options.denominator == "answered") {
    std::erase_if(counted, [&](std::size_t photo) { return !evaluation.photos[photo].error_km; });
  }
  group.scores = Scored(evaluation, counted);
  if (!errors.empty()) group.median_km = Median(errors);
  for (const double error : errors) group.geoscore += GeoScore(error) / static_cast<double>(counted.size());
  return group;
}

void EvaluateOptions::Validate() const {
  CheckFields(*this, "evaluate");
  if (thresholds_km.empty()) throw InputError("evaluate.thresholds_km is empty; give at least one distance");
  if (std::adjacent_find(thresholds_km.begin(), thresholds_km.end(), std::greater_equal<>()) != thresholds_km.end()) {
    throw InputError("evaluate.thresholds_km must rise from one to the next, each once");
  }
  if (interval == "bootstrap" && bootstrap == 0) {
    throw InputError("evaluate.interval is bootstrap, and evaluate.bootstrap 0: give a number of rounds");
  }
}

Evaluation Evaluate(const PhotoTable& truth, const std::vector<Prediction>& predictions, const EvaluateOptions& options,
                    EvaluationSubject subject) {
  options.Validate();
  if (truth.rows.empty()) throw InputError(truth.path.string() + ": the truth table has no rows");
  const DistanceKind distance = ParseDistanceKind(options.distance);

  Evaluation result;
  result.subject = std::move(subject);
  result.options = options;
  result.count = static_cast<std::int64_t>(truth.rows.size());
  if (!result.subject.clusters) result.subject.clusters = ChooseClusters(options.cluster, truth);
  CheckClusters(result, truth);

  std::unordered_map<std::string_view, const Prediction*> prediction_of;
  prediction_of.reserve(predictions.size());
  for (const auto& prediction : predictions) {
    if (!prediction_of.emplace(prediction.id, &prediction).second) {
      throw InputError("photo '" + Printable(prediction.id) + "' has two predictions");
    }
  }

  std::vector<std::size_t> answered, without_zero, counted;  // rows of the truth table
  std::map<std::string, std::vector<std::size_t>> of_method;
  for (const auto& row : truth.rows) {
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
        answered.push_back(result.photos.size());
        of_method[found->second->method].push_back(result.photos.size());
        if (!zero) without_zero.push_back(result.photos.size());
      }
    }
    if (options.denominator == "all" || photo.error_km) counted.push_back(result.photos.size());
    result.photos.push_back(std::move(photo));
  }
  FindUnknown(result, truth, predictions);
  result.mistaken = FindMistaken(result, distance);

  const std::vector<double> errors = ErrorsOf(result, answered);
  result.answered = static_cast<std::int64_t>(errors.size());
  const auto denominator = static_cast<std::int64_t>(counted.size());
  result.all = Accuracies(errors, denominator, options.thresholds_km);
  if (without_zero.size() != answered.size()) result.without_zero = Scored(result, without_zero);
  const bool fallback = std::any_of(of_method.begin(), of_method.end(),
                                    [](const auto& item) { return item.first.starts_with("fallback/"); });
  if (fallback) {
    for (const auto& [method, photos] : of_method) result.by_method.emplace_back(method, Scored(result, photos));
  }
  AddErrors(result, errors, counted);
  const bool complete = result.answered == denominator;
  result.answered_only = complete ? result.all : Scored(result, answered);
  return result;
}

std::vector<std::string> Warnings(const Evaluation& evaluation) {
  std::vector<std::string> warnings;
  if (!evaluation.unknown_ids.empty()) {
    const auto n = static_cast<std::int64_t>(evaluation.unknown_ids.size());
    warnings.push_back(Count(n, "prediction is for a photo that is", "predictions are for photos that are") +
                       " not in the truth table, and not scored: " + FirstFew(evaluation.unknown_ids) +
                       (evaluation.unknown_match.empty() ? "" : " (" + evaluation.unknown_match + ")"));
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
  for (const auto& [method, group] : evaluation.by_method) {
    if (!method.starts_with("fallback/")) continue;
    warnings.push_back(Count(group.count, "answer is", "answers are") + " of the rule " + method +
                       ", not of the method itself; they have a line of their own");
  }
  if (evaluation.zero_answers > 0 && !evaluation.options.zero_is_failure) {
    warnings.push_back(Count(evaluation.zero_answers, "answer is", "answers are") +
                       " exactly 0, 0, which is open sea and most likely a failure written as a coordinate; "
                       "--zero-is-failure (evaluate.zero_is_failure) scores them as no answer");
  }
  if (const auto& mistaken = evaluation.mistaken) {
    const std::string sign = mistaken->mistake == CoordinateMistake::kLatSign ? "LAT" : "LON";
    const bool exchanged = mistaken->mistake == CoordinateMistake::kExchanged;
    warnings.push_back(
        (exchanged ? std::string("LAT and LON look swapped") : "the sign of " + sign + " looks turned round or lost") +
        ", in the predictions or in the truth table: with " +
        (exchanged ? std::string("LAT and LON exchanged ") : "the other sign where it is needed ") +
        std::to_string(mistaken->undone_hits) + " of " + std::to_string(evaluation.answered) +
        " answers would lie within " + FormatDouble(mistaken->threshold_km) + " km, and as they are " +
        std::to_string(mistaken->hits) + " do; scored as they are");
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
