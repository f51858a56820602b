// Scores of the predictions: numbers, every photo's error, a map.
#include <spdlog/spdlog.h>

#include "eval/regions.h"
#include "eval/tables.h"
#include "pipeline/stages.h"
#include "report/map.h"
#include "runtime/runtime.h"
#include "stage.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// All that the run made on the way to the scores of one benchmark.
Provenance ProvenanceOf(const StageRun& run, const PhotoSet& set) {
  const RunPaths& paths = run.paths;
  Provenance provenance = ThisProvenance(DumpExperiment(run.options), run.options.runtime.seed);
  provenance.threads = at::get_num_threads();
  provenance.device = DescribeDevice(SelectDevice(run.options.runtime.device));
  const std::pair<std::string, fs::path> files[] = {{"truth", set.csv},
                                                    {"photos", run.train.csv},
                                                    {"checkpoint", paths.checkpoint() / "model.safetensors"},
                                                    {"gallery", paths.gallery() / "gallery.json"},
                                                    {"candidates", paths.candidates(set.name)},
                                                    {"predictions", paths.of(set.name, "predictions.csv")}};
  for (const auto& [role, file] : files) {
    if (fs::exists(file)) provenance.AddFile(role, file);
  }
  return provenance;
}

void WriteScores(const StageRun& run, const PhotoSet& set) {
  Evaluation evaluation = ScorePredictions(run, set);
  evaluation.subject.provenance = ProvenanceOf(run, set);
  for (const auto& warning : Warnings(evaluation)) spdlog::warn("{}", warning);
  WriteFileAtomically(run.paths.of(set.name, "metrics.json"), MetricsJson(evaluation));
  WriteErrors(run.paths.of(set.name, "errors.csv"), evaluation);
  std::vector<LatLon> land;
  for (const auto& row : ReadPhotoTable(run.train.csv, run.train.columns).rows) land.push_back(*row.location);
  MapOptions options;
  options.title = run.options.name + ": " + set.name;
  if (!evaluation.subject.note.empty()) options.title += " (" + evaluation.subject.note + ")";
  WriteFileAtomically(run.paths.of(set.name, "map.svg"), PredictionsMapSvg(evaluation, land, options));
}

Step EvaluateStep(const Stage& self, const StageRun& run, const PhotoSet& set) {
  Step step = NewStep(self, run, set.name);
  step.inputs = [=] {
    std::vector inputs{FileArtifact("predictions", run.paths.of(set.name, "predictions.csv")),
                       TableArtifact("truth", set.csv, set.columns, TablePart::kCells),
                       TableArtifact("table", run.train.csv, run.train.columns, TablePart::kRows),
                       // Named, by their hashes, in the scores.
                       FileArtifact("candidates", run.paths.candidates(set.name))};
    if (!Routes(run.options)) inputs.push_back(WeightsArtifact("checkpoint", run.paths.checkpoint()));
    if (FindsInGallery(run.options)) inputs.push_back(GalleryArtifact("gallery", run.paths.gallery()));
    return inputs;
  };
  step.outputs = {FileArtifact("metrics", run.paths.of(set.name, "metrics.json")),
                  FileArtifact("errors", run.paths.of(set.name, "errors.csv")),
                  FileArtifact("map", run.paths.of(set.name, "map.svg"))};
  step.run = [=](bool) { WriteScores(run, set); };
  return step;
}

}  // namespace

std::string NoteOf(const PhotoSet& set) { return fs::exists(set.csv.parent_path() / "world.json") ? "synthetic" : ""; }

Evaluation ScorePredictions(const StageRun& run, const PhotoSet& set) {
  const fs::path file = run.paths.of(set.name, "predictions.csv");
  const ExperimentOptions& o = run.options;
  const std::string method = run.untrained ? "untrained model" : o.rerank.method + ", " + o.predict.method;
  Evaluation evaluation = Evaluate(ReadPhotoTable(set.csv, set.columns), ReadPredictions(file), o.evaluate,
                                   {set.name, method, NoteOf(set), file.string(), set.csv.string()});
  AddRegions(evaluation, ReadRegions(set.csv));
  return evaluation;
}

Stage EvaluateStage() {
  return {.reads = {ConfigReads::kComputes, {"seed", "evaluate", "rerank.method", "predict.method"}},
          .steps = ForEachBenchmark<EvaluateStep>,
          .of_model = true};
}

}  // namespace dualgeo
