#include "dualgeo/pipeline/shared_steps.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <system_error>
#include <thread>

#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/pipeline/run.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/stop.h"

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

void ShareStages(ExperimentOptions& o, const fs::path& shared, int segmenter_seed) {
  if (!o.pipeline.segmenter_seed) o.pipeline.segmenter_seed = segmenter_seed;
  const auto folder = [&](const char* stage, const std::string& text) {
    return (shared / (std::string(stage) + "-" + Sha256(text).substr(0, 12))).string();
  };
  ExperimentOptions segmenter = o;
  segmenter.runtime.seed = *o.pipeline.segmenter_seed;
  const std::string segmenter_data = DumpSection(o, "data.segmenter");
  const std::string sets = DumpSection(o, "data.benchmarks");
  RunLayout& l = o.layout;
  l.world = folder("world", StepSettings(o, "world"));
  std::string data = DumpSection(o, "data.train");
  if (o.data.holdout.fraction > 0) data += StepSettings(o, "holdout");
  l.tables = folder("tables", data);
  l.segmenter = folder("segmenter", data + segmenter_data + StepSettings(segmenter, "train_segmenter"));
  // Without their own segmenter, masks depend on the weights that model.segmenter names.
  const bool trains = HasStep(o, "train_segmenter");
  const std::string maker =
      HasStep(o, "segment") ? (trains ? l.segmenter : "") + StepSettings(segmenter, "segment") : "";
  l.masks = folder("masks", data + maker);
  l.model = folder("model", data + (o.model.has_segmentation() ? maker : "") + StepSettings(o, "train"));
  l.features = folder("features", l.model + sets + StepSettings(o, "embed"));
  l.gallery = folder("gallery", l.features + StepSettings(o, "gallery"));
  l.lists = folder("lists", l.gallery + StepSettings(o, "search"));
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
    const auto [world, added] = worlds.emplace(run.world.out, StepSettings(run, "world"));
    if (!added && world->second != StepSettings(run, "world")) {
      throw InputError("two runs write different worlds into " + run.world.out +
                       ": give each world.out (and data) its own");
    }
  }
}

SharedLock::SharedLock(const fs::path& shared) {
  std::error_code code;
  fs::create_directories(shared, code);
  const fs::path path = shared / ".lock";
  file_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (code || file_ < 0) {
    throw Error("cannot write " + path.string() + ": " +
                (code ? code.message() : std::generic_category().message(errno)));
  }
  for (bool said = false; flock(file_, LOCK_EX | LOCK_NB) != 0; said = true) {
    if (!said) spdlog::info("{}: another process works there; waiting for it", shared.string());
    if (StopRequested()) {
      close(file_);
      throw Interrupted("interrupted");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

SharedLock::~SharedLock() { close(file_); }

}  // namespace dualgeo
