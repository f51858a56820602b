#include "dualgeo/eval/clusters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/significance.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Clusters, AreTheValuesOfAColumn) {
  const TemporaryFolder folder;
  const auto clusters =
      ReadClusters(folder.Write("t.csv", "IMG_ID,WHO\na,ann\nb,bob\nc,\nd,ann\ne,\nf,nan\ng,bob\n"), "WHO");
  EXPECT_EQ(clusters.column, "WHO");
  EXPECT_EQ(clusters.count, 5U);
  EXPECT_THAT(clusters.of_photo, ElementsAre(0, 1, 2, 0, 3, 4, 1));
}

TEST(Clusters, TheColumnMustBeThereAndTellPhotosApart) {
  const TemporaryFolder folder;
  const auto path = folder.Write("t.csv", "IMG_ID,AUTHOR\na,ann\nb,ann\n");
  const auto refusal = [&](const std::string& column) { return RefusalOf([&] { ReadClusters(path, column); }); };
  EXPECT_THAT(refusal("CITY"), AllOf(HasSubstr("no column CITY"), HasSubstr("IMG_ID, AUTHOR")));
  EXPECT_THAT(refusal("AUTHOR"), HasSubstr("1 value"));
}

TEST(Clusters, AreThePhotographersUnlessToldOtherwise) {
  const TemporaryFolder folder;
  const auto path =
      folder.Write("t.csv", "IMG_ID,LAT,LON,AUTHOR,CITY\na,1,2,ann,x\nb,1,2,bob,x\nc,1,2,ann,y\nd,1,2,,z\n");
  PhotoTable truth = ReadPhotoTable(path);
  const auto authors = ChooseClusters("auto", truth);
  ASSERT_TRUE(authors);
  EXPECT_EQ(OverWhat(authors), "3 photographers");
  EXPECT_THAT(authors->of_photo, ElementsAre(0, 1, 0, 2));
  EXPECT_THAT(authors->names, ElementsAre("ann", "bob", ""));
  EXPECT_FALSE(ChooseClusters("none", truth));
  EXPECT_EQ(OverWhat(ChooseClusters("none", truth)), "photos");
  EXPECT_EQ(OverWhat(ChooseClusters("CITY", truth)), "3 values of CITY");
  EXPECT_THAT(RefusalOf([&] { ChooseClusters("TOWN", truth); }), HasSubstr("no column TOWN"));
  // Some of the file's rows.
  truth.rows.erase(truth.rows.begin());
  EXPECT_THAT(ChooseClusters("CITY", truth)->of_photo, ElementsAre(0, 1, 2));
  // Each photo its own photographer's, or all of one: over photos.
  EXPECT_FALSE(ChooseClusters("auto", truth));
  for (auto& row : truth.rows) row.author = "ann";
  EXPECT_FALSE(ChooseClusters("auto", truth));
}

// Nine photographers differ, six for a and three for b: two-sided 2 * (1 + 9 + 36 + 84) / 512.
TEST(Clusters, SignsOfAClusterAreFlippedTogether) {
  std::vector<double> a(400, 0.0), b(400, 0.0);
  PhotoClusters clusters{"AUTHOR", {}, 20};
  for (std::size_t i = 0; i < 400; ++i) {
    const auto cluster = static_cast<std::uint32_t>(i / 20);
    clusters.of_photo.push_back(cluster);
    if (cluster < 6) b[i] = 9;
    if (cluster >= 6 && cluster < 9) a[i] = 9;
  }
  const auto sums = ClusterSums(HitDifferences(a, b, 1), clusters);
  EXPECT_EQ(sums[0], 20);
  EXPECT_EQ(sums[6], -20);
  EXPECT_EQ(sums[9], 0);
  const Permutation test = PermutationTest(sums, 10000, 0);
  EXPECT_TRUE(test.exact);
  EXPECT_NEAR(test.p_value, 260.0 / 512, 1e-12);
  const auto differences = PairedBootstrap({a}, {b}, std::vector<double>{1}, 2000, 0, &clusters);
  EXPECT_NEAR(differences.accuracy[0].value, 15, 1e-9);
  EXPECT_LT(differences.accuracy[0].ci95.low, 0);
  EXPECT_GT(differences.accuracy[0].ci95.high, 15);
}

}  // namespace
}  // namespace dualgeo
