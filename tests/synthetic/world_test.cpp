#include "synthetic/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <set>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "io/csv.h"
#include "synthetic/world_conditions.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

WorldOptions Small() {
  WorldOptions o;
  o.places = 6;
  o.views = 4;
  o.size = 64;
  return o;
}

std::map<std::string, std::string> AllFiles(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = ReadFile(entry.path());
  }
  return files;
}

std::vector<std::string> Column(const CsvTable& table, const char* name) {
  std::vector<std::string> values;
  const auto column = table.Require(name);
  for (std::size_t i = 0; i < table.rows(); ++i) values.emplace_back(table.Cell(i, column));
  return values;
}

std::set<std::string> Distinct(const CsvTable& table, const char* name) {
  const auto values = Column(table, name);
  return {values.begin(), values.end()};
}

std::vector<std::string> Both(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

TEST(World, SameBytesWhateverTheThreads) {
  const TemporaryFolder folder;
  WriteWorld(Small(), folder / "one", 1);
  WriteWorld(Small(), folder / "five", 5);
  const auto one = AllFiles(folder / "one"), five = AllFiles(folder / "five");
  EXPECT_GT(one.size(), 100U);
  EXPECT_TRUE(one == five);
  auto other = Small();
  other.seed = 1;
  WriteWorld(other, folder / "other", 2);
  EXPECT_NE(AllFiles(folder / "other").at("photos.csv"), one.at("photos.csv"));
}

TEST(World, TablesAndFilesAgree) {
  const TemporaryFolder folder;
  const auto summary = WriteWorld(Small(), folder / "w", 2);
  EXPECT_EQ(summary.base_places, 6U);
  EXPECT_EQ(summary.places, 24U);
  const auto photos = CsvTable::Read(folder / "w/photos.csv"), train = CsvTable::Read(folder / "w/train.csv"),
             query = CsvTable::Read(folder / "w/query.csv"), fresh = CsvTable::Read(folder / "w/new_places.csv"),
             places = CsvTable::Read(folder / "w/places.csv");
  EXPECT_EQ(photos.header(),
            (std::vector<std::string>{"IMG_ID", "LAT", "LON", "AUTHOR", "COUNTRY", "PLACE", "BASE", "NEIGHBOUR", "TIME",
                                      "SEASON", "WEATHER", "EXPOSURE", "HEADING", "SPLIT"}));
  EXPECT_EQ(photos.rows(), summary.photos);
  EXPECT_EQ(train.rows(), summary.train);
  EXPECT_EQ(query.rows(), summary.query);
  EXPECT_EQ(fresh.rows(), summary.new_places);
  EXPECT_EQ(photos.rows(), train.rows() + query.rows() + fresh.rows());
  EXPECT_EQ(train.rows(), 18U * 3);
  EXPECT_EQ(query.rows(), 18U);
  EXPECT_EQ(fresh.rows(), 6U);

  // Every photo is there once, with a mask of its size.
  EXPECT_EQ(Distinct(photos, "IMG_ID").size(), photos.rows());
  std::set<std::string> parts;
  for (const CsvTable* part : {&train, &query, &fresh}) parts.merge(Distinct(*part, "IMG_ID"));
  EXPECT_EQ(parts, Distinct(photos, "IMG_ID"));
  for (const std::string& id : parts) {
    const cv::Mat photo = cv::imread((folder / "w/images" / id).string(), cv::IMREAD_UNCHANGED);
    const cv::Mat mask = cv::imread((folder / "w/masks" / id).replace_extension(".png").string(), cv::IMREAD_UNCHANGED);
    ASSERT_EQ(photo.type(), CV_8UC3) << id;
    ASSERT_EQ(mask.type(), CV_8UC1) << id;
    ASSERT_EQ(photo.size(), cv::Size(64, 64)) << id;
    ASSERT_EQ(mask.size(), photo.size()) << id;
  }
  // Nothing else is left over.
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder / "w")) files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 2 * photos.rows() + 7);

  // Photos stand within metres of their place.
  std::map<std::string, LatLon> where;
  for (std::size_t i = 0; i < places.rows(); ++i) {
    where[std::string(places.Cell(i, places.Require("PLACE")))] = {places.Number(i, places.Require("LAT")),
                                                                   places.Number(i, places.Require("LON"))};
  }
  for (std::size_t i = 0; i < photos.rows(); ++i) {
    const LatLon p{photos.Number(i, photos.Require("LAT")), photos.Number(i, photos.Require("LON"))};
    EXPECT_LT(GeodesicKm(p, where.at(std::string(photos.Cell(i, photos.Require("PLACE"))))), 0.06);
  }
  EXPECT_THAT(ReadFile(folder / "w/world.json"), HasSubstr("synthetic"));
}

