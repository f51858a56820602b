#include "dualgeo/pipeline/run.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dualgeo/config/config.h"
#include "dualgeo/data/world.h"
#include "dualgeo/eval/comparison_table.h"
#include "dualgeo/eval/map.h"
#include "dualgeo/eval/regions.h"
#include "dualgeo/eval/tables.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/pipeline/report.h"
#include "dualgeo/pipeline/run_info.h"
#include "dualgeo/pipeline/stages.h"
#include "dualgeo/pipeline/step.h"
#include "dualgeo/refine/answer_join.h"
#include "dualgeo/refine/place_similarity.h"
#include "dualgeo/refine/reranker.h"
#include "dualgeo/train/runtime.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// Steps of one model (the trained one, or the untrained one below untrained/) on all benchmarks.
struct Branch {
  RunPaths paths;
  std::string prefix;  // of step names
  std::string label;   // of tables
};

class Run {
 public:
  // only: of run.steps, those to walk; empty: all.
  Run(const ExperimentOptions& options, const std::vector<std::string>& only)
      : options_(options),
        segmenter_options_(WithSegmenterSeed(options)),
        only_(only),
        paths_(options),
        runner_(options.run_dir),
        train_(TrainSet(options)),
        benchmarks_(BenchmarkSets(options)) {}

  std::vector<BenchmarkScores> Walk() {
    if (only_.empty() || Has("evaluate")) WriteFileAtomically(paths_.config(), DumpExperiment(options_));
    if (Has("world")) World();
    if (options_.data.holdout.fraction > 0 && (only_.empty() || Has("holdout"))) Holdout();
    if (Has("train_segmenter")) TrainSegmenterStep();
    if (Has("segment") && options_.model.has_segmentation()) SegmentAll();

    const Branch trained{paths_, "", ""};
    if (Has("train")) Train(trained, options_.train);
    SearchAndAnswer(trained);

    const Branch untrained{paths_.untrained(), "untrained-", "untrained"};
    if (Has("untrained")) {
      TrainOptions none = options_.train;
      none.epochs = 0;
      Train(untrained, none);
      SearchAndAnswer(untrained);
    }
    if (only_.empty() || Has("evaluate")) WriteRunInfo(paths_.info(), options_);
    if (Has("report")) ReportStep();
    return Has("evaluate") && only_.empty() ? Scores(trained, untrained) : std::vector<BenchmarkScores>();
  }

  int steps_done() const { return runner_.done(); }

 private:
  static ExperimentOptions WithSegmenterSeed(ExperimentOptions options) {
    if (options.pipeline.segmenter_seed) options.runtime.seed = *options.pipeline.segmenter_seed;
    return options;
  }

  bool Has(const std::string& step) const {
    if (only_.empty()) return HasStep(options_, step);
    const bool part = step == "holdout" || step == "embed";  // of other steps
    return std::ranges::find(only_, step) != only_.end() && (part || HasStep(options_, step));
  }

  std::string Settings(const std::string& step) const { return StepSettings(options_, step); }

  void World() {
    runner_.Run({"world",
                 {},
                 Settings("world"),
                 {fs::path(options_.world.out) / "world.json"},
                 [this](bool) { WriteWorld(options_.world, options_.world.out, options_.runtime.threads); },
                 paths_.world_dir});
  }

  void Holdout() {
    runner_.Run({"holdout",
                 {options_.data.train.csv},
                 Settings("holdout"),
                 {paths_.table("train"), paths_.table(kHoldout)},
                 [this](bool) { WriteHoldout(options_); },
                 paths_.tables_dir});
  }

  void TrainSegmenterStep() {
    const PhotoSet photos = SegmenterSet(options_);
    runner_.Run({"train_segmenter",
                 {photos.csv, photos.images, photos.masks},
                 StepSettings(segmenter_options_, "train_segmenter"),
                 {paths_.segmenter()},
                 [this, photos](bool resume) {
                   TrainSegmenterFromConfig(segmenter_options_, photos, paths_.segmenter_dir,
                                            resume ? Existing::kResume : Existing::kOverwrite);
                 },
                 paths_.segmenter_dir});
  }

