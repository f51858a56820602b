#include "dualgeo/refine/predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class Predictions : public ::testing::Test {
 protected:
  std::string ErrorOf(const std::string& content) {
    try {
      ReadPredictions(folder_.Write("p.csv", content));
    } catch (const InputError& error) {
      return error.what();
    }
    ADD_FAILURE() << "no InputError for " << content;
    return "";
  }
  TemporaryFolder folder_;
};

TEST_F(Predictions, WhatIsWrittenReadsBack) {
  const std::vector<Prediction> predictions = {{"a,b.jpg", LatLon{1.0 / 3, -180}, "top1", 12.5, ""},
                                               {"c.jpg", std::nullopt, "top1", std::nullopt, "no candidates"}};
  WritePredictions(folder_ / "w.csv", predictions);
  EXPECT_EQ(ReadPredictions(folder_ / "w.csv"), predictions);
}

TEST_F(Predictions, RuleAndModelHaveColumnsWhereTheyAreKnown) {
  std::vector<Prediction> predictions = {{"a.jpg", LatLon{1, 2}, "top1", {}, ""},
                                         {"b.jpg", LatLon{1, 2}, "top1", {}, ""}};
  WritePredictions(folder_ / "w.csv", predictions);
  EXPECT_THAT(ReadFile(folder_ / "w.csv"), ::testing::StartsWith("IMG_ID,LAT,LON,method,confidence_km,reason\n"));
  predictions[0].rule = "member";
  predictions[1].model = "Prob_urban";
  WritePredictions(folder_ / "w.csv", predictions);
  EXPECT_THAT(ReadFile(folder_ / "w.csv"),
              ::testing::StartsWith("IMG_ID,LAT,LON,method,confidence_km,reason,rule,model\n"));
  EXPECT_EQ(ReadPredictions(folder_ / "w.csv"), predictions);
}

TEST_F(Predictions, OtherColumns) {
  const auto path = folder_.Write("p.csv", "file,y,x\r\na,1,2\r\nb,,\r\n");
  const auto predictions = ReadPredictions(path, {"file", "y", "x"});
  ASSERT_EQ(predictions.size(), 2U);
  EXPECT_EQ(predictions[0].location, (LatLon{1, 2}));
  EXPECT_EQ(predictions[1].location, std::nullopt);
}

TEST_F(Predictions, BadRowsNameTheLine) {
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,1,2\nb,3,\n"), HasSubstr("p.csv:3: LON is empty"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,NaN,2\n"), HasSubstr("p.csv:2: LAT is 'NaN'"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,139,35\n"),
              AllOf(HasSubstr("p.csv:2: LAT 139 is outside [-90, 90]"), HasSubstr("swapped")));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,1,-181\n"), HasSubstr("p.csv:2: LON -181 is outside [-180, 180]"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON\na,1,2\nb,1,2\na,1,2\n"), AllOf(HasSubstr("p.csv:4: "), HasSubstr("line 2")));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT\na,1\n"), HasSubstr("no column LON"));
  EXPECT_THAT(ErrorOf("IMG_ID,LAT,LON,confidence_km\na,1,2,-3\n"), HasSubstr("confidence_km is negative"));
}

TEST_F(Predictions, RealAnswers) {
  SHARED_PATH_OR_SKIP(path, "data/predictions/gemini2flash_im2gps3k.csv");
  EXPECT_EQ(ReadPredictions(path, {"IMG_ID", "LAT_pred", "LON_pred"}).size(), 2915U);
}

}  // namespace
}  // namespace dualgeo
