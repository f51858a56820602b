// Option structs as flat text, "train.lr" -> "4e-05": what a checkpoint remembers, to refuse a resume that would not
// give what an uninterrupted run gives.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "dualgeo/train/options.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

using Settings = std::map<std::string, std::string>;

namespace settings_internal {

inline std::string Text(bool value) { return value ? "true" : "false"; }
inline std::string Text(const std::string& value) { return value; }
template <class T>
requires std::is_integral_v<T> std::string Text(T value) { return std::to_string(value); }
inline std::string Text(double value) { return FormatDouble(value); }
template <class T>
std::string Text(const std::vector<T>& values) {
  std::vector<std::string> words;
  for (const auto& value : values) words.push_back(Text(value));
  std::string list = "[";
  list += Join(words);
  list += ']';
  return list;
}
template <class T>
std::string Text(const std::optional<T>& value) {
  return value ? Text(*value) : "null";
}

struct Collector {
  std::string prefix;
  Settings& out;

  template <class T, class... Rules>
  void Field(const char* name, const T& value, const char*, const Rules&...) {
    if (name != std::string_view("weights")) out[prefix + name] = Text(value);
  }
  template <class T>
  void Group(const char* name, T& value, const char*) {
    Collector nested{prefix + name + ".", out};
    value.Visit(nested);
  }
  template <class T>
  void Map(const char* name, std::map<std::string, T>& values, const char*) {
    for (auto& [key, value] : values) {
      Collector nested{prefix + name + "." + key + ".", out};
      value.Visit(nested);
    }
  }
};

}  // namespace settings_internal

// Adds every field of `options` under "section." but weight files: their content is in the checkpoint.
template <class Options>
void AddSettings(Settings& settings, const std::string& section, Options options) {
  settings_internal::Collector collector{section + ".", settings};
  options.Visit(collector);
}

// What of these changes the trained weights: not how often the run logs, saves or validates, nor the number of epochs
// where the schedule does not depend on it, so that a finished run can be continued.
void AddTrainSettings(Settings& settings, const std::string& section, const SegmenterTrainOptions& options);
void AddTrainSettings(Settings& settings, const std::string& section, const TrainOptions& options);
void AddRuntimeSettings(Settings& settings, const RuntimeOptions& options);

// One JSON object, keys sorted.
std::string SettingsText(const Settings& settings);
// Throws InputError beginning with `source`.
Settings ParseSettings(const std::string& text, const std::string& source);
// "train.lr: 4e-05 then, 0.001 now" for every key that differs.
std::vector<std::string> CompareSettings(const Settings& then, const Settings& now);

}  // namespace dualgeo
