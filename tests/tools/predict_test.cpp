#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "dualgeo/refine/predictions.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

constexpr char kCandidates[] =
    "query_id,rank,gallery_id,lat,lon,score,author,set\n"
    "a.jpg,1,g1,35.7,139.7,0.9,,similar\n"
    "a.jpg,2,g2,48.9,2.1,0.8,,similar\n"
    "b.jpg,1,g4,-30,-60,-0.7,,dissimilar\n";

TEST(PredictTool, TakesTheFirstCandidateAndListsTheUnanswered) {
  TemporaryFolder folder;
  const RunResult result = RunBinary({"predict", "--candidates", folder.Write("c.csv", kCandidates).string(), "--out",
                                      (folder / "p.csv").string(), "--method", "top1", "--photos",
                                      folder.Write("q.csv", "IMG_ID\na.jpg\nb.jpg\nc.jpg\n").string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 of 3 photos answered"));
  const auto predictions = ReadPredictions(folder / "p.csv");
  ASSERT_EQ(predictions.size(), 3U);
  EXPECT_EQ(predictions[0], (Prediction{"a.jpg", LatLon{35.7, 139.7}, "top1", std::nullopt, ""}));
  EXPECT_EQ(predictions[1], (Prediction{"b.jpg", std::nullopt, "top1", std::nullopt, "no candidates"}));
  EXPECT_EQ(predictions[2], (Prediction{"c.jpg", std::nullopt, "top1", std::nullopt, "no candidates"}));
}

TEST(PredictTool, PhotoTableOfOtherColumns) {
  TemporaryFolder folder;
  const RunResult result = RunBinary(
      {"predict", "--candidates", folder.Write("c.csv", kCandidates).string(), "--out", (folder / "p.csv").string(),
       "--photos", folder.Write("q.csv", "file,y,x\na.jpg,,\nz.jpg,,\n").string(), "--columns", "file,y,x"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 of 3 photos answered"));
}

// The released code's mistake, under its key: the failures are then places, and the reason still tells.
TEST(PredictTool, FailureZeroWritesAPlaceInTheSea) {
  TemporaryFolder folder;
  const RunResult result = RunBinary({"predict", "--set", "predict.failure=zero", "--candidates",
                                      folder.Write("c.csv", kCandidates).string(), "--out", (folder / "p.csv").string(),
                                      "--method", "top1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 of 2 photos answered"));
  const auto predictions = ReadPredictions(folder / "p.csv");
  ASSERT_EQ(predictions.size(), 2U);
  EXPECT_EQ(predictions[0].location, (LatLon{35.7, 139.7}));
  EXPECT_EQ(predictions[1], (Prediction{"b.jpg", LatLon{0, 0}, "top1", std::nullopt, "no candidates"}));
}

TEST(PredictTool, BadInputEndsWithTwoAndNoOutput) {
  TemporaryFolder folder;
  const std::string out = (folder / "p.csv").string();
  const std::string good = folder.Write("c.csv", kCandidates).string();
  const std::string bad = folder.Write("bad.csv", "query_id,rank,gallery_id,lat,lon\nq,1,g,,2\n").string();
  EXPECT_EQ(RunBinary({"predict"}).exit_code, 2);
  EXPECT_EQ(RunBinary({"predict", "--candidates", "/nowhere.csv", "--out", out}).exit_code, 2);
  EXPECT_EQ(RunBinary({"predict", "--candidates", good, "--out", out, "--method", "guess"}).exit_code, 2);
  EXPECT_EQ(RunBinary({"predict", "--candidates", good, "--out", out, "--photos", "/nowhere.csv"}).exit_code, 2);
  const RunResult result = RunBinary({"predict", "--candidates", bad, "--out", out});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("bad.csv:2: lat is empty"));
  EXPECT_FALSE(std::filesystem::exists(out));
}

}  // namespace
}  // namespace dualgeo
