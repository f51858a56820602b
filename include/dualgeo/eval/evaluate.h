// Scores of predicted places against the truth.
//
// Accuracy at a threshold is the share of **all** photos of the truth table whose error is strictly below it (Hays &
// Efros 2008; the 1, 25, 200, 750, 2500 km of Weyand et al. 2016: street, city, region, country, continent). A photo
// without an answer is a miss, so no method gains by keeping quiet; the share among the answered is given beside it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/eval/clusters.h"
#include "dualgeo/eval/provenance.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

struct EvaluateOptions {
  std::vector<double> thresholds_km = {1, 25, 200, 750, 2500};
  std::string distance = "geodesic";  // one of DistanceKindNames()
  // Of accuracies. wilson: Wilson's score interval, exact enough for every size and cheap; over clusters that of as
  // many independent photos (cluster_statistics.h). bootstrap: percentiles of the same resamples, of photos or of whole
  // clusters, as those of median, mean and GeoScore; over few clusters too narrow.
  std::string interval = "wilson";
  std::string cluster = "auto";  // what is not independent: auto (photographers), none, a column (ChooseClusters)
  int bootstrap = 10000;         // rounds; 0: no intervals of median, mean and GeoScore
  std::vector<double> quantiles = {10, 25, 50, 75, 90, 95};  // of the answered photos' errors, percent
  std::vector<int> oracle_k = {1, 5, 10, 20};                // candidate lists: recall among the first so many
  std::string denominator = "all";  // all | answered: of which photos `all` of an Evaluation is the share
  bool zero_is_failure = false;     // an answer at exactly 0, 0 is a failure of whatever wrote it, not a place

  std::int64_t seed = 0;  // of the bootstrap; the run's seed, hence not a key of its own

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("thresholds_km", thresholds_km, "accuracy is given at each of these distances", Range{1e-6, 20100});
    v.Field("distance", distance, "geodesic (WGS84) or great_circle (sphere of 6371 km)", OneOf{DistanceKindNames()});
    v.Field("interval", interval,
            "95 % intervals of accuracies: wilson, or bootstrap (percentiles of resampled photos or clusters)",
            OneOf{{"wilson", "bootstrap"}});
    v.Field("cluster", cluster,
            "whose photos are not independent, so that intervals and tests are over them: auto (the photographers, "
            "where the truth table has them), none (photos), or a column of the truth table",
            Added{});
    v.Field("bootstrap", bootstrap,
            "rounds for the intervals of median, mean and GeoScore, and of comparisons; 0: none (not when comparing)",
            Range{0, 1e6});
    v.Field("quantiles", quantiles, "quantiles of the error that are given, percent", Range{0, 100});
    v.Field("oracle_k", oracle_k, "recall of candidate lists is given for the first so many", Range{1, 100000});
    v.Field(
        "denominator", denominator,
        "accuracy and GeoScore are of all photos of the truth table, or of the answered ones alone (as the released "
        "code: failing then raises the score)",
        OneOf{{"all", "answered"}});
    v.Field("zero_is_failure", zero_is_failure, "score an answer at exactly 0, 0 as no answer");
  }

  // Throws InputError naming field, value and what is allowed.
  void Validate() const;
};

// What is scored: words and files that go with the scores, and what is not independent.
struct EvaluationSubject {
  std::string benchmark;  // name of the test set ("im2gps3k")
  std::string method;     // what is scored ("rank 1", "oracle@20", "dbscan")
  std::string note;       // shown in every table made from the result ("synthetic")
  std::string predictions_file;
  std::string truth_file;
  std::optional<Provenance> provenance = std::nullopt;  // goes into the JSON
  // Of the truth table's rows, which intervals and tests are then over. Nothing: Evaluate fills in what
  // EvaluateOptions::cluster says.
  std::optional<PhotoClusters> clusters = std::nullopt;
};

// 95 % interval.
struct Interval {
  double low = 0;
  double high = 0;
};

struct Accuracy {
  double threshold_km = 0;
  std::int64_t within = 0;  // photos closer than that
  double percent = 0;       // of the group's photos
  Interval ci95;            // percent; Wilson 1927, or bootstrap (EvaluateOptions::interval)
  // Over clusters: how many times the variance of as many independent photos (cluster_statistics.h).
  std::optional<double> design_effect = std::nullopt;
};

// Accuracies among a group of photos.
struct GroupAccuracy {
  std::int64_t count = 0;
  std::vector<Accuracy> accuracy;  // one per threshold
};

// Some of the photos: those of a continent, a country.
struct GroupScores {
  std::string name;
  GroupAccuracy scores;  // of all photos of the group
  std::int64_t answered = 0;
  std::optional<double> median_km;  // of the answered
  double geoscore = 0;
};

// Answers that are in the right country, region, city.
struct PlaceLevel {
  std::string name;
  std::int64_t unnamed = 0;  // photos whose true place has no such name, and which cannot be right
  GroupAccuracy scores;      // one "threshold": right
};

