// What a network computes, in 64 hex digits: its weights, its buffers and the options that change its output.
#pragma once

#include "dualgeo/io/torch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "dualgeo/util/field.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

// A visitor of option structs: "key=value" lines of the options that change what a model computes from given weights
// and inputs.
class OptionText {
 public:
  template <class T, class... Rule>
  void Field(const std::string& name, const T& value, const char*, const Rule&... rules) {
    if (AffectsOf(rules...) != Affects::kResult) return;
    const bool added = (std::is_same_v<Rule, Added> || ...);
    lines.push_back({prefix_ + name + "=" + Text(value) + "\n", added});
  }
  template <class T>
  void Group(const std::string& name, T& value, const char*) {
    // Makes masks, which are an input of the model; and texts' vectors, on which none of the photo's depends.
    if (name == "segmenter" || name == "text_encoder") return;
    const auto outer = prefix_;
    prefix_.append(name).append(".");
    value.Visit(*this);
    prefix_ = outer;
  }

  template <class T>
  void Map(const std::string& name, std::map<std::string, T>& value, const char*) {
    for (auto& item : value) {
      OptionText own, standard;
      own.prefix_ = standard.prefix_ = prefix_ + name + "." + item.first + ".";
      item.second.Visit(own);
      T defaults;
      defaults.Visit(standard);
      for (auto& line : own.lines) {
        if (!line.added || std::ranges::find(standard.lines, line) == standard.lines.end()) {
          lines.push_back({std::move(line.text), false});
        }
      }
    }
  }

  struct Line {
    std::string text;
    bool added;
    bool operator==(const Line&) const = default;
  };
  std::vector<Line> lines;

 private:
  static std::string Text(const std::string& value) { return value; }
  template <class T>
  requires std::is_arithmetic_v<T>
  static std::string Text(T value) { return FormatDouble(static_cast<double>(value)); }
  template <class T>
  static std::string Text(const std::optional<T>& value) {
    return value ? Text(*value) : "null";
  }
  template <class T>
  static std::string Text(const std::vector<T>& values) {
    std::vector<std::string> texts;
    for (const auto& value : values) texts.push_back(Text(value));
    return Join(texts);
  }

  std::string prefix_;
};

template <class Options>
std::string TextOf(Options options) {
  OptionText own, standard;
  options.Visit(own);
  Options defaults;
  defaults.Visit(standard);
  std::string text;
  for (const auto& line : own.lines) {
    if (!line.added || std::ranges::find(standard.lines, line) == standard.lines.end()) text += line.text;
  }
  return text;
}

// SHA-256 over the options' text and every tensor's name, type, shape and content.
std::string Fingerprint(const std::string& options, const torch::nn::Module& module);

}  // namespace dualgeo
