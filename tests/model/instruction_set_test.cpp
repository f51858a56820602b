#include "model/instruction_set.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace dualgeo {
namespace {

TEST(InstructionSet, PlainIsEveryProcessors) {
  const auto here = InstructionSetsHere();
  ASSERT_FALSE(here.empty());
  EXPECT_EQ(here.front(), InstructionSet::kPlain);
  EXPECT_TRUE(std::is_sorted(here.begin(), here.end()));
}

TEST(InstructionSet, AScopeForcesOneAndEnds) {
  const auto before = UsedInstructionSet();
  {
    const InstructionSetScope outer(InstructionSetsHere().back());
    const InstructionSetScope inner(InstructionSet::kPlain);
    EXPECT_EQ(UsedInstructionSet(), InstructionSet::kPlain);
  }
  EXPECT_EQ(UsedInstructionSet(), before);
}

}  // namespace
}  // namespace dualgeo
