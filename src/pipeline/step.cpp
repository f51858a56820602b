#include "dualgeo/pipeline/step.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/version.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kHashedWhole = 256U << 20;

std::string Stamp(const fs::path& file) {
  return std::to_string(fs::file_size(file)) + "@" +
         std::to_string(fs::last_write_time(file).time_since_epoch().count());
}

nlohmann::json ReadRecord(const fs::path& path) {
  if (!fs::exists(path)) return {};
  // A record that cannot be read costs a repeated step, nothing else.
  return nlohmann::json::parse(ReadFile(path), nullptr, false);
}

}  // namespace

std::string FingerprintPath(const fs::path& path) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) return "absent";
  if (!fs::is_directory(status)) return fs::file_size(path) <= kHashedWhole ? Sha256File(path) : Stamp(path);
  std::vector<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) lines.push_back(entry.path().lexically_relative(path).string() + " " + Stamp(entry));
  }
  std::ranges::sort(lines);
  std::string listing;
  for (const auto& line : lines) listing += line + "\n";
  return Sha256(listing);
}

// Steps share inputs (the photo folder), so a fingerprint is kept until a step rewrites the path.
std::string StepRunner::Fingerprint(const fs::path& path) {
  const auto [item, added] = fingerprints_.try_emplace(path);
  if (added) item->second = FingerprintPath(path);
  return item->second;
}

bool StepRunner::Run(const Step& step) {
  ThrowIfStopped();
  nlohmann::json made_from = {{"settings", step.settings}, {"version", kVersion}, {"inputs", nlohmann::json::object()}};
  for (const auto& input : step.inputs) made_from["inputs"][input.string()] = Fingerprint(input);

  const fs::path folder = step.folder.empty() ? run_dir_ : step.folder;
  const fs::path record_path = folder / "steps" / (step.name + ".json");
  const nlohmann::json record = ReadRecord(record_path);
  const bool same = record.is_object() && record.contains("made_from") && record["made_from"] == made_from;
  if (same && record.contains("outputs")) {
    const bool intact = std::ranges::all_of(step.outputs, [&](const fs::path& output) {
      return record["outputs"].value(output.string(), "") == Fingerprint(output) && fs::exists(output);
    });
    if (intact) {
      spdlog::info("{}: up to date", step.name);
      return false;
    }
  }

  spdlog::info("{}", step.name);
  nlohmann::json next = {{"made_from", made_from}};
  WriteFileAtomically(record_path, next.dump(1) + "\n");
  const auto start = std::chrono::steady_clock::now();
  step.run(same && !record.contains("outputs"));
  next["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  next["outputs"] = nlohmann::json::object();
  fingerprints_.clear();
  for (const auto& output : step.outputs) {
    if (!fs::exists(output)) throw Error("step " + step.name + " did not make " + output.string());
    next["outputs"][output.string()] = Fingerprint(output);
  }
  WriteFileAtomically(record_path, next.dump(1) + "\n");
  ++done_;
  return true;
}

}  // namespace dualgeo
