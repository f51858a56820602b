#include "dualgeo/eval/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dualgeo/util/error.h"
#include "eval/comparison_table.h"
#include "eval/significance.h"
#include "eval/statistics.h"
#include "eval/tables.h"
#include "io/csv.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pointwise;

PhotoTable TruthOf(const std::vector<std::pair<std::string, LatLon>>& places) {
  PhotoTable table;
  table.path = "truth.csv";
  for (const auto& [id, place] : places) table.rows.push_back({id, place, "", 0});
  return table;
}

Prediction At(const std::string& id, LatLon place) { return {id, place, "m", std::nullopt, ""}; }

std::vector<double> Percents(const GroupAccuracy& group) {
  std::vector<double> percents;
  for (const auto& accuracy : group.accuracy) percents.push_back(accuracy.percent);
  return percents;
}

// On the equator, one degree of the sphere apart from the truth's meridian.
constexpr double kDegree = kEarthRadiusKm * 3.14159265358979323846 / 180;

Evaluation Small(const EvaluateOptions& options) {
  const PhotoTable truth = TruthOf({{"a", {0, 10}}, {"b", {0, 20}}, {"c", {0, 30}}, {"d", {0, 40}}, {"e", {10, 0}}});
  return Evaluate(truth,
                  {At("a", {0, 10}),
                   At("b", {0, 21}),
                   {"c", std::nullopt, "m", std::nullopt, "refused"},
                   At("e", {0, 0}),
                   At("x", {1, 1})},
                  options, {"bench", "method", "synthetic", "p.csv", "truth.csv"});
}

EvaluateOptions GreatCircle() {
  EvaluateOptions options;
  options.distance = "great_circle";
  options.bootstrap = 200;
  return options;
}

TEST(Evaluate, CountsAllPhotos) {
  const Evaluation e = Small(GreatCircle());
  EXPECT_EQ(e.count, 5);
  EXPECT_EQ(e.answered, 3);
  EXPECT_THAT(Percents(e.all), ElementsAre(20, 20, 40, 40, 60));
  EXPECT_THAT(Percents(e.answered_only),
              Pointwise(DoubleNear(1e-9), {100 / 3.0, 100 / 3.0, 200 / 3.0, 200 / 3.0, 100.0}));
  ASSERT_TRUE(e.without_zero.has_value());
  EXPECT_EQ(e.without_zero->count, 2);
  EXPECT_THAT(Percents(*e.without_zero), ElementsAre(50, 50, 100, 100, 100));
  EXPECT_NEAR(*e.median_km, kDegree, 1e-9);
  EXPECT_NEAR(*e.mean_km, 11 * kDegree / 3, 1e-9);
  EXPECT_NEAR(e.geoscore, (5000 + GeoScore(kDegree) + GeoScore(10 * kDegree)) / 5, 1e-9);
  EXPECT_EQ(e.zero_answers, 1);
  EXPECT_THAT(e.unknown_ids, ElementsAre("x"));
  EXPECT_EQ(e.photos[2].answer, Answer::kNoLocation);
  EXPECT_EQ(e.photos[2].reason, "refused");
  EXPECT_EQ(e.photos[3].answer, Answer::kNoPrediction);
}

TEST(Evaluate, ZerosAreFailuresOnRequest) {
  EvaluateOptions options = GreatCircle();
  options.zero_is_failure = true;
  const Evaluation e = Small(options);
  EXPECT_EQ(e.answered, 2);
  EXPECT_EQ(e.zero_answers, 1);
  EXPECT_FALSE(e.without_zero.has_value());
  EXPECT_THAT(Percents(e.answered_only), ElementsAre(50, 50, 100, 100, 100));
  EXPECT_THAT(Percents(e.all), ElementsAre(20, 20, 40, 40, 40));
  EXPECT_EQ(e.photos[4].answer, Answer::kZeroAsFailure);
  for (const auto& warning : Warnings(e)) EXPECT_THAT(warning, Not(HasSubstr("exactly 0, 0")));
}

