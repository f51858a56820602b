#include "dualgeo/io/clip_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "io/input_file.h"
#include "src/io/clip_vocabulary.h"
#include "tests/support/refusal.h"
#include "tests/support/shared_data.h"
#include "tests/support/small_clip_vocabulary.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Ids = std::vector<std::int64_t>;

nlohmann::json GoldenCases(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return nlohmann::json::parse(stream)["cases"];
}

void ExpectGoldenIds(const ClipTokenizer& tokenizer, const nlohmann::json& cases) {
  EXPECT_EQ(tokenizer.size(), 49408);
  EXPECT_EQ(tokenizer.start(), 49406);
  EXPECT_EQ(tokenizer.end(), 49407);
  EXPECT_EQ(cases.size(), 200U);
  for (const auto& one : cases) {
    EXPECT_EQ(tokenizer.Encode(one["text"].get<std::string>()), one["ids"].get<Ids>()) << one["text"];
  }
}

TEST(ClipTokenizer, GivesTheOriginalsIds) {
  SHARED_PATH_OR_SKIP(cases, "fixtures/clip_bpe.json");
  SHARED_PATH_OR_SKIP(vocabulary, "data/clip_bpe/bpe_simple_vocab_16e6.txt.gz");
  ExpectGoldenIds(ClipTokenizer::Read(vocabulary), GoldenCases(cases));
  ExpectGoldenIds(ClipTokenizer::Read(vocabulary.parent_path()), GoldenCases(cases));
}

// The same vocabulary as Hugging Face's files have it.
TEST(ClipTokenizer, GivesTheSameFromHuggingFacesFiles) {
  SHARED_PATH_OR_SKIP(cases_path, "fixtures/clip_bpe.json");
  SHARED_PATH_OR_SKIP(path, "data/clip_bpe/bpe_simple_vocab_16e6.txt.gz");
  const auto cases = GoldenCases(cases_path);
  const ClipVocabulary vocabulary = ReadClipVocabulary(path);
  std::string lines = "#version: 0.2\n";
  auto texts = nlohmann::json::array();
  auto pairs = nlohmann::json::array();
  for (const auto& [left, right] : vocabulary.merges) {
    const std::string line = left + " " + right;
    lines += line + "\n";
    texts.push_back(line);
    pairs.push_back({left, right});
  }
  const TemporaryFolder folder;
  const auto tokens = folder.Write("two/vocab.json", nlohmann::json(vocabulary.ids).dump());
  const auto merges = folder.Write("two/merges.txt", lines);
  const auto alone = folder.Write("alone/merges.txt", lines);
  for (const auto& given : {tokens, merges, tokens.parent_path(), alone}) {
    ExpectGoldenIds(ClipTokenizer::Read(given), cases);
  }
  auto without = vocabulary.ids;  // start and end among the added tokens alone
  without.erase(kClipStart);
  without.erase(kClipEnd);
  const nlohmann::json added = {{{"id", 49406}, {"content", kClipStart}}, {{"id", 49407}, {"content", kClipEnd}}};
  for (const auto& list : {texts, pairs}) {
    const nlohmann::json json = {{"added_tokens", added}, {"model", {{"vocab", without}, {"merges", list}}}};
    ExpectGoldenIds(ClipTokenizer::Read(folder.Write("one/tokenizer.json", json.dump())), cases);
  }
}

class SmallClipTokenizer : public ::testing::Test {
 protected:
  std::string Refusal(const nlohmann::json& tokens, const std::string& merges = MergesText()) {
    const auto path = folder.Write("v/vocab.json", tokens.is_string() ? tokens.get<std::string>() : tokens.dump());
    folder.Write("v/merges.txt", merges);
    return RefusalOf([&] { ClipTokenizer::Read(path); });
  }

  TemporaryFolder folder;
};

TEST_F(SmallClipTokenizer, MergesByRank) {
  const auto tokenizer = ClipTokenizer::Read(WriteSmallClipVocabulary(folder));
  const auto tokens = SmallClipTokens();
  const auto id = [&](const char* token) { return tokens.at(token).get<std::int64_t>(); };
  EXPECT_EQ(tokenizer.size(), 512 + static_cast<int>(kSmallClipMerges.size()) + 2);
  EXPECT_THAT(tokenizer.Encode("The PHOTO"), ElementsAre(id("the</w>"), id("photo</w>")));
  EXPECT_THAT(tokenizer.Encode("inin"), ElementsAre(id("in"), id("i"), id("n</w>")));
  EXPECT_THAT(tokenizer.Encode(" \n\t"), ElementsAre());
  EXPECT_THAT(tokenizer.Encode("a12"), ElementsAre(id("a</w>"), id("1</w>"), id("2</w>")));
  EXPECT_THAT(tokenizer.Encode("d'D!'s"),
              ElementsAre(id("d</w>"), id("'"), id("d</w>"), id("!"), id("'</w>"), id("s</w>")));
  EXPECT_THAT(tokenizer.Encode("<|startoftext|>a<|endoftext|>"),
              ElementsAre(tokenizer.start(), id("a</w>"), tokenizer.end()));
  // Capital sigmas, inside and at the end of a word: σ is cf 83, ς cf 82.
  EXPECT_EQ(tokenizer.Encode("ΣΑΣ."), tokenizer.Encode("σας."));
  EXPECT_EQ(tokenizer.Encode("ΑΣ’Α Σ"), tokenizer.Encode("ασ’α σ"));
  EXPECT_EQ(tokenizer.Encode("ΑΣⅣ ⅣΣ ΑΣª"), tokenizer.Encode("ασⅳ ⅳς ασª")) << "signs and numbers have case, too";
  // The iota below stands in no word, and a sigma before it is not the last.
  EXPECT_EQ(tokenizer.Encode("a\u0345b \u0345!"), tokenizer.Encode("a b !"));
  EXPECT_EQ(tokenizer.Encode("ΑΣ\u0345"), tokenizer.Encode("ας"));
}

