#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string OneLine(const RunResult& r) {
  EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  return r.err;
}

TEST(WorldCommand, TakesItsFolderAndSettingsFromAConfig) {
  const TemporaryFolder folder;
  const std::string world = (folder / "w").string();
  const auto config =
      folder.Write("c.yaml", "world: {out: " + world + ", places: 2, views: 2, size: 32, neighbours: [city]}\n");
  const RunResult result = RunBinary({"world", "--config", config.string(), "--neighbours", "none", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::HasSubstr("\"base_places\": 2, \"places\": 2,"));
  EXPECT_TRUE(std::filesystem::exists(world + "/photos.csv"));
  const RunResult nowhere = RunBinary({"world", "--places", "2"});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, ::testing::HasSubstr("--out is needed"));
}

TEST(WorldCommand, WritesAWorldAndPrintsWhatItIs) {
  const TemporaryFolder folder;
  const auto r = RunBinary({"world", "--out", (folder / "w").string(), "--places", "4", "--views", "3", "--size", "64",
                            "--seed", "7", "--query-times", "night,dusk", "--neighbours", "street,city"});
  EXPECT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("synthetic"), HasSubstr("4 base places"), HasSubstr("12 places")));
  for (const char* file :
       {"photos.csv", "train.csv", "query.csv", "new_places.csv", "places.csv", "world.json", "contact_sheet.png"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / "w" / file)) << file;
  }
}

TEST(WorldCommand, BadInputIsOneLineAndExitCode2) {
  const TemporaryFolder folder;
  const std::string out = (folder / "w").string();
  auto r = RunBinary({"world", "--out", out, "--places", "100000"});
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(OneLine(r), AllOf(HasSubstr("places"), HasSubstr("time-zone table has")));
  r = RunBinary({"world", "--out", out, "--query-weathers", "hail"});
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(OneLine(r), AllOf(HasSubstr("hail"), HasSubstr("overcast")));
  r = RunBinary({"world", "--out", out, "--zone-table", (folder / "none.tab").string()});
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(OneLine(r), AllOf(HasSubstr("none.tab"), HasSubstr("tzdata")));
  folder.Write("mine/thesis.txt", "years of work");
  r = RunBinary({"world", "--out", (folder / "mine").string()});
  EXPECT_EQ(r.exit_code, 2);
  EXPECT_THAT(OneLine(r), HasSubstr("not a world"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace dualgeo