// The released code's way: what it failed on does not count.
TEST(Evaluate, DenominatorMayBeTheAnswered) {
  EvaluateOptions options = GreatCircle();
  options.denominator = "answered";
  const Evaluation e = Small(options);
  EXPECT_EQ(e.count, 5);
  EXPECT_EQ(e.answered, 3);
  EXPECT_EQ(Percents(e.all), Percents(e.answered_only));
  EXPECT_NEAR(e.geoscore, Small(GreatCircle()).geoscore * 5 / 3, 1e-9);
  EXPECT_EQ(nlohmann::json::parse(MetricsJson(e))["settings"]["denominator"], "answered");
  const std::string table = FormatTable({e}, TableFormat::kMarkdown);
  EXPECT_THAT(table, HasSubstr("Photos without an answer are left out of everything"));
  EXPECT_THAT(table, Not(HasSubstr("| all |")));
  EXPECT_THAT(Warnings(e), ::testing::Contains(HasSubstr("left out (evaluate.denominator: answered)")));
  options.denominator = "some";
  EXPECT_THROW(Small(options), InputError);
}

TEST(Evaluate, ThresholdsAreStrict) {
  EvaluateOptions options = GreatCircle();
  const double km = GreatCircleKm({0, 0}, {0, 1});
  options.thresholds_km = {km, std::nextafter(km, 1e9)};
  const Evaluation e = Evaluate(TruthOf({{"a", {0, 0}}}), {At("a", {0, 1})}, options);
  EXPECT_THAT(Percents(e.all), ElementsAre(0, 100));
}

TEST(Evaluate, NothingAnswered) {
  const Evaluation e = Evaluate(TruthOf({{"a", {0, 0}}, {"b", {1, 1}}}), {}, EvaluateOptions{});
  EXPECT_EQ(e.answered, 0);
  EXPECT_EQ(e.median_km, std::nullopt);
  EXPECT_EQ(e.geoscore, 0);
  const auto json = nlohmann::json::parse(MetricsJson(e));
  EXPECT_TRUE(json["median_km"].is_null());
  EXPECT_EQ(json["accuracy"]["1"], 0);
  for (const auto format : {TableFormat::kMarkdown, TableFormat::kLatex, TableFormat::kCsv}) {
    EXPECT_FALSE(FormatTable({e}, format).empty());
  }
}

TEST(Evaluate, BadInputs) {
  const PhotoTable truth = TruthOf({{"a", {0, 0}}});
  EXPECT_THROW(Evaluate(TruthOf({}), {}, {}), InputError);
  EXPECT_THROW(Evaluate(truth, {At("a", {0, 0}), At("a", {1, 1})}, {}), InputError);
  EXPECT_THROW(Evaluate(truth, {At("other", {0, 0})}, {}), InputError);
  PhotoTable unknown = truth;
  unknown.rows[0].location.reset();
  EXPECT_THROW(Evaluate(unknown, {}, {}), InputError);
  EvaluateOptions options;
  options.thresholds_km = {};
  EXPECT_THROW(options.Validate(), InputError);
  options.thresholds_km = {25, 1};
  EXPECT_THROW(options.Validate(), InputError);
  options.thresholds_km = {0};
  EXPECT_THROW(options.Validate(), InputError);
  options = {};
  options.distance = "manhattan";
  EXPECT_THROW(options.Validate(), InputError);
  options = {};
  options.bootstrap = -1;
  EXPECT_THROW(options.Validate(), InputError);
}

TEST(Evaluate, WarningsNameWhatIsOdd) {
  EXPECT_THAT(
      Warnings(Small(GreatCircle())),
      ElementsAre(AllOf(HasSubstr("1 prediction is"), HasSubstr("x")), AllOf(HasSubstr("1 photo of"), HasSubstr("d")),
                  HasSubstr("1 photo has a prediction without coordinates"),
                  AllOf(HasSubstr("1 answer is exactly 0, 0"), HasSubstr("--zero-is-failure"))));
}

