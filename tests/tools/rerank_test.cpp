#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "dualgeo/gallery/candidates.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kRerankCandidates[] =
    "query_id,rank,gallery_id,lat,lon,score,author,set\n"
    "a.jpg,1,g1,35.7,139.7,0.9,,similar\n"
    "a.jpg,2,g2,48.9,2.1,0.8,,similar\n"
    "a.jpg,3,g3,48.9,2.3,0.7,,similar\n"
    "a.jpg,1,g4,-30,-60,-0.7,,dissimilar\n";

class RerankTool : public ::testing::Test {
 protected:
  RunResult Run(const std::string& content, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"rerank", "--candidates", folder_.Write("a.csv", content).string(), "--out",
                                          (folder_ / "b.csv").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    if (std::find(more.begin(), more.end(), "--method") == more.end()) {
      arguments.insert(arguments.end(), {"--method", "dbscan"});
    }
    return RunBinary(arguments);
  }
  bool HasOutput() const { return std::filesystem::exists(folder_ / "b.csv"); }
  // Files in the folder besides the input: temporary ones must not stay behind.
  long Others() const {
    long n = -1;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_.path())) ++n;
    return n;
  }
  TemporaryFolder folder_;
};

TEST_F(RerankTool, WritesTheNewOrder) {
  const RunResult result = Run(kRerankCandidates);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  const auto lists = ReadCandidates(folder_ / "b.csv");
  ASSERT_EQ(lists.size(), 1U);
  EXPECT_EQ(lists[0].candidates[2].gallery_id, "g1");
  EXPECT_EQ(lists[0].candidates[2].retrieval_rank, 1);
  EXPECT_EQ(lists[0].candidates[2].cluster, -1);
  EXPECT_EQ(lists[0].candidates[3].gallery_id, "g4");
  EXPECT_EQ(Others(), 1);
}

// A file, --set and a flag name the same key, and win in this order.
TEST_F(RerankTool, TakesTheConfigAsEveryCommandDoes) {
  const std::string config = folder_.Write("c.yaml", "rerank: {method: dbscan, eps_km: 1}\n").string();
  const std::string candidates = folder_.Write("a.csv", kRerankCandidates).string();
  const auto cluster = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"rerank", "--candidates", candidates, "--out", (folder_ / "b.csv").string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const RunResult result = RunBinary(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return ReadCandidates(folder_ / "b.csv").at(0).candidates[0].cluster;
  };
  EXPECT_EQ(cluster({"--config", config}), -1);  // nothing lies within 1 km
  EXPECT_EQ(cluster({"--config", config, "--set", "rerank.eps_km=50"}), 0);
  EXPECT_EQ(cluster({"--eps-km", "50", "--config", config, "--set", "rerank.eps_km=2"}), 0);
  const RunResult wrong = Run(kRerankCandidates, {"--eps-km", "far"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--eps-km far: rerank.eps_km = 'far': expects a number from 0 to 20100"));
  const RunResult other = Run(kRerankCandidates, {"--set", "rerank.epskm=3"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("did you mean 'rerank.eps_km'?"));
}

TEST_F(RerankTool, EveryOptionIsAccepted) {
  const RunResult result = Run(kRerankCandidates, {"--eps-km", "5", "--min-samples", "1", "--center",
                                                   "geometric_median", "--top-k", "2", "--threads", "1"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(ReadCandidates(folder_ / "b.csv")[0].candidates.size(), 3U);
}

TEST_F(RerankTool, BadInputEndsWithTwoAndNoOutput) {
  const std::string header = "query_id,rank,gallery_id,lat,lon,score,author,set\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {header + "q,1,g,nan,2,,,similar\n", "a.csv:2: lat is 'nan'"},
      {header + "q,1,g,95,2,,,similar\n", "a.csv:2: "},
      {header + "q,2,g,5,2,,,similar\n", "a.csv:2: "},
      {header + "q,1,g,5\n", "a.csv:2: 4 fields"},
      {"query_id,rank,gallery_id,lat\nq,1,g,5\n", "no column lon"},
      {"", "is empty"}};
  for (const auto& [content, message] : cases) {
    const RunResult result = Run(content);
    EXPECT_EQ(result.exit_code, 2) << content;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_FALSE(HasOutput());
    EXPECT_EQ(Others(), 0);
  }
}

TEST_F(RerankTool, BadUsageEndsWithTwo) {
  EXPECT_EQ(RunBinary({"rerank"}).exit_code, 2);
  EXPECT_EQ(RunBinary({"rerank", "--candidates", "/nowhere/a.csv", "--out", (folder_ / "b.csv").string()}).exit_code,
            2);
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {"--method", "magic"}, {"--eps-km", "-1"}, {"--min-samples", "0"}, {"--center", "x"}, {"--top-k", "0"}}) {
    const RunResult result = Run(kRerankCandidates, more);
    EXPECT_EQ(result.exit_code, 2) << more[0];
    EXPECT_FALSE(HasOutput());
  }
  EXPECT_THAT(Run(kRerankCandidates, {"--method", "magic"}).err, AllOf(HasSubstr("magic"), HasSubstr("none, dbscan")));
}

TEST_F(RerankTool, AnOlderOutputSurvivesAFailure) {
  folder_.Write("b.csv", "precious");
  EXPECT_EQ(Run("nonsense\n1,2\n").exit_code, 2);
  std::ifstream stream(folder_ / "b.csv");
  std::string content;
  std::getline(stream, content);
  EXPECT_EQ(content, "precious");
}

TEST_F(RerankTool, AnOutputThatCannotBeWrittenIsAFailedRun) {
  const RunResult result = RunBinary({"rerank", "--candidates", folder_.Write("a.csv", kRerankCandidates).string(),
                                      "--method", "dbscan", "--out", "/proc/b.csv"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write /proc/b.csv"));
}

}  // namespace
}  // namespace dualgeo
