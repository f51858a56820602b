// A table of texts: columns id and text (io/csv.h), others are ignored. Light: no LibTorch here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/io/clip_tokenizer.h"

namespace dualgeo {

struct TextRow {
  std::string id;
  std::string text;
  int line = 0;  // in the file, the header's being 1
};

struct Texts {
  std::filesystem::path path;
  std::vector<TextRow> rows;
};

// Throws InputError, naming file and line, for what CsvTable refuses, a missing column, an empty or repeated id (both
// lines), text that is not UTF-8, and a table without rows. (A NUL is a character of a text as others are.)
Texts ReadTexts(const std::filesystem::path& path);

// Of each row, without start and end and cut to what CLIP takes; warnings tell how many were cut, and how many are
// empty.
std::vector<std::vector<std::int64_t>> TokenizeTexts(const ClipTokenizer& tokenizer, const Texts& table);

// id,ids: the ids separated by blanks. Atomic.
void WriteTokens(const std::filesystem::path& path, const Texts& table,
                 const std::vector<std::vector<std::int64_t>>& tokens);

}  // namespace dualgeo