// 10 photos in Europe, where LAT and LON are valid either way.
PhotoTable Europe() {
  std::vector<std::pair<std::string, LatLon>> places;
  for (int i = 0; i < 10; ++i) places.push_back({"p" + std::to_string(i), {50.0 + i, 2.0 + 0.5 * i}});
  return TruthOf(places);
}

std::string SwapWarning(const PhotoTable& truth, const std::vector<Prediction>& predictions) {
  std::string found;
  for (const auto& warning : Warnings(Evaluate(truth, predictions, GreatCircle()))) {
    if (warning.find("swapped") != std::string::npos || warning.starts_with("the sign of")) found = warning;
  }
  return found;
}

TEST(Evaluate, SignsThatAreTurnedRoundOrLostAreNoticed) {
  std::vector<std::pair<std::string, LatLon>> places;
  std::vector<Prediction> turned, lost, south;
  for (int i = 0; i < 12; ++i) {
    const std::string id = std::to_string(i);
    const LatLon place{30.0 + i, i < 8 ? -100.0 + 2 * i : 20.0 + i};
    places.push_back({id, place});
    turned.push_back(At(id, {place.lat, -place.lon}));
    lost.push_back(At(id, {place.lat, std::abs(place.lon)}));
    south.push_back(At(id, {-place.lat, place.lon}));
  }
  const PhotoTable truth = TruthOf(places);
  EXPECT_THAT(SwapWarning(truth, turned),
              AllOf(HasSubstr("the sign of LON looks turned round or lost"),
                    HasSubstr("12 of 12 answers would lie within 1 km"), HasSubstr("as they are 0 do")));
  EXPECT_THAT(SwapWarning(truth, lost), AllOf(HasSubstr("the sign of LON"), HasSubstr("12 of 12"), HasSubstr("4 do")));
  EXPECT_THAT(SwapWarning(truth, south), AllOf(HasSubstr("the sign of LAT"), HasSubstr("12 of 12")));
}

TEST(Evaluate, ExchangedCoordinatesAreNoticed) {
  const PhotoTable truth = Europe();
  PhotoTable swapped_truth = truth;
  std::vector<Prediction> right, swapped, some;
  for (std::size_t i = 0; i < truth.rows.size(); ++i) {
    const LatLon place = *truth.rows[i].location;
    right.push_back(At(truth.rows[i].id, place));
    swapped.push_back(At(truth.rows[i].id, {place.lon, place.lat}));
    some.push_back(i < 3 ? swapped.back() : right.back());
    swapped_truth.rows[i].location = LatLon{place.lon, place.lat};
  }
  EXPECT_THAT(SwapWarning(truth, swapped),
              AllOf(HasSubstr("10 of 10"), HasSubstr("within 1 km"), HasSubstr("exchanged")));
  EXPECT_THAT(SwapWarning(swapped_truth, right), HasSubstr("10 of 10"));
  EXPECT_EQ(Evaluate(truth, swapped, GreatCircle()).all.accuracy[0].percent, 0);  // scored as they are
  // A table that is right but for some rows: those misses would be hits.
  EXPECT_THAT(SwapWarning(truth, some), HasSubstr("3 of 10"));
}

TEST(Evaluate, BadAnswersAreNotTakenForExchangedOnes) {
  const PhotoTable truth = Europe();
  std::vector<Prediction> right, far, one, shuffled;
  for (std::size_t i = 0; i < truth.rows.size(); ++i) {
    const LatLon place = *truth.rows[i].location;
    right.push_back(At(truth.rows[i].id, place));
    far.push_back(At(truth.rows[i].id, {-place.lat, place.lon + 40}));
    one.push_back(At(truth.rows[i].id, i == 0 ? LatLon{place.lon, place.lat} : LatLon{place.lat - 40, 60}));
    shuffled.push_back(At(truth.rows[i].id, *truth.rows[(i + 3) % 10].location));
  }
  for (const auto& predictions : {right, far, one, shuffled}) EXPECT_EQ(SwapWarning(truth, predictions), "");
  // Cairo for Alexandria and the other way round: exchanging LAT and LON nearly makes one of the other.
  EXPECT_EQ(SwapWarning(TruthOf({{"a", {30.04, 31.24}}, {"b", {31.2, 29.92}}, {"c", {30.1, 31.3}}}),
                        {At("a", {31.2, 29.92}), At("b", {30.04, 31.24}), At("c", {31.2, 30})}),
            "");
}

