#include "config/config.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <type_traits>

#include "config/option_values.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxConfigBytes = 1 << 20;
constexpr int kMaxExtends = 16;

// ---- What a field accepts, in words ------------------------------------------------------------------------------

template <class T>
struct ValueTraits;
template <>
struct ValueTraits<bool> {
  static constexpr const char* kName = "true or false";
};
template <>
struct ValueTraits<int> {
  static constexpr const char* kName = "a whole number";
};
template <>
struct ValueTraits<std::int64_t> {
  static constexpr const char* kName = "a whole number";
};
template <>
struct ValueTraits<double> {
  static constexpr const char* kName = "a number";
};
template <>
struct ValueTraits<std::string> {
  static constexpr const char* kName = "text";
};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
std::string TypeName() {
  if constexpr (IsVector<T>::value) {
    return std::string("a list of ") + (std::is_same_v<typename T::value_type, std::string> ? "texts" : "numbers");
  } else if constexpr (IsOptional<T>::value) {
    return TypeName<typename T::value_type>() + " or null";
  } else {
    return ValueTraits<T>::kName;
  }
}

std::string Allowed(const OptionNode& node) {
  if (node.one_of) return "one of " + Join(node.one_of->values);
  if (!node.range) return "";
  const bool low = std::isfinite(node.range->min);
  const bool high = std::isfinite(node.range->max);
  if (low && high) return "from " + FormatDouble(node.range->min) + " to " + FormatDouble(node.range->max);
  if (low) return "at least " + FormatDouble(node.range->min);
  if (high) return "at most " + FormatDouble(node.range->max);
  return "";
}

template <class T>
std::string Expectation(const OptionNode& node) {
  const std::string allowed = Allowed(node);
  if (allowed.empty()) return "expects " + TypeName<T>() + (node.several ? " or a list of text" : "");
  if (node.one_of) return "expects " + allowed + (IsOptional<T>::value ? ", or null" : "");
  return "expects " + TypeName<T>() + " " + allowed;
}

// ---- Reading -------------------------------------------------------------------------------------------------------

// Where a value was written, for messages: "file.yaml:12" or "--set train.lr=1".
struct Origin {
  std::string name;
  bool has_lines;
  bool dumped = false;  // written by DumpConfig: says every option, whether it has an effect or not

  std::string At(const YAML::Node& node) const {
    if (!has_lines || node.Mark().is_null()) return name;
    return name + ":" + std::to_string(node.Mark().line + 1);
  }
};

// What YAML takes for null.
bool IsNullText(const std::string& text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// The value as the user wrote it, on one line.
std::string Shown(const YAML::Node& node) {
  if (node.IsNull()) return "null";
  if (node.IsScalar()) return "'" + Printable(node.Scalar()) + "'";
  YAML::Emitter emitter;
  emitter << YAML::Flow << node;
  return Printable(emitter.c_str());
}

bool ParseScalar(const YAML::Node& node, bool& value) {
  if (node.Scalar() != "true" && node.Scalar() != "false") return false;
  value = node.Scalar() == "true";
  return true;
}
bool ParseScalar(const YAML::Node& node, double& value) {
  const auto number = ParseDouble(node.Scalar());
  if (!number || !std::isfinite(*number)) return false;
  value = *number;
  return true;
}
bool ParseScalar(const YAML::Node& node, std::int64_t& value) {
  const auto number = ParseInteger(node.Scalar());
  if (!number) return false;
  value = *number;
  return true;
}
bool ParseScalar(const YAML::Node& node, int& value) {
  std::int64_t wide = 0;
  if (!ParseScalar(node, wide) || wide != static_cast<int>(wide)) return false;
  value = static_cast<int>(wide);
  return true;
}
bool ParseScalar(const YAML::Node& node, std::string& value) {
  value = node.Scalar();
  return true;
}

bool Permitted(const OptionNode&, bool) { return true; }
bool Permitted(const OptionNode& node, const std::string& value) {
  return !node.one_of || std::ranges::find(node.one_of->values, value) != node.one_of->values.end();
}
bool Permitted(const OptionNode& node, double value) {
  return !node.range || (value >= node.range->min && value <= node.range->max);
}

// False when the YAML value is of the wrong type or not allowed; `value` is then unchanged.
template <class T>
bool ReadValue(const OptionNode& node, const YAML::Node& yaml, T& value) {
  if constexpr (IsVector<T>::value) {
    if (!yaml.IsSequence()) return false;
    T list;
    for (const auto& item : yaml) {
      typename T::value_type element{};
      if (!ReadValue(node, item, element)) return false;
      list.push_back(std::move(element));
    }
    value = std::move(list);
    return true;
  } else if constexpr (IsOptional<T>::value) {
    if (yaml.IsNull()) {
      value.reset();
      return true;
    }
    typename T::value_type inner{};
    if (!ReadValue(node, yaml, inner)) return false;
    value = std::move(inner);
    return true;
  } else {
    if constexpr (std::is_same_v<T, std::string>) {
      if (node.several && yaml.IsSequence()) {
        std::vector<std::string> parts;
        for (const auto& item : yaml) {
          if (!item.IsScalar()) return false;
          parts.push_back(item.Scalar());
        }
        value = Join(parts, ",");
        return true;
      }
    }
    T parsed{};
    if (!yaml.IsScalar() || !ParseScalar(yaml, parsed)) return false;
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      if (!Permitted(node, static_cast<double>(parsed))) return false;
    } else {
      if (!Permitted(node, parsed)) return false;
    }
    value = std::move(parsed);
    return true;
  }
}

