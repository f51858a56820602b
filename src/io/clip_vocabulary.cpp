#include "clip_vocabulary.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/input_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// CLIP's own has 49,408 tokens and 2.2 MB; these leave room for any other's, and refuse what is none.
constexpr std::uint64_t kMaxVocabularyBytes = std::uint64_t{32} << 20;
constexpr std::size_t kMaxVocabularyTokens = std::size_t{1} << 20;
constexpr std::size_t kMaxTokenBytes = 4096;
// Of OpenAI's file, which lists more, CLIP takes so many.
constexpr std::size_t kOpenAiMerges = 49152 - 256 - 2;

bool PrintableByte(unsigned char byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

std::string ReadVocabularyFile(const fs::path& path) {
  std::error_code ignored;
  const auto bytes = fs::file_size(path, ignored);
  if (!ignored && bytes > kMaxVocabularyBytes) {
    throw InputError(path.string() + ": " + std::to_string(bytes) + " bytes; a vocabulary of CLIP has a few million");
  }
  std::string text = ReadInput(path);
  if (text.size() > kMaxVocabularyBytes) {
    throw InputError(path.string() + ": unpacks to " + std::to_string(text.size()) +
                     " bytes; a vocabulary of CLIP has a few million");
  }
  return text;
}

void AddToken(ClipVocabulary& vocabulary, const std::string& token, std::int64_t id) {
  if (token.size() > kMaxTokenBytes) {
    throw InputError(vocabulary.name + ": a token of " + std::to_string(token.size()) +
                     " bytes: no vocabulary of CLIP");
  }
  if (vocabulary.ids.size() >= kMaxVocabularyTokens) {
    throw InputError(vocabulary.name + ": more than " + std::to_string(kMaxVocabularyTokens) +
                     " tokens; CLIP's vocabulary has 49,408");
  }
  vocabulary.ids[token] = id;
}

void TakeTokens(ClipVocabulary& vocabulary, const nlohmann::json& tokens) {
  for (const auto& [token, id] : tokens.items()) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0) {
      throw InputError(vocabulary.name + ": the id of token \"" + Printable(token) + "\" is " + Printable(id.dump()) +
                       ", not a whole number from 0 on");
    }
    AddToken(vocabulary, token, id.get<std::int64_t>());
  }
}

void AddMerge(ClipVocabulary& vocabulary, const std::string& text, const std::string& where) {
  const auto blank = text.find(' ');
  if (blank == std::string::npos || blank == 0 || blank + 1 == text.size() ||
      text.find(' ', blank + 1) != std::string::npos) {
    throw InputError(where + ": \"" + Printable(text) + "\" is no merge, which is two tokens and a blank between them");
  }
  vocabulary.merges.emplace_back(text.substr(0, blank), text.substr(blank + 1));
}