TEST(Evaluate, SaysWhatMakesTheIdsMatch) {
  const auto message = [](const std::vector<std::string>& truth, const std::vector<std::string>& predicted) {
    std::vector<std::pair<std::string, LatLon>> places;
    std::vector<Prediction> predictions;
    for (const auto& id : truth) places.push_back({id, {1, 2}});
    for (const auto& id : predicted) predictions.push_back(At(id, {1, 2}));
    try {
      const auto warnings = Warnings(Evaluate(TruthOf(places), predictions, GreatCircle()));
      return warnings.empty() ? std::string() : warnings.front();
    } catch (const InputError& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(message({"city/a.jpg", "city/b.jpg", "sea/c.jpg"}, {"a.jpg", "b.jpg", "c.jpg"}),
              HasSubstr("3 of 3 match without their folders"));
  EXPECT_THAT(message({"a.jpg", "b.jpg"}, {"a", "b"}), HasSubstr("2 of 2 match without their extensions"));
  EXPECT_THAT(message({"ff_ea_1.jpg", "ff_ea_2.jpg"}, {"ff/ea/1.jpg", "ff/ea/2.jpg"}), HasSubstr("/ for _"));
  EXPECT_THAT(message({"Cafe\xCC\x81.jpg"}, {"Caf\xC3\xA9.jpg"}), HasSubstr("1 of 1 match in one Unicode form"));
  EXPECT_THAT(message({"123", "124"}, {"123.0", "124.0"}), HasSubstr("2 of 2 match without the .0"));
  EXPECT_THAT(message({"a.jpg", "b.jpg"}, {"a.jpg", "x/b.jpg"}), HasSubstr("(1 of 1 match without their folders)"));
  EXPECT_THAT(message({"a.jpg"}, {"z.jpg"}), HasSubstr("another benchmark's"));
}

// 20 photographers of 20 photos each, all right or all wrong.
TEST(Evaluate, IntervalsOverClusters) {
  std::vector<std::pair<std::string, LatLon>> places;
  std::vector<Prediction> predictions;
  PhotoClusters clusters{"AUTHOR", {}, 20};
  for (int i = 0; i < 400; ++i) {
    places.push_back({std::to_string(i), {0, 10}});
    predictions.push_back(At(std::to_string(i), {0, i / 20 < 10 ? 10.0 : 11.0}));
    clusters.of_photo.push_back(static_cast<std::uint32_t>(i / 20));
  }
  EvaluateOptions options = GreatCircle();
  options.bootstrap = 4000;
  EvaluationSubject subject;
  subject.clusters = clusters;
  const Evaluation e = Evaluate(TruthOf(places), predictions, options, subject);
  EXPECT_EQ(e.all.accuracy[0].percent, 50);
  // Wilson's of 20 photos, with t(19) = 2.093: 50 +- 50 sqrt(4.381 / (20 + 4.381)).
  EXPECT_NEAR(e.all.accuracy[0].ci95.low, 28.81, 0.01);
  EXPECT_NEAR(e.all.accuracy[0].ci95.high, 71.19, 0.01);
  EXPECT_NEAR(*e.all.accuracy[0].design_effect, 20, 1e-9);
  EXPECT_NEAR(e.mean_ci95->low, (0.5 - 2.0930 * std::sqrt(0.25 / 20)) * kDegree, 0.01);
  EXPECT_NEAR(e.geoscore_ci95->low,
              (GeoScore(kDegree) + 5000) / 2 - 2.0930 * std::sqrt(0.25 / 20) * (5000 - GeoScore(kDegree)), 0.1);
  EXPECT_THAT(FormatTable({e}, TableFormat::kMarkdown),
              AllOf(HasSubstr("(Wilson over photographers)"), HasSubstr("400 photos of 20 photographers"),
                    HasSubstr("at each distance: 20.0, 20.0, 2.9, 2.9, 2.9.")));
  const auto json = nlohmann::json::parse(MetricsJson(e));
  EXPECT_NEAR(json["design_effect"]["1"], 20, 1e-9);
  EXPECT_NEAR(json["standard_error"]["1"], 11.1803, 1e-3);
  EXPECT_EQ(json["settings"]["cluster"], "AUTHOR");
  EXPECT_EQ(json["settings"]["clusters"], 20);
  options.interval = "bootstrap";
  const Evaluation resampled = Evaluate(TruthOf(places), predictions, options, subject);
  EXPECT_EQ(resampled.all.accuracy[0].ci95.low, 30);
  EXPECT_EQ(resampled.all.accuracy[0].ci95.high, 70);
  EXPECT_NEAR(resampled.mean_ci95->low, 0.3 * kDegree, 1e-6);
  // As many clusters as photos: the bootstrap over photos.
  for (std::uint32_t i = 0; i < 400; ++i) subject.clusters->of_photo[i] = i;
  subject.clusters->count = 400;
  const auto over_photos = Evaluate(TruthOf(places), predictions, options).all.accuracy[0].ci95;
  const auto apart = Evaluate(TruthOf(places), predictions, options, subject).all.accuracy[0].ci95;
  EXPECT_NEAR(apart.low, over_photos.low, 0.6);
  EXPECT_NEAR(apart.high, over_photos.high, 0.6);
  options.bootstrap = 0;
  options.interval = "wilson";
  EXPECT_FALSE(Evaluate(TruthOf(places), predictions, options, subject).mean_ci95);
}

TEST(Evaluate, PhotographersAreClustersUnlessToldOtherwise) {
  PhotoTable truth = TruthOf({{"a", {0, 10}}, {"b", {0, 10}}, {"c", {0, 10}}, {"d", {0, 10}}});
  for (std::size_t i = 0; i < 4; ++i) truth.rows[i].author = i < 2 ? "ann" : "bob";
  const std::vector<Prediction> predictions = {At("a", {0, 10}), At("b", {0, 10}), At("c", {0, 20}), At("d", {0, 20})};
  EvaluateOptions options = GreatCircle();
  const Evaluation over = Evaluate(truth, predictions, options);
  ASSERT_TRUE(over.subject.clusters);
  EXPECT_THAT(FormatTable({over}, TableFormat::kMarkdown), HasSubstr("4 photos of 2 photographers"));
  options.cluster = "none";
  const Evaluation photos = Evaluate(truth, predictions, options);
  EXPECT_FALSE(photos.subject.clusters);
  EXPECT_THAT(FormatTable({photos}, TableFormat::kMarkdown), HasSubstr("(Wilson over photos)"));
  EXPECT_GT(over.all.accuracy[0].ci95.high, photos.all.accuracy[0].ci95.high);
  EXPECT_EQ(nlohmann::json::parse(MetricsJson(photos))["settings"]["cluster"], "none");
}

TEST(Evaluate, MetricsJsonHasTheDocumentedFields) {
  const auto json = nlohmann::json::parse(MetricsJson(Small(GreatCircle())));
  EXPECT_EQ(json["benchmark"], "bench");
  EXPECT_EQ(json["note"], "synthetic");
  EXPECT_EQ(json["count"], 5);
  EXPECT_EQ(json["answered"], 3);
  EXPECT_EQ(json["accuracy"]["200"], 40);
  EXPECT_EQ(json["accuracy"].size(), 5U);
  EXPECT_LT(json["ci95"]["200"][0], 40);
  EXPECT_GT(json["ci95"]["200"][1], 40);
  EXPECT_LE(json["ci95"]["median_km"][0], json["median_km"]);
  EXPECT_GE(json["ci95"]["geoscore"][1], json["geoscore"]);
  EXPECT_EQ(json["answered_only"]["count"], 3);
  EXPECT_EQ(json["without_zero"]["count"], 2);
  EXPECT_EQ(json["unknown_ids"][0], "x");
  EXPECT_EQ(json["settings"]["distance"], "great_circle");
}

TEST(Evaluate, TablesSayWhatTheyShow) {
  const std::vector<Evaluation> both(2, Small(GreatCircle()));
  const std::string markdown = FormatTable(both, TableFormat::kMarkdown);
  EXPECT_THAT(markdown, AllOf(HasSubstr("bench (synthetic)"), HasSubstr("Note: synthetic."), HasSubstr("40.00 ["),
                              HasSubstr("| answered "), HasSubstr("answered, not at 0,0"), HasSubstr("great circle")));
  const std::string latex = FormatTable(both, TableFormat::kLatex);
  EXPECT_THAT(latex, AllOf(HasSubstr("\\begin{tabular}{lllrrrrrrrrr}"), HasSubstr("synthetic")));
  std::istringstream csv(FormatTable(both, TableFormat::kCsv));
  const CsvTable table = CsvTable::Read(csv, "table.csv");
  ASSERT_EQ(table.rows(), 6U);
  EXPECT_EQ(table.Number(0, table.Require("accuracy_200")), 40);
  EXPECT_EQ(table.Cell(0, table.Require("note")), "synthetic");
  EXPECT_EQ(nlohmann::json::parse(FormatTable(both, TableFormat::kJson)).size(), 2U);
  EXPECT_THROW(ParseTableFormat("html"), InputError);
  EvaluateOptions other = GreatCircle();
  other.thresholds_km = {1};
  EXPECT_THROW(FormatTable({both[0], Small(other)}, TableFormat::kMarkdown), InputError);
}

TEST(Evaluate, LatexIsEscaped) {
  Evaluation e = Small(GreatCircle());
  e.subject.method = "50%_a&b\\";
  EXPECT_THAT(FormatTable({e}, TableFormat::kLatex), HasSubstr("50\\%\\_a\\&b\\textbackslash{}"));
}

TEST(Evaluate, ErrorsOfEveryPhoto) {
  TemporaryFolder folder;
  WriteErrors(folder / "e.csv", Small(GreatCircle()));
  const CsvTable table = CsvTable::Read(folder / "e.csv");
  ASSERT_EQ(table.rows(), 5U);
  EXPECT_NEAR(table.Number(1, table.Require("error_km")), kDegree, 1e-9);
  EXPECT_EQ(table.Cell(2, table.Require("status")), "no_location");
  EXPECT_EQ(table.Cell(2, table.Require("reason")), "refused");
  EXPECT_EQ(table.Cell(3, table.Require("status")), "no_prediction");
  EXPECT_EQ(table.Cell(3, table.Require("error_km")), "");
}

TEST(Evaluate, RankOneAndOracle) {
  const auto candidate = [](int rank, LatLon place, bool similar) {
    return Candidate{rank, "g", place, {}, "", similar, {}, {}, {}};
  };
  const std::vector<CandidateList> lists = {{"a",
                                             {candidate(1, {50, 50}, true), candidate(2, {0, 11}, true),
                                              candidate(3, {0, 10}, true), candidate(1, {0, 10}, false)}},
                                            {"b", {}}};
  const PhotoTable truth = TruthOf({{"a", {0, 10}}, {"b", {0, 20}}});
  EXPECT_EQ(RankOne(lists)[0].location, (LatLon{50, 50}));
  EXPECT_EQ(RankOne(lists)[1].location, std::nullopt);
  EXPECT_EQ(Oracle(lists, truth, 0, DistanceKind::kGeodesic)[0].location, (LatLon{0, 10}));
  EXPECT_EQ(Oracle(lists, truth, 2, DistanceKind::kGeodesic)[0].location, (LatLon{0, 11}));
  EXPECT_EQ(Oracle(lists, truth, 0, DistanceKind::kGeodesic)[1].location, std::nullopt);
}

TEST(Evaluate, ComparesOnTheSamePhotos) {
  const PhotoTable truth = TruthOf({{"a", {0, 0}}, {"b", {0, 10}}, {"c", {0, 20}}});
  EvaluateOptions options = GreatCircle();
  options.thresholds_km = {25, 200};
  const Evaluation x = Evaluate(truth, {At("a", {0, 0}), At("b", {0, 10}), At("c", {0, 21})}, options);
  const Evaluation y = Evaluate(truth, {At("a", {0, 1}), At("c", {0, 20})}, options);
  const auto comparisons = Compare(x, y);
  ASSERT_EQ(comparisons.size(), 2U);
  EXPECT_EQ(comparisons[0].only_a, 2);
  EXPECT_EQ(comparisons[0].only_b, 1);
  EXPECT_EQ(comparisons[0].p_value, 1);
  EXPECT_EQ(comparisons[1].only_a, 1);
  EXPECT_NEAR(comparisons[1].percent_b, 200 / 3.0, 1e-9);
  EXPECT_THAT(FormatComparison("x", "y", comparisons), AllOf(HasSubstr("only x"), HasSubstr("McNemar")));
  EXPECT_THROW(Compare(x, Evaluate(TruthOf({{"a", {0, 0}}}), {}, options)), InputError);
  EXPECT_THROW(Compare(x, Small(GreatCircle())), InputError);
}

TEST(EvaluateSharedData, GeminisAnswersScoreAsPublished) {
  SHARED_PATH_OR_SKIP(data, "data");
  const PhotoTable truth = ReadPhotoTable(data / "benchmarks/im2gps3k_places365.csv");
  const auto answers =
      ReadPredictions(data / "predictions/gemini2flash_im2gps3k.csv", {"IMG_ID", "LAT_pred", "LON_pred"});
  EvaluateOptions options;
  options.bootstrap = 0;
  const std::vector<double> real = {16.36, 43.84, 60.68, 77.37, 87.43};

  const Evaluation as_written = Evaluate(truth, answers, options);
  EXPECT_EQ(as_written.count, 2997);
  EXPECT_EQ(as_written.answered, 2912);
  EXPECT_EQ(as_written.zero_answers, 168);
  EXPECT_EQ(as_written.unknown_ids.size(), 3U);
  EXPECT_EQ(as_written.without_zero->count, 2744);
  EXPECT_THAT(Percents(*as_written.without_zero), Pointwise(DoubleNear(0.005), real));

  options.zero_is_failure = true;
  const Evaluation corrected = Evaluate(truth, answers, options);
  EXPECT_EQ(corrected.answered, 2744);
  EXPECT_THAT(Percents(corrected.answered_only), Pointwise(DoubleNear(0.005), real));
}

TEST(EvaluateSharedData, GeodesicErrorsEqualThePublishedColumn) {
  SHARED_PATH_OR_SKIP(data, "data");
  const CsvTable csv = CsvTable::Read(data / "predictions/gemini2flash_im2gps3k.csv");
  const auto number = [&](std::size_t row, const char* column) { return csv.Number(row, csv.Require(column)); };
  int compared = 0;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::size_t column = csv.Require("geodesic");
    if (csv.Cell(row, column).empty()) continue;
    const double km =
        GeodesicKm({number(row, "LAT"), number(row, "LON")}, {number(row, "LAT_pred"), number(row, "LON_pred")});
    EXPECT_NEAR(km, csv.Number(row, column), 1e-6);
    ++compared;
  }
  EXPECT_GT(compared, 2700);
}

}  // namespace
}  // namespace dualgeo
