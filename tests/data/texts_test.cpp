#include "dualgeo/data/texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/refusal.h"
#include "tests/support/small_clip_vocabulary.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

TEST(TextsTest, ReadsIdsAndTexts) {
  const TemporaryFolder folder;
  const std::string nul("a\0b", 3);
  const auto table =
      ReadTexts(folder.Write("t.csv", "note,text,id\nx,\"in, Paris\",1\n,,2\n,None,3\n," + nul + ",4\n"));
  ASSERT_EQ(table.rows.size(), 4U);
  EXPECT_EQ(table.rows[0].id, "1");
  EXPECT_EQ(table.rows[0].text, "in, Paris");
  EXPECT_EQ(table.rows[1].text, "");
  EXPECT_EQ(table.rows[2].text, "None");
  EXPECT_EQ(table.rows[3].text, nul);
  EXPECT_EQ(table.rows[3].line, 5);
}

TEST(TextsTest, RefusesBadTablesInOneLine) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) {
    return RefusalOf([&] { ReadTexts(folder.Write("t.csv", text)); });
  };
  EXPECT_THAT(refusal("id,txt\n1,a\n"), HasSubstr("t.csv:1: no column text, did you mean txt?"));
  EXPECT_THAT(refusal("name,text\n1,a\n"), HasSubstr("t.csv:1: no column id"));
  EXPECT_THAT(refusal("id,text\n"), HasSubstr("t.csv: has a header but no rows"));
  EXPECT_THAT(refusal("id,text\n1,a\n,b\n"), HasSubstr("t.csv:3: id is empty"));
  EXPECT_THAT(refusal("id,text\n1,a\n2,b\n1,c\n"), HasSubstr("t.csv:4: id '1' stands in line 2, too"));
  EXPECT_THAT(refusal(""), HasSubstr("t.csv"));
}

TEST(TextsTest, TokensAreCutAndWritten) {
  const TemporaryFolder folder;
  const auto tokenizer = ClipTokenizer::Read(WriteSmallClipVocabulary(folder));
  std::string longer;
  for (int i = 0; i < 100; ++i) longer += "x ";
  const auto table = ReadTexts(folder.Write("t.csv", "id,text\n\"a,b\",the photo\n2," + longer + "\n3,\n"));
  const auto tokens = TokenizeTexts(tokenizer, table);
  EXPECT_EQ(tokens[0].size(), 2U);
  EXPECT_EQ(tokens[1].size(), 75U);
  EXPECT_TRUE(tokens[2].empty());
  WriteTokens(folder / "ids.csv", table, tokens);
  const auto text = ReadFile(folder / "ids.csv");
  EXPECT_THAT(text,
              HasSubstr("id,ids\n\"a,b\"," + std::to_string(tokens[0][0]) + " " + std::to_string(tokens[0][1]) + "\n"));
  EXPECT_TRUE(text.ends_with("\n3,\n"));
  const auto bad = ReadTexts(folder.Write("bad.csv", "id,text\n1,a\n2,Z\xfcrich\n"));
  EXPECT_THAT(RefusalOf([&] { TokenizeTexts(tokenizer, bad); }),
              HasSubstr("bad.csv:3: the text is not UTF-8: \"Z\\xfcrich\""));
}

}  // namespace
}  // namespace dualgeo
