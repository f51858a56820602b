#include "eval/published.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Published, RowsOfABenchmark) {
  EXPECT_EQ(PublishedFor("im2gps").size(), 12U);
  EXPECT_EQ(PublishedFor("yfcc26k").size(), 4U);
  EXPECT_EQ(PublishedFor("YFCC4k_places365").front().photos, 4536);
  const auto rows = PublishedFor("im2gps3k_places365");
  ASSERT_EQ(rows.size(), 24U);
  const PublishedRow& dualgeo = rows[22];
  EXPECT_EQ(dualgeo.Name(), "DualGeo, 2026");
  EXPECT_THAT(dualgeo.percent, ElementsAre(17.25, 41.47, 55.76, 71.71, 85.05));
  EXPECT_EQ(rows[14].Name(), "Img2Loc (GPT-4V rerun by G3), 2024");
  for (const auto& row : PublishedResults()) EXPECT_FALSE(row.source.empty());
  const PublishedRow oldest = PublishedFor("im2gps").front();  // says nothing of 1 km
  EXPECT_EQ(oldest.Name(), "IM2GPS, 2008");
  EXPECT_THAT(oldest.percent, ElementsAre(std::nullopt, 12.0, 15.0, 23.0, 47.0));
  EXPECT_THAT(oldest.source, HasSubstr("unverified"));
}

TEST(Published, UnknownBenchmarksAreErrors) {
  for (const char* name : {"im2gps30k", "", "my photos"}) {
    EXPECT_THAT([&] { PublishedFor(name); },
                ThrowsMessage<InputError>(AllOf(HasSubstr(name), HasSubstr("im2gps, im2gps3k, yfcc4k, yfcc26k"))));
  }
}

}  // namespace
}  // namespace dualgeo
