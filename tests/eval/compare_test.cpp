#include "eval/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "dualgeo/util/error.h"
#include "eval/comparison_table.h"
#include "io/csv.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// 60 photos at the equator; the first `right` are answered where they are, the others 10 degrees off; `none` of the
// last have no row.
Evaluation Scored(const std::string& name, int right, int none = 0, int count = 60) {
  PhotoTable truth;
  std::vector<Prediction> predictions;
  for (int i = 0; i < count; ++i) {
    truth.rows.push_back({"p" + std::to_string(i), LatLon{0, 1.0 * i}, "", 0});
    if (i < count - none) {
      predictions.push_back(
          {"p" + std::to_string(i), LatLon{0, i < right ? 1.0 * i : i + 10.0}, "m", std::nullopt, ""});
    }
  }
  EvaluateOptions options;
  options.thresholds_km = {1, 2500};
  options.bootstrap = 100;
  EvaluationSubject subject;
  subject.method = name;
  subject.predictions_file = name + ".csv";
  return Evaluate(truth, predictions, options, subject);
}

CompareOptions Rounds() {
  CompareOptions options;
  options.rounds = 999;
  return options;
}

TEST(Compare, TestsEveryPairAndMeasure) {
  const MethodComparison comparison =
      CompareMethods({{"a", {Scored("a", 40)}}, {"b", {Scored("b", 20)}}, {"c", {Scored("c", 38, 3)}}}, Rounds());
  ASSERT_EQ(comparison.measures.size(), 5U);
  ASSERT_EQ(comparison.tests.size(), 15U);
  const MethodTest& street = comparison.tests[0];
  EXPECT_EQ(street.name, "McNemar");
  EXPECT_NEAR(street.difference.value, 100 * 20 / 60.0, 1e-9);
  EXPECT_EQ(street.discordant->only_a, 20);
  EXPECT_NEAR(*street.p_value, 2.0 / (1 << 20), 1e-12);
  // Three pairs of two thresholds and a permutation test: nine tests.
  EXPECT_NEAR(*street.corrected, 9 * 2.0 / (1 << 20), 1e-10);
  EXPECT_TRUE(street.Survives());
  EXPECT_EQ(comparison.tests[2].name, "");  // the median has an interval alone
  EXPECT_FALSE(comparison.tests[2].Survives());
  EXPECT_EQ(comparison.tests[3].name, "permutation");
  EXPECT_NEAR(comparison.tests[3].difference.value, -20 / 60.0 * 1113.19, 0.1);
  EXPECT_NEAR(*comparison.tests[3].p_value, 0.001, 1e-12);

  // c lacks three photos that a and b have: misses, and as far off as can be.
  ASSERT_EQ(comparison.unmatched.size(), 3U);
  EXPECT_EQ(comparison.unmatched[0].id, "p57");
  EXPECT_THAT(comparison.unmatched[0].missing_in, ElementsAre(2U));
  EXPECT_EQ(comparison.in_no_file, 0);
  EXPECT_NEAR(comparison.tests[8].difference.value, (-2 * 1113.19 + 3 * (1113.19 - kFarthestKm)) / 60, 0.1);

  const auto verdicts = Verdicts(comparison);
  EXPECT_THAT(verdicts, ElementsAre(AllOf(HasSubstr("a is better than b: accuracy < 1 km (+33.33 points"),
                                          HasSubstr("mean km (-371.1 km")),
                                    HasSubstr("a is not shown to differ from b: accuracy < 2500 km"),
                                    HasSubstr("a is not shown to differ from c"), HasSubstr("b is worse than c: "),
                                    HasSubstr("b is not shown to differ from c")));
}

TEST(Compare, AgainstOneMethod) {
  CompareOptions options = Rounds();
  options.against = "b";
  const auto comparison =
      CompareMethods({{"a", {Scored("a", 40)}}, {"b", {Scored("b", 20)}}, {"c", {Scored("c", 30)}}}, options);
  ASSERT_EQ(comparison.tests.size(), 10U);
  EXPECT_EQ(comparison.tests[5].a, 2U);
  EXPECT_EQ(comparison.tests[5].b, 1U);
}

