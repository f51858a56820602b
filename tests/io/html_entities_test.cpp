#include "src/io/html_entities.h"

#include <gtest/gtest.h>

#include <utility>

namespace dualgeo {
namespace {

// What Python's html.unescape gives.
TEST(HtmlEntities, AreResolvedAsPythonDoes) {
  const std::pair<const char*, const char*> cases[] = {{"&eacute;&eacute", "éé"},
                                                       {"&notit;", "¬it;"},
                                                       {"&notin;", "∉"},
                                                       {"&#x80;&#150;", "€–"},
                                                       {"&#xD800;&#0;&#x110000;&#99999999999999;", "����"},
                                                       {"&#1;&#xfffe;x", "x"},
                                                       {"&unknown;&", "&unknown;&"},
                                                       {"&;", "&;"},
                                                       {"&#;&#x;&#xg", "&#;&#x;&#xg"},
                                                       {"&amp;lt;", "&lt;"},
                                                       {"&CounterClockwiseContourIntegral;", "∳"},
                                                       {"&NotEqualTilde;", "≂̸"},
                                                       {"&é;", "&é;"},
                                                       {"&ampé", "&é"},
                                                       {"&#233é", "éé"},
                                                       {"&#38lt;", "&lt;"},
                                                       {"&lt&gt;&Lt;", "<>≪"},
                                                       {"a & b &&amp;", "a & b &&"},
                                                       {"", ""}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(UnescapeHtml(text), expected) << text;
}

}  // namespace
}  // namespace dualgeo
