// `dualgeo run`: the stages of the pipeline in order, one file on disk between any two.
//
// Below run_dir: config.yaml, run.json (versions, seed, threads, device), steps/ (what each step was made from),
// tables/ (holdout), segmenter/, masks/SET/, checkpoint/, train.jsonl, features/, gallery/, and a folder for each
// benchmark: features.safetensors, candidates.csv, reranked.csv, predictions.csv, metrics.json, errors.csv, map.svg;
// and report.html. The step untrained makes the same files below untrained/.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/significance.h"
#include "pipeline/experiment.h"

namespace dualgeo {

struct BenchmarkScores {
  std::string name;
  // In the order of the table: rank 1, predictions, the best of the top k, and the untrained model's predictions.
  std::vector<Evaluation> evaluations;
  // Trained against untrained, where the step untrained ran.
  std::vector<PairedComparison> against_untrained;
};

// Walks options.run.steps, skipping those whose output is already there and was made from the same inputs and settings
// (pipeline/step.h), while no other process walks them in this run_dir. config.yaml and run.json are written when all
// but the report is made. Returns the scores when the step evaluate is among them. Throws InputError, Error,
// Interrupted (then run it again: it goes on where it stopped).
std::vector<BenchmarkScores> RunPipeline(const ExperimentOptions& options);

// Of the stages that the run wants, only these, on what the others made earlier. Returns how many steps were not up to
// date. finishes: config.yaml and run.json are then written, as the run is whole. `ablate` and `robustness` walk runs
// stage by stage with it. Throws as RunPipeline.
int RunStages(const ExperimentOptions& options, const std::vector<std::string>& only, bool finishes);

// Rewrites the records of an earlier version; runs nothing. For all runs of a study before its first stage is made
// again.
void TakeOverRecords(const ExperimentOptions& options);

// The table that `dualgeo run` prints.
std::string FormatScores(const std::vector<BenchmarkScores>& scores);

}  // namespace dualgeo
