#include "degrade/degrade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "dualgeo/util/error.h"
#include "synthetic/world_render.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// A rendered view: sky above, things below, RGB.
cv::Mat View(int size = 128) {
  const WorldPlace place{"Europe/Oslo", "Europe/Oslo", "NO", Neighbour::kBase, 0, {59.9, 10.75}, {59.9, 10.75}, false};
  cv::Mat rgb;
  cv::cvtColor(RenderView(MakeScene(place, 0), {}, 1, size).photo, rgb, cv::COLOR_BGR2RGB);
  return rgb;
}

double MeanDistance(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(3 * a.total());
}

class DegradeEach : public ::testing::TestWithParam<std::string> {};

TEST_P(DegradeEach, GrowsWithSeverityAndDependsOnNothingElse) {
  const cv::Mat photo = View();
  const cv::Mat before = photo.clone();
  EXPECT_EQ(MeanDistance(photo, Degrade(photo, GetParam(), 0, 7, "a.jpg")), 0);
  double last = 0;
  cv::Mat previous = photo;
  for (int severity = 1; severity <= kSeverities; ++severity) {
    const cv::Mat degraded = Degrade(photo, GetParam(), severity, 7, "a.jpg");
    ASSERT_EQ(degraded.type(), CV_8UC3);
    ASSERT_EQ(degraded.size(), photo.size());
    EXPECT_EQ(cv::norm(degraded, Degrade(photo, GetParam(), severity, 7, "a.jpg"), cv::NORM_INF), 0);
    const double distance = MeanDistance(photo, degraded);
    // Bare winter brown is nearer to green than autumn's orange: the season goes on without going further away.
    if (GetParam() != "season" || severity <= 3) {
      EXPECT_GT(distance, last) << severity;
    }
    EXPECT_GT(MeanDistance(degraded, previous), 0) << severity;
    previous = degraded;
    last = distance;
  }
  EXPECT_GT(last, 4) << "severity 5 should be plain to see";
  EXPECT_EQ(cv::norm(photo, before, cv::NORM_INF), 0) << "the photo itself was changed";
}

TEST_P(DegradeEach, TakesAnyShape) {
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(7, 300), cv::Size(300, 7)}) {
    EXPECT_EQ(Degrade(cv::Mat(size, CV_8UC3, cv::Scalar(90, 120, 150)), GetParam(), 5, 0, "x").size(), size);
  }
}

INSTANTIATE_TEST_SUITE_P(All, DegradeEach, ::testing::ValuesIn(DegradationNames()),
                         [](const auto& instance) { return instance.param; });

TEST(Degrade, RandomPartsDifferBetweenPhotosAndSeeds) {
  const cv::Mat photo = View();
  for (const char* name : {"rain", "snow", "fog", "noise", "season"}) {
    const cv::Mat one = Degrade(photo, name, 3, 0, "a.jpg");
    EXPECT_GT(MeanDistance(one, Degrade(photo, name, 3, 0, "b.jpg")), 0) << name;
    EXPECT_GT(MeanDistance(one, Degrade(photo, name, 3, 1, "a.jpg")), 0) << name;
  }
}

TEST(Degrade, DoesWhatItsNameSays) {
  const cv::Mat photo = View();
  const auto mean = [](const cv::Mat& m) { return cv::mean(m); };
  const auto brightness = [&](const char* name, int severity) {
    const cv::Scalar m = mean(Degrade(photo, name, severity, 0, "a"));
    return (m[0] + m[1] + m[2]) / 3;
  };
  const double clean = brightness("night", 0);
  EXPECT_LT(brightness("night", 5), 0.35 * clean);
  EXPECT_LT(brightness("underexposure", 5), 0.4 * clean);
  EXPECT_GT(brightness("overexposure", 5), 1.3 * clean);
  const cv::Scalar dusk = mean(Degrade(photo, "dusk", 5, 0, "a")), day = mean(photo);
  EXPECT_NE(dusk[0] / dusk[2], day[0] / day[2]);
  // Autumn: a green field turns to one with more red than green.
  const cv::Mat green(40, 40, CV_8UC3, cv::Scalar(60, 150, 50));
  const cv::Scalar autumn = mean(Degrade(green, "season", 3, 0, "a"));
  EXPECT_GT(autumn[0], autumn[1]);
  const cv::Mat grey(40, 40, CV_8UC3, cv::Scalar(128, 128, 128));
  EXPECT_LT(MeanDistance(grey, Degrade(grey, "season", 3, 0, "a")), 6) << "what is not green stays";
  // Fog hides the top of the frame and leaves what is near.
  const cv::Mat black = cv::Mat::zeros(60, 60, CV_8UC3);
  const cv::Mat fog = Degrade(black, "fog", 3, 0, "a");
  EXPECT_GT(mean(fog.rowRange(0, 20))[1], mean(fog.rowRange(50, 60))[1] + 40);
}

TEST(Degrade, RefusesWhatItDoesNotKnow) {
  const cv::Mat photo(8, 8, CV_8UC3, cv::Scalar::all(9));
  EXPECT_THAT([&] { Degrade(photo, "hail", 1, 0, "a"); },
              ThrowsMessage<InputError>(HasSubstr("'hail' is not one of night, dusk")));
  EXPECT_THAT([&] { Degrade(photo, "fog", 6, 0, "a"); }, ThrowsMessage<InputError>(HasSubstr("severity 6")));
}

TEST(Degrade, SheetShowsEverySeverity) {
  const cv::Mat sheet = DegradationSheet({View(32), View(32)}, {"fog", "rain"}, 0, 40);
  EXPECT_EQ(sheet.size(), cv::Size(104 + 6 * 40, 16 + 4 * 40));
}

}  // namespace
}  // namespace dualgeo