  void SegmentAll() {
    const fs::path weights =
        options_.model.segmenter.weights ? fs::path(*options_.model.segmenter.weights) : paths_.segmenter();
    if (!fs::exists(weights)) {
      throw InputError(
          "step segment has no weights: set model.segmenter.weights to SegFormer weights or to a "
          "checkpoint of train-segmenter, or add train_segmenter to run.steps");
    }
    std::vector<PhotoSet> sets = benchmarks_;
    sets.insert(sets.begin(), train_);
    for (const PhotoSet& set : sets) {
      runner_.Run({"segment-" + set.name,
                   {set.csv, set.images, weights},
                   StepSettings(segmenter_options_, "segment"),
                   {set.masks},
                   [this, set, weights](bool) { SegmentFromConfig(segmenter_options_, set, weights, set.masks); },
                   paths_.masks_dir});
    }
  }

  void Train(const Branch& branch, const TrainOptions& train) {
    runner_.Run({branch.prefix + "train",
                 {train_.csv, train_.images, train_.masks},
                 Settings("train"),
                 {branch.paths.checkpoint()},
                 [this, &branch, &train](bool resume) {
                   ExperimentOptions options = options_;
                   options.train = train;
                   TrainFromConfig(options, train_, branch.paths.model_dir,
                                   resume ? Existing::kResume : Existing::kOverwrite);
                 },
                 branch.paths.model_dir});
  }

  void SearchAndAnswer(const Branch& branch) {
    // Photos are embedded where gallery or search need it, and apart when `only` asks for it.
    const bool images = options_.gallery.kind == "images";
    if ((images && (Has("gallery") || Has("embed"))) || Has("fit_rerank")) {
      Embed(branch, train_, branch.paths.train_features());
    }
    if (Has("gallery")) BuildGallery(branch);
    if (Has("fit_rerank")) FitRerankStep(branch);
    for (const PhotoSet& set : benchmarks_) {
      if (Has("search") || Has("embed")) Embed(branch, set, branch.paths.features(set.name));
      if (Has("search")) SearchStep(branch, set);
      if (Has("rerank")) RerankStep(branch, set);
      if (Has("predict")) PredictStep(branch, set);
      if (Has("evaluate")) EvaluateStep(branch, set);
    }
  }

  void Embed(const Branch& branch, const PhotoSet& set, const fs::path& features) {
    const fs::path checkpoint = branch.paths.checkpoint();
    runner_.Run({branch.prefix + "embed-" + set.name,
                 {checkpoint, set.csv, set.images, set.masks},
                 Settings("embed"),
                 {features},
                 [this, &set, checkpoint, features](bool) {
                   WriteFeatures(features, EmbedFromConfig(options_, set, checkpoint).features);
                 },
                 branch.paths.features_dir});
  }

  void BuildGallery(const Branch& branch) {
    const RunPaths& paths = branch.paths;
    const bool gps = options_.gallery.kind == "gps";
    runner_.Run({branch.prefix + "gallery",
                 {gps ? paths.checkpoint() : paths.train_features(), train_.csv},
                 Settings("gallery") + (gps ? Settings("embed") : ""),
                 {paths.gallery()},
                 [this, &paths, gps](bool) {
                   const PhotoTable table = ReadPhotoTable(train_.csv, train_.columns);
                   if (gps) {
                     Coordinates coordinates;
                     for (const auto& row : table.rows) {
                       coordinates.locations.push_back(*row.location);
                       coordinates.ids.push_back(row.id);
                     }
                     const EmbedModel model = ModelFromConfig(options_, paths.checkpoint());
                     BuildGpsGallery(EmbedCoordinates(model, coordinates), options_.gallery, paths.gallery());
                     return;
                   }
                   BuildImageGallery(ReadFeatures(paths.train_features()), table, options_.gallery, paths.gallery());
                 },
                 paths.gallery_dir});
  }

  void FitRerankStep(const Branch& branch) {
    const RunPaths& paths = branch.paths;
    runner_.Run({branch.prefix + "fit_rerank",
                 {paths.gallery(), paths.train_features(), train_.csv},
                 Settings("fit_rerank"),
                 {paths.rerank_parameters()},
                 [this, &paths](bool) {
                   Gallery gallery = LoadGallery(paths.gallery());
                   WritePosteriorParameters(paths.rerank_parameters(),
                                            FitRerankFromConfig(options_, ModelFromConfig(options_, paths.checkpoint()),
                                                                gallery, ReadFeatures(paths.train_features()), train_));
                 }});
  }

