// One experiment: everything a config file can say (docs/config.md lists every key; it is made from this struct).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/option_values.h"
#include "data/data_options.h"
#include "dualgeo/cells/build_partition.h"
#include "dualgeo/eval/evaluate.h"
#include "dualgeo/gallery/embed_options.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/gallery/search.h"
#include "dualgeo/model/options.h"
#include "dualgeo/runtime/options.h"
#include "lmm/predictor.h"
#include "refine/rerank_options.h"
#include "refine/router.h"
#include "synthetic/world.h"
#include "train/options.h"

namespace dualgeo {

// The steps that `dualgeo run` can walk, in their order.
const std::vector<std::string>& RunStepNames();

struct RunOptions {
  std::vector<std::string> steps = {"segment", "train", "gallery", "search", "rerank", "predict", "evaluate", "report"};
  std::optional<int> segmenter_seed;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("steps", steps,
            "the arrows that `dualgeo run` walks, always in the order given here; without segment, the masks are those "
            "that data names; fit_rerank fits rerank's parameters on the validation photos; untrained scores the same "
            "model "
            "before training as a floor",
            OneOf{RunStepNames()}, Affects::kNothing);
    v.Field("segmenter_seed", segmenter_seed,
            "seed of the steps train_segmenter and segment, so that runs with other seeds can share their masks; null: "
            "the run's seed",
            Range{0, 1e9});
  }
};

// Folders of stages that are not in run_dir: "model" -> path. No config key: `ablate` and `robustness` set it, so that
// runs whose inputs are equal share what they make.
using RunLayout = std::map<std::string, std::string>;

struct WorldStepOptions : WorldOptions {
  std::string out = "runs/world";

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("out", out, "folder of the world; runs may share one", Affects::kNothing);
    WorldOptions::Visit(v);
  }
};

struct ExperimentOptions {
  std::string name = "dualgeo";
  RuntimeOptions runtime;
  std::string run_dir = "runs/dualgeo";
  RunOptions run;
  WorldStepOptions world;
  DataOptions data;
  std::map<std::string, PartitionOptions> partitions;
  ModelOptions model;
  LossOptions loss;
  SegmenterTrainOptions train_segmenter;
  TrainOptions train;
  EmbedOptions embed;
  GalleryOptions gallery;
  SearchOptions search;
  RouterOptions router;
  RerankOptions rerank;
  PredictOptions predict;
  EvaluateOptions evaluate;

  RunLayout layout;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("name", name, "shown in tables and logs", Affects::kNothing);
    runtime.Visit(v);
    v.Field("run_dir", run_dir, "folder of everything the run makes", Affects::kNothing);
    v.Group("run", run, "what `dualgeo run` does");
    v.Group("world", world, "the synthetic world (step world)");
    v.Group("data", data, "photos, masks and coordinates; paths are relative to the working directory");
    v.Map(
        "partitions", partitions,
        "divisions of the Earth that the run makes of its training photos (docs/cells.md); model.cells.partitions may "
        "name them");
    v.Group("model", model, "the network");
    v.Group("loss", loss, "dual-view contrastive loss");
    v.Group("train_segmenter", train_segmenter, "training of the segmenter");
    v.Group("train", train, "training of the model");
    v.Group("embed", embed, "turning photos into features");
    v.Group("gallery", gallery, "what is searched");
    v.Group("search", search, "retrieval");
    v.Group("router", router, "search.finder router: whose candidates are taken");
    v.Group("rerank", rerank, "re-ranking");
    v.Group("predict", predict, "the final coordinate");
    v.Group("evaluate", evaluate, "scores");
  }
  void Validate();
};

// Defaults, then the files in order, then the key.path=value overrides, then a command's own flags. Throws InputError
// with file, line and key.
ExperimentOptions ReadExperiment(const std::vector<std::filesystem::path>& files,
                                 const std::vector<std::string>& overrides, const std::vector<ConfigFlag>& flags = {});

// The resolved config as YAML, as a run keeps it; and reads it back.
std::string DumpExperiment(const ExperimentOptions& options);
ExperimentOptions ReadKeptExperiment(const std::filesystem::path& file);

// Is it one of run.steps?
bool HasStep(const ExperimentOptions& options, const std::string& step);

// docs/config.md.
std::string DocumentExperiment();

}  // namespace dualgeo