TEST(World, SplitsShareNoAuthorAndNewPlacesAreNew) {
  const TemporaryFolder folder;
  WriteWorld(Small(), folder / "w", 2);
  const auto train = CsvTable::Read(folder / "w/train.csv"), query = CsvTable::Read(folder / "w/query.csv"),
             fresh = CsvTable::Read(folder / "w/new_places.csv");
  EXPECT_TRUE(Both(Distinct(train, "AUTHOR"), Distinct(query, "AUTHOR")).empty());
  EXPECT_TRUE(Both(Distinct(train, "AUTHOR"), Distinct(fresh, "AUTHOR")).empty());
  EXPECT_TRUE(Both(Distinct(train, "PLACE"), Distinct(fresh, "PLACE")).empty());
  EXPECT_EQ(Distinct(train, "PLACE"), Distinct(query, "PLACE"));
  EXPECT_EQ(Distinct(train, "BASE"), Distinct(fresh, "BASE"));
  EXPECT_GT(Distinct(train, "AUTHOR").size(), Distinct(train, "BASE").size());  // several each
}

TEST(World, ConditionsCanDifferBetweenTrainAndQuery) {
  const TemporaryFolder folder;
  auto o = Small();
  o.times = {"day", "dusk"};
  o.weathers = {"clear"};
  o.query_times = {"night"};
  o.query_weathers = {"fog", "rain"};
  WriteWorld(o, folder / "w", 2);
  const auto train = CsvTable::Read(folder / "w/train.csv"), query = CsvTable::Read(folder / "w/query.csv"),
             fresh = CsvTable::Read(folder / "w/new_places.csv");
  EXPECT_EQ(Distinct(train, "TIME"), (std::set<std::string>{"day", "dusk"}));
  EXPECT_EQ(Distinct(train, "WEATHER"), (std::set<std::string>{"clear"}));
  EXPECT_EQ(Distinct(query, "TIME"), (std::set<std::string>{"night"}));
  EXPECT_EQ(Distinct(query, "WEATHER"), (std::set<std::string>{"fog", "rain"}));
  EXPECT_EQ(Distinct(fresh, "TIME"), (std::set<std::string>{"night"}));
  EXPECT_EQ(Distinct(query, "SEASON").size(), 4U);
}

TEST(World, NeighboursCanBeLeftOut) {
  const TemporaryFolder folder;
  auto o = Small();
  o.neighbours = {};
  const auto summary = WriteWorld(o, folder / "w", 2);
  EXPECT_EQ(summary.places, 6U);
  EXPECT_EQ(summary.new_places, 0U);
  EXPECT_EQ(CsvTable::Read(folder / "w/new_places.csv").rows(), 0U);
}

TEST(World, RedrawsAWorldButTouchesNothingElse) {
  const TemporaryFolder folder;
  auto o = Small();
  o.views = 6;
  WriteWorld(o, folder / "w", 2);
  WriteWorld(Small(), folder / "w", 2);
  WriteWorld(Small(), folder / "fresh", 2);
  EXPECT_TRUE(AllFiles(folder / "w") == AllFiles(folder / "fresh"));  // nothing of the larger one is left

  folder.Write("mine/thesis.txt", "years of work");
  EXPECT_THAT([&] { WriteWorld(Small(), folder / "mine"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("mine"), HasSubstr("not a world"))));
  EXPECT_EQ(AllFiles(folder / "mine").size(), 1U);
  folder.Write("file", "");
  EXPECT_THROW(WriteWorld(Small(), folder / "file"), InputError);
}

TEST(World, ContinuesAfterAnInterruptedOne) {
  const TemporaryFolder folder;
  folder.Write("w/world.incomplete", "");
  folder.Write("w/images/Old-Place/base_00.jpg", "half");
  WriteWorld(Small(), folder / "w", 2);
  EXPECT_FALSE(fs::exists(folder / "w/world.incomplete"));
  EXPECT_FALSE(fs::exists(folder / "w/images/Old-Place"));
  // Killed before there was anything but the beginning of the first file.
  folder.Write("early/.world.incomplete.123-456.dualgeo-tmp", "{");
  WriteWorld(Small(), folder / "early", 2);
  EXPECT_TRUE(fs::exists(folder / "early/world.json"));
}