  void SearchStep(const Branch& branch, const PhotoSet& set) {
    const RunPaths& paths = branch.paths;
    runner_.Run({branch.prefix + "search-" + set.name,
                 {paths.gallery(), paths.features(set.name), set.csv},
                 Settings("search"),
                 {paths.candidates(set.name)},
                 [this, &paths, &set](bool) {
                   Gallery gallery = LoadGallery(paths.gallery());
                   const PhotoTable photos = ReadPhotoTable(set.csv, set.columns, Locations::kOptional);
                   const FeatureSet features = ReadFeatures(paths.features(set.name));
                   WriteCandidates(paths.candidates(set.name),
                                   SearchFromConfig(options_, ModelFromConfig(options_, paths.checkpoint()), gallery,
                                                    features, photos));
                 },
                 paths.lists_dir});
  }

  void RerankStep(const Branch& branch, const PhotoSet& set) {
    const fs::path in = branch.paths.candidates(set.name);
    const fs::path out = branch.paths.of(set.name, "reranked.csv");
    const RerankOptions rerank = RerankOf(options_, branch.paths);
    std::vector<fs::path> inputs = {in};
    if (!rerank.parameters.empty()) inputs.emplace_back(rerank.parameters);
    runner_.Run(
        {branch.prefix + "rerank-" + set.name, inputs, Settings("rerank"), {out}, [this, in, out, rerank](bool) {
           WriteCandidates(out, Rerank(rerank, ReadCandidates(in), options_.runtime.threads));
         }});
  }

  // Predictions come from the re-ranked list where there is one.
  fs::path FinalCandidates(const RunPaths& paths, const PhotoSet& set) const {
    return HasStep(options_, "rerank") ? paths.of(set.name, "reranked.csv") : paths.candidates(set.name);
  }

  void PredictStep(const Branch& branch, const PhotoSet& set) {
    const fs::path in = FinalCandidates(branch.paths, set);
    const fs::path out = branch.paths.of(set.name, "predictions.csv");
    runner_.Run({branch.prefix + "predict-" + set.name,
                 {in, set.csv},
                 Settings("predict"),
                 {out},
                 [this, &set, &paths = branch.paths, in, out](bool) {
                   PredictInputs inputs;  // of method lmm
                   inputs.lmm.images = set.images;
                   const fs::path features = paths.features(set.name);
                   if (options_.predict.method == "lmm" && options_.predict.lmm.verifies() && fs::exists(features)) {
                     inputs.choice.similarity = ModelSimilarity(ModelFromConfig(options_, paths.checkpoint()),
                                                                ReadFeatures(features), features.string());
                   }
                   if (options_.predict.lmm.choose == "bayes") {
                     inputs.choice.join = MakeBayesAnswerJoin(options_.rerank);
                   }
                   PredictReport report;
                   std::vector<Prediction> predictions = Predict(options_.predict, ReadCandidates(in), inputs, &report);
                   // A step that counts as done would never ask about the rest.
                   if (!report.stopped.empty()) {
                     throw Error("predict: " + report.stopped + "; the answers so far are in " +
                                 options_.predict.lmm.cache + ", run again to go on");
                   }
                   std::vector<std::string> ids;
                   for (const auto& row : ReadPhotoTable(set.csv, set.columns, Locations::kOptional).rows) {
                     ids.push_back(row.id);
                   }
                   AddUnanswered(ids, options_.predict.method, predictions);
                   ApplyFailureRule(options_.predict, predictions);
                   WritePredictions(out, predictions);
                 }});
  }

  // A table made from the synthetic world says so, whoever forgets to.
  static std::string Note(const PhotoSet& set) {
    return fs::exists(set.csv.parent_path() / "world.json") ? "synthetic" : "";
  }

  Evaluation EvaluatePredictions(const Branch& branch, const PhotoSet& set) const {
    const fs::path file = branch.paths.of(set.name, "predictions.csv");
    const std::string method =
        branch.label.empty() ? options_.rerank.method + ", " + options_.predict.method : branch.label + " model";
    Evaluation evaluation = Evaluate(ReadPhotoTable(set.csv, set.columns), ReadPredictions(file), options_.evaluate,
                                     {set.name, method, Note(set), file.string(), set.csv.string()});
    AddRegions(evaluation, ReadRegions(set.csv));
    return evaluation;
  }

  // Of the scores of one benchmark: all that the run made on the way there.
  Provenance MakeProvenance(const Branch& branch, const PhotoSet& set) const {
    const RunPaths& paths = branch.paths;
    Provenance provenance = ThisProvenance(DumpExperiment(options_), options_.runtime.seed);
    provenance.threads = at::get_num_threads();
    provenance.device = DescribeDevice(SelectDevice(options_.runtime.device));
    const std::pair<std::string, fs::path> files[] = {{"truth", set.csv},
                                                      {"photos", train_.csv},
                                                      {"checkpoint", paths.checkpoint() / "model.safetensors"},
                                                      {"gallery", paths.gallery() / "gallery.json"},
                                                      {"candidates", paths.candidates(set.name)},
                                                      {"predictions", paths.of(set.name, "predictions.csv")}};
    for (const auto& [role, file] : files) {
      if (fs::exists(file)) provenance.AddFile(role, file);
    }
    return provenance;
  }

