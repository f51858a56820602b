#include "dualgeo/gallery/faiss_version.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dualgeo {
namespace {

TEST(FaissVersion, ReadsWhatFaissSaysOfItself) {
  constexpr auto kPlain = InstructionSet::kPlain, kAvx2 = InstructionSet::kAvx2, kAvx512 = InstructionSet::kAvx512;
  EXPECT_EQ(FaissInstructions("OPTIMIZE GENERIC", kAvx512), kPlain);  // Debian's
  EXPECT_EQ(FaissInstructions("OPTIMIZE AVX2", kAvx512), kAvx2);      // libfaiss_avx2
  EXPECT_EQ(FaissInstructions("OPTIMIZE AVX512", kAvx512), kAvx512);  // libfaiss_avx512
  EXPECT_EQ(FaissInstructions("OPTIMIZE AVX512_SPR", kAvx512), kAvx512);
  EXPECT_EQ(FaissInstructions("OPTIMIZE DD AVX2 AVX512", kAvx512), kAvx512);  // 1.15, chosen as it starts
  EXPECT_EQ(FaissInstructions("OPTIMIZE DD AVX2 AVX512", kAvx2), kAvx2);
  EXPECT_EQ(FaissInstructions("", kAvx512), kPlain);
}

TEST(FaissVersion, DescribesTheOneThatIsLinked) {
  const FaissVersion faiss = DescribeFaiss();
  EXPECT_EQ(std::count(faiss.version.begin(), faiss.version.end(), '.'), 2) << faiss.version;
  EXPECT_NE(faiss.options, "");
  EXPECT_LE(faiss.uses, InstructionSetsHere().back());
}

}  // namespace
}  // namespace dualgeo