[[noreturn]] void ThrowUnknownKey(const std::string& where, const std::string& key, const std::string& prefix,
                                  const std::vector<std::string>& known) {
  std::string message = where + ": unknown key '" + Printable(prefix + key) + "'";
  if (const auto nearest = Nearest(key, known)) message += "; did you mean '" + prefix + *nearest + "'?";
  throw InputError(message + " (known here: " + Join(known) + ")");
}

std::vector<std::string> Names(const OptionGroup& group) {
  std::vector<std::string> names;
  for (const auto& field : group.fields) names.push_back(field.name);
  return names;
}

void ApplyNode(const OptionNode& node, const YAML::Node& yaml, const std::string& path, const Origin& origin);

// Calls handle(key, value node) for each entry of a map, refusing anything else and keys given twice.
template <class Handle>
void ForEachKey(const YAML::Node& yaml, const std::string& path, const Origin& origin, const Handle& handle) {
  if (yaml.IsNull()) return;
  if (!yaml.IsMap()) {
    throw InputError(origin.At(yaml) + ": " + (path.empty() ? "the file" : "'" + path + "'") +
                     " must hold key: value lines, not " + Shown(yaml));
  }
  std::set<std::string> seen;
  for (const auto& item : yaml) {
    if (!item.first.IsScalar()) throw InputError(origin.At(item.first) + ": a key must be plain text");
    const std::string& key = item.first.Scalar();
    if (!seen.insert(key).second) {
      throw InputError(origin.At(item.first) + ": key '" + Printable(key) + "' is given twice");
    }
    handle(key, item.first, item.second);
  }
}

// Said of an option that a file gives beside a kind that has none such. (Where the kind comes from elsewhere, as in the
// rows of an ablation over one base, it may well be meant for the others.)
void WarnOfOthersOption(const OptionGroup& group, const OptionNode& field, const YAML::Node& yaml,
                        const std::string& prefix, const Origin& origin) {
  if (!field.belongs || !yaml[field.belongs->key]) return;
  const auto kind = std::ranges::find(group.fields, field.belongs->key, &OptionNode::name);
  if (kind == group.fields.end()) return;
  const std::string value = ValueText(*kind);
  if (std::ranges::find(field.belongs->kinds, value) != field.belongs->kinds.end()) return;
  spdlog::warn("{}: {} has no effect: it belongs to {} {}, and {} is {}", origin.At(yaml[field.name]),
               prefix + field.name, field.belongs->key, Join(field.belongs->kinds), field.belongs->key,
               Printable(value));
}

