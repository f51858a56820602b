// The files of CLIP's vocabulary, as they are; io/clip_tokenizer.h says which, and what is thrown.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace dualgeo {

// In these texts a byte is one printable character (ClipByteText), and </w> ends a word.
struct ClipVocabulary {
  std::string name;  // of the file, for messages
  std::unordered_map<std::string, std::int64_t> ids;
  std::vector<std::pair<std::string, std::string>> merges;  // by rank
};

ClipVocabulary ReadClipVocabulary(const std::filesystem::path& path);

// How a byte is written in the files, in UTF-8: itself where it is printable, else a letter from U+0100 on.
std::string ClipByteText(unsigned char byte);

inline constexpr const char* kClipWordEnd = "</w>";
inline constexpr const char* kClipStart = "<|startoftext|>";
inline constexpr const char* kClipEnd = "<|endoftext|>";

}  // namespace dualgeo
