// The styles of names that are known: what tells each, and what its names are called here.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/model/weight_names.h"

namespace dualgeo {

// `*` stands for one dotted segment, `**` at the end for all that remain; `to` takes them over in order. With `split`,
// the rows are cut into as many equal parts, and the parts' names take the place of `?` in `to`.
struct NameRule {
  WeightPart part;
  std::string from;
  std::string to = "";
  bool transpose = false;
  std::vector<std::string> split = {};
};

struct WeightStyle {
  // Names that a file of this style has, each a whole name or, ending in a dot, the beginning of one; all of one set,
  // below one prefix.
  using Signs = std::vector<std::string>;

  std::string name;
  std::vector<Signs> signs;
  std::vector<NameRule> rules = {};  // empty: no part of it can be read
  // Why it cannot be read, and what to take instead.
  std::string note = "";
  Signs without = {};     // names that it does not have
  std::string root = "";  // put before each name for `rules`: a tower that was saved alone
  bool anywhere = false;  // the signs may stand inside names, under as many prefixes as there are
  bool only = false;      // `signs` are all the names there are, and no prefix stands before them
};

// The first that fits wins.
const std::vector<WeightStyle>& WeightStyles();

}  // namespace dualgeo