void ApplyGroup(const OptionGroup& group, const YAML::Node& yaml, const std::string& prefix, const Origin& origin) {
  const std::string path = prefix.empty() ? prefix : prefix.substr(0, prefix.size() - 1);
  std::vector<const OptionNode*> changed;
  ForEachKey(yaml, path, origin, [&](const std::string& key, const YAML::Node& key_node, const YAML::Node& value) {
    const auto field = std::ranges::find(group.fields, key, &OptionNode::name);
    if (field == group.fields.end()) ThrowUnknownKey(origin.At(key_node), key, prefix, Names(group));
    const std::string before = ValueText(*field);
    ApplyNode(*field, value, prefix + key, origin);
    if (ValueText(*field) != before) changed.push_back(&*field);
  });
  if (origin.dumped) return;
  for (const OptionNode* field : changed) WarnOfOthersOption(group, *field, yaml, prefix, origin);
}

void ApplyNode(const OptionNode& node, const YAML::Node& yaml, const std::string& path, const Origin& origin) {
  std::visit(
      [&](const auto& target) {
        using Target = std::decay_t<decltype(target)>;
        if constexpr (std::is_same_v<Target, OptionGroup>) {
          ApplyGroup(target, yaml, path + ".", origin);
        } else if constexpr (std::is_same_v<Target, OptionMap>) {
          ForEachKey(yaml, path, origin, [&](const std::string& key, const YAML::Node&, const YAML::Node& value) {
            ApplyGroup(target.entry(key), value, path + "." + key + ".", origin);
          });
        } else {
          using T = std::remove_pointer_t<Target>;
          if (!ReadValue(node, yaml, *target)) {
            throw InputError(origin.At(yaml) + ": " + path + " = " + Shown(yaml) + ": " + Expectation<T>(node));
          }
        }
      },
      node.value);
}

YAML::Node Parse(const std::string& text, const Origin& origin) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    const std::string line = error.mark.is_null() || !origin.has_lines ? "" : ":" + std::to_string(error.mark.line + 1);
    throw InputError(origin.name + line + ": not valid YAML: " + error.msg);
  }
}

// "..." or '...' as a whole: not quotes round parts of it.
bool IsQuoted(const std::string& text) {
  const char quote = text[0];
  if (quote != '"' && quote != '\'') return false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const bool escaped = quote == '"' ? text[i] == '\\' : text.compare(i, 2, "''") == 0;
    if (escaped) {
      ++i;
    } else if (text[i] == quote) {
      return i + 1 == text.size();
    }
  }
  return false;
}

// Text is taken as it stands, whatever braces, colons or signs would mean in YAML, unless it is quoted as YAML quotes.
std::string TextAsGiven(const std::string& value) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = std::min(value.find_first_not_of(kBlanks), value.size());
  const std::size_t end = value.find_last_not_of(kBlanks) + 1;
  if (begin >= end) return "";
  std::string text = value.substr(begin, end - begin);
  if (!IsQuoted(text)) return text;
  try {
    if (const YAML::Node quoted = YAML::Load(text); quoted.IsScalar()) return quoted.Scalar();
  } catch (const YAML::Exception&) {  // quotes that are part of it
  }
  return text;
}

void ApplyOverride(const OptionNode& node, const std::string& value, const std::string& path, const Origin& origin) {
  const bool text = std::holds_alternative<std::string*>(node.value);
  const bool text_or_null = std::holds_alternative<std::optional<std::string>*>(node.value);
  YAML::Node yaml;
  if (text || (text_or_null && !IsNullText(TextAsGiven(value)))) {
    yaml = TextAsGiven(value);
  } else {
    yaml = Parse(value, origin);
  }
  ApplyNode(node, yaml, path, origin);
}

