#include "report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

// The message of the InputError that `function` throws.
template <class Function>
std::string Message(Function function) {
  try {
    function();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Report, SaysWhatIsAbsent) {
  Report report;
  report.title = "empty";
  EXPECT_THAT(ReportHtml(report),
              AllOf(HasSubstr("No scores:"), HasSubstr("No map:"), HasSubstr("No errors:"), HasSubstr("No photos:"),
                    HasSubstr("No calibration:"), HasSubstr("No training curves:"), HasSubstr("No robustness curves:"),
                    HasSubstr("No ablation table:"), HasSubstr("Neither config.yaml nor run.json")));
}

TEST(Report, EscapesEverythingThatCameFromOutside) {
  const std::string hostile = "<script>alert(1)</script>\"' onload=x &amp;\n\x01\xff";
  Report report;
  report.title = hostile;
  report.config = hostile;
  report.made = {{hostile, hostile}};
  ReportBenchmark benchmark;
  benchmark.name = hostile;
  const std::vector<PhotoRow> rows = {{hostile, LatLon{1, 2}, "", 0}};
  benchmark.evaluations.push_back(Evaluate({"t.csv", rows}, {{hostile, LatLon{3, 4}, "", std::nullopt, ""}}, {},
                                           {hostile, hostile, hostile, "", ""}));
  ReportPhoto photo;
  photo.result = benchmark.evaluations[0].photos[0];
  photo.mask_text = hostile;
  photo.photo = "data:image/jpeg;base64,AAAA";
  photo.candidates.push_back({{1, hostile, {5, 6}, 0.5, hostile, true, {}, {}, {}}, 7.0, ""});
  benchmark.best.push_back(photo);
  report.benchmarks.push_back(benchmark);
  report.robustness = ReportRobustness{hostile, false, {25}, {{hostile, hostile, hostile, hostile, {}}}};
  report.ablation = ReportAblation{hostile, false, {25}, {{hostile, hostile, 3, false, {}}}};
  report.training.push_back({hostile, {{"loss", {{1, 2}, {2, 1}}}}, {}});
  Provenance provenance;
  provenance.command = {hostile};
  provenance.files = {{hostile, hostile, "00"}};
  report.provenance = {{hostile, provenance}};
  const std::string html = ReportHtml(report);
  EXPECT_THAT(html, AllOf(HasSubstr("&lt;script&gt;alert(1)"), HasSubstr("\\x01\\xff"), Not(HasSubstr("<script")),
                          Not(HasSubstr("\"' onload"))));
}

TEST(Report, AsksNothingOfTheNetwork) {
  Report report;
  report.title = "t";
  const std::string html = ReportHtml(report);
  EXPECT_THAT(html, AllOf(HasSubstr("default-src 'none'; img-src data:; style-src 'sha256-"), Not(HasSubstr("http:")),
                          Not(HasSubstr("https:")), Not(HasSubstr("<script")), Not(HasSubstr("@import")),
                          Not(HasSubstr("style=\"")), Not(HasSubstr("<link"))));
}

TEST(ReadRobustness, TakesWhatIsThere) {
  TemporaryFolder folder;
  const auto file =
      folder.Write("robustness.json", R"({"benchmark": "query", "synthetic": true, "thresholds_km": [1, 25],
    "conditions": [{"name": "night", "verdict": "supported", "curves": [{"view": "both", "points":
      [{"severity": 0, "accuracy": {"1": 12.5, "25": 40}, "ci95": {"1": [10, 15]}}, {"severity": 1}]}]}, {"name": "fog"}]})");
  const ReportRobustness robustness = ReadRobustness(file);
  EXPECT_TRUE(robustness.synthetic);
  ASSERT_EQ(robustness.conditions.size(), 2u);
  const auto& points = robustness.conditions[0].curves.at(0).points;
  EXPECT_THAT(points[0].accuracy, ElementsAre(Pair(1, 12.5), Pair(25, 40)));
  EXPECT_EQ(points[0].ci95.at(1).high, 15);
  EXPECT_TRUE(points[1].accuracy.empty());

  Report report;
  report.title = "r";
  report.robustness = robustness;
  EXPECT_THAT(ReportHtml(report), AllOf(HasSubstr("night: within 25 km"), HasSubstr("\u2713 supported"),
                                        HasSubstr("Numbers marked synthetic")));
}

TEST(ReadRobustness, NamesTheFieldThatIsWrong) {
  TemporaryFolder folder;
  const auto message = [&](const std::string& text) {
    const auto file = folder.Write("r.json", text);
    return Message([&] { ReadRobustness(file); });
  };
  EXPECT_THAT(message("{"), HasSubstr("r.json: not JSON"));
  EXPECT_THAT(message("[]"), HasSubstr("r.json: expected an object, got []"));
  EXPECT_THAT(message(R"({"conditions": [{"name": 3}]})"), HasSubstr("conditions[0].name: expected text, got 3"));
  EXPECT_THAT(message(R"({"conditions": [{}]})"), HasSubstr("conditions[0].name: missing"));
  EXPECT_THAT(message(R"({"thresholds_km": ["far"]})"), HasSubstr("thresholds_km[0]: expected a number, got far"));
  EXPECT_THAT(message(R"({"conditions": [{"name": "x", "curves": [{"view": "both", "points": [{"severity": 1,
                          "ci95": {"1": [1]}}]}]}]})"),
              HasSubstr("conditions[0].curves[0].points[0].ci95.1: expected a list of two numbers, got [1]"));
}

TEST(ReadAblation, MakesATable) {
  TemporaryFolder folder;
  const auto file = folder.Write("ablation.json", R"({"benchmark": "query", "thresholds_km": [25], "rows": [
    {"name": "paper", "base": true, "seeds": [0, 1, 2], "mean": {"25": 50}, "sd": {"25": 1.25}},
    {"name": "no fusion", "settings": {"fusion.type": "none", "fusion.heads": 4}, "seeds": 3, "mean": {"25": 40},
     "sd": {"25": 2}, "difference": {"25": -10}, "p": {"25": 0.0001}}]})");
  Report report;
  report.title = "a";
  report.ablation = ReadAblation(file);
  EXPECT_EQ(report.ablation->rows[0].seeds, 3);
  EXPECT_EQ(report.ablation->rows[1].settings, "fusion.type=none, fusion.heads=4");
  EXPECT_THAT(ReportHtml(report), AllOf(HasSubstr("paper (base)"), HasSubstr("50.0 \u00b1 1.2"),
                                        HasSubstr("40.0 \u00b1 2.0 <small>-10.0, p &lt; 0.001</small>")));
}

TEST(ReadTraining, LeavesOutACutLine) {
  TemporaryFolder folder;
  const auto log = ReadTraining(folder.Write("train.jsonl",
                                             "{\"step\":1,\"loss\":3}\n{\"step\":2,\"loss\":null}\n"
                                             "{\"step\":2,\"validation\":{\"loss\":2.5}}\n{\"step\":3,\"lo"),
                                "Model");
  EXPECT_THAT(log.training.at("loss"), ElementsAre(Pair(1, 3)));
  EXPECT_THAT(log.validation.at("loss"), ElementsAre(Pair(2, 2.5)));
  const auto broken = folder.Write("b.jsonl", "{\"step\":1}\nhello\n{\"step\":2}\n");
  EXPECT_THAT(Message([&] { ReadTraining(broken, "x"); }), HasSubstr("b.jsonl:2: not JSON"));
}

}  // namespace
}  // namespace dualgeo