// What answers state of themselves (PlaceAreas): "area_90_km2", "radius_90_km".
struct StatedArea {
  std::string name;
  double meant = 0;                                  // percent of the truths, or of the posterior, that it is to hold
  std::int64_t count = 0;                            // answers that state it
  double median = 0;                                 // km2 or km
  std::optional<GroupAccuracy> held = std::nullopt;  // of radii: truths within them; one "threshold"
};

enum class Answer { kAnswered, kNoPrediction, kNoLocation, kZeroAsFailure };

// One row of the truth table, in its order.
struct PhotoResult {
  std::string id;
  LatLon truth;
  std::optional<LatLon> prediction;
  std::optional<double> error_km;  // of answered photos
  Answer answer = Answer::kNoPrediction;
  std::string reason;
};

// A mistake that makes hits misses: LAT and LON of the answers (or of the truth: that is the same) exchanged, or the
// sign of one of them turned round or lost.
enum class CoordinateMistake { kExchanged, kLatSign, kLonSign };
struct MistakenCoordinates {
  CoordinateMistake mistake = CoordinateMistake::kExchanged;
  double threshold_km = 0;
  std::int64_t hits = 0;         // answers closer than that as they are
  std::int64_t undone_hits = 0;  // with the mistake undone; of a sign, where that is needed
};

struct Evaluation {
  EvaluationSubject subject;
  EvaluateOptions options;

  std::int64_t count = 0;     // photos of the truth table
  std::int64_t answered = 0;  // of those, with an answer
  GroupAccuracy all;          // percent of count (denominator answered: of answered): the accuracy to report
  GroupAccuracy answered_only;
  // The answered photos but those answered with exactly 0, 0; when there are any (and zero_is_failure is off).
  std::optional<GroupAccuracy> without_zero;
  // When a fallback rule answered some photos ("fallback/..." in the predictions' column method): the answered photos
  // of each method apart, in percent of their own number.
  std::vector<std::pair<std::string, GroupAccuracy>> by_method;

  // Over the answered photos; nothing when there are none. Intervals: percentile bootstrap over photos, or over
  // clusters those of cluster_statistics.h.
  std::optional<double> median_km, mean_km;
  std::optional<Interval> median_ci95, mean_ci95;
  // Mean over all photos of 5000 exp(-d / 1492.7 km) (Haas et al. 2023, GeoGuessr's rule); unanswered: 0, or left out
  // by denominator answered.
  double geoscore = 0;
  std::optional<Interval> geoscore_ci95;

  std::vector<double> quantiles_km;  // one for each of options.quantiles, over the answered photos; none: empty

  // Filled by AddRegions (regions.h).
  std::vector<GroupScores> continents, countries;
  std::vector<std::string> unknown_countries;
  std::vector<PlaceLevel> places;  // filled by AddPlaceScores (place_scores.h)
  std::vector<StatedArea> stated;  // filled by AddStatedAreas

  std::int64_t zero_answers = 0;         // answers at exactly 0, 0 for photos of the truth table
  std::vector<std::string> unknown_ids;  // predictions for photos that are not in the truth table; not scored
  std::string unknown_match;             // what makes their ids match those of photos without a prediction; or empty
  // Only where undoing it turns a good part of the misses into hits; the scores are of the answers as they are.
  std::optional<MistakenCoordinates> mistaken;
  std::vector<PhotoResult> photos;
};

// Throws InputError when the truth has no rows, a row without a location, or shares no id with the predictions.
Evaluation Evaluate(const PhotoTable& truth, const std::vector<Prediction>& predictions, const EvaluateOptions& options,
                    EvaluationSubject subject = {});

// Photos closer than each threshold, in percent of `count`, with Wilson's intervals. Pure.
GroupAccuracy Accuracies(const std::vector<double>& errors_km, std::int64_t count,
                         const std::vector<double>& thresholds_km);

// Scores of some of an evaluation's photos (rows of its truth table).
GroupScores ScoreGroup(const Evaluation& evaluation, const std::string& name, const std::vector<std::size_t>& photos);

// "a, b, c and 7 more", safe to print.
std::string FirstFew(const std::vector<std::string>& ids);

// What to tell the user about a result: unknown ids (the first few and how many, and what makes them match), photos
// without prediction, answers at exactly 0, 0, LAT and LON exchanged or of the wrong sign. One line each.
std::vector<std::string> Warnings(const Evaluation& evaluation);

// First similar candidate of each list; lists without candidates have no answer.
std::vector<Prediction> RankOne(const std::vector<CandidateList>& lists);
// The best of the first top_k similar candidates (0: of all), chosen by looking at the truth: what a perfect re-ranker
// would score.
std::vector<Prediction> Oracle(const std::vector<CandidateList>& lists, const PhotoTable& truth, int top_k,
                               DistanceKind distance);

}  // namespace dualgeo
