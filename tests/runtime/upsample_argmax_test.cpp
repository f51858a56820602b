#include "dualgeo/runtime/upsample_argmax.h"

#include <gtest/gtest.h>

#include "dualgeo/data/mask.h"
#include "dualgeo/train/segmentation_metrics.h"
#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

namespace F = torch::nn::functional;

torch::Tensor Upsampled(const torch::Tensor& logits, cv::Size size) {
  return F::interpolate(logits.unsqueeze(0), F::InterpolateFuncOptions()
                                                 .size(std::vector<std::int64_t>{size.height, size.width})
                                                 .mode(torch::kBilinear)
                                                 .align_corners(false))[0];
}

TEST(UpsampleArgmaxTest, IsInterpolateAndArgmax) {
  torch::manual_seed(5);
  for (const cv::Size size : {cv::Size(32, 32), cv::Size(97, 41), cv::Size(5, 3), cv::Size(8, 8), cv::Size(1, 1)}) {
    const torch::Tensor logits = torch::randn({11, 8, 8});
    const cv::Mat classes = UpsampleArgmax(logits, size);
    ASSERT_EQ(classes.size(), size);
    const torch::Tensor expected = Upsampled(logits, size);
    const torch::Tensor best = std::get<0>(expected.max(0));
    for (int y = 0; y < size.height; ++y) {
      for (int x = 0; x < size.width; ++x) {
        // Not the class itself: two logits may differ by the last digit only.
        const int chosen = classes.at<std::uint8_t>(y, x);
        EXPECT_NEAR(expected[chosen][y][x].item<float>(), best[y][x].item<float>(), 1e-5) << size << y << ' ' << x;
      }
    }
  }
}

TEST(UpsampleArgmaxTest, TheLowestOfEqualClassesWins) {
  const cv::Mat classes = UpsampleArgmax(torch::zeros({3, 2, 2}), {4, 4});
  EXPECT_EQ(cv::countNonZero(classes), 0);
  EXPECT_THROW(UpsampleArgmax(torch::zeros({2, 2}), {4, 4}), Error);
}

TEST(ConfusionMatrixTest, MeanIouAndAccuracy) {
  ConfusionMatrix confusion(4);
  EXPECT_EQ(confusion.MeanIou(), 0);
  EXPECT_EQ(confusion.PixelAccuracy(), 0);
  const std::uint8_t truth[] = {0, 0, 0, 1, 1, kIgnoreClass};
  const std::uint8_t predicted[] = {0, 0, 1, 1, 2, 3};
  confusion.Add(truth, predicted, 6);
  // Class 0: 2 of 3; 1: 1 of 3; 2: 0 of 1; 3 occurs in neither.
  EXPECT_NEAR(confusion.MeanIou(), 100 * (2. / 3 + 1. / 3 + 0) / 3, 1e-12);
  EXPECT_NEAR(confusion.PixelAccuracy(), 60, 1e-12);
}

}  // namespace
}  // namespace dualgeo
