#include "eval/regions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "io/csv.h"
#include "synthetic/world_places.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Regions, CountriesByCodeAndName) {
  const auto continent = [](const std::string& country) {
    const Country* found = FindCountry(country);
    return found == nullptr ? "none" : found->continent;
  };
  EXPECT_EQ(FindCountry("us")->name, "United States");
  EXPECT_EQ(FindCountry("United States of America")->code, "US");
  EXPECT_EQ(continent("AU"), "Oceania");
  EXPECT_EQ(continent("Russia"), "Europe");
  EXPECT_EQ(continent("TR"), "Asia");
  EXPECT_EQ(continent("cuba"), "North America");
  EXPECT_EQ(continent("Panama"), "North America");
  EXPECT_EQ(continent("Colombia"), "South America");
  EXPECT_EQ(continent("Antarctica"), "Antarctica");
  EXPECT_EQ(continent("Atlantis"), "none");
  EXPECT_EQ(FindCountry(""), nullptr);
}

// The synthetic world's countries are those of the system's time-zone table.
TEST(Regions, EveryTimeZoneHasAContinent) {
  for (const auto& zone : ReadZoneTable()) EXPECT_NE(FindCountry(zone.country), nullptr) << zone.country;
}

Evaluation Evaluated(const std::vector<std::string>& ids) {
  PhotoTable truth;
  std::vector<Prediction> predictions;
  for (const auto& id : ids) {
    truth.rows.push_back({id, LatLon{0, 0}, "", 0});
    if (id != "none") predictions.push_back({id, LatLon{0, id == "far" ? 90.0 : 0.0}, "m", std::nullopt, ""});
  }
  EvaluateOptions options;
  options.bootstrap = 0;
  return Evaluate(truth, predictions, options);
}

TEST(Regions, GroupsMostPhotosFirst) {
  TemporaryFolder folder;
  const auto file = folder.Write("t.csv",
                                 "IMG_ID,LAT,LON,Country\na,0,0,FR\nfar,0,0,France\nnone,0,0,Peru\nb,0,0,Narnia\n"
                                 "c,0,0,\nd,0,0,DE\n");
  Evaluation evaluation = Evaluated({"a", "far", "none", "b", "c", "d"});
  AddRegions(evaluation, ReadRegions(file));
  std::vector<std::string> continents, countries;
  for (const auto& group : evaluation.continents) continents.push_back(group.name);
  for (const auto& group : evaluation.countries) countries.push_back(group.name);
  EXPECT_THAT(continents, ElementsAre("Europe", "South America", "not given", "unknown"));
  EXPECT_THAT(countries, ElementsAre("France", "Germany", "Narnia", "Peru", "not given"));
  EXPECT_THAT(evaluation.unknown_countries, ElementsAre("Narnia"));
  EXPECT_EQ(evaluation.continents[0].scores.count, 3);
  EXPECT_EQ(evaluation.continents[0].scores.accuracy[0].within, 2);
  EXPECT_EQ(evaluation.continents[1].answered, 0);
  EXPECT_EQ(evaluation.continents[1].median_km, std::nullopt);
  EXPECT_NEAR(evaluation.continents[0].geoscore, 5000 * 2 / 3.0, 5);
  EXPECT_THROW(AddRegions(evaluation, {{"x"}, {}, {}}), std::invalid_argument);
}

TEST(Regions, AContinentColumnWins) {
  TemporaryFolder folder;
  const RegionTable table = ReadRegions(
      folder.Write("t.csv", "IMG_ID,LAT,LON,CONTINENT,country_code,COUNTRY\na,0,0,Gondwana,FR,x\nb,0,0,,,Peru\n"));
  EXPECT_THAT(table.continents, ElementsAre("Gondwana", "South America"));
  EXPECT_THAT(table.countries, ElementsAre("France", "Peru"));
  EXPECT_THAT(ReadRegions(folder.Write("p.csv", "IMG_ID,LAT,LON\na,0,0\n")).continents, IsEmpty());
}

TEST(RegionsSharedData, KnowsTheCountriesOfRealPhotos) {
  SHARED_PATH_OR_SKIP(photos, "data/photos/photos.csv");
  const RegionTable table = ReadRegions(photos);
  EXPECT_EQ(table.countries.size(), 351U);
  EXPECT_THAT(table.unknown, IsEmpty());
}

}  // namespace
}  // namespace dualgeo
