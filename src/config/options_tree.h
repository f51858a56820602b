// An option struct seen as a tree of named fields: what util/field.h's Visit describes, with pointers to the values.
// Reading, overriding, dumping and documenting a config (config/config.h) all walk this one tree.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dualgeo/util/field.h"

namespace dualgeo {

struct OptionNode;

// The fields of one struct, in the order of its Visit, and the checks that span several of them.
struct OptionGroup {
  std::vector<OptionNode> fields;
  std::function<void()> validate;
};

// A std::map from a name that the user chooses to a struct (benchmarks: {im2gps3k: {...}}).
struct OptionMap {
  std::function<std::vector<std::string>()> names;
  std::function<OptionGroup(const std::string&)> entry;  // makes the entry when it is not there yet
  OptionGroup example;                                   // an entry with defaults, for the documentation
};

struct OptionNode {
  using Value = std::variant<bool*, int*, std::int64_t*, double*, std::string*, std::vector<int>*, std::vector<double>*,
                             std::vector<std::string>*, std::optional<int>*, std::optional<double>*,
                             std::optional<std::string>*, OptionGroup, OptionMap>;
  std::string name;
  std::string help;
  Value value;
  std::optional<OneOf> one_of = {};
  std::optional<Range> range = {};
  std::optional<For> belongs = {};
  Affects affects = Affects::kResult;
  bool several = false;
};

namespace options_tree_internal {

class TreeBuilder;

}  // namespace options_tree_internal

// The tree of `options`, which must outlive it.
template <class Options>
OptionGroup OptionTree(Options& options);

namespace options_tree_internal {

class TreeBuilder {
 public:
  template <class T, class... Rules>
  void Field(const char* name, T& value, const char* help, Rules... rules) {
    OptionNode node{name, help, &value};
    (Set(node, std::move(rules)), ...);
    group.fields.push_back(std::move(node));
  }
  template <class T>
  void Group(const char* name, T& value, const char* help) {
    group.fields.push_back({name, help, OptionTree(value)});
  }
  template <class T>
  void Map(const char* name, std::map<std::string, T>& value, const char* help) {
    static T example;  // only its names, help and defaults are read
    OptionMap map;
    map.names = [&value] {
      std::vector<std::string> names;
      for (const auto& item : value) names.push_back(item.first);
      return names;
    };
    map.entry = [&value](const std::string& key) { return OptionTree(value[key]); };
    map.example = OptionTree(example);
    group.fields.push_back({name, help, std::move(map)});
  }

  OptionGroup group;

 private:
  static void Set(OptionNode& node, OneOf one_of) { node.one_of = std::move(one_of); }
  static void Set(OptionNode& node, Range range) { node.range = range; }
  static void Set(OptionNode& node, For belongs) { node.belongs = std::move(belongs); }
  static void Set(OptionNode& node, Affects affects) { node.affects = affects; }
  static void Set(OptionNode&, Added) {}
  static void Set(OptionNode& node, Several) { node.several = true; }
};

}  // namespace options_tree_internal

template <class Options>
OptionGroup OptionTree(Options& options) {
  options_tree_internal::TreeBuilder builder;
  options.Visit(builder);
  if constexpr (requires { options.Validate(); }) builder.group.validate = [&options] { options.Validate(); };
  return std::move(builder.group);
}

}  // namespace dualgeo
