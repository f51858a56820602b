#include "dualgeo/eval/published.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Published, RowsOfABenchmark) {
  EXPECT_EQ(PublishedFor("im2gps").size(), 5U);
  EXPECT_EQ(PublishedFor("YFCC4k_places365").front().photos, 4536);
  const auto rows = PublishedFor("im2gps3k_places365");
  ASSERT_EQ(rows.size(), 16U);
  const PublishedRow& dualgeo = rows[14];
  EXPECT_EQ(dualgeo.Name(), "DualGeo, 2026");
  EXPECT_THAT(dualgeo.percent, ElementsAre(17.25, 41.47, 55.76, 71.71, 85.05));
  EXPECT_EQ(rows[10].Name(), "Img2Loc (GPT-4V rerun by G3), 2024");
  for (const auto& row : PublishedResults()) EXPECT_FALSE(row.source.empty());
}

TEST(Published, UnknownBenchmarksAreErrors) {
  for (const char* name : {"im2gps30k", "", "my photos"}) {
    EXPECT_THAT([&] { PublishedFor(name); },
                ThrowsMessage<InputError>(AllOf(HasSubstr(name), HasSubstr("im2gps, im2gps3k, yfcc4k"))));
  }
}

}  // namespace
}  // namespace dualgeo