// The older world's photos have the same names: none may pass for one of the new world's.
TEST(World, KilledWhileAnOlderOneIsRemovedTakesNoneOfItsPhotos) {
  const TemporaryFolder folder;
  WorldOptions o = Small();
  o.seed = 2;
  WriteWorld(o, folder / "fresh", 1);
  const auto fresh = AllFiles(folder / "fresh");
  o.seed = 1;
  WriteWorld(o, folder / "w", 1);
  for (int i = 0; i < 5000; ++i) folder.Write("w/images/a/" + std::to_string(i) + ".png", "old");
  const pid_t child = fork();
  if (child == 0) {
    o.seed = 2;
    WriteWorld(o, folder / "w", 1);
    _exit(0);
  }
  while (fs::exists(folder / "w/world.json") && kill(child, 0) == 0) {
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  o.seed = 2;
  WriteWorld(o, folder / "w", 1);
  EXPECT_EQ(AllFiles(folder / "w"), fresh);
}

TEST(World, BadOptionsNameFieldValueAndWhatIsAllowed) {
  const TemporaryFolder folder;
  const auto fails = [&](auto change, auto matcher) {
    auto o = Small();
    change(o);
    EXPECT_THAT([&] { WriteWorld(o, folder / "w"); }, ThrowsMessage<InputError>(matcher));
    EXPECT_FALSE(fs::exists(folder / "w"));
  };
  fails([](auto& o) { o.views = 1; }, AllOf(HasSubstr("views"), HasSubstr("1"), HasSubstr("from 2 to")));
  fails([](auto& o) { o.size = 5000; }, HasSubstr("size"));
  fails([](auto& o) { o.query_weathers = {"hail"}; },
        AllOf(HasSubstr("hail"), HasSubstr("clear, overcast, fog, rain, snow")));
  fails([](auto& o) { o.neighbours = {"planet"}; }, AllOf(HasSubstr("planet"), HasSubstr("street, city, region")));
  fails([](auto& o) { o.neighbours = {"city", "city"}; }, HasSubstr("twice"));
  fails([](auto& o) { o.places = 5000; }, AllOf(HasSubstr("5000"), HasSubstr("time-zone table has")));
  fails([](auto& o) { o.zone_table = "/nonexistent/zone.tab"; }, HasSubstr("tzdata"));
}

TEST(WorldConditions, SnowsWhereItCan) {
  ClimateSketch warm, cold;
  warm.annual_celsius = 26, warm.swing_celsius = 1;
  cold.annual_celsius = -5;
  Random random(1);
  const auto all = MakeConditionChoices({}, {}, {}, 0.6);
  int snow = 0;
  for (int i = 0; i < 400; ++i) {
    EXPECT_NE(DrawConditions(all, warm, random).weather, Weather::kSnow);
    const auto c = DrawConditions(all, cold, random);
    snow += c.weather == Weather::kSnow ? 1 : 0;
    EXPECT_LE(std::abs(c.exposure), 1.2 + 1e-9);
  }
  EXPECT_GT(snow, 30);
  // A laboratory: asked for snow alone, it snows everywhere.
  EXPECT_EQ(DrawConditions(MakeConditionChoices({}, {}, {"snow"}, 0), warm, random).weather, Weather::kSnow);
}

TEST(World, DrawsTheQueryPhotosAgainUnderOtherConditions) {
  const TemporaryFolder folder;
  auto options = Small();
  options.times = {"day"};
  options.seasons = {"summer"};
  options.weathers = {"clear"};
  WriteWorld(options, folder / "plain", 2);
  options.conditions = {"night", "winter-fog"};
  WriteWorld(options, folder / "w", 2);
  EXPECT_EQ(ReadFile(folder / "plain/photos.csv"), ReadFile(folder / "w/photos.csv")) << "the world itself is the same";
  const auto query = CsvTable::Read(folder / "w/query.csv"),
             night = CsvTable::Read(folder / "w/conditions/night/query.csv"),
             fog = CsvTable::Read(folder / "w/conditions/winter-fog/query.csv");
  for (const char* column : {"IMG_ID", "LAT", "LON", "AUTHOR", "PLACE", "EXPOSURE", "HEADING"}) {
    EXPECT_EQ(Column(night, column), Column(query, column)) << column;
  }
  EXPECT_EQ(Distinct(night, "TIME"), std::set<std::string>{"night"});
  EXPECT_EQ(Distinct(night, "SEASON"), std::set<std::string>{"summer"});
  EXPECT_EQ(Distinct(fog, "SEASON"), std::set<std::string>{"winter"});
  EXPECT_EQ(Distinct(fog, "WEATHER"), std::set<std::string>{"fog"});
  for (const auto& id : Column(query, "IMG_ID")) {
    const auto photo = [&](const char* where) { return cv::imread((folder / "w" / where / "images" / id).string()); };
    const auto mask = [&](const char* where) {
      return cv::imread((folder / "w" / where / "masks" / id).replace_extension(".png").string(), cv::IMREAD_UNCHANGED);
    };
    EXPECT_LT(cv::mean(photo("conditions/night"))[1], cv::mean(photo("."))[1]) << id;
    EXPECT_EQ(cv::norm(mask("."), mask("conditions/night"), cv::NORM_INF), 0) << id;
  }
}

TEST(World, ChangesOnlyWhatAConditionNames) {
  const Conditions day{TimeOfDay::kDay, Season::kSpring, Weather::kRain, 0.5};
  const Conditions changed = Change(day, "winter-night");
  EXPECT_EQ(changed.time, TimeOfDay::kNight);
  EXPECT_EQ(changed.season, Season::kWinter);
  EXPECT_EQ(changed.weather, Weather::kRain);
  EXPECT_EQ(changed.exposure, 0.5);
  for (const char* bad : {"", "nite", "night-", "night-dusk", "../x"}) {
    EXPECT_THROW(Change(day, bad), InputError) << bad;
  }
}

}  // namespace
}  // namespace dualgeo
