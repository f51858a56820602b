#include "model/caption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/refusal.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string CaptionOf(const std::string& sentence, const std::map<std::string, std::string>& row) {
  return CaptionSentence(sentence, "k").Of([&](const std::string& column) { return row.at(column); });
}

TEST(Caption, LeavesOutEmptyColumns) {
  const std::string sentence = "A photo taken in {city}, {region}, {country}.";
  EXPECT_THAT(CaptionSentence(sentence, "k").columns(), ElementsAre("city", "region", "country"));
  const auto of = [&](const char* city, const char* region, const char* country) {
    return CaptionOf(sentence, {{"city", city}, {"region", region}, {"country", country}});
  };
  EXPECT_EQ(of("Graz", "Styria", "Austria"), "A photo taken in Graz, Styria, Austria.");
  EXPECT_EQ(of("", "Styria", "Austria"), "A photo taken in Styria, Austria.");
  EXPECT_EQ(of("Graz", "", "Austria"), "A photo taken in Graz, Austria.");
  EXPECT_EQ(of("Graz", "Styria", ""), "A photo taken in Graz, Styria.");
  EXPECT_EQ(of("Graz", "", ""), "A photo taken in Graz.");
  EXPECT_EQ(of("", "", "Austria"), "A photo taken in Austria.");
  EXPECT_EQ(of("", "", ""), "");
}

TEST(Caption, AnyTextAndAnyColumns) {
  EXPECT_EQ(CaptionOf("{a}", {{"a", "x"}}), "x");
  EXPECT_EQ(
      CaptionOf("In {month} the climate of {a} is {climate}; {a}!", {{"month", "May"}, {"a", "x"}, {"climate", "wet"}}),
      "In May the climate of x is wet; x!");
}

TEST(Caption, RefusesWhatIsNoTemplate) {
  EXPECT_THAT(RefusalOf([] { CaptionSentence("a {city", "model.contrastive_text.captions"); }),
              HasSubstr("model.contrastive_text.captions: \"a {city\" has a brace without its other half"));
  for (const char* bad : {"a city}", "{{city}}", "}{", "{a{b}"}) {
    EXPECT_THAT(RefusalOf([&] { CaptionSentence(bad, "k"); }), HasSubstr("has a brace")) << bad;
  }
  EXPECT_THAT(RefusalOf([] { CaptionSentence("{}", "k"); }), HasSubstr("braces without a column's name"));
  EXPECT_THAT(RefusalOf([] { CaptionSentence("a photo", "k"); }), HasSubstr("names no column"));
}

}  // namespace
}  // namespace dualgeo
