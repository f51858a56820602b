#include "earlier_records.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "config/config.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/text.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// Files above it were known by size and time.
constexpr std::uintmax_t kEarlierHashedWhole = 256U << 20;

bool SamePlace(const fs::path& a, const fs::path& b) {
  std::error_code code;
  return fs::weakly_canonical(a, code) == fs::weakly_canonical(b, code);
}

// A section was written as "data.validation:" with its own name, "validation:", on the next line and its fields below
// that: without that second line its keys are the dotted ones of a config.
std::string WithoutInnerNames(const std::string& text) {
  std::istringstream lines(text);
  std::string result, outer;
  for (std::string line; std::getline(lines, line);) {
    const bool inner = !outer.empty() && line.starts_with(outer);
    if (!inner) result += line + "\n";
    outer.clear();
    if (!inner && line.ends_with(":") && !line.starts_with(" ")) outer = line.substr(line.rfind('.') + 1);
  }
  return result;
}

// Whether `path` holds other bytes than the record saw there.
bool Contradicts(const std::map<std::string, std::string>& then, const fs::path& path) {
  std::error_code code;
  if (!fs::is_regular_file(path, code) || fs::file_size(path, code) > kEarlierHashedWhole) return false;
  for (const auto& [earlier, fingerprint] : then) {
    if (SamePlace(earlier, path)) return fingerprint.size() == 64 && fingerprint != Sha256File(path);
  }
  return false;
}

// The fields of one section were written together; a section that is not in the record was not read then.
bool KnowsSection(const OptionValues& then, const std::string& key) {
  const std::string section = key.substr(0, key.find('.'));
  return std::ranges::any_of(
      then, [&](const auto& item) { return item.first == section || item.first.starts_with(section + "."); });
}

}  // namespace

std::optional<EarlierRecord> ReadEarlierRecord(const fs::path& path) {
  if (!fs::exists(path)) return std::nullopt;
  try {
    const auto json = nlohmann::json::parse(ReadFile(path));
    if (json.contains("format")) return std::nullopt;
    const auto& made_from = json.at("made_from");
    EarlierRecord record;
    record.settings = FlattenConfig(WithoutInnerNames(made_from.at("settings").get<std::string>()));
    record.inputs = made_from.at("inputs").get<std::map<std::string, std::string>>();
    record.finished = json.contains("outputs");
    if (record.finished) record.outputs = json.at("outputs").get<std::map<std::string, std::string>>();
    record.seconds = json.value("seconds", 0.0);
    return record;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::string CompareEarlier(const EarlierRecord& record, const Step& step, const std::vector<Artifact>& inputs) {
  OptionValues now = step.fields.result;
  std::erase_if(now, [&](const auto& item) {
    return !record.settings.contains(item.first) && !KnowsSection(record.settings, item.first);
  });
  std::vector<std::string> differences = CompareValues(record.settings, now, step.fields.defaults);
  const bool extended = !differences.empty() && std::ranges::all_of(differences, [&](const std::string& text) {
    return std::ranges::find(step.extendable, text.substr(0, text.find(": "))) != step.extendable.end();
  });
  if (extended && step.found && step.found() == Found::kWhole) differences.clear();
  for (const Artifact& input : inputs) {
    if (Contradicts(record.inputs, input.path)) differences.push_back(input.role + " changed");
  }
  for (const Artifact& output : step.outputs) {
    if (Contradicts(record.outputs, output.path)) differences.push_back(output.path.string() + " changed");
  }
  return Join(differences, "; ");
}

}  // namespace dualgeo
