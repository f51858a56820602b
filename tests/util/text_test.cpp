#include "dualgeo/util/text.h"

#include <gtest/gtest.h>

namespace dualgeo {
namespace {

TEST(Text, NearestFindsATypo) {
  EXPECT_EQ(Nearest("bach_size", {"epochs", "batch_size", "lr"}), "batch_size");
  EXPECT_EQ(Nearest("zzz", {"epochs", "batch_size"}), std::nullopt);
}

TEST(Text, ParseDoubleTakesTheWholeText) {
  EXPECT_EQ(ParseDouble(" 1.5 "), 1.5);
  EXPECT_EQ(ParseDouble("+4e-5"), 4e-5);
  EXPECT_EQ(ParseDouble("1.5x"), std::nullopt);
  EXPECT_EQ(ParseDouble(""), std::nullopt);
  EXPECT_EQ(ParseDouble("1,5"), std::nullopt);
}

TEST(Text, FormatDoubleReadsBack) {
  for (const double value : {0.1, 1.0 / 3, 1e-300, -122.419416, 4e-5})
    EXPECT_EQ(ParseDouble(FormatDouble(value)), value);
}

TEST(Text, PrintableEscapesControlAndBrokenUtf8) {
  EXPECT_EQ(Printable("a\nb\x1b[31m"), "a\\x0ab\\x1b[31m");
  EXPECT_EQ(Printable("Zürich"), "Zürich");
  EXPECT_EQ(Printable("\xff"), "\\xff");
  EXPECT_EQ(Printable("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace dualgeo
