// A vocabulary of CLIP's kind that is small enough for networks of tests: bytes, a few merges, start and end.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "src/io/clip_vocabulary.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {

inline const std::vector<std::string> kSmallClipMerges = {"i n",        "t h",        "th e</w>", "p h",      "o t",
                                                          "ph ot",      "phot o</w>", "p a",      "pa r",     "i s</w>",
                                                          "par is</w>", "r o",        "m e</w>",  "ro me</w>"};

// {token: id} in OpenAI's order.
inline nlohmann::json SmallClipTokens(const std::vector<std::string>& merges = kSmallClipMerges) {
  nlohmann::json tokens = nlohmann::json::object();
  const auto add = [&](const std::string& token) {
    const std::size_t id = tokens.size();
    tokens[token] = id;
  };
  for (const std::string end : {"", kClipWordEnd}) {
    for (const bool itself : {true, false}) {
      for (int byte = 0; byte < 256; ++byte) {
        const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        if (printable == itself) add(ClipByteText(static_cast<unsigned char>(byte)) + end);
      }
    }
  }
  for (auto merge : merges) add(merge.erase(merge.find(' '), 1));
  add(kClipStart);
  add(kClipEnd);
  return tokens;
}

inline std::string MergesText(const std::vector<std::string>& merges = kSmallClipMerges) {
  std::string text = "#version: 0.2\n";
  for (const auto& merge : merges) text += merge + "\n";
  return text;
}

// vocab.json and merges.txt; returns the folder.
inline std::filesystem::path WriteSmallClipVocabulary(const TemporaryFolder& folder,
                                                      const std::string& name = "vocabulary") {
  folder.Write(name + "/vocab.json", SmallClipTokens().dump());
  return folder.Write(name + "/merges.txt", MergesText()).parent_path();
}

}  // namespace dualgeo
