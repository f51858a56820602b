#include "data/data_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/ade_classes.h"
#include "data/mask.h"
#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

using ::testing::StartsWith;

TEST(DataUrl, DescribesAMaskByItsLargestClasses) {
  cv::Mat mask(10, 10, CV_8UC1, cv::Scalar(static_cast<int>(AdeClass::kSky)));
  mask.rowRange(6, 9).setTo(cv::Scalar(149));
  mask.row(9).setTo(cv::Scalar(kIgnoreClass));
  EXPECT_EQ(DescribeMask(mask, 9), "sky 60 %, class 149 30 %, no label 10 %");
  EXPECT_EQ(DescribeMask(mask, 1), "sky 60 %");
}

TEST(DataUrl, MasksAreSmallPngs) {
  const cv::Mat mask(600, 300, CV_8UC1, cv::Scalar(1));
  const std::string url = MaskDataUrl(mask, 100);
  EXPECT_THAT(url, StartsWith("data:image/png;base64,iVBOR"));
  EXPECT_LT(url.size(), 1000u);
}

TEST(DataUrl, RefusesWhatIsNoPhoto) { EXPECT_THROW(PhotoDataUrl("hello", "a.jpg", 100, 80), InputError); }

}  // namespace
}  // namespace dualgeo
