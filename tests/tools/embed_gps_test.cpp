// `dualgeo embed gps`: any coordinates, GeoCLIP's encoder or ours, poles and the date line.
#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "tests/model/support.h"
#include "tests/support/shared_data.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class EmbedGpsCommand : public ::testing::Test {
 protected:
  RunResult Embed(const std::string& coordinates, const std::vector<std::string>& settings) {
    folder_.Write("c.csv", coordinates);
    std::vector<std::string> command = {"embed",         "gps",
                                        "--config",      DUALGEO_SOURCE_DIR "/configs/geoclip-gps.yaml",
                                        "--checkpoint",  "none",
                                        "--coordinates", "c.csv",
                                        "--out",         "g.safetensors",
                                        "--set",         "model.gps_encoder.rff_size=8",
                                        "--set",         "model.gps_encoder.hidden=32",
                                        "--set",         "model.gps_encoder.embed_dim=24"};
    for (const auto& setting : settings) command.insert(command.end(), {"--set", setting});
    return RunBinary(command, folder_.path());
  }
  torch::Tensor Gps() const { return SafetensorsFile(folder_ / "g.safetensors").Get("gps"); }

  TemporaryFolder folder_;
};

// The numbers of the original code in double arithmetic; coordinates written with 9 digits.
TEST_F(EmbedGpsCommand, GivesTheOriginalsEmbeddings) {
  for (const std::string projection : {"equal_earth", "mercator"}) {
    const SafetensorsFile io(Golden("gps_encoder_" + projection + "_io"));
    const auto latlon = io.Get("latlon_deg");
    std::string csv = "LAT,LON,note\n";
    for (std::int64_t i = 0; i < latlon.size(0); ++i) {
      char line[80];
      std::snprintf(line, sizeof line, "%.9g,%.9g,x\n", latlon[i][0].item<double>(), latlon[i][1].item<double>());
      csv += line;
    }
    std::vector<fs::path> files = {Golden("gps_encoder_" + projection + "_weights")};
    if (const auto pth = SharedPath("fixtures/gps_encoder_" + projection + "_weights.pth")) files.push_back(*pth);
    for (const auto& file : files) {
      SCOPED_TRACE(file);
      const auto run =
          Embed(csv, {"model.gps_encoder.projection=" + projection, "model.gps_encoder.weights=" + file.string()});
      ASSERT_EQ(run.exit_code, 0) << run.err;
      EXPECT_LT(MaxDifference(Gps(), io.Get("gps_embeds")), 1e-5);
    }
  }
}

constexpr char kEdges[] =
    "IMG_ID,LAT,LON\nnorth,90,0\nnorth2,90,77\nsouth,-90,0\neast,10,180\nwest,10,-180\nzero,0,0\n";

TEST_F(EmbedGpsCommand, PolesAndTheDateLineAreNumbersInEveryProjection) {
  for (const std::string projection : {"mercator", "equal_earth", "equirectangular", "ecef"}) {
    SCOPED_TRACE(projection);
    const auto run = Embed(kEdges, {"model.gps_encoder.projection=" + projection});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_TRUE(torch::isfinite(Gps()).all().item<bool>());
    if (projection == "mercator") {
      EXPECT_THAT(run.err, HasSubstr("3 of 6 coordinates lie beyond the mercator projection's limit of 85.05112878 "
                                     "degrees and are moved to it (first: c.csv:2"));
    } else {
      EXPECT_THAT(run.err, Not(HasSubstr("beyond")));
    }
    // One place under two names is one vector where the projection has no edge there.
    const bool seamless = projection == "ecef";
    EXPECT_EQ(MaxDifference(Gps()[3], Gps()[4]) < 1e-6, seamless);
    EXPECT_EQ(MaxDifference(Gps()[0], Gps()[1]) < 1e-6, seamless);
  }
}

TEST_F(EmbedGpsCommand, BeyondMercatorCanBeAnErrorThatNamesTheLine) {
  const auto run = Embed(kEdges, {"model.gps_encoder.projection=mercator", "model.gps_encoder.beyond_mercator=error"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, AllOf(HasSubstr("c.csv:2: latitude 90 is beyond the mercator projection's limit"),
                             HasSubstr("model.gps_encoder.beyond_mercator")));
  EXPECT_FALSE(fs::exists(folder_ / "g.safetensors"));
}

TEST_F(EmbedGpsCommand, BadCoordinatesAreOneLine) {
  for (const auto& [csv, what] : std::vector<std::pair<std::string, std::string>>{
           {"LAT,LON\n1,2\n91,0\n", "c.csv:3: LAT, LON are 91, 0; allowed are [-90, 90], [-180, 180]"},
           {"LAT,LON\n1,181\n", "c.csv:2: LAT, LON are 1, 181"},
           {"LAT,LON\n1,nan\n", "c.csv:2"},
           {"LAT,LON\n1,\n", "c.csv:2"},
           {"LAT,LNG\n1,2\n", "LON"}}) {
    const auto run = Embed(csv, {});
    EXPECT_EQ(run.exit_code, 2) << csv;
    EXPECT_THAT(run.err, HasSubstr(what));
  }
}

TEST_F(EmbedGpsCommand, WeightsOfAnotherKindAreNamed) {
  const auto run = Embed(kEdges, {"model.gps_encoder.weights=" + Golden("clip_tiny_weights").string()});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("holds no GPS encoder: its names are those of CLIP"));
}

}  // namespace
}  // namespace dualgeo