TEST_F(SmallClipTokenizer, AWordOfAMillionLettersTakesNoTime) {
  const auto tokenizer = ClipTokenizer::Read(WriteSmallClipVocabulary(folder));
  std::string word;
  for (int i = 0; i < 500'000; ++i) word += "in";
  EXPECT_EQ(tokenizer.Encode(word).size(), 500'001U);  // the last one is i and n</w>
}

TEST_F(SmallClipTokenizer, RefusesTextThatIsNotUtf8) {
  const auto tokenizer = ClipTokenizer::Read(WriteSmallClipVocabulary(folder));
  EXPECT_THAT(RefusalOf([&] { tokenizer.Encode("Z\xfcrich"); }), HasSubstr("not UTF-8: \"Z\\xfcrich\""));
}

TEST_F(SmallClipTokenizer, RefusesAnotherModelsVocabulary) {
  auto tokens = SmallClipTokens();
  tokens.erase(kClipStart);
  tokens[kClipEnd] = tokens.size() - 1;
  EXPECT_THAT(Refusal(tokens), AllOf(HasSubstr("vocab.json"), HasSubstr("\"<|startoftext|>\" is not among")));
  tokens = SmallClipTokens();
  tokens["a</w>"] = 70'000;
  EXPECT_THAT(Refusal(tokens), HasSubstr("token \"a</w>\" has the id 70000"));
  tokens["a</w>"] = 3;
  EXPECT_THAT(Refusal(tokens), HasSubstr("as another token has"));
  tokens["a</w>"] = "x";
  EXPECT_THAT(Refusal(tokens), HasSubstr("\"x\", not a whole number"));
  EXPECT_THAT(Refusal({{"a", 0}}), HasSubstr("not a vocabulary of CLIP"));
  EXPECT_THAT(Refusal("{\"a\": 0"), HasSubstr("no JSON object"));
  EXPECT_THAT(Refusal(SmallClipTokens(), "#version: 0.2\nx y\n"), HasSubstr("of merge 1, token \"xy\" is not among"));
  EXPECT_THAT(Refusal(SmallClipTokens(), "#version: 0.2\ni n\nth e</w> s\n"),
              HasSubstr("merges.txt:3: \"th e</w> s\""));
  EXPECT_THAT(Refusal(SmallClipTokens(), "i\n"), HasSubstr("merges.txt:1: \"i\" is no merge"));
}

TEST_F(SmallClipTokenizer, RefusesWhatIsNoVocabulary) {
  const auto refusal = [&](const std::filesystem::path& path) { return RefusalOf([&] { ClipTokenizer::Read(path); }); };
  EXPECT_THAT(refusal(folder / "none"), HasSubstr("none"));
  EXPECT_THAT(refusal(folder.path()), HasSubstr("a folder without CLIP's vocabulary"));
  EXPECT_THAT(refusal(folder.Write("a/vocab.json", SmallClipTokens().dump())), HasSubstr("no merges.txt beside it"));
  EXPECT_THAT(refusal(folder.Write("b/merges.txt", MergesText())), HasSubstr("14 merges, and no vocab.json beside it"));
  EXPECT_THAT(refusal(folder.Write("c/tokenizer.json", R"({"model": {"type": "Unigram", "vocab": [["a", 1]]}})")),
              HasSubstr("another model's tokenizer"));
  EXPECT_THAT(refusal(folder.Write("d/tokenizer.json", R"({"model": {"vocab": {"a": 0}, "merges": [1]}})")),
              HasSubstr("merge 1 is neither a text nor two texts"));
  EXPECT_THAT(refusal(folder.Write("e/tokenizer.json",
                                   R"({"added_tokens": [{"id": 1}], "model": {"vocab": {"a": 0}, "merges": []}})")),
              HasSubstr("added_tokens"));
  EXPECT_THAT(refusal(folder.Write("f.txt.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3cut", 13))),
              HasSubstr("f.txt.gz"));
  EXPECT_THAT(refusal(folder.Write("g/vocab.json", R"({"a": )" + std::string(1 << 20, '['))),
              HasSubstr("no JSON object"));
  const auto large = folder.Write("large", "");
  std::filesystem::resize_file(large, std::uintmax_t{1} << 30);
  EXPECT_THAT(refusal(large), HasSubstr("a vocabulary of CLIP has a few million"));
}

TEST(ClipTokenizerCut, KeepsWhatFitsBetweenStartAndEnd) {
  Ids ids(75, 1);
  EXPECT_FALSE(CutToClipContext(ids));
  ids.push_back(2);
  EXPECT_TRUE(CutToClipContext(ids));
  EXPECT_EQ(ids, Ids(75, 1));
}

}  // namespace
}  // namespace dualgeo
