// One YAML file per experiment, read strictly.
//
// Values come, later ones winning, from the struct's defaults, the files in the order given (each after the file it
// `extends:`), and the --set overrides. Every mistake stops the program with one line that gives file, line, key,
// value, what is allowed, and the nearest known key.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dualgeo/config/options_tree.h"

namespace dualgeo {

// Applies one file (and, before it, what it extends; paths of `extends` are relative to the file). others: top-level
// keys of the file itself that the caller reads on its own. Throws InputError.
void ApplyConfigFile(const OptionGroup& options, const std::filesystem::path& path,
                     const std::vector<std::string>& others = {});

// Applies one "key.path=value"; the value is YAML ("[1, 2]", "null"), but a key whose type is text takes it as it is
// ({"top_p": 0.9}) unless it is quoted as in YAML. Throws InputError naming --set.
void ApplyConfigOverride(const OptionGroup& options, const std::string& assignment);

// Runs every Validate() of the tree, innermost first.
void ValidateConfig(const OptionGroup& options);

// Files, then overrides, then validation.
void ResolveConfig(const OptionGroup& options, const std::vector<std::filesystem::path>& files,
                   const std::vector<std::string>& overrides);

// The resolved values as YAML that reads back to the same values.
std::string DumpConfig(const OptionGroup& options);

// The reference table of every key with type, default, allowed values and meaning, in Markdown. It reads the current
// values as the defaults, so pass a freshly made struct.
std::string DocumentConfig(const OptionGroup& options);

// A dump's values by dotted key, as ValueText gives them (config/option_values.h).
std::map<std::string, std::string> FlattenConfig(const std::string& dump);

// The dotted keys whose values differ between two dumps ("train.lr: 4e-05 -> 0.001"); for "you resume with other
// settings".
std::vector<std::string> DiffConfigs(const std::string& old_dump, const std::string& new_dump);

}  // namespace dualgeo
