#include "data/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "data/photo.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "model/instruction_set.h"
#include "src/data/resize_kernels.h"

namespace dualgeo {
namespace {

cv::Mat ResizeFixture(const std::string& name) {
  return ReadPhoto(std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data/photos" / name);
}

// Made by Pillow (tests/data/photos/make.py): smaller, larger, one side kept, smaller and larger at once.
TEST(Resize, EqualsPillowToTheBit) {
  const cv::Mat noise = ResizeFixture("noise.png");
  for (const cv::Size size :
       {cv::Size(23, 17), cv::Size(90, 31), cv::Size(61, 20), cv::Size(30, 47), cv::Size(7, 140)}) {
    for (const auto& [filter, name] :
         {std::pair(Filter::kBicubic, "bicubic"), std::pair(Filter::kBilinear, "bilinear")}) {
      const std::string file =
          "noise_" + std::to_string(size.width) + "x" + std::to_string(size.height) + "_" + name + ".png";
      const cv::Mat expected = ResizeFixture(file);
      const cv::Mat resized = Resize(noise, size, filter);
      ASSERT_EQ(resized.size(), expected.size());
      EXPECT_EQ(cv::norm(resized, expected, cv::NORM_INF), 0) << file;
    }
  }
}

TEST(Resize, WindowIsAPartOfTheWhole) {
  const cv::Mat noise = ResizeFixture("noise.png");
  for (const cv::Size size : {cv::Size(29, 23), cv::Size(61, 30), cv::Size(40, 47), cv::Size(100, 90)}) {
    const cv::Rect window(5, 3, 20, 17);
    const cv::Mat whole = Resize(noise, size, Filter::kBicubic);
    const cv::Mat part = ResizeWindow(noise, size, Filter::kBicubic, window);
    EXPECT_EQ(cv::norm(whole(window), part, cv::NORM_INF), 0) << size;
  }
}

TEST(Resize, BoxIsCutFirst) {
  const cv::Mat noise = ResizeFixture("noise.png");
  const cv::Rect box(10, 5, 40, 30);
  const cv::Mat cut = noise(box).clone();
  EXPECT_EQ(
      cv::norm(Resize(noise, {16, 16}, Filter::kBicubic, box), Resize(cut, {16, 16}, Filter::kBicubic), cv::NORM_INF),
      0);
}

// Pillow resamples a grey image as each channel of a colour one.
TEST(Resize, GreyIsResampledAsEachColour) {
  const cv::Mat noise = ResizeFixture("noise.png");
  std::vector<cv::Mat> colors;
  cv::split(noise, colors);
  for (const cv::Size size : {cv::Size(23, 17), cv::Size(90, 31), cv::Size(61, 20)}) {
    std::vector<cv::Mat> expected;
    cv::split(Resize(noise, size, Filter::kBilinear), expected);
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(cv::norm(Resize(colors[c], size, Filter::kBilinear), expected[c], cv::NORM_INF), 0) << size;
    }
  }
}

TEST(Resize, FlatStaysFlat) {
  const cv::Mat flat(37, 53, CV_8UC3, cv::Scalar(3, 128, 254));
  for (const auto filter : {Filter::kBilinear, Filter::kBicubic}) {
    const cv::Mat resized = Resize(flat, {20, 90}, filter);
    EXPECT_EQ(cv::norm(resized, cv::Mat(90, 20, CV_8UC3, cv::Scalar(3, 128, 254)), cv::NORM_INF), 0);
  }
}

TEST(Resize, OnePixel) {
  EXPECT_EQ(Resize(cv::Mat(1, 1, CV_8UC3, cv::Scalar::all(9)), {5, 7}, Filter::kBicubic).at<cv::Vec3b>(6, 4)[0], 9);
  EXPECT_EQ(Resize(cv::Mat(50, 70, CV_8UC3, cv::Scalar::all(9)), {1, 1}, Filter::kBicubic).at<cv::Vec3b>(0, 0)[0], 9);
}

TEST(Resize, Refuses) {
  const cv::Mat photo(8, 8, CV_8UC3);
  EXPECT_THROW(Resize(photo, {0, 4}, Filter::kBicubic), Error);
  EXPECT_THROW(Resize(photo, {4, 4}, Filter::kBicubic, cv::Rect(5, 5, 4, 4)), Error);
  EXPECT_THROW(Resize(cv::Mat(8, 8, CV_16UC3), {4, 4}, Filter::kBicubic), Error);
}

// Vector instructions, where the processor has them, give the bytes that plain code gives: rows that end where their
// memory does, any number of them, weights of all sizes and signs.
TEST(ResizeKernels, VectorsEqualPlainCode) {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    const int channels = random.Chance(0.8) ? 3 : 1;
    const int width = 1 + static_cast<int>(random.Below(60)), rows = 1 + static_cast<int>(random.Below(11));
    const int n = 1 + static_cast<int>(random.Below(40));
    ResizeTaps taps;
    taps.stride = static_cast<std::size_t>(width);
    for (int i = 0; i < n; ++i) {
      const int first = static_cast<int>(random.Below(static_cast<std::uint64_t>(width)));
      taps.first.push_back(first);
      taps.count.push_back(1 + static_cast<int>(random.Below(static_cast<std::uint64_t>(width - first))));
      for (int k = 0; k < width; ++k) {
        // Their sizes sum up to two at most, as in any filter; 16 bits and 22 bits of them are used.
        const std::uint64_t most = (2U << kResizePrecisionBits) / static_cast<std::uint64_t>(width) - 1;
        taps.weights.push_back(static_cast<std::int32_t>(random.Below(most)) * (random.Chance(0.3) ? -1 : 1));
      }
    }
    const auto step = static_cast<std::size_t>(width * channels), out_step = static_cast<std::size_t>(n * channels);
    std::vector<std::uint8_t> in(step * static_cast<std::size_t>(rows));
    for (auto& value : in) value = static_cast<std::uint8_t>(random.Below(256));
    std::vector<std::uint8_t> plain(out_step * static_cast<std::size_t>(rows)), fast = plain;
    {
      const InstructionSetScope scope(InstructionSet::kPlain);
      ResizeAcross(in.data(), step, width, plain.data(), out_step, rows, channels, taps);
    }
    ResizeAcross(in.data(), step, width, fast.data(), out_step, rows, channels, taps);
    EXPECT_EQ(plain, fast) << channels << " channels, " << width << " x " << rows << " to " << n;

    std::vector<std::int32_t> weights(taps.weights.begin(), taps.weights.begin() + std::min(width, rows));
    std::vector<std::uint8_t> down(step), fast_down(step);
    const int count = static_cast<int>(weights.size());
    {
      const InstructionSetScope scope(InstructionSet::kPlain);
      ResizeDown(in.data(), step, weights.data(), count, down.data(), static_cast<int>(step));
    }
    ResizeDown(in.data(), step, weights.data(), count, fast_down.data(), static_cast<int>(step));
    EXPECT_EQ(down, fast_down) << step << " values, " << count << " rows";
  }
}

}  // namespace
}  // namespace dualgeo
