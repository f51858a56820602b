#include "data/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

cv::Mat Noise() {
  cv::Mat noise(40, 50, CV_8UC3);
  cv::theRNG().state = 1;
  cv::randu(noise, 0, 256);
  return noise;
}

AugmentOptions Nothing() {
  AugmentOptions options;
  options.flip = options.color_jitter = options.greyscale = options.blur = 0;
  return options;
}

cv::Mat Colored(const AugmentOptions& options, std::uint64_t seed = 1) {
  cv::Mat photo = Noise();
  Random random(seed);
  AugmentColors(photo, options, random);
  return photo;
}

TEST(Augment, CropsStayInsideAndKeepTheirShape) {
  const AugmentOptions options;
  Random random(7);
  int flips = 0;
  for (int i = 0; i < 5000; ++i) {
    const cv::Size photo(1 + static_cast<int>(random.Below(600)), 1 + static_cast<int>(random.Below(600)));
    const double aspect = i % 2 == 0 ? 1.0 : static_cast<double>(photo.width) / photo.height;
    const auto drawn = DrawGeometry(options, photo, aspect, random);
    ASSERT_FALSE(drawn.crop.empty());
    ASSERT_EQ(drawn.crop & cv::Rect({0, 0}, photo), drawn.crop);
    if (std::min(photo.width, photo.height) > 50) {
      const double ratio = static_cast<double>(drawn.crop.width) / drawn.crop.height / aspect;
      EXPECT_GT(ratio, 0.87);
      EXPECT_LT(ratio, 1.13);
    }
    flips += drawn.flip ? 1 : 0;
  }
  EXPECT_NEAR(flips, 2500, 150);
}

TEST(Augment, WholePhotoWhenAskedTo) {
  AugmentOptions options = Nothing();
  options.crop_scale = {1, 1};
  options.crop_ratio = {1, 1};
  Random random(7);
  EXPECT_EQ(DrawGeometry(options, {320, 320}, 1.0, random).crop, cv::Rect(0, 0, 320, 320));
  EXPECT_EQ(DrawGeometry(options, {320, 200}, 1.6, random).crop, cv::Rect(0, 0, 320, 200));
  EXPECT_EQ(DrawGeometry(options, {320, 200}, 1.0, random).crop.size(), cv::Size(200, 200));
}

TEST(Augment, NothingChangesNothing) { EXPECT_EQ(cv::norm(Colored(Nothing()), Noise(), cv::NORM_INF), 0); }

TEST(Augment, ZeroStrengthJitterKeepsColours) {
  AugmentOptions options = Nothing();
  options.color_jitter = 1;
  options.brightness = options.contrast = options.saturation = options.hue = 0;
  EXPECT_EQ(cv::norm(Colored(options), Noise(), cv::NORM_INF), 0);
}

TEST(Augment, Grey) {
  AugmentOptions options = Nothing();
  options.greyscale = 1;
  const cv::Mat grey = Colored(options);
  const cv::Mat noise = Noise();
  for (int i = 0; i < 100; ++i) {
    const auto pixel = grey.at<cv::Vec3b>(i % 40, i % 50);
    const auto before = noise.at<cv::Vec3b>(i % 40, i % 50);
    EXPECT_EQ(pixel[0], pixel[1]);
    EXPECT_EQ(pixel[0], pixel[2]);
    EXPECT_NEAR(pixel[0], .299 * before[0] + .587 * before[1] + .114 * before[2], 1);
  }
}

TEST(Augment, BlurKeepsTheMeanAndSmooths) {
  AugmentOptions options = Nothing();
  options.blur = 1;
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::Scalar mean_before;
  cv::Scalar deviation_before;
  cv::meanStdDev(Colored(options), mean, deviation);
  cv::meanStdDev(Noise(), mean_before, deviation_before);
  EXPECT_NEAR(mean[0], mean_before[0], 2);
  // White noise through a Gaussian of deviation s keeps 1 / (2 s sqrt(pi)) of its own.
  EXPECT_NEAR(deviation[0] / deviation_before[0], 1 / (2 * std::sqrt(3.14159)), 0.03);
}

TEST(Augment, SameSeedSameColours) {
  EXPECT_EQ(cv::norm(Colored({}, 3), Colored({}, 3), cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(Colored({}, 3), Colored({}, 4), cv::NORM_INF), 0);
}

TEST(Augment, ValidateNamesFieldAndValue) {
  const auto error_of = [](const AugmentOptions& options) -> std::string {
    try {
      options.Validate();
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  };
  AugmentOptions options;
  EXPECT_EQ(error_of(options), "no error");
  options.crop_scale = {0.9, 0.8};
  EXPECT_THAT(error_of(options), HasSubstr("crop_scale: [0.9, 0.8]"));
  options.crop_scale = {0, 1};
  EXPECT_THAT(error_of(options), HasSubstr("crop_scale"));
  options.crop_scale = {0.5, 1};
  options.crop_ratio = {1};
  EXPECT_THAT(error_of(options), HasSubstr("crop_ratio: [1]"));
}

}  // namespace
}  // namespace dualgeo