TEST(Compare, SeedsAreTestedBySeeds) {
  const auto comparison = CompareMethods({{"a", {Scored("a0", 40), Scored("a1", 42), Scored("a2", 41)}},
                                          {"b", {Scored("b0", 30), Scored("b1", 31), Scored("b2", 32)}}},
                                         Rounds());
  const MethodTest& street = comparison.tests[0];
  EXPECT_EQ(street.name, "paired t");
  EXPECT_EQ(street.t->pairs, 3);
  // Differences of 10, 11 and 9 photos: t = 10 / (1 / sqrt(3)), of 2 degrees of freedom; scipy.stats.t.sf(t, 2) * 2.
  EXPECT_NEAR(*street.t->t, 17.320508075688775, 1e-9);
  EXPECT_NEAR(*street.p_value, 0.00331675872235686, 1e-10);
  EXPECT_NEAR(comparison.scores[0][0].value.mean, 100 * 41 / 60.0, 1e-9);
  EXPECT_NEAR(*comparison.scores[0][0].value.deviation, 100 / 60.0, 1e-9);
  // At 2500 km both have everything right with every seed: nothing to test.
  EXPECT_FALSE(comparison.tests[1].p_value.has_value());
  EXPECT_THAT(FormatComparison(comparison, TableFormat::kMarkdown),
              AllOf(HasSubstr("68.33 ± 1.67"), HasSubstr("paired t = 17.32, 3 seeds"), HasSubstr("no deviation")));

  // Three seeds against one file: only the permutation test is left.
  const auto uneven = CompareMethods(
      {{"a", {Scored("a0", 40), Scored("a1", 42), Scored("a2", 41)}}, {"b", {Scored("b0", 30)}}}, Rounds());
  EXPECT_EQ(uneven.tests[0].name, "");
  EXPECT_EQ(uneven.tests[3].name, "permutation");
}

TEST(Compare, Formats) {
  const MethodComparison comparison =
      CompareMethods({{"a", {Scored("a", 40)}}, {"b|", {Scored("b", 20, 30)}}}, Rounds());
  EXPECT_THAT(FormatComparison(comparison, TableFormat::kMarkdown),
              AllOf(HasSubstr("Holm, over all 3 tests"), HasSubstr("b\\|"), HasSubstr("30 photos are in some files"),
                    HasSubstr("- p30: not in b.csv"), HasSubstr("and 10 more")));
  EXPECT_THAT(FormatComparison(comparison, TableFormat::kLatex), AllOf(HasSubstr("\\toprule"), HasSubstr("% a is ")));
  std::istringstream stream(FormatComparison(comparison, TableFormat::kCsv));
  const CsvTable csv = CsvTable::Read(stream, "c.csv");
  ASSERT_EQ(csv.rows(), 5U);
  EXPECT_EQ(csv.Cell(0, csv.Require("survives")), "yes");
  EXPECT_EQ(csv.Cell(2, csv.Require("p_value")), "");
  const Provenance provenance = ThisProvenance("", 0);
  const auto json = nlohmann::json::parse(FormatComparison(comparison, TableFormat::kJson, &provenance));
  EXPECT_EQ(json["tests"].size(), 5U);
  EXPECT_EQ(json["unmatched"].size(), 30U);
  EXPECT_EQ(json["methods"][0]["scores"]["accuracy < 1 km"]["mean"], 100 * 40 / 60.0);
  EXPECT_TRUE(json.contains("provenance"));
  TemporaryFolder folder;
  WriteUnmatched(folder / "u.csv", comparison);
  const CsvTable unmatched = CsvTable::Read(folder / "u.csv");
  ASSERT_EQ(unmatched.rows(), 30U);
  EXPECT_EQ(unmatched.Cell(0, unmatched.Require("a.csv")), "1");
  EXPECT_EQ(unmatched.Cell(0, unmatched.Require("b.csv")), "0");
}

TEST(Compare, BadInputs) {
  const auto fails = [](std::vector<Method> methods, const CompareOptions& options, const std::string& message) {
    EXPECT_THAT([&] { CompareMethods(methods, options); }, ThrowsMessage<InputError>(HasSubstr(message)));
  };
  fails({{"a", {Scored("a", 1)}}}, Rounds(), "two methods or more");
  fails({{"a", {Scored("a", 1)}}, {"a", {Scored("b", 1)}}}, Rounds(), "two methods are named 'a'");
  fails({{"a", {Scored("a", 1)}}, {"b", {}}}, Rounds(), "'b' has no predictions");
  fails({{"a", {Scored("a", 1)}}, {"b", {Scored("b", 1, 0, 59)}}}, Rounds(), "not scored on the same photos");
  CompareOptions options = Rounds();
  options.against = "c";
  fails({{"a", {Scored("a", 1)}}, {"b", {Scored("b", 1)}}}, options, "allowed: a, b");
  options = Rounds();
  options.rounds = 0;
  fails({{"a", {Scored("a", 1)}}, {"b", {Scored("b", 1)}}}, options, "(--bootstrap) is 0: a comparison needs 1");
}

}  // namespace
}  // namespace dualgeo
