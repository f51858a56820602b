// CLIP's tokenizer (Radford et al., ICML 2021, arXiv 2103.00020): byte-pair encoding over lower-cased text, from the
// vocabulary file that the user has.
//
// Text is cleaned as the original does: HTML's references resolved twice, runs of white space made one blank, lower
// case as Python has it. The original also mends broken encodings with ftfy where that is installed; this does not:
// mend such text before.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dualgeo {

// CLIP's text tower takes so many tokens, start and end among them.
inline constexpr int kClipContext = 77;

class ClipTokenizer {
 public:
  // path: Hugging Face's tokenizer.json, or vocab.json or merges.txt (whose other half lies beside it), OpenAI's
  // bpe_simple_vocab_16e6.txt (gzip or not), or a folder that has one of these. Throws InputError, one line with the
  // file's name, when it is missing, unreadable, too large, of another kind, or the vocabulary of another model: start
  // and end or a byte missing, ids that are not 0 to N - 1, merges of unknown tokens, a text file of merges alone with
  // fewer than CLIP's 48,894.
  static ClipTokenizer Read(const std::filesystem::path& path);

  // Ids without start and end, however many. text: UTF-8, InputError otherwise. <|startoftext|> and <|endoftext|> in
  // the text become these tokens, as in the original.
  std::vector<std::int64_t> Encode(std::string_view text) const;

  // Ids are below it.
  std::int64_t size() const { return size_; }
  std::int64_t start() const { return start_; }
  std::int64_t end() const { return end_; }

 private:
  struct Merge {
    std::uint32_t rank;
    std::uint32_t token;
  };
  // Two tokens, the left one in the upper half.
  using Pair = std::uint64_t;

  explicit ClipTokenizer(const struct ClipVocabulary& vocabulary);
  void EncodeWord(std::string_view bytes, std::vector<std::int64_t>& ids) const;

  std::array<std::uint32_t, 256> inner_{};  // a byte inside a word
  std::array<std::uint32_t, 256> last_{};   // and at its end
  std::unordered_map<Pair, Merge> merges_;
  std::int64_t size_ = 0;
  std::int64_t start_ = 0;
  std::int64_t end_ = 0;
};

// Of a text's ids those that fit between start and end: the first kClipContext - 2. Returns whether some were cut.
bool CutToClipContext(std::vector<std::int64_t>& ids);

}  // namespace dualgeo
