// The values of an option tree as flat text, "train.lr" -> "4e-05": what checkpoints and the records of steps remember,
// and the one fingerprint of options. Which values belong in it says each field's Affects (util/field.h).
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "config/options_tree.h"

namespace dualgeo {

// By dotted key.
using OptionValues = std::map<std::string, std::string>;

// Calls visit("train.lr", node) for every value field, in the order of the Visit functions; `prefix` ("train.") comes
// before each key.
void ForEachField(const OptionGroup& options, const std::string& prefix,
                  const std::function<void(const std::string& key, const OptionNode& node)>& visit);

// A field's value as text: true, 3, 4e-05, [1, 16], null.
std::string ValueText(const OptionNode& node);

// The fields that affect one of `kinds`.
OptionValues ValuesThat(std::initializer_list<Affects> kinds, const OptionGroup& options,
                        const std::string& prefix = "");

// "train.lr: 4e-05 then, 0.001 now" for every key of `now` whose value is another one in `then`. A key that `then` does
// not know belongs to an option that came later: it differs when its value is not the one in `defaults`. What `then`
// knows and `now` does not counts no longer.
std::vector<std::string> CompareValues(const OptionValues& then, const OptionValues& now,
                                       const OptionValues& defaults = {});

}  // namespace dualgeo
