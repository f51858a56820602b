#include "eval/place_scores.h"

#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "eval/tables.h"

namespace dualgeo {
namespace {

const PlaceNames kTowns({{"Paris", "FR", "11", {48.85, 2.35}},
                         {"Versailles", "FR", "11", {48.80, 2.13}},
                         {"Lyon", "FR", "84", {45.75, 4.85}},
                         {"Berlin", "DE", "16", {52.52, 13.40}}});

Evaluation EvaluatedPlaces(const std::vector<LatLon>& truths, const std::vector<std::optional<LatLon>>& answers,
                           std::vector<PlaceAreas> areas = {}) {
  PhotoTable truth;
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < truths.size(); ++i) {
    const std::string id = std::to_string(i);
    truth.rows.push_back({id, truths[i], "", 0});
    predictions.push_back({id, answers[i], "m", std::nullopt, ""});
    if (i < areas.size()) predictions.back().areas = areas[i];
  }
  EvaluateOptions options;
  options.bootstrap = 0;
  Evaluation evaluation = Evaluate(truth, predictions, options);
  AddStatedAreas(evaluation, predictions);
  return evaluation;
}

TEST(PlaceScores, CountryRegionCity) {
  const LatLon paris{48.86, 2.34}, versailles{48.80, 2.12}, lyon{45.76, 4.83}, berlin{52.5, 13.4};
  Evaluation evaluation =
      EvaluatedPlaces({paris, paris, paris, paris, paris}, {paris, versailles, lyon, berlin, std::nullopt});
  AddPlaceScores(evaluation, {}, kTowns);
  ASSERT_EQ(evaluation.places.size(), 3U);
  const char* names[] = {"country", "region", "city"};
  const std::int64_t right[] = {3, 2, 1};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(evaluation.places[i].name, names[i]);
    EXPECT_EQ(evaluation.places[i].scores.count, 5) << "no answer is a miss";
    EXPECT_EQ(evaluation.places[i].scores.accuracy[0].within, right[i]);
    EXPECT_GT(evaluation.places[i].scores.accuracy[0].ci95.high, evaluation.places[i].scores.accuracy[0].percent);
    EXPECT_EQ(evaluation.places[i].unnamed, 0);
  }
  const std::string report = FormatReport({{evaluation}, {}, {}, std::nullopt, std::nullopt}, TableFormat::kMarkdown);
  EXPECT_NE(report.find("| country | "), std::string::npos) << report;
  EXPECT_NE(MetricsJson(evaluation).find("\"places\""), std::string::npos);
}

TEST(PlaceScores, TheTruthTablesCountryCounts) {
  const LatLon strasbourg{48.58, 7.75}, kehl{48.57, 7.85};
  Evaluation evaluation = EvaluatedPlaces({strasbourg, kehl}, {strasbourg, strasbourg});
  AddPlaceScores(evaluation, {}, kTowns);
  EXPECT_EQ(evaluation.places[0].scores.accuracy[0].within, 1) << "by the outlines, Kehl is in Germany";
  RegionTable regions;
  regions.countries = {"Germany", "France"};
  AddPlaceScores(evaluation, regions, kTowns);
  EXPECT_EQ(evaluation.places[0].scores.accuracy[0].within, 1);
  regions.countries = {"", "France"};
  AddPlaceScores(evaluation, regions, kTowns);
  EXPECT_EQ(evaluation.places[0].scores.accuracy[0].within, 2);
  regions.countries = {"France"};
  EXPECT_THROW(AddPlaceScores(evaluation, regions, kTowns), std::invalid_argument);
}

TEST(PlaceScores, TownsWithoutRegionsHaveNone) {
  Evaluation evaluation = EvaluatedPlaces({{48.86, 2.34}}, {LatLon{48.86, 2.34}});
  AddPlaceScores(evaluation, {}, PlaceNames({{"Paris", "", "", {48.85, 2.35}}}));
  ASSERT_EQ(evaluation.places.size(), 2U);
  EXPECT_EQ(evaluation.places[1].name, "city");
}

TEST(StatedAreas, RadiiHoldWhatTheyHold) {
  const LatLon here{48.86, 2.34};
  const Evaluation evaluation =
      EvaluatedPlaces({here, here, here}, {here, LatLon{48.86, 2.44}, std::nullopt},
                      {{10, 100, 1.0, 5.0}, {20, 300, std::nullopt, 8.0}, {30, 500, 1.0, 1.0}});
  ASSERT_EQ(evaluation.stated.size(), 4U);
  EXPECT_EQ(evaluation.stated[0].name, "area_50_km2");
  EXPECT_EQ(evaluation.stated[0].count, 2) << "of answered photos";
  EXPECT_DOUBLE_EQ(evaluation.stated[1].median, 200);
  EXPECT_FALSE(evaluation.stated[1].held);
  EXPECT_EQ(evaluation.stated[2].count, 1);
  EXPECT_EQ(evaluation.stated[3].held->accuracy[0].within, 2) << "7.3 km within 8";
  EXPECT_NE(
      FormatReport({{evaluation}, {}, {}, std::nullopt, std::nullopt}, TableFormat::kMarkdown).find("radius_90_km"),
      std::string::npos);
  EXPECT_TRUE(EvaluatedPlaces({here}, {here}).stated.empty());
}

}  // namespace
}  // namespace dualgeo