void ApplyFile(const OptionGroup& options, const fs::path& path, std::vector<fs::path>& chain,
               const std::vector<std::string>& others) {
  const Origin origin{path.string(), true};
  std::error_code stream;  // a pipe has no other name, and is not read twice
  fs::path canonical = fs::weakly_canonical(path, stream);
  if (stream) canonical = path;
  if (std::ranges::find(chain, canonical) != chain.end() || chain.size() >= kMaxExtends) {
    throw InputError(path.string() + ": 'extends' goes round in a circle");
  }
  const std::string text = ReadFile(path, kMaxConfigBytes);
  if (const auto other = DescribeOtherFile(text, FileUse::kConfig)) throw InputError(origin.name + ": " + *other);
  YAML::Node yaml = Parse(text, origin);
  if (yaml.IsMap() && yaml["extends"]) {
    const YAML::Node extends = yaml["extends"];
    if (!extends.IsScalar())
      throw InputError(origin.At(extends) + ": extends = " + Shown(extends) + ": expects a file name");
    chain.push_back(canonical);
    ApplyFile(options, path.parent_path() / extends.Scalar(), chain, {});
    chain.pop_back();
    yaml.remove("extends");
  }
  if (yaml.IsMap()) {
    for (const auto& other : others) yaml.remove(other);
  }
  ApplyGroup(options, yaml, "", origin);
}

void AddFilesOfConfig(const fs::path& path, std::vector<fs::path>& files) {
  std::error_code ignored;
  if (files.size() >= kMaxExtends || !fs::is_regular_file(path, ignored)) return;
  files.push_back(path);
  try {
    const YAML::Node extends = YAML::Load(ReadFile(path, kMaxConfigBytes))["extends"];
    if (extends && extends.IsScalar()) AddFilesOfConfig(path.parent_path() / extends.Scalar(), files);
  } catch (const std::exception&) {  // its reader will say so
  }
}

// ---- Writing -------------------------------------------------------------------------------------------------------

void EmitScalar(YAML::Emitter& out, bool value) { out << value; }
void EmitScalar(YAML::Emitter& out, int value) { out << value; }
void EmitScalar(YAML::Emitter& out, std::int64_t value) { out << value; }
void EmitScalar(YAML::Emitter& out, double value) { out << FormatDouble(value); }
void EmitScalar(YAML::Emitter& out, const std::string& value) {
  // yaml-cpp leaves text such as "null" or "" bare in places where it would read back as something else.
  if (IsNullText(value)) {
    out << YAML::DoubleQuoted << value;
  } else {
    out << value;
  }
}

template <class T>
void EmitValue(YAML::Emitter& out, const T& value) {
  if constexpr (IsVector<T>::value) {
    out << YAML::Flow << YAML::BeginSeq;
    for (const auto& item : value) EmitScalar(out, item);
    out << YAML::EndSeq;
  } else if constexpr (IsOptional<T>::value) {
    if (value) {
      EmitScalar(out, *value);
    } else {
      out << YAML::Null;
    }
  } else {
    EmitScalar(out, value);
  }
}

void EmitGroup(YAML::Emitter& out, const OptionGroup& group) {
  out << YAML::BeginMap;
  for (const auto& field : group.fields) {
    out << YAML::Key << field.name << YAML::Value;
    std::visit(
        [&](const auto& value) {
          using Target = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<Target, OptionGroup>) {
            EmitGroup(out, value);
          } else if constexpr (std::is_same_v<Target, OptionMap>) {
            const auto names = value.names();
            if (names.empty()) out << YAML::Flow;
            out << YAML::BeginMap;
            for (const auto& name : names) {
              out << YAML::Key << name << YAML::Value;
              EmitGroup(out, value.entry(name));
            }
            out << YAML::EndMap;
          } else {
            EmitValue(out, *value);
          }
        },
        field.value);
  }
  out << YAML::EndMap;
}

std::string Emit(const auto& value) {
  YAML::Emitter out;
  EmitValue(out, value);
  return out.c_str();
}

