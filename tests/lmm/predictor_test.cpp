#include "lmm/predictor.h"

#include <gtest/gtest.h>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

TEST(Predictor, Top1TakesTheFirstSimilarCandidate) {
  Candidate near{1, "g", {5, 6}, {}, "", true, {}, {}, {}};
  Candidate far{1, "h", {7, 8}, {}, "", false, {}, {}, {}};
  const auto predictions = Predict(PredictOptions{}, {{"a", {near, far}}, {"b", {far}}, {"c", {}}});
  ASSERT_EQ(predictions.size(), 3U);
  EXPECT_EQ(predictions[0], (Prediction{"a", LatLon{5, 6}, "top1", std::nullopt, ""}));
  for (const std::size_t i : {1U, 2U}) {
    EXPECT_EQ(predictions[i].location, std::nullopt);
    EXPECT_EQ(predictions[i].reason, "no candidates");
  }
}

TEST(Predictor, PhotosWithoutRowsAreListed) {
  auto predictions = Predict(PredictOptions{}, {{"b", {{1, "g", {5, 6}, {}, "", true, {}, {}, {}}}}});
  AddUnanswered({"a", "b", "c"}, "top1", predictions);
  ASSERT_EQ(predictions.size(), 3U);
  EXPECT_EQ(predictions[0].id, "b");
  EXPECT_EQ(predictions[1], (Prediction{"a", std::nullopt, "top1", std::nullopt, "no candidates"}));
  EXPECT_EQ(predictions[2].id, "c");
}

TEST(Predictor, UnknownMethod) {
  EXPECT_THROW(MakePredictor(PredictOptions{"oracle"}), InputError);
  EXPECT_THROW(PredictOptions{""}.Validate(), InputError);
}

}  // namespace
}  // namespace dualgeo
