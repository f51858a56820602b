#include "io/other_names.h"

#include <gtest/gtest.h>

namespace dualgeo {
namespace {

// é as one character, and as e with an accent behind it.
const std::string kComposed = "Caf\xC3\xA9.jpg", kDecomposed = "Cafe\xCC\x81.jpg";

struct OtherNameCase {
  std::string wanted, there;
  NameDifferences differences;
  std::string words;
};

NameDifferences Only(bool NameDifferences::*one, bool NameDifferences::*another = nullptr) {
  NameDifferences differences;
  differences.*one = true;
  if (another != nullptr) differences.*another = true;
  return differences;
}

const std::vector<OtherNameCase>& OtherNameCases() {
  using D = NameDifferences;
  static const std::vector<OtherNameCase> cases = {
      {"city\\a.jpg", "city/a.jpg", Only(&D::separators), "with / for \\"},
      {"./city/a.jpg", "city/a.jpg", Only(&D::separators), "./"},
      {"city/a.jpg", "./city/a.jpg", Only(&D::separators), "./"},
      {"C:\\photos\\city\\a.jpg", "city/a.jpg", Only(&D::separators, &D::folders), "folders"},
      {"/home/me/photos/city/a.jpg", "city/a.jpg", Only(&D::folders), "without their folders"},
      {"a.jpg", "city/a.jpg", Only(&D::folders), "without their folders"},
      {"city/a.jpg", "a.jpg", Only(&D::folders), "without their folders"},
      {"train/a.jpg", "photos/a.jpg", Only(&D::folders), "without their folders"},
      {"city/a.JPG", "city/a.jpg", Only(&D::letter_case), "in lower case"},
      {"City/A.jpg", "city/a.jpg", Only(&D::letter_case), "in lower case"},
      {"\xC3\x89t\xC3\xA9.jpg", "\xC3\xA9t\xC3\xA9.jpg", Only(&D::letter_case), "in lower case"},
      {"city/a", "city/a.jpg", Only(&D::extension), "without their extensions"},
      {"a.jpeg", "a.jpg", Only(&D::extension), "without their extensions"},
      {"a.jpg", "a.png", Only(&D::extension), "without their extensions"},
      {"a.JPEG", "a.jpg", Only(&D::extension), "without their extensions"},
      {kComposed, kDecomposed, Only(&D::unicode), "Unicode"},
      {kDecomposed, kComposed, Only(&D::unicode), "Unicode"},
      {"ff_ea_5966.jpg", "ff/ea/5966.jpg", Only(&D::underscores), "/ for _"},
      {"ff/ea/5966.jpg", "ff_ea_5966.jpg", Only(&D::underscores), "/ for _"},
      {"ff_ea_5966.jpg", "mp16/ff/ea/5966.jpg", Only(&D::underscores, &D::folders), "/ for _"},
      {"mp16/ff/ea/5966.jpg", "ff_ea_5966.jpg", Only(&D::underscores, &D::folders), "/ for _"},
      {"123.0", "123", Only(&D::number), ".0"},
      {"123", "123.0", Only(&D::number), ".0"},
      {"123.0", "123.jpg", Only(&D::number, &D::extension), "extensions"},
      {"C:\\x\\a.JPEG", "city/a.jpg", Only(&D::separators, &D::folders), "extensions"},
  };
  return cases;
}

TEST(OtherNames, FindsWhatIsThereAndSaysHowItDiffers) {
  for (const auto& c : OtherNameCases()) {
    const OtherNames names({"other.jpg", c.there, "city/zz.jpg"});
    const auto match = names.Find(c.wanted);
    ASSERT_TRUE(match) << c.wanted << " and " << c.there;
    EXPECT_EQ(match->name, c.there);
    EXPECT_TRUE(match->unique) << c.wanted;
    if (c.words != "extensions") {
      EXPECT_EQ(match->differences, c.differences) << c.wanted << " and " << c.there;
    }
    const std::string words = WhatMakesThemMatch({c.wanted}, {"other.jpg", c.there});
    EXPECT_NE(words.find("1 of 1 match"), std::string::npos) << c.wanted << ": " << words;
    EXPECT_NE(words.find(c.words), std::string::npos) << c.wanted << ": " << words;
  }
}

TEST(OtherNames, AreNotSoughtTooFar) {
  const OtherNames names({"city/a.jpg", "IMG_1234.jpg", "a.b/c.jpg", "12.5.jpg"});
  for (const char* wanted : {"b.jpg", "1234.jpg", "city", "jpg", "", "/", "12.jpg", "x/y/"}) {
    EXPECT_FALSE(names.Find(wanted)) << wanted << " is " << names.Find(wanted)->name;
  }
  EXPECT_EQ(WhatMakesThemMatch({"b.jpg"}, {"c.jpg"}), "");
  EXPECT_EQ(WhatMakesThemMatch({}, {"c.jpg"}), "");
  EXPECT_EQ(WhatMakesThemMatch({"c.jpg"}, {}), "");
}

TEST(OtherNames, TheNearestOfSeveralIsNamed) {
  const OtherNames names({"a.png", "a.jpg", "x/a.jpg"});
  EXPECT_EQ(names.Find("a.JPG")->name, "a.jpg");
  EXPECT_EQ(NameThatIsThere(names, "a.JPG"), "; a.jpg is there");
  EXPECT_EQ(NameThatIsThere(names, "nothing"), "");
  const OtherNames folders({"x/a.jpg", "y/a.jpg"});
  EXPECT_FALSE(folders.Find("a.jpg")->unique);
  // Two ids for one photo cannot both be meant, and one id that two photos have is no join.
  EXPECT_EQ(WhatMakesThemMatch({"x/a.jpg", "y/a.jpg"}, {"a.jpg"}), "1 of 2 match without their folders");
  EXPECT_EQ(WhatMakesThemMatch({"a.jpg"}, {"x/a.jpg", "y/a.jpg"}), "");
}

TEST(OtherNames, SaysThatAnotherUnicodeFormIsThere) {
  const std::string text = NameThatIsThere(OtherNames({kDecomposed}), kComposed);
  EXPECT_NE(text.find("another Unicode form"), std::string::npos) << text;
}

TEST(OtherNames, TakesAnyBytes) {
  const OtherNames names({"\xFF\xFE.jpg", "a\xC3.jpg"});
  EXPECT_EQ(names.Find("x/\xFF\xFE.jpg")->name, "\xFF\xFE.jpg");
  EXPECT_EQ(names.Find("a\xC3.JPG")->name, "a\xC3.jpg");
}

}  // namespace
}  // namespace dualgeo