// As text in a cell of a Markdown table, where a bar would begin the next one.
std::string MarkdownCell(const std::string& text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

// "dbscan, density: ...": whose option it is stands first.
std::string HelpOf(const OptionNode& field) {
  return (field.belongs ? Join(field.belongs->kinds) + ": " : "") + field.help;
}

void DocumentGroup(std::string& rows, const OptionGroup& group, const std::string& prefix) {
  for (const auto& field : group.fields) {
    std::visit(
        [&](const auto& value) {
          using Target = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<Target, OptionGroup>) {
            rows += "| **`" + prefix + field.name + "`** | | | " + MarkdownCell(field.help) + " |\n";
            DocumentGroup(rows, value, prefix + field.name + ".");
          } else if constexpr (std::is_same_v<Target, OptionMap>) {
            rows += "| **`" + prefix + field.name + "`** | | | " + MarkdownCell(field.help) + " |\n";
            DocumentGroup(rows, value.example, prefix + field.name + ".NAME.");
          } else {
            using T = std::remove_pointer_t<Target>;
            std::string allowed = Allowed(field);
            if (!field.one_of) allowed = TypeName<T>() + (allowed.empty() ? "" : " " + allowed);
            const std::string text = Emit(*value);
            rows += "| `" + prefix + field.name + "` | `" + MarkdownCell(text.empty() ? "\"\"" : text) + "` | " +
                    MarkdownCell(allowed) + " | " + MarkdownCell(HelpOf(field)) + " |\n";
          }
        },
        field.value);
  }
}

void Flatten(const YAML::Node& node, const std::string& path, std::map<std::string, std::string>& out) {
  if (node.IsMap() && node.size() > 0) {
    for (const auto& item : node) {
      Flatten(item.second, path.empty() ? item.first.Scalar() : path + "." + item.first.Scalar(), out);
    }
    return;
  }
  YAML::Emitter emitter;
  emitter << YAML::Flow << node;
  out[path] = emitter.c_str();
}

}  // namespace

void ApplyConfigFile(const OptionGroup& options, const fs::path& path, const std::vector<std::string>& others) {
  std::vector<fs::path> chain;
  ApplyFile(options, path, chain, others);
}

std::vector<fs::path> FilesOfConfig(const fs::path& path) {
  std::vector<fs::path> files;
  AddFilesOfConfig(path, files);
  return files;
}

void ApplyConfigOverride(const OptionGroup& options, const std::string& assignment) {
  const Origin origin{"--set " + Printable(assignment), false};
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) throw InputError(origin.name + ": expects key.path=value");
  const std::string path = assignment.substr(0, equals);
  const std::string value = assignment.substr(equals + 1);
  // Down the tree, a name at a time: it is only a few names deep, however long the path.
  OptionGroup group = options;
  for (std::size_t begin = 0;;) {
    const std::size_t dot = std::min(path.find('.', begin), path.size());
    const std::string name = path.substr(begin, dot - begin);
    const auto found = std::ranges::find(group.fields, name, &OptionNode::name);
    if (found == group.fields.end()) ThrowUnknownKey(origin.name, name, path.substr(0, begin), Names(group));
    const OptionNode field = *found;
    if (dot == path.size()) return ApplyOverride(field, value, path, origin);
    begin = dot + 1;
    if (const auto* below = std::get_if<OptionGroup>(&field.value)) {
      group = *below;
    } else if (const auto* map = std::get_if<OptionMap>(&field.value)) {
      const std::size_t end = std::min(path.find('.', begin), path.size());
      group = map->entry(path.substr(begin, end - begin));
      if (end == path.size()) return ApplyGroup(group, Parse(value, origin), path + ".", origin);
      begin = end + 1;
    } else {
      throw InputError(origin.name + ": '" + Printable(path.substr(0, dot)) +
                       "' is one value; there are no keys below it");
    }
  }
}

OptionNode FindField(const OptionGroup& options, const std::string& key) {
  std::optional<OptionNode> found;
  ForEachField(options, "", [&](const std::string& name, const OptionNode& node) {
    if (name == key) found = node;
  });
  if (!found) throw Error("no option '" + key + "'");
  return *found;
}

std::string DescribeField(const OptionNode& field) {
  const std::string help = HelpOf(field);
  if (field.one_of) return help + ": " + Join(field.one_of->values, " | ");
  const std::string allowed = Allowed(field);
  return help + (allowed.empty() ? "" : ", " + allowed);
}

