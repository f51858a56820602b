// How an option struct describes its fields, once, for everything that reads, checks, prints or documents it.
//
//   struct FusionOptions {
//     std::string type = "cross_attention";
//     int heads = 8;
//     template <class Visitor>
//     void Visit(Visitor& v) {
//       v.Field("type", type, "how the two views are mixed", OneOf{{"cross_attention", "concat", "gated", "none"}});
//       v.Field("heads", heads, "attention heads; must divide embed_dim", Range{1, 64});
//     }
//     void Validate() const;  // optional: rules that span several fields; throws InputError naming field, value, rule
//   };
//
// A visitor (config/options_tree.h) has
//   Field(name, value&, help, rules...)     value: bool, int, int64_t, double, std::string, std::vector of those,
//                                                  or std::optional of those (null in YAML)
//                                           rules: OneOf, Range, For, Affects, Added, Several; each at most once, in
//                                           any order
//   Group(name, struct&, help)              a nested option struct
//   Map(name, std::map<std::string, Struct>&, help)   named option structs (benchmarks: {im2gps3k: {...}})
//
// Structs know nothing of YAML, so that the model layer can have options without yaml-cpp.
#pragma once

#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace dualgeo {

// The value (or each element of a list) must be one of these.
struct OneOf {
  std::vector<std::string> values;
};

// The value (or each element of a list) must lie in [min, max].
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

// The field means something only where the field `key` beside it has one of these values: options of one kind of part.
struct For {
  std::string key;
  std::vector<std::string> kinds;
};

// What a field changes. Resumes, steps and fingerprints compare what affects a result; the rest is only recorded.
enum class Affects {
  kResult,    // what is computed; every field that does not say otherwise
  kTraining,  // the weights that training makes, not what given weights compute (dropout)
  kContent,   // names an input or where in it something is: what is read there counts, not the spelling
  kSpeed,     // time and memory, and at most the last digits of a result
  kNothing,   // words, places of outputs, how often something is logged, saved or watched
};

// A field that came after checkpoints were written: while it has its default, their fingerprints are what they were.
struct Added {};

// The value is one text that may name several files (util/path_list.h), and may be written as a list of them.
struct Several {};

// Of a field with these rules.
template <class... Rules>
Affects AffectsOf(const Rules&... rules) {
  Affects affects = Affects::kResult;
  [[maybe_unused]] const auto take = [&](const auto& rule) {  // unused where there is no rule
    if constexpr (std::is_same_v<std::decay_t<decltype(rule)>, Affects>) affects = rule;
  };
  (take(rules), ...);
  return affects;
}

}  // namespace dualgeo
