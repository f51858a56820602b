#include "dualgeo/pipeline/shared_steps.h"

#include <spdlog/spdlog.h>

#include <map>
#include <optional>

#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/pipeline/run.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

struct Stage {
  std::string folder;
  std::string label;               // "train"
  std::vector<std::string> steps;  // of RunSteps
};

// In the order of the walk; stages that the run does not have are left out.
std::vector<Stage> Stages(const ExperimentOptions& o) {
  const RunLayout& l = o.layout;
  const bool masks = o.model.has_segmentation();
  std::vector<Stage> stages;
  const auto add = [&](bool wanted, const std::string& folder, const char* label, std::vector<std::string> steps) {
    if (wanted) stages.push_back({folder, label, std::move(steps)});
  };
  add(HasStep(o, "world"), l.world, "world", {"world"});
  add(o.data.holdout.fraction > 0, l.tables, "holdout", {"holdout"});
  add(HasStep(o, "train_segmenter"), l.segmenter, "train_segmenter", {"train_segmenter"});
  add(masks && HasStep(o, "segment"), l.masks, "segment", {"segment"});
  add(HasStep(o, "train"), l.model, "train", {"train"});
  add(true, l.features, "embed", {"embed"});
  add(true, l.gallery, "gallery", {"gallery"});
  add(true, l.lists, "search", {"search"});
  return stages;
}

std::string KeyOf(const Stage& stage) { return fs::path(stage.folder).filename().string(); }

}  // namespace

namespace {

// A path as it leads from here: "./a/", "a" and the absolute name of it are one.
std::string Spelled(const std::string& path) {
  if (path.empty()) return path;
  std::error_code code;
  const fs::path canonical = fs::weakly_canonical(path, code);
  const std::string text = (code ? fs::path(path) : canonical.lexically_proximate(fs::current_path())).string();
  return text.size() > 1 && text.back() == '/' ? text.substr(0, text.size() - 1) : text;
}

// All fields below one key of the config.
std::string Section(const ExperimentOptions& options, const std::string& section) {
  ExperimentOptions copy = options;
  std::string text;
  ForEachField(OptionTree(copy), "", [&](const std::string& key, const OptionNode& node) {
    if (!key.starts_with(section + ".")) return;
    const std::string name = key.substr(key.rfind('.') + 1);
    const bool path = name == "csv" || name == "images" || name == "masks";
    text += key + ": " + (path ? Spelled(ValueText(node)) : ValueText(node)) + "\n";
  });
  return text;
}

// What a step depends on, as text: fields, and files that the config names.
std::string StepText(const ExperimentOptions& options, const std::string& step) {
  const StepFields fields = FieldsOf(options, step);
  std::string text = step + "\n" + FieldsText(fields);
  for (const auto& [key, file] : fields.files) text += key + ": " + Spelled(file.string()) + "\n";
  return text;
}

// What each stage depends on, the stages before it included.
RunLayout StageKeys(const ExperimentOptions& o) {
  ExperimentOptions segmenter = o;
  if (o.pipeline.segmenter_seed) segmenter.runtime.seed = *o.pipeline.segmenter_seed;
  RunLayout l;
  l.world = StepText(o, "world") + Spelled(o.world.out);
  l.tables = Section(o, "data.train");
  if (o.data.holdout.fraction > 0) l.tables += StepText(o, "holdout");
  const std::string validation = Section(o, "data.validation");
  l.segmenter = l.tables + validation + Section(o, "data.segmenter") + StepText(segmenter, "train_segmenter");
  // Without their own segmenter, masks depend on the weights that model.segmenter names.
  std::string maker;
  if (HasStep(o, "segment")) {
    maker = StepText(segmenter, "segment");
    if (HasStep(o, "train_segmenter")) maker += l.segmenter;
    if (o.model.segmenter.weights) maker += Spelled(*o.model.segmenter.weights);
  }
  l.masks = l.tables + maker;
  l.model = l.tables + validation + (o.model.has_segmentation() ? maker : "") + StepText(o, "train");
  l.features = l.model + Section(o, "data.benchmarks") + StepText(o, "embed");
  l.gallery = l.features + StepText(o, "gallery");
  l.lists = l.gallery + StepText(o, "search");
  return l;
}

struct StageFolder {
  const char* name;
  std::string RunLayout::*member;
};
constexpr StageFolder kStageFolders[] = {{"world", &RunLayout::world},         {"tables", &RunLayout::tables},
                                         {"segmenter", &RunLayout::segmenter}, {"masks", &RunLayout::masks},
                                         {"model", &RunLayout::model},         {"features", &RunLayout::features},
                                         {"gallery", &RunLayout::gallery},     {"lists", &RunLayout::lists}};

// The folder whose own config gives this key: one that an earlier version named.
std::optional<fs::path> FolderWithConfig(const fs::path& shared, const StageFolder& stage, const std::string& key) {
  std::error_code code;
  std::optional<fs::path> found;
  for (const auto& entry : fs::directory_iterator(shared, code)) {
    if (!entry.path().filename().string().starts_with(std::string(stage.name) + "-")) continue;
    const fs::path config = entry.path() / "config.yaml";
    if (!fs::exists(config)) continue;
    try {
      if (StageKeys(ReadExperiment({config}, {})).*stage.member == key) found = entry.path();
    } catch (const InputError&) {  // of a version whose keys are not ours
    }
  }
  return found;
}

}  // namespace

