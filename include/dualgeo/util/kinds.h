// The kinds that a part comes in (fusions, re-rankers, centre rules ...): one explicit table for each part, an entry a
// kind, and these two ways to read it. (Objects that register themselves would be dropped with their static library.)
//
// A table is a macro, KIND("name", ...) for each kind, since its names alone are wanted where the options are and its
// functions where the part is made:
//
//   #define DUALGEO_FUSIONS(KIND) KIND("concat", MakeConcatFusion) KIND("none", MakeNoFusion)
//   OneOf{{DUALGEO_FUSIONS(DUALGEO_KIND_NAME)}}
//   constexpr Fusion kFusions[] = {DUALGEO_FUSIONS(DUALGEO_KIND_ENTRY)};
#pragma once

#include <iterator>
#include <string>
#include <vector>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

#define DUALGEO_KIND_NAME(name, ...) name,
#define DUALGEO_KIND_ENTRY(...) {__VA_ARGS__},

namespace dualgeo {

// The table's names, in its order, for OneOf and for messages.
template <class Table>
std::vector<std::string> NamesOf(const Table& table) {
  std::vector<std::string> names;
  for (const auto& kind : table) names.emplace_back(kind.name);
  return names;
}

// Where `name` stands. key: what asks for it ("model.fusion.type"). Throws InputError that lists the names.
inline std::size_t FindName(const std::vector<std::string>& names, const std::string& name, const std::string& key) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return i;
  }
  throw InputError(key + " '" + Printable(name) + "' is not one of " + Join(names));
}

// The entry of that name. Throws InputError as above.
template <class Table>
const auto& FindKind(const Table& table, const std::string& name, const std::string& key) {
  return *(std::begin(table) + static_cast<std::ptrdiff_t>(FindName(NamesOf(table), name, key)));
}

}  // namespace dualgeo