void ApplyConfigFlag(const OptionGroup& options, const ConfigFlag& flag) {
  const OptionNode field = FindField(options, flag.key);
  const bool list = std::visit(
      [](const auto& value) { return IsVector<std::remove_pointer_t<std::decay_t<decltype(value)>>>::value; },
      field.value);
  const bool none = flag.value.empty() || (flag.value == "none" && !Permitted(field, flag.value));
  const std::string text = list ? "[" + (none ? "" : flag.value) + "]" : flag.value;
  ApplyOverride(field, text, flag.key, {flag.flag + " " + Printable(flag.value), false});
}

void CheckBelongs(const OptionGroup& options, const std::string& section, const std::string& key) {
  const OptionNode field = FindField(options, key);
  if (!field.belongs) return;
  const std::string kind = ValueText(FindField(options, field.belongs->key));
  const auto has = [&](const OptionNode& one) {
    return one.belongs && std::ranges::find(one.belongs->kinds, kind) != one.belongs->kinds.end();
  };
  if (has(field)) return;
  std::vector<std::string> own;
  for (const OptionNode& one : options.fields) {
    if (has(one)) own.push_back(one.name);
  }
  throw InputError(section + "." + key + " is no option of " + section + "." + field.belongs->key + " " + kind +
                   "; its options are " + Join(own));
}

void CheckFields(const OptionGroup& options, const std::string& section) {
  const auto permitted = []<class T>(const OptionNode& field, const T& value) {
    if constexpr (std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
      return Permitted(field, static_cast<double>(value));
    } else {
      return Permitted(field, value);
    }
  };
  ForEachField(options, section + ".", [&](const std::string& key, const OptionNode& field) {
    std::visit(
        [&](const auto& target) {
          if constexpr (std::is_pointer_v<std::decay_t<decltype(target)>>) {
            using T = std::remove_pointer_t<std::decay_t<decltype(target)>>;
            bool good = true;
            if constexpr (IsVector<T>::value) {
              for (const auto& item : *target) good = good && permitted(field, item);
            } else if constexpr (IsOptional<T>::value) {
              good = !*target || permitted(field, **target);
            } else {
              good = permitted(field, *target);
            }
            if (!good) throw InputError(key + " = " + Printable(ValueText(field)) + ": " + Expectation<T>(field));
          }
        },
        field.value);
  });
}

void ValidateConfig(const OptionGroup& options) {
  for (const auto& field : options.fields) {
    if (const auto* group = std::get_if<OptionGroup>(&field.value)) ValidateConfig(*group);
    if (const auto* map = std::get_if<OptionMap>(&field.value)) {
      for (const auto& name : map->names()) ValidateConfig(map->entry(name));
    }
  }
  if (options.validate) options.validate();
}

void ResolveConfig(const OptionGroup& options, const std::vector<fs::path>& files,
                   const std::vector<std::string>& overrides, const std::vector<ConfigFlag>& flags) {
  for (const auto& file : files) ApplyConfigFile(options, file);
  for (const auto& override : overrides) ApplyConfigOverride(options, override);
  for (const auto& flag : flags) ApplyConfigFlag(options, flag);
  ValidateConfig(options);
}

void ReadDump(const OptionGroup& options, const fs::path& path) {
  const Origin origin{path.string(), true, true};
  ApplyGroup(options, Parse(ReadFile(path, kMaxConfigBytes), origin), "", origin);
  ValidateConfig(options);
}

std::string DumpConfig(const OptionGroup& options) {
  YAML::Emitter out;
  EmitGroup(out, options);
  return std::string(out.c_str()) + "\n";
}

std::string DocumentConfig(const OptionGroup& options) {
  std::string rows = "| key | default | allowed | meaning |\n|---|---|---|---|\n";
  DocumentGroup(rows, options, "");
  return rows;
}

std::map<std::string, std::string> FlattenConfig(const std::string& dump) {
  std::map<std::string, std::string> values;
  try {
    Flatten(YAML::Load(dump), "", values);
  } catch (const YAML::Exception& error) {
    throw InputError("not a dumped config: " + error.msg);
  }
  for (auto& [key, value] : values) {
    if (value == "~") value = "null";
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  }
  return values;
}

}  // namespace dualgeo
