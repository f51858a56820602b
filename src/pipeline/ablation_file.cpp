// The file of `dualgeo ablate`.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <set>

#include "config/config.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "pipeline/ablation.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

struct Source {
  fs::path file;
  [[noreturn]] void Fail(const YAML::Node& node, const std::string& what) const {
    std::string at = file.string();
    if (!node.Mark().is_null()) at += ":" + std::to_string(node.Mark().line + 1);
    throw InputError(at + ": " + what);
  }
};

std::string Flow(const YAML::Node& node) {
  if (node.IsNull()) return "null";
  YAML::Emitter out;
  out << YAML::Flow << node;
  return out.c_str();
}

// {model: {fusion.type: gated}} -> model.fusion.type = gated. Whether there is such a key the config itself will say.
void Flatten(const Source& source, const YAML::Node& node, const std::string& prefix, Settings& out) {
  for (const auto& item : node) {
    if (!item.first.IsScalar()) source.Fail(item.first, "a key must be plain text");
    const std::string key = prefix + item.first.Scalar();
    if (item.second.IsMap()) {
      Flatten(source, item.second, key + ".", out);
    } else {
      out.emplace_back(key, Flow(item.second));
    }
  }
}

std::vector<std::string> RowBase(const Source& source, const YAML::Node& node) {
  std::vector<std::string> files;
  if (node.IsScalar()) files.push_back(node.Scalar());
  for (const auto& file : node) {
    if (!file.IsScalar()) source.Fail(file, "a row's base must be an experiment file, or a list of them");
    files.push_back(file.Scalar());
  }
  FindBases(source.file, files);
  return files;
}

// What the keys of a row take.
const std::map<std::string, std::string> kShapes = {{"name", "text"},
                                                    {"set", "{key: value}"},
                                                    {"base", "an experiment file, or a list of them"},
                                                    {"part", "true or false"}};

std::vector<AblationRow> ReadRows(const Source& source, const YAML::Node& rows) {
  std::vector<AblationRow> result;
  if (!rows) return result;
  if (!rows.IsSequence()) source.Fail(rows, "rows must be a list of {name: ..., set: {key: value}}");
  for (const auto& item : rows) {
    if (!item.IsMap()) source.Fail(item, "a row must be {name: ..., set: {key: value}}");
    AblationRow row;
    row.line = item.Mark().line + 1;
    for (const auto& part : item) {
      const std::string key = part.first.IsScalar() ? part.first.Scalar() : "";
      if (key == "name" && part.second.IsScalar()) {
        row.name = part.second.Scalar();
      } else if (key == "set" && (part.second.IsMap() || part.second.IsNull())) {
        if (part.second.IsMap()) Flatten(source, part.second, "", row.settings);
      } else if (key == "base" && (part.second.IsScalar() || part.second.IsSequence())) {
        row.base = RowBase(source, part.second);
      } else if (key == "part" && YAML::convert<bool>::decode(part.second, row.part)) {
      } else if (const auto shape = kShapes.find(key); shape != kShapes.end()) {
        source.Fail(part.second, "a row's " + key + " must be " + shape->second);
      } else {
        source.Fail(part.first, "unknown key '" + Printable(key) + "' of a row (known here: name, set, base, part)");
      }
    }
    if (row.name.empty()) source.Fail(item, "a row has no name");
    result.push_back(std::move(row));
  }
  return result;
}

struct Axis {
  std::string key;
  std::vector<std::string> values;
  int line = 0;
};

std::vector<Axis> ReadAxes(const Source& source, const YAML::Node& node, const std::string& prefix = "") {
  std::vector<Axis> axes;
  if (!node) return axes;
  if (!node.IsMap()) source.Fail(node, "axes must be {key: [values]}");
  for (const auto& item : node) {
    if (!item.first.IsScalar()) source.Fail(item.first, "a key must be plain text");
    const std::string key = prefix + item.first.Scalar();
    if (item.second.IsMap()) {
      for (auto& axis : ReadAxes(source, item.second, key + ".")) axes.push_back(std::move(axis));
      continue;
    }
    if (!item.second.IsSequence() || item.second.size() == 0) {
      source.Fail(item.second, "axes: " + Printable(key) + " must be a list of values");
    }
    Axis axis{key, {}, item.first.Mark().line + 1};
    for (const auto& value : item.second) axis.values.push_back(Flow(value));
    axes.push_back(std::move(axis));
  }
  return axes;
}

// "fusion.type=gated": the last two parts of the key tell enough.
std::string Short(const std::string& key, const std::string& value) {
  const auto last = key.rfind('.');
  const auto before = last == std::string::npos || last == 0 ? std::string::npos : key.rfind('.', last - 1);
  return (before == std::string::npos ? key : key.substr(before + 1)) + "=" + value;
}

void Expand(const std::vector<Axis>& axes, bool grid, std::vector<AblationRow>& rows) {
  if (axes.empty()) return;
  if (rows.empty() && !grid) rows.push_back({"base", {}, axes.front().line});
  if (!grid) {
    for (const Axis& axis : axes) {
      for (const auto& value : axis.values) rows.push_back({Short(axis.key, value), {{axis.key, value}}, axis.line});
    }
    return;
  }
  std::vector<AblationRow> product = {{"", {}, axes.front().line}};
  for (const Axis& axis : axes) {
    std::vector<AblationRow> next;
    for (const AblationRow& row : product) {
      for (const auto& value : axis.values) {
        AblationRow longer = row;
        longer.name += (longer.name.empty() ? "" : ", ") + Short(axis.key, value);
        longer.settings.emplace_back(axis.key, value);
        next.push_back(std::move(longer));
      }
    }
    product = std::move(next);
  }
  rows.insert(rows.end(), product.begin(), product.end());
}

}  // namespace

Ablation ReadAblationFile(const fs::path& file, const std::vector<std::string>& overrides) {
  Ablation ablation;
  ablation.file = file;
  ReadStudyFile(file, overrides, OptionTree(ablation.options), ablation.options, {"rows", "axes"});
  const Source source{file};
  const YAML::Node yaml = YAML::Load(ReadFile(file));  // ReadStudyFile has read it: it is a map of YAML
  ablation.rows = ReadRows(source, yaml["rows"]);
  Expand(ReadAxes(source, yaml["axes"]), ablation.options.combine == "grid", ablation.rows);
  std::set<std::string> names, shown;
  for (const auto& row : ablation.rows) {
    if (!names.insert(row.name).second) {
      throw InputError(file.string() + ":" + std::to_string(row.line) + ": two rows are called '" +
                       Printable(row.name) + "'");
    }
    if (!row.part) shown.insert(row.name);
  }
  if (shown.size() < 2) {
    throw InputError(file.string() + ": rows and axes give " + std::to_string(shown.size()) +
                     " row(s): there is nothing to compare");
  }
  const std::string& reference = ablation.options.reference;
  if (!reference.empty() && !shown.contains(reference)) {
    throw InputError(file.string() + ": reference '" + Printable(reference) +
                     "' is not one of the rows: " + Join({shown.begin(), shown.end()}));
  }
  return ablation;
}

std::string DocumentAblation() {
  AblationOptions defaults;
  return DocumentConfig(OptionTree(defaults));
}

}  // namespace dualgeo
