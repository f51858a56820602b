// A stage of a run, declared once: what it reads of the config, what it makes, how. `run` walks the stages in the order
// of their table (stage_table.h), `ablate` and `robustness` those of many runs, which share what equal inputs make
// (shared_folders.h); what their steps share with the single commands is in pipeline/stages.h.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "pipeline/photo_sets.h"
#include "pipeline/run_paths.h"
#include "pipeline/step.h"
#include "stage_table.h"
#include "train/trainer.h"

namespace dualgeo {

// The fields of the config that a stage reads.
struct ConfigReads {
  enum Counts {
    kComputes,  // with given weights
    kTrains,    // what affects the weights counts, too, and the files that it starts from
    kReads,     // files that the config names
  } counts = kComputes;
  std::vector<std::string> sections;      // or single fields
  std::vector<std::string> without = {};  // of these sections
};

// What the steps of a stage are for: one model of a run (the trained one, or the untrained one below untrained/).
struct StageRun {
  explicit StageRun(const ExperimentOptions& run_options)
      : options(run_options), paths(run_options), train(TrainSet(options)), benchmarks(BenchmarkSets(options)) {}

  const ExperimentOptions& options;  // outlives the steps
  RunPaths paths;
  PhotoSet train;
  std::vector<PhotoSet> benchmarks;
  bool untrained = false;
};

StageRun Untrained(const StageRun& run);

// What a search in galleries reads: the run's own, those of search.galleries, and search.within_polygons.
// role: what their names begin with.
void AddGalleries(std::vector<Artifact>& inputs, const ExperimentOptions& options, const std::filesystem::path& gallery,
                  const std::string& role = "");

struct Stage {
  ConfigReads reads = {};  // none: it has no fields of its own
  // What else it reads by these options, or no longer.
  void (*adjust)(const ExperimentOptions& options, ConfigReads& reads) = nullptr;
  // The options that it goes by instead of the run's.
  ExperimentOptions (*sees)(const ExperimentOptions& options) = nullptr;
  // Is it walked? None: where run.steps names it.
  bool (*wanted)(const ExperimentOptions& options) = nullptr;
  // Its steps, in the order of the walk.
  std::vector<Step> (*steps)(const Stage& self, const StageRun& run) = nullptr;
  bool of_model = false;          // made for each model of the run, the untrained one, too
  bool in_studies = false;        // walked by studies, too, although it is neither of a model nor shared
  bool reads_run_config = false;  // run_dir's config.yaml and run.json, which are there once all else is made
  bool takes_all_cores = false;   // in a study, where all else waits for it; what it makes does not depend on threads

  bool shared = false;  // all processes of a job make it together (Step::shared)

  // Where runs share what it makes: a folder (of RunLayout) FOLDER-xxxx, named by a hash of the text of all that it
  // depends on: that of the stage `after` which it comes, the config's sections `data`, and its fields; or `key`.
  const char* folder = nullptr;
  const char* after = nullptr;
  std::vector<std::string> data = {};
  std::string (*key)(const Stage& self, const ExperimentOptions& options) = nullptr;
  // Names below run_dir that benchmarks cannot have, and that lead to `folder` where it is shared (SET: a benchmark's).
  std::vector<std::string> makes = {};

  const char* name = "";  // of the table
};

// All, in the order of the table.
const std::vector<Stage>& Stages();
const Stage& StageNamed(const std::string& name);

bool IsWanted(const Stage& stage, const ExperimentOptions& options);

// The fields that it reads, with their values.
StepFields FieldsOf(const Stage& stage, const ExperimentOptions& options);

// For `key`: that of a stage; its fields, and the files that they name; a section of the config. Paths count as they
// lead from the working folder.
std::string KeyOf(const Stage& stage, const ExperimentOptions& options);
std::string FieldsKey(const Stage& stage, const ExperimentOptions& options);
std::string SectionKey(const std::string& section, const ExperimentOptions& options);
std::string Spelled(const std::string& path);

// A step of the stage, for one set of photos where `set` is given: its name, fields and the folder of its record.
Step NewStep(const Stage& stage, const StageRun& run, const std::string& set = "");

// For stages whose benchmarks each have a step of their own.
template <Step (*kMake)(const Stage& self, const StageRun& run, const PhotoSet& set)>
std::vector<Step> ForEachBenchmark(const Stage& self, const StageRun& run) {
  std::vector<Step> steps;
  for (const PhotoSet& set : run.benchmarks) steps.push_back(kMake(self, run, set));
  return steps;
}

// The run's options with the seed of the segmenter (run.segmenter_seed).
ExperimentOptions SegmenterOptionsOf(const ExperimentOptions& options);

// Inputs: the table of a set (with further columns, as TableArtifact), its photos and, where the model sees them, its
// masks; the same of validation photos with a table of their own.
std::vector<Artifact> ArtifactsOf(const PhotoSet& set, TablePart part, const std::string& prefix = "",
                                  const std::vector<std::string>& further = {});
void AddValidation(std::vector<Artifact>& inputs, const ExperimentOptions& options, const PhotoSet& trained,
                   const std::vector<std::string>& further = {});
// The partitions that the run makes and its model goes by.
void AddPartitions(std::vector<Artifact>& inputs, const ExperimentOptions& options);

// What the trainings of both networks take from a config; what a checkpoint tells of itself (one that cannot be read
// can be of anything).
TrainJob MakeTrainJob(const ExperimentOptions& options, const PhotoSet& photos, const std::filesystem::path& run_dir,
                      Existing existing);
Found JudgeTraining(const std::function<std::optional<TrainedSoFar>()>& inspect);

// Of the scores: "synthetic" for a set of the synthetic world (a table made from it says so, whoever forgets to); those
// of a run's predictions.
std::string NoteOf(const PhotoSet& set);
Evaluation ScorePredictions(const StageRun& run, const PhotoSet& set);

}  // namespace dualgeo
