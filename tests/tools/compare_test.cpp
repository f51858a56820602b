#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/csv.h"
#include "tests/support/shared_data.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// 40 photos; the first `right` answered where they are, the rest at the north pole; rows from `rows` on are left out.
std::string Table(int right, int rows = 40) {
  std::string text = "IMG_ID,LAT,LON\n";
  for (int i = 0; i < rows; ++i) {
    text += "p" + std::to_string(i) + ".jpg," + (i < right ? std::to_string(i) : "90") + ",5\n";
  }
  return text;
}

class CompareTool : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& content) {
    return folder_.Write(name, content).string();
  }
  RunResult Compare(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"compare", "--truth", File("t.csv", Table(40)), "--bootstrap", "500"});
    return RunBinary(arguments);
  }
  TemporaryFolder folder_;
};

TEST_F(CompareTool, ClustersOfPhotographers) {
  std::string truth = "IMG_ID,LAT,LON,AUTHOR\n", a = "IMG_ID,LAT,LON\n", b = a;
  for (int i = 0; i < 400; ++i) {
    const int author = i / 20;
    truth += std::to_string(i) + ",10,20,p" + std::to_string(author) + "\n";
    a += std::to_string(i) + "," + (author < 10 ? "10" : "30") + ",20\n";
    b += std::to_string(i) + "," + (author >= 6 && author < 13 ? "10" : "30") + ",20\n";
  }
  const RunResult result = RunBinary({"compare", "--truth", File("truth.csv", truth), "--cluster", "AUTHOR", "--json",
                                      "a=" + File("a.csv", a), "b=" + File("b.csv", b)});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["settings"]["cluster"], "AUTHOR");
  const auto& test = json["tests"][0];
  EXPECT_NEAR(test["p_value"], 260.0 / 512, 1e-9);  // nine differ: the exact test
  EXPECT_LT(test["ci95"][0], 0);
  for (const auto& each : json["tests"]) EXPECT_EQ(each["survives"], false);
}

TEST_F(CompareTool, SaysWhatSurvives) {
  const std::string out = (folder_ / "c.json").string(), unmatched = (folder_ / "u.csv").string();
  const RunResult result =
      Compare({File("a.csv", Table(30)), File("b.csv", Table(10, 38)), "--out", out, "--unmatched-out", unmatched});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("a is better than b: accuracy < 1 km (+50.00 points"), HasSubstr("McNemar"),
                                HasSubstr("Holm"), HasSubstr("2 photos are in some files and not in others"),
                                HasSubstr("- p38.jpg: not in ")));
  EXPECT_THAT(result.err, HasSubstr("b.csv: 2 photos of the truth table have no prediction and count as misses"));
  std::ifstream stream(out);
  const auto json = nlohmann::json::parse(stream);
  EXPECT_EQ(json["photos"], 40);
  EXPECT_EQ(json["provenance"]["files"].size(), 3U);
  EXPECT_EQ(json["tests"][0]["survives"], true);
  EXPECT_EQ(CsvTable::Read(unmatched).rows(), 2U);
}

TEST_F(CompareTool, SeedsInGroups) {
  const std::string a = File("a0.csv", Table(30)) + "," + File("a1.csv", Table(31));
  const std::string b = File("b0.csv", Table(20)) + "," + File("b1.csv", Table(23));
  const RunResult result = Compare({"--group", "mine=" + a, "--group", "theirs=" + b, "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["methods"][0]["seeds"], 2);
  EXPECT_EQ(json["tests"][0]["test"], "paired t");
  EXPECT_NEAR(json["methods"][1]["scores"]["accuracy < 1 km"]["mean"], 100 * 21.5 / 40, 1e-9);
}

TEST_F(CompareTool, NamesAndReference) {
  const RunResult result = Compare({"x=" + File("a/predictions.csv", Table(30)), File("b/predictions.csv", Table(20)),
                                    File("c/predictions.csv", Table(25)), "--against", "x", "--format", "csv"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr((folder_ / "b/predictions.csv").string() + ",x,accuracy < 1 km"));
}

TEST_F(CompareTool, BadInputEndsWithTwo) {
  const std::string good = File("good.csv", Table(30));
  const auto check = [&](std::vector<std::string> arguments, const std::string& message) {
    const RunResult result = Compare(std::move(arguments));
    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  };
  check({good}, "two prediction files");
  check({good, (folder_ / "none.csv").string()}, "none.csv: no such file");
  check({good, "same=" + good, "same=" + good}, "two methods are named 'same'");
  check({good, "--group", "=x.csv"}, "expected NAME=FILE,FILE,...");
  check({good, File("b.csv", "IMG_ID,LAT,LON\np1.jpg,nan,2\n")}, "b.csv:2: LAT is 'nan'");
  check({good, File("b.csv", "IMG_ID,LAT,LON\np1.jpg,1,2\np1.jpg,1,2\n")}, "already stands in line 2");
  check({good, File("b.csv", "IMG_ID,LAT,LON\nk.jpg,1,2\nl.jpg,1,2\nm.jpg,1,2\nn.jpg,1,2\n")},
        "is it another benchmark's? Predicted: k.jpg, l.jpg, m.jpg and 1 more; in the truth table: p0.jpg, p1.jpg, "
        "p2.jpg "
        "and 37 more");
  check({good, "b=" + good, "--against", "c"}, "--against is 'c'; allowed: b, good");
  const RunResult rounds =
      RunBinary({"compare", "--truth", File("t.csv", Table(40)), good, "b=" + good, "--bootstrap", "0"});
  EXPECT_EQ(rounds.exit_code, 2);
  EXPECT_THAT(rounds.err, HasSubstr("(--bootstrap) is 0: a comparison needs 1"));
}

TEST_F(CompareTool, AnotherBenchmarksTruth) {
  SHARED_PATH_OR_SKIP(data, "data");
  const RunResult result =
      RunBinary({"compare", "--truth", (data / "benchmarks/yfcc4k_places365.csv").string(), "--columns",
                 "IMG_ID,LAT_pred,LON_pred", "a=" + (data / "predictions/gemini2flash_im2gps3k.csv").string(),
                 "b=" + (data / "predictions/gemini2flash_im2gps3k.csv").string()});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("none of the 2915 photos is in the truth table"),
                                HasSubstr("is it another benchmark's?"), HasSubstr("and 4533 more")));
}

}  // namespace
}  // namespace dualgeo
