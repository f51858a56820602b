// One YAML file per experiment, read strictly.
//
// Values come, later ones winning, from the struct's defaults, the files in the order given (each after the file it
// `extends:`), the --set overrides, and a command's own flags. Every mistake stops the program with one line that gives
// file, line, key, value, what is allowed, and the nearest known key.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/options_tree.h"

namespace dualgeo {

// Applies one file (and, before it, what it extends; paths of `extends` are relative to the file). others: top-level
// keys of the file itself that the caller reads on its own. Throws InputError.
void ApplyConfigFile(const OptionGroup& options, const std::filesystem::path& path,
                     const std::vector<std::string>& others = {});

// The file and all that it extends, where they are there.
std::vector<std::filesystem::path> FilesOfConfig(const std::filesystem::path& path);

// Applies one "key.path=value"; the value is YAML ("[1, 2]", "null"), but a key whose type is text takes it as it is
// ({"top_p": 0.9}) unless it is quoted as in YAML. Throws InputError naming --set.
void ApplyConfigOverride(const OptionGroup& options, const std::string& assignment);

// A field that a command offers as a flag of its own: {"--eps-km", "rerank.eps_km", "60"}.
struct ConfigFlag {
  std::string flag, key, value;
};

// Sets the flag's field, as ApplyConfigOverride would, but that a list is written 1,25,200, and `` or none (where that
// is no value of the list) is the empty one. Throws InputError naming the flag.
void ApplyConfigFlag(const OptionGroup& options, const ConfigFlag& flag);

// The value field of this dotted key. Throws Error when there is none.
OptionNode FindField(const OptionGroup& options, const std::string& key);

// "how the candidates are put in a new order: none | dbscan | ..."
std::string DescribeField(const OptionNode& field);

// For an option that a user named, at the top of the tree: throws InputError where it belongs to other kinds than the
// one that the options choose (For, util/field.h), with those that the kind has. section: as for CheckFields.
void CheckBelongs(const OptionGroup& options, const std::string& section, const std::string& key);

// Every value of the tree must be one that its field allows: for options that were set by a program, not read.
// section: where they stand in a config ("rerank"), for the message. Throws InputError naming key, value and what is
// allowed. No Validate() is run; those that call this have the rules that span several fields.
void CheckFields(const OptionGroup& options, const std::string& section);

template <class Options>
void CheckFields(const Options& options, const std::string& section) {
  Options copy = options;  // a tree points into what it describes
  CheckFields(OptionTree(copy), section);
}

// Runs every Validate() of the tree, innermost first.
void ValidateConfig(const OptionGroup& options);

// Files, then overrides, then flags, then validation.
void ResolveConfig(const OptionGroup& options, const std::vector<std::filesystem::path>& files,
                   const std::vector<std::string>& overrides, const std::vector<ConfigFlag>& flags = {});

// The resolved values as YAML that reads back to the same values; and reads them back. Where a file is applied that
// people wrote, options without an effect are warned of; a dump has all options.
std::string DumpConfig(const OptionGroup& options);
void ReadDump(const OptionGroup& options, const std::filesystem::path& path);

// The reference table of every key with type, default, allowed values and meaning, in Markdown. It reads the current
// values as the defaults, so pass a freshly made struct.
std::string DocumentConfig(const OptionGroup& options);

// A dump's values by dotted key, as ValueText gives them (config/option_values.h).
std::map<std::string, std::string> FlattenConfig(const std::string& dump);

}  // namespace dualgeo
