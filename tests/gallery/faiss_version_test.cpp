#include "gallery/faiss_version.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dualgeo {
namespace {

TEST(FaissVersion, ReadsWhatFaissSaysOfItself) {
  constexpr auto plain = InstructionSet::kPlain, avx2 = InstructionSet::kAvx2, avx512 = InstructionSet::kAvx512;
  EXPECT_EQ(FaissInstructions("OPTIMIZE GENERIC", avx512), plain);  // Debian's
  EXPECT_EQ(FaissInstructions("OPTIMIZE AVX2", avx512), avx2);      // libfaiss_avx2
  EXPECT_EQ(FaissInstructions("OPTIMIZE AVX512", avx512), avx512);  // libfaiss_avx512
  EXPECT_EQ(FaissInstructions("OPTIMIZE AVX512_SPR", avx512), avx512);
  EXPECT_EQ(FaissInstructions("OPTIMIZE DD AVX2 AVX512", avx512), avx512);  // 1.15, chosen as it starts
  EXPECT_EQ(FaissInstructions("OPTIMIZE DD AVX2 AVX512", avx2), avx2);
  EXPECT_EQ(FaissInstructions("", avx512), plain);
}

TEST(FaissVersion, DescribesTheOneThatIsLinked) {
  const FaissVersion faiss = DescribeFaiss();
  EXPECT_EQ(std::count(faiss.version.begin(), faiss.version.end(), '.'), 2) << faiss.version;
  EXPECT_NE(faiss.options, "");
  EXPECT_LE(faiss.uses, InstructionSetsHere().back());
}

}  // namespace
}  // namespace dualgeo