// The first `most` lines behind the one with the version.
void TakeMergeLines(ClipVocabulary& vocabulary, std::string_view text, const std::string& name, std::size_t most) {
  for (int line = 1; !text.empty() && vocabulary.merges.size() < most; ++line) {
    const auto end = text.find('\n');
    std::string merge(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (merge.ends_with('\r')) merge.pop_back();
    if (merge.empty() || (line == 1 && merge.find("#version") != std::string::npos)) continue;
    if (vocabulary.merges.size() >= kMaxVocabularyTokens) {
      throw InputError(name + ": more than " + std::to_string(kMaxVocabularyTokens) + " merges; CLIP has 48,894");
    }
    AddMerge(vocabulary, merge, name + ":" + std::to_string(line));
  }
}

// tokenizer.json: {"model": {"vocab": {token: id}, "merges": ["a b"] or [["a", "b"]]}, "added_tokens": [...]}.
void TakeTokenizerJson(ClipVocabulary& vocabulary, const nlohmann::json& json) {
  const auto& model = json["model"];
  const auto vocab = model.find("vocab");
  const auto merges = model.find("merges");
  if (vocab == model.end() || !vocab->is_object() || merges == model.end() || !merges->is_array()) {
    throw InputError(vocabulary.name +
                     ": model.vocab and model.merges are not a table of tokens and a list of merges, as those of a "
                     "byte-pair encoding are: another model's tokenizer");
  }
  TakeTokens(vocabulary, *vocab);
  if (const auto added = json.find("added_tokens"); added != json.end() && added->is_array()) {
    for (const auto& token : *added) {
      if (!token.is_object() || !token.contains("content") || !token["content"].is_string() || !token.contains("id")) {
        throw InputError(vocabulary.name + ": one of added_tokens has no content or no id");
      }
      nlohmann::json one = nlohmann::json::object();
      one[token["content"].get<std::string>()] = token["id"];
      TakeTokens(vocabulary, one);
    }
  }
  if (merges->size() > kMaxVocabularyTokens) throw InputError(vocabulary.name + ": too many merges; CLIP has 48,894");
  for (std::size_t i = 0; i < merges->size(); ++i) {
    const auto& merge = (*merges)[i];
    const std::string where = vocabulary.name + ": merge " + std::to_string(i + 1);
    if (merge.is_string()) {
      AddMerge(vocabulary, merge.get<std::string>(), where);
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      AddMerge(vocabulary, merge[0].get<std::string>() + " " + merge[1].get<std::string>(), where);
    } else {
      throw InputError(where + " is neither a text nor two texts");
    }
  }
}

// OpenAI's file has merges alone; ids follow from their order: bytes, bytes at a word's end, merges, start, end.
void CountTokens(ClipVocabulary& vocabulary) {
  if (vocabulary.merges.size() < kOpenAiMerges) {
    throw InputError(vocabulary.name + ": " + std::to_string(vocabulary.merges.size()) +
                     " merges, and no vocab.json beside it; CLIP has 48,894: another model's vocabulary, or cut off");
  }
  std::int64_t id = 0;
  for (const std::string end : {"", kClipWordEnd}) {
    for (const bool printable : {true, false}) {
      for (int byte = 0; byte < 256; ++byte) {
        const auto value = static_cast<unsigned char>(byte);
        if (PrintableByte(value) == printable) AddToken(vocabulary, ClipByteText(value) + end, id++);
      }
    }
  }
  for (const auto& [left, right] : vocabulary.merges) AddToken(vocabulary, left + right, id++);
  AddToken(vocabulary, kClipStart, id++);
  AddToken(vocabulary, kClipEnd, id++);
}

fs::path FileOfFolder(const fs::path& folder) {
  for (const char* name :
       {"tokenizer.json", "vocab.json", "bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt", "merges.txt"}) {
    if (fs::exists(folder / name)) return folder / name;
  }
  throw InputError(folder.string() +
                   ": a folder without CLIP's vocabulary: tokenizer.json, vocab.json and merges.txt, or "
                   "bpe_simple_vocab_16e6.txt.gz");
}

nlohmann::json ParseVocabularyJson(const std::string& text, const std::string& name) {
  // Brackets by the million would take a hundred bytes each; what is read lies no deeper.
  const auto keep = [](int depth, nlohmann::json::parse_event_t, const nlohmann::json&) { return depth <= 8; };
  auto json = nlohmann::json::parse(text, keep, /*allow_exceptions=*/false);
  if (!json.is_object()) throw InputError(name + ": no JSON object, so no vocabulary");
  return json;
}

}  // namespace

std::string ClipByteText(unsigned char byte) {
  int code = byte;
  if (!PrintableByte(byte)) {
    code = 256;
    for (int before = 0; before < byte; ++before) code += PrintableByte(static_cast<unsigned char>(before)) ? 0 : 1;
  }
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

ClipVocabulary ReadClipVocabulary(const fs::path& given) {
  const fs::path path = fs::is_directory(given) ? FileOfFolder(given) : given;
  std::string text = ReadVocabularyFile(path);
  ClipVocabulary vocabulary;
  vocabulary.name = InputName(path);
  fs::path merges;
  if (const auto first = text.find_first_not_of(" \t\r\n"); first != std::string::npos && text[first] == '{') {
    const auto json = ParseVocabularyJson(text, vocabulary.name);
    if (const auto model = json.find("model"); model != json.end() && model->is_object()) {
      TakeTokenizerJson(vocabulary, json);
      return vocabulary;
    }
    TakeTokens(vocabulary, json);
    merges = path.parent_path() / "merges.txt";
    if (!fs::exists(merges)) throw InputError(vocabulary.name + ": no merges.txt beside it, which belongs to it");
    text = ReadVocabularyFile(merges);
  } else if (const auto tokens = path.parent_path() / "vocab.json";
             path.filename() == "merges.txt" && fs::exists(tokens)) {
    vocabulary.name = tokens.string();
    TakeTokens(vocabulary, ParseVocabularyJson(ReadVocabularyFile(tokens), vocabulary.name));
    merges = path;
  }
  if (merges.empty()) {
    TakeMergeLines(vocabulary, text, vocabulary.name, kOpenAiMerges);
    CountTokens(vocabulary);
  } else {
    TakeMergeLines(vocabulary, text, merges.string(), SIZE_MAX);
  }
  return vocabulary;
}

}  // namespace dualgeo
