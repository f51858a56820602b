#include "shared_folders.h"

#include <algorithm>
#include <map>
#include <optional>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "pipeline/photo_sets.h"
#include "stages/stage.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// The folder whose own config gives this key: one that an earlier version named.
std::optional<fs::path> FolderWithConfig(const fs::path& shared, const Stage& stage, const std::string& key) {
  std::error_code code;
  std::optional<fs::path> found;
  for (const auto& entry : fs::directory_iterator(shared, code)) {
    if (!entry.path().filename().string().starts_with(std::string(stage.folder) + "-")) continue;
    const fs::path config = entry.path() / "config.yaml";
    if (!fs::exists(config)) continue;
    try {
      if (KeyOf(stage, ReadKeptExperiment(config)) == key) found = entry.path();
    } catch (const InputError&) {  // of a version whose keys are not ours
    }
  }
  return found;
}

}  // namespace

void ShareStages(ExperimentOptions& o, const fs::path& shared, int segmenter_seed) {
  if (!o.run.segmenter_seed) o.run.segmenter_seed = segmenter_seed;
  for (const Stage& stage : Stages()) {
    if (stage.folder == nullptr) continue;
    const std::string key = KeyOf(stage, o);
    fs::path folder = shared / (std::string(stage.folder) + "-" + Sha256(key).substr(0, 12));
    if (!fs::exists(folder)) folder = FolderWithConfig(shared, stage, key).value_or(folder);
    o.layout[stage.folder] = folder.string();
  }
}

void LinkStages(const ExperimentOptions& options) {
  const fs::path root = options.run_dir;
  const auto link = [&](const fs::path& folder, const std::string& name) {
    if (!fs::exists(folder / name)) return;
    const fs::path at = root / name;
    CreateFolder(at.parent_path());
    const fs::path relative = fs::relative(folder / name, at.parent_path());
    if (fs::is_symlink(at) && fs::read_symlink(at) == relative) return;
    if (fs::is_symlink(at)) fs::remove(at);
    if (!fs::exists(at)) fs::create_symlink(relative, at);
  };
  const std::vector<PhotoSet> benchmarks = BenchmarkSets(options);
  for (const Stage& stage : Stages()) {
    if (stage.folder == nullptr || !IsWanted(stage, options)) continue;
    for (const std::string& name : stage.makes) {
      const fs::path folder = options.layout.at(stage.folder);
      if (!name.starts_with("SET/")) link(folder, name);
      for (const PhotoSet& set : benchmarks) {
        if (name.starts_with("SET/")) link(folder, set.name + name.substr(3));
      }
    }
  }
}

void CheckWorlds(const std::vector<ExperimentOptions>& runs) {
  std::map<std::string, OptionValues> worlds;
  for (const auto& run : runs) {
    if (!HasStep(run, "world")) continue;
    const OptionValues settings = FieldsOf(StageNamed("world"), run).result;
    const auto [world, added] = worlds.emplace(Spelled(run.world.out), settings);
    if (!added && world->second != settings) {
      throw InputError("two runs write different worlds into " + run.world.out +
                       ": give each world.out (and data) its own");
    }
  }
}

}  // namespace dualgeo
