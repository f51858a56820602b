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
// A visitor (config/binder.h) has
//   Field(name, value&, help)               value: bool, int, int64_t, double, std::string, std::vector of those,
//   Field(name, value&, help, OneOf)               or std::optional of those (null in YAML)
//   Field(name, value&, help, Range)
//   Group(name, struct&, help)              a nested option struct
//   Map(name, std::map<std::string, Struct>&, help)   named option structs (benchmarks: {im2gps3k: {...}})
//
// Structs know nothing of YAML, so that the model layer can have options without yaml-cpp.
#pragma once

#include <limits>
#include <string>
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

}  // namespace dualgeo
