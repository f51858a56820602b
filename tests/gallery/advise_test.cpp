#include "gallery/advise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dualgeo/gallery/index.h"
#include "dualgeo/util/error.h"
#include "tests/gallery/gallery_fixture.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr auto kPlain = InstructionSet::kPlain, kAvx2 = InstructionSet::kAvx2;

std::string Advised(std::int64_t count, double memory, InstructionSet faiss) {
  return AdviseIndex(count, 1536, memory, faiss).front().index;
}

TEST(Advise, NamesFlatWhereThatIsFastEnoughAndListsBeyond) {
  for (const auto faiss : {kPlain, kAvx2}) {
    EXPECT_EQ(Advised(10000, 1, faiss), "flat");
    EXPECT_EQ(Advised(1000000, 64, faiss), "grouped");
    EXPECT_EQ(Advised(4100000, 8, faiss), "grouped,SQ8,RFlat");  // vectors stay on the disk
  }
}

TEST(Advise, NeverNamesWhatIsSlowerThanFlatWhereFlatFits) {
  for (const auto faiss : {kPlain, kAvx2}) {
    for (const double count : {1e2, 1e4, 1e5, 1e6, 1e7}) {
      for (const double memory : {0.1, 1.0, 10.0, 100.0}) {
        try {
          const auto all = AdviseIndex(static_cast<std::int64_t>(count), 1536, memory, faiss);
          EXPECT_TRUE(all.front().fits);
          EXPECT_LE(all.front().memory_gb, memory);
          EXPECT_NE(all.front().index, "SQ8");
          const auto sq8 = std::ranges::find(all, "SQ8", &IndexAdvice::index);
          ASSERT_NE(sq8, all.end());
          if (sq8->fits && faiss == kPlain) {
            EXPECT_THAT(sq8->remark, HasSubstr("built for any processor"));
          }
        } catch (const InputError& error) {
          EXPECT_THAT(error.what(), HasSubstr("hold no index"));
        }
      }
    }
  }
}

TEST(Advise, CountsBytesAsTheyAre) {
  const auto all = AdviseIndex(1000000, 1536, 100, kPlain);
  const auto bytes = [&](const std::string& index) {
    return std::ranges::find(all, index, &IndexAdvice::index)->bytes_a_vector;
  };
  EXPECT_EQ(bytes("flat"), 6144);
  EXPECT_LT(bytes("grouped,SQ8"), 0.26 * 6144);
  EXPECT_EQ(all.back().fits, true);
}

TEST(Advise, NamesIndexesThatCanBeBuilt) {
  const Matrix vectors = RandomMatrix(300, 16, 1);
  for (const auto faiss : {kPlain, kAvx2}) {
    for (const auto& one : AdviseIndex(300, 16, 1, faiss)) {
      EXPECT_EQ(VectorIndex::Build(vectors, one.index, "inner_product").size(), 300) << one.index;
    }
  }
}

TEST(Advise, SaysWhatIsWrongInOneLine) {
  EXPECT_THAT([] { AdviseIndex(0, 8, 1, kPlain); }, ThrowsMessage<InputError>(HasSubstr("--count: 0")));
  EXPECT_THAT([] { AdviseIndex(5, 0, 1, kPlain); }, ThrowsMessage<InputError>(HasSubstr("--dimension: 0")));
  EXPECT_THAT([] { AdviseIndex(4000000, 1536, 2, kPlain); },
              ThrowsMessage<InputError>(HasSubstr("--memory: 2 GB hold no index of 4000000 vectors of 1536 dimensions; "
                                                  "the least is 6.63 GB, with SQ8")));
}

}  // namespace
}  // namespace dualgeo