  void EvaluateStep(const Branch& branch, const PhotoSet& set) {
    const RunPaths& paths = branch.paths;
    const fs::path predictions = paths.of(set.name, "predictions.csv");
    const fs::path metrics = paths.of(set.name, "metrics.json");
    const fs::path errors = paths.of(set.name, "errors.csv");
    const fs::path map = paths.of(set.name, "map.svg");
    runner_.Run({branch.prefix + "evaluate-" + set.name,
                 {predictions, set.csv},
                 Settings("evaluate"),
                 {metrics, errors, map},
                 [&](bool) {
                   Evaluation evaluation = EvaluatePredictions(branch, set);
                   evaluation.settings.provenance = MakeProvenance(branch, set);
                   for (const auto& warning : Warnings(evaluation)) spdlog::warn("{}", warning);
                   WriteFileAtomically(metrics, MetricsJson(evaluation));
                   WriteErrors(errors, evaluation);
                   std::vector<LatLon> land;
                   for (const auto& row : ReadPhotoTable(train_.csv, train_.columns).rows)
                     land.push_back(*row.location);
                   MapOptions options;
                   options.title = options_.name + ": " + set.name;
                   if (!evaluation.settings.note.empty()) options.title += " (" + evaluation.settings.note + ")";
                   WriteFileAtomically(map, PredictionsMapSvg(evaluation, land, options));
                 }});
  }

  void ReportStep() {
    const fs::path out = paths_.root / "report.html";
    runner_.Run({"report", ReportInputs(paths_.root), "", {out}, [this, out](bool) {
                   WriteFileAtomically(out, ReportHtml(GatherReport(paths_.root)));
                 }});
  }

  std::vector<BenchmarkScores> Scores(const Branch& trained, const Branch& untrained) const {
    const DistanceKind distance = ParseDistanceKind(options_.evaluate.distance);
    std::vector<BenchmarkScores> all;
    for (const PhotoSet& set : benchmarks_) {
      const PhotoTable truth = ReadPhotoTable(set.csv, set.columns);
      const auto lists = ReadCandidates(trained.paths.candidates(set.name));
      const auto score = [&](const std::vector<Prediction>& predictions, const std::string& method) {
        return Evaluate(truth, predictions, options_.evaluate,
                        {set.name, method, Note(set), trained.paths.candidates(set.name).string(), set.csv.string()});
      };
      BenchmarkScores scores;
      scores.name = set.name;
      scores.evaluations.push_back(score(RankOne(lists), "rank 1"));
      scores.evaluations.push_back(EvaluatePredictions(trained, set));
      scores.evaluations.push_back(score(Oracle(lists, truth, options_.search.top_k, distance),
                                         "best of top " + std::to_string(options_.search.top_k)));
      if (Has("untrained")) {
        scores.evaluations.push_back(EvaluatePredictions(untrained, set));
        scores.against_untrained = Compare(scores.evaluations[1], scores.evaluations.back());
      }
      all.push_back(std::move(scores));
    }
    return all;
  }

  const ExperimentOptions& options_;
  const ExperimentOptions segmenter_options_;  // with run.segmenter_seed
  const std::vector<std::string> only_;
  RunPaths paths_;
  StepRunner runner_;
  PhotoSet train_;
  std::vector<PhotoSet> benchmarks_;
};

}  // namespace

std::vector<BenchmarkScores> RunPipeline(const ExperimentOptions& options) { return Run(options, {}).Walk(); }

int RunSteps(const ExperimentOptions& options, const std::vector<std::string>& only) {
  if (only.empty()) throw Error("RunSteps: no step named");
  Run run(options, only);
  run.Walk();
  return run.steps_done();
}

std::string FormatScores(const std::vector<BenchmarkScores>& scores) {
  std::string text;
  for (const auto& benchmark : scores) {
    text += FormatTable(benchmark.evaluations, TableFormat::kMarkdown) + "\n";
    if (!benchmark.against_untrained.empty()) {
      text += FormatComparison("trained", "untrained", benchmark.against_untrained) + "\n";
    }
  }
  return text;
}

}  // namespace dualgeo
