#include "eval/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

// Answers whose truth lies within 1 km with the stated probability, and within confidence_km half the time.
struct Made {
  RerankStudy study;
  Estimates estimates;
};

Made MakeHonest(int count) {
  Made made;
  Random random(1);
  for (int i = 0; i < count; ++i) {
    PhotoRow row;
    row.id = std::to_string(i);
    row.location = LatLon{0, 0};
    PlaceEstimate estimate;
    const double p = random.Uniform();
    estimate.within.fill(p);
    const bool right = random.Chance(p);
    estimate.location = {right ? 0.001 : 30.0, 0};
    const double km = right ? 0.12 : 3400;
    estimate.confidence_km = random.Chance(0.5) ? km * 2 : km / 2;
    made.study.truth.rows.push_back(row);
    made.estimates.push_back(estimate);
  }
  return made;
}

TEST(Calibration, HonestProbabilitiesAreCalibrated) {
  const Made made = MakeHonest(20000);
  const Calibration calibration = Calibrate(made.study, made.estimates, DistanceKind::kGreatCircle);
  EXPECT_EQ(calibration.count, 20000);
  EXPECT_NEAR(calibration.held, 50, 1.5);
  const auto& street = calibration.thresholds[0];
  EXPECT_NEAR(street.stated, street.observed, 1.5);
  EXPECT_LT(street.expected_error, 2.5);
  EXPECT_NEAR(street.brier, 1.0 / 6, 0.01);  // of a uniform p: mean of p (1 - p)
  ASSERT_EQ(street.bins.size(), 10U);
  std::int64_t sum = 0;
  for (const auto& bin : street.bins) {
    sum += bin.count;
    EXPECT_GE(bin.stated, bin.low);
    EXPECT_LE(bin.stated, bin.high);
    EXPECT_NEAR(bin.stated, bin.observed, 5);
  }
  EXPECT_EQ(sum, 20000);
  EXPECT_EQ(calibration.radii.size(), 5U);
  EXPECT_THAT(FormatCalibration(calibration), HasSubstr("20000 answers"));
}

TEST(Calibration, TheSurestComeFirst) {
  const Made made = MakeHonest(1000);
  const auto rows = SelectiveCurve(made.study, made.estimates, DistanceKind::kGreatCircle);
  ASSERT_EQ(rows.size(), 10U);
  EXPECT_EQ(rows.front().count, 100);
  EXPECT_EQ(rows.back().count, 1000);
  EXPECT_EQ(rows.front().accuracy[0], 100);  // small radii go with right answers here
  EXPECT_LT(rows.back().accuracy[0], 60);
  for (std::size_t i = 1; i < rows.size(); ++i) EXPECT_GE(rows[i].confidence_km, rows[i - 1].confidence_km);
  EXPECT_THAT(FormatSelective(rows), HasSubstr("| 100 % | 1000 |"));
}

TEST(Calibration, NothingAnsweredStatesNothing) {
  RerankStudy study;
  PhotoRow row;
  row.id = "a";
  row.location = LatLon{1, 2};
  study.truth.rows.push_back(row);
  EXPECT_EQ(Calibrate(study, {std::nullopt}, DistanceKind::kGeodesic).count, 0);
  EXPECT_TRUE(SelectiveCurve(study, {std::nullopt}, DistanceKind::kGeodesic).empty());
}

}  // namespace
}  // namespace dualgeo
