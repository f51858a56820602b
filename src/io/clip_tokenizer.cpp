#include "dualgeo/io/clip_tokenizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <tuple>
#include <utility>

#include "clip_vocabulary.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "html_entities.h"

namespace dualgeo {
namespace {

using Code = utf8proc_int32_t;

std::vector<Code> CodesOf(std::string_view text) {
  std::vector<Code> codes;
  codes.reserve(text.size());
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    Code code = 0;
    const auto bytes = utf8proc_iterate(at, left, &code);
    if (bytes <= 0) throw InputError("the text is not UTF-8: \"" + Printable(text) + "\"");
    codes.push_back(code);
    at += bytes;
    left -= bytes;
  }
  return codes;
}

// Unicode's White_Space.
bool IsSpace(Code code) {
  return (code >= 9 && code <= 13) || code == 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
         code == 0x3000;
}

// What Python's strip() takes off: the separators of ASCII, too.
bool IsStripped(Code code) { return IsSpace(code) || (code >= 0x1c && code <= 0x1f); }

bool IsLetter(Code code) {
  const auto category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsNumber(Code code) {
  const auto category = utf8proc_category(code);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

// Unicode's Cased: cased letters, and Other_Lowercase and Other_Uppercase.
bool HasCase(Code code) {
  static constexpr std::pair<Code, Code> kOthers[] = {
      {0xaa, 0xaa},       {0xba, 0xba},       {0x2b0, 0x2b8},     {0x2c0, 0x2c1},     {0x2e0, 0x2e4},
      {0x345, 0x345},     {0x37a, 0x37a},     {0x10fc, 0x10fc},   {0x1d2c, 0x1d6a},   {0x1d78, 0x1d78},
      {0x1d9b, 0x1dbf},   {0x2071, 0x2071},   {0x207f, 0x207f},   {0x2090, 0x209c},   {0x2160, 0x217f},
      {0x24b6, 0x24e9},   {0x2c7c, 0x2c7d},   {0xa69c, 0xa69d},   {0xa770, 0xa770},   {0xa7f2, 0xa7f4},
      {0xa7f8, 0xa7f9},   {0xab5c, 0xab5f},   {0xab69, 0xab69},   {0x10780, 0x10780}, {0x10783, 0x10785},
      {0x10787, 0x107b0}, {0x107b2, 0x107ba}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}};
  const auto category = utf8proc_category(code);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LT) ||
         std::ranges::any_of(kOthers, [&](const auto& range) { return code >= range.first && code <= range.second; });
}

// What may stand between a sigma and the letters of its word.
bool IsCaseIgnorable(Code code) {
  static constexpr Code kInWords[] = {'\'',   '.',    ':',    0xb7,   0x387,  0x55f,  0x5f4,  0x2018, 0x2019,
                                      0x2024, 0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
  const auto category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF ||
         category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_SK ||
         std::ranges::find(kInWords, code) != std::end(kInWords);
}

// Python's lower(): Unicode's simple mapping, but for the dotted capital I, which becomes two characters, and the
// capital sigma, which at the end of a word becomes the final one.
std::vector<Code> LowerCodes(const std::vector<Code>& codes) {
  constexpr Code kCapitalSigma = 0x3a3, kSigma = 0x3c3, kFinalSigma = 0x3c2, kDottedI = 0x130, kDotAbove = 0x307;
  std::vector<Code> lower;
  lower.reserve(codes.size());
  bool cased_before = false;  // the last character that is not ignorable
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const Code code = codes[i];
    if (code == kCapitalSigma) {
      auto next = i + 1;
      while (next < codes.size() && IsCaseIgnorable(codes[next])) ++next;
      const bool cased_behind = next < codes.size() && HasCase(codes[next]);
      lower.push_back(cased_before && !cased_behind ? kFinalSigma : kSigma);
    } else if (code == kDottedI) {
      lower.insert(lower.end(), {'i', kDotAbove});
    } else {
      lower.push_back(utf8proc_tolower(code));
    }
    if (!IsCaseIgnorable(code)) cased_before = HasCase(code);
  }
  return lower;
}

std::vector<Code> Clean(std::string_view text) {
  CodesOf(text);  // is it UTF-8?
  auto codes = CodesOf(UnescapeHtml(UnescapeHtml(text)));
  const auto first = std::ranges::find_if_not(codes, IsStripped);
  codes.erase(codes.begin(), first);
  while (!codes.empty() && IsStripped(codes.back())) codes.pop_back();
  std::vector<Code> clean;
  clean.reserve(codes.size());
  for (const Code code : codes) {
    if (!IsSpace(code)) {
      clean.push_back(code);
    } else if (clean.empty() || clean.back() != ' ') {
      clean.push_back(' ');
    }
  }
  return LowerCodes(clean);
}

// Whether `word` (ASCII) stands at codes[at]; without regard to case, of which the long s alone is left.
bool StandsAt(const std::vector<Code>& codes, std::size_t at, std::string_view word) {
  if (codes.size() - at < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const Code code = codes[at + i] == 0x17f ? 's' : codes[at + i];
    if (code != static_cast<unsigned char>(word[i])) return false;
  }
  return true;
}

// What the original's regular expression finds no word in: blanks, and the Greek iota below, which is no letter, but
// which without regard to case is an iota, so that "neither letter nor number" is not true of it either.
bool IsBetweenWords(Code code) { return IsSpace(code) || code == 0x345; }

// Where the word that begins at codes[at], not between words, ends: the original's regular expression.
std::size_t WordEnd(const std::vector<Code>& codes, std::size_t at) {
  for (const char* const word : {kClipStart, kClipEnd, "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (StandsAt(codes, at, word)) return at + std::string_view(word).size();
  }
  if (IsNumber(codes[at])) return at + 1;
  const bool letters = IsLetter(codes[at]);
  do {
    ++at;
  } while (at < codes.size() && !IsBetweenWords(codes[at]) && !IsNumber(codes[at]) && IsLetter(codes[at]) == letters);
  return at;
}

constexpr std::uint64_t PairOf(std::uint32_t left, std::uint32_t right) { return std::uint64_t{left} << 32 | right; }

}  // namespace

ClipTokenizer ClipTokenizer::Read(const std::filesystem::path& path) { return ClipTokenizer(ReadClipVocabulary(path)); }

ClipTokenizer::ClipTokenizer(const ClipVocabulary& vocabulary) {
  const auto& ids = vocabulary.ids;
  const auto need = [&](const std::string& token, const std::string& what) {
    const auto found = ids.find(token);
    if (found == ids.end()) {
      throw InputError(vocabulary.name + ": " + what + " \"" + Printable(token) + "\" is not among the " +
                       std::to_string(ids.size()) + " tokens: not a vocabulary of CLIP");
    }
    return static_cast<std::uint32_t>(found->second);
  };
  size_ = static_cast<std::int64_t>(ids.size());
  std::vector<bool> taken(ids.size());
  for (const auto& [token, id] : ids) {
    // (OpenAI's own list has no token twice.)
    if (id >= size_ || taken[static_cast<std::size_t>(id)]) {
      throw InputError(vocabulary.name + ": token \"" + Printable(token) + "\" has the id " + std::to_string(id) +
                       (id >= size_ ? ", of " + std::to_string(size_) + " tokens" : ", as another token has") +
                       "; ids must be 0 to " + std::to_string(size_ - 1) + ", each once");
    }
    taken[static_cast<std::size_t>(id)] = true;
  }
  start_ = need(kClipStart, "the start of a text");
  end_ = need(kClipEnd, "the end of a text");
  for (int byte = 0; byte < 256; ++byte) {
    const auto index = static_cast<std::size_t>(byte);
    const std::string text = ClipByteText(static_cast<unsigned char>(byte));
    inner_[index] = need(text, "a byte");
    last_[index] = need(text + kClipWordEnd, "a byte at a word's end");
  }
  merges_.reserve(vocabulary.merges.size());
  std::uint32_t rank = 0;
  for (const auto& [left, right] : vocabulary.merges) {
    const std::string what = "of merge " + std::to_string(rank + 1) + ", token";
    const auto pair = PairOf(need(left, what), need(right, what));
    merges_[pair] = {rank++, need(left + right, what)};
  }
}

std::vector<std::int64_t> ClipTokenizer::Encode(std::string_view text) const {
  const auto codes = Clean(text);
  std::vector<std::int64_t> ids;
  std::string bytes;
  for (std::size_t at = 0; at < codes.size();) {
    if (IsBetweenWords(codes[at])) {
      ++at;
      continue;
    }
    const auto end = WordEnd(codes, at);
    bytes.clear();
    for (; at < end; ++at) {
      utf8proc_uint8_t one[4];
      const auto size = utf8proc_encode_char(codes[at], one);
      bytes.append(reinterpret_cast<const char*>(one), static_cast<std::size_t>(size));
    }
    if (bytes == kClipStart) {
      ids.push_back(start_);
    } else if (bytes == kClipEnd) {
      ids.push_back(end_);
    } else {
      EncodeWord(bytes, ids);
    }
  }
  return ids;
}

// Again and again the pair of the lowest rank, everywhere in the word from left to right, until none is left; with a
// queue, so that a word of a million letters takes no longer than as many words.
void ClipTokenizer::EncodeWord(std::string_view bytes, std::vector<std::int64_t>& ids) const {
  constexpr std::size_t kNone = SIZE_MAX;
  struct Symbol {
    std::uint32_t token;
    std::size_t before, next;
    bool alive = true;
  };
  std::vector<Symbol> symbols;
  symbols.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const bool last = i + 1 == bytes.size();
    symbols.push_back({last ? last_[byte] : inner_[byte], i == 0 ? kNone : i - 1, last ? kNone : i + 1});
  }
  const auto merge_at = [&](std::size_t at) -> const Merge* {
    if (at == kNone || !symbols[at].alive || symbols[at].next == kNone) return nullptr;
    const auto found = merges_.find(PairOf(symbols[at].token, symbols[symbols[at].next].token));
    return found == merges_.end() ? nullptr : &found->second;
  };
  using Candidate = std::pair<std::uint32_t, std::size_t>;  // rank, place
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto offer = [&](std::size_t at) {
    if (const Merge* merge = merge_at(at)) queue.emplace(merge->rank, at);
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) offer(i);
  std::vector<std::size_t> touched;
  while (!queue.empty()) {
    const auto rank = queue.top().first;
    touched.clear();
    while (!queue.empty() && queue.top().first == rank) {
      const auto at = queue.top().second;
      queue.pop();
      const Merge* const merge = merge_at(at);
      if (merge == nullptr || merge->rank != rank) continue;
      Symbol& left = symbols[at];
      Symbol& right = symbols[left.next];
      left.token = merge->token;
      right.alive = false;
      left.next = right.next;
      if (left.next != kNone) symbols[left.next].before = at;
      touched.push_back(at);
    }
    for (const auto at : touched) {
      offer(symbols[at].before);
      offer(at);
    }
  }
  for (const auto& symbol : symbols) {
    if (symbol.alive) ids.push_back(symbol.token);
  }
}

bool CutToClipContext(std::vector<std::int64_t>& ids) {
  constexpr std::size_t kMost = kClipContext - 2;
  if (ids.size() <= kMost) return false;
  ids.resize(kMost);
  return true;
}

}  // namespace dualgeo
