#include "config/option_values.h"

#include <algorithm>
#include <type_traits>

#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

std::string PlainText(bool value) { return value ? "true" : "false"; }
std::string PlainText(int value) { return std::to_string(value); }
std::string PlainText(std::int64_t value) { return std::to_string(value); }
std::string PlainText(double value) { return FormatDouble(value); }
std::string PlainText(const std::string& value) { return value; }
template <class T>
std::string PlainText(const std::vector<T>& values) {
  std::vector<std::string> words;
  for (const auto& value : values) words.push_back(PlainText(value));
  return "[" + Join(words) + "]";
}
template <class T>
std::string PlainText(const std::optional<T>& value) {
  return value ? PlainText(*value) : "null";
}

}  // namespace

void ForEachField(const OptionGroup& options, const std::string& prefix,
                  const std::function<void(const std::string& key, const OptionNode& node)>& visit) {
  for (const OptionNode& field : options.fields) {
    const std::string key = prefix + field.name;
    if (const auto* group = std::get_if<OptionGroup>(&field.value)) {
      ForEachField(*group, key + ".", visit);
    } else if (const auto* map = std::get_if<OptionMap>(&field.value)) {
      for (const auto& name : map->names()) ForEachField(map->entry(name), key + "." + name + ".", visit);
    } else {
      visit(key, field);
    }
  }
}

std::string ValueText(const OptionNode& node) {
  return std::visit(
      [](const auto& value) -> std::string {
        if constexpr (std::is_pointer_v<std::decay_t<decltype(value)>>) return PlainText(*value);
        return "";  // a group has no text of its own
      },
      node.value);
}

OptionValues ValuesThat(std::initializer_list<Affects> kinds, const OptionGroup& options, const std::string& prefix) {
  OptionValues values;
  ForEachField(options, prefix, [&](const std::string& key, const OptionNode& node) {
    if (std::ranges::find(kinds, node.affects) != kinds.end()) values[key] = ValueText(node);
  });
  return values;
}

std::vector<std::string> CompareValues(const OptionValues& then, const OptionValues& now,
                                       const OptionValues& defaults) {
  std::vector<std::string> differences;
  for (const auto& [key, value] : now) {
    const auto before = then.find(key);
    if (before == then.end()) {
      const auto standard = defaults.find(key);
      if (standard != defaults.end() && standard->second == value) continue;
    } else if (before->second == value) {
      continue;
    }
    differences.push_back(key + ": " + (before == then.end() ? "absent" : Printable(before->second)) + " then, " +
                          Printable(value) + " now");
  }
  return differences;
}

}  // namespace dualgeo
