#include "runtime/upsample_argmax.h"

#include <gtest/gtest.h>

#include <limits>
#include <tuple>

#include "data/mask.h"
#include "dualgeo/util/error.h"
#include "train/segmentation_metrics.h"

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

// Every class at every pixel.
cv::Mat Plainly(const torch::Tensor& logits, cv::Size size) {
  const auto data = logits.accessor<float, 3>();
  const auto tap = [](int i, int to, std::int64_t from) {
    const float source =
        std::max(0.0F, static_cast<float>(from) / static_cast<float>(to) * (static_cast<float>(i) + 0.5F) - 0.5F);
    const auto low = std::min<std::int64_t>(static_cast<std::int64_t>(source), from - 1);
    return std::tuple(low, std::min(low + 1, from - 1), std::min(1.0F, source - static_cast<float>(low)));
  };
  cv::Mat classes(size, CV_8UC1);
  for (int y = 0; y < size.height; ++y) {
    const auto [top, bottom, down] = tap(y, size.height, logits.size(1));
    for (int x = 0; x < size.width; ++x) {
      const auto [left, right, across] = tap(x, size.width, logits.size(2));
      float best = 0;
      for (int c = 0; c < logits.size(0); ++c) {
        const float above = (1 - across) * data[c][top][left] + across * data[c][top][right];
        const float below = (1 - across) * data[c][bottom][left] + across * data[c][bottom][right];
        const float value = (1 - down) * above + down * below;
        if (c == 0 || value > best) {
          best = value;
          classes.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(c);
        }
      }
    }
  }
  return classes;
}

// Leaving out classes that cannot win changes no pixel: with a few that stand out, with none that does, with ties, and
// with numbers that are none.
TEST(UpsampleArgmaxTest, LeavesOutOnlyClassesThatCannotWin) {
  torch::manual_seed(6);
  auto few = torch::randn({150, 9, 7});
  for (int place = 0; place < 63; ++place) few.view({150, 63})[place * 37 % 11][place] += 9;
  auto broken = torch::randn({12, 6, 6});
  broken[0][2][3] = std::numeric_limits<float>::quiet_NaN();
  broken[5][4][1] = std::numeric_limits<float>::infinity();
  for (const auto& logits :
       {few, torch::randn({150, 9, 7}), torch::randn({20, 5, 5}).round(), 1e-30 * torch::randn({9, 4, 4}), broken}) {
    for (const cv::Size size : {cv::Size(64, 48), cv::Size(9, 7), cv::Size(4, 3), cv::Size(200, 1)}) {
      const cv::Mat difference = UpsampleArgmax(logits, size) != Plainly(logits, size);
      EXPECT_EQ(cv::countNonZero(difference), 0) << logits.sizes() << size;
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