void ShareStages(ExperimentOptions& o, const fs::path& shared, int segmenter_seed) {
  if (!o.pipeline.segmenter_seed) o.pipeline.segmenter_seed = segmenter_seed;
  const RunLayout keys = StageKeys(o);
  for (const StageFolder& stage : kStageFolders) {
    const std::string& key = keys.*stage.member;
    fs::path folder = shared / (std::string(stage.name) + "-" + Sha256(key).substr(0, 12));
    if (!fs::exists(folder)) folder = FolderWithConfig(shared, stage, key).value_or(folder);
    o.layout.*stage.member = folder.string();
  }
}

void AddRunJobs(const ExperimentOptions& options, const std::string& label, const std::string& through,
                std::vector<Job>& jobs) {
  std::vector<std::string> after;
  for (const Stage& stage : Stages(options)) {
    const auto work = [options, stage] {
      const fs::path config = fs::path(stage.folder) / "config.yaml";
      if (!fs::exists(config)) WriteFileAtomically(config, DumpExperiment(options));
      ExperimentOptions own = options;
      // Everything waits for the world, and its files do not depend on the number of threads.
      if (stage.label == "world") own.runtime.threads = 0;
      return RunSteps(own, stage.steps) > 0;
    };
    jobs.push_back({KeyOf(stage), stage.label + " (" + label + ")", after, work});
    after = {KeyOf(stage)};
    if (stage.label == through) return;
  }
  const auto answer = [options] {
    LinkStages(options);
    return RunSteps(options, {"fit_rerank", "rerank", "predict", "evaluate"}) > 0;
  };
  jobs.push_back({"answer-" + Sha256(options.run_dir).substr(0, 12), "answer (" + label + ")", after, answer});
}

void TakeOverStudy(const std::vector<ExperimentOptions>& runs, const fs::path& shared, const fs::path& logs) {
  if (!fs::exists(shared)) return;
  const auto work = [&runs] {
    for (const ExperimentOptions& run : runs) {
      for (const Stage& stage : Stages(run)) TakeOverRecords(run, stage.steps);
      TakeOverRecords(run, {"fit_rerank", "rerank", "predict", "evaluate"});
    }
    return false;
  };
  RunJobs({{"records", "records of an earlier version", {}, work}}, {"study", 1, logs});
}

void LinkStages(const ExperimentOptions& options) {
  const RunPaths paths(options);
  const auto link = [&](const fs::path& target, const fs::path& name) {
    if (!fs::exists(target)) return;
    const fs::path at = paths.root / name;
    fs::create_directories(at.parent_path());
    const fs::path relative = fs::relative(target, at.parent_path());
    if (fs::is_symlink(at) && fs::read_symlink(at) == relative) return;
    if (fs::is_symlink(at)) fs::remove(at);
    if (!fs::exists(at)) fs::create_symlink(relative, at);
  };
  link(paths.segmenter_dir / "segmenter", "segmenter");
  if (options.model.has_segmentation()) link(paths.masks_dir / "masks", "masks");
  link(paths.tables_dir / "tables", "tables");
  link(paths.model_dir / "checkpoint", "checkpoint");
  link(paths.model_dir / "train.jsonl", "train.jsonl");
  link(paths.features_dir / "features", "features");
  link(paths.gallery(), "gallery");
  for (const PhotoSet& set : BenchmarkSets(options)) {
    link(paths.features(set.name), fs::path(set.name) / "features.safetensors");
    link(paths.candidates(set.name), fs::path(set.name) / "candidates.csv");
  }
}

void CheckWorlds(const std::vector<ExperimentOptions>& runs) {
  std::map<std::string, std::string> worlds;
  for (const auto& run : runs) {
    if (!HasStep(run, "world")) continue;
    const std::string settings = FieldsText(FieldsOf(run, "world"));
    const auto [world, added] = worlds.emplace(Spelled(run.world.out), settings);
    if (!added && world->second != settings) {
      throw InputError("two runs write different worlds into " + run.world.out +
                       ": give each world.out (and data) its own");
    }
  }
}

}  // namespace dualgeo
