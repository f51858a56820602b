#include "dualgeo/pipeline/run.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "dualgeo/config/config.h"
#include "dualgeo/eval/comparison_table.h"
#include "dualgeo/eval/map.h"
#include "dualgeo/eval/regions.h"
#include "dualgeo/eval/tables.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/io/set_aside.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/pipeline/report.h"
#include "dualgeo/pipeline/run_info.h"
#include "dualgeo/pipeline/run_lock.h"
#include "dualgeo/pipeline/stages.h"
#include "dualgeo/pipeline/step.h"
#include "dualgeo/refine/reranker.h"
#include "dualgeo/synthetic/world.h"
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
        trained_{paths_, "", ""},
        untrained_{paths_.untrained(), "untrained-", "untrained"},
        train_(TrainSet(options)),
        benchmarks_(BenchmarkSets(options)) {}

  std::vector<BenchmarkScores> Walk() {
    Declare();
    runner_.emplace(options_.run_dir);
    runner_->TakeOver(steps_);
    for (const Step& step : steps_) {
      if (step.name == "report") WriteConfig();
      runner_->Run(step);
    }
    if (!Has("report")) WriteConfig();
    return Has("evaluate") && only_.empty() ? Scores(trained_, untrained_) : std::vector<BenchmarkScores>();
  }

  // Rewrites what an earlier version recorded; runs nothing.
  void TakeOver() {
    Declare();
    StepRunner(options_.run_dir).TakeOver(steps_);
  }

  int steps_done() const { return runner_->done(); }

 private:
  // All steps of the walk, in order.
  void Declare() {
    if (Has("world")) World();
    if (options_.data.holdout.fraction > 0 && (only_.empty() || Has("holdout"))) Holdout();
    if (Has("train_segmenter")) TrainSegmenterStep();
    if (Has("segment") && options_.model.has_segmentation()) SegmentAll();

    if (Has("train")) Train(trained_, options_.train);
    SearchAndAnswer(trained_);
    if (Has("untrained")) {
      TrainOptions none = options_.train;
      none.epochs = 0;
      Train(untrained_, none);
      SearchAndAnswer(untrained_);
    }
    if (Has("report")) ReportStep();
  }

  static ExperimentOptions WithSegmenterSeed(ExperimentOptions options) {
    if (options.pipeline.segmenter_seed) options.runtime.seed = *options.pipeline.segmenter_seed;
    return options;
  }

  bool Has(const std::string& step) const {
    if (only_.empty()) return HasStep(options_, step);
    const bool part = step == "holdout" || step == "embed";  // of other steps
    return std::ranges::find(only_, step) != only_.end() && (part || HasStep(options_, step));
  }

  StepFields Fields(const std::string& step) const { return FieldsOf(options_, step); }

  // The config that made what is there, for `locate` and the report: written when it is there, not when it is wished
  // for. A run that changed nothing leaves it.
  void WriteConfig() {
    if (!only_.empty() && !Has("evaluate")) return;
    if (config_written_ || (runner_->done() == 0 && ConfigIsRight())) return;
    WriteFileAtomically(paths_.config(), DumpExperiment(options_));
    WriteRunInfo(paths_.info(), options_);
    config_written_ = true;
  }

  bool ConfigIsRight() const {
    if (!fs::exists(paths_.config()) || !fs::exists(paths_.info())) return false;
    try {
      const auto values = [](ExperimentOptions options) {
        return ValuesThat({Affects::kResult, Affects::kTraining}, OptionTree(options));
      };
      return values(ReadExperiment({paths_.config()}, {})) == values(options_);
    } catch (const InputError&) {
      return false;
    }
  }

  // The table of a set, its photos and, where the model sees them, its masks.
  static void AddSet(std::vector<Artifact>& inputs, const PhotoSet& set, TablePart part,
                     const std::string& prefix = "") {
    inputs.push_back(TableArtifact(prefix + "table", set.csv, set.columns, part));
    inputs.push_back(PhotosArtifact(prefix + "photos", set.images, set.csv, set.columns));
    if (!set.masks.empty()) inputs.push_back(MasksArtifact(prefix + "masks", set.masks, set.csv, set.columns));
  }

  // Validation photos with a table of their own.
  void AddValidation(std::vector<Artifact>& inputs, const PhotoSet& trained) const {
    if (const auto set = ValidationSet(options_, trained)) AddSet(inputs, *set, TablePart::kRows, "validation ");
  }

  // Files that the config names for this step.
  static void AddFiles(std::vector<Artifact>& inputs, const StepFields& fields) {
    for (const auto& [key, file] : fields.files) inputs.push_back(WeightsArtifact(key, file));
  }

  void World() {
    const fs::path out = options_.world.out;
    Step step;
    step.name = "world";
    step.fields = Fields("world");
    step.inputs = [fields = step.fields] {
      std::vector<Artifact> inputs;
      AddFiles(inputs, fields);
      return inputs;
    };
    step.outputs = {FileArtifact("world", out / "world.json"), {"photos", out, [out](Contents&) {
                                                                  return Content{"listed", MissingWorldFiles(out)};
                                                                }}};
    // Only a world of ours makes room: anything else there is the user's, and an error.
    step.make_room = {fs::exists(out / "world.json") ? out : out / "world.json"};
    step.completes = true;
    step.run = [this](bool) { WriteWorld(options_.world, options_.world.out, options_.runtime.threads); };
    step.found = [this, out] {
      if (!IsWorldOf(options_.world, out)) return Found::kOther;
      return MissingWorldFiles(out) == 0 ? Found::kWhole : Found::kPart;
    };
    step.folder = paths_.world_dir;
    steps_.push_back(std::move(step));
  }

  void Holdout() {
    Step step;
    step.name = "holdout";
    step.inputs = [this] {
      const PhotoSetOptions& set = options_.data.train;
      return std::vector{TableArtifact("table", set.csv, set.columns, TablePart::kRows)};
    };
    step.fields = Fields("holdout");
    step.outputs = {FileArtifact("train", paths_.table("train")), FileArtifact("holdout", paths_.table(kHoldout))};
    step.run = [this](bool) { WriteHoldout(options_); };
    step.folder = paths_.tables_dir;
    steps_.push_back(std::move(step));
  }

  void TrainSegmenterStep() {
    const PhotoSet photos = SegmenterSet(options_);
    Step step;
    step.name = "train_segmenter";
    step.fields = FieldsOf(segmenter_options_, "train_segmenter");
    step.inputs = [this, photos, fields = step.fields] {
      std::vector<Artifact> inputs;
      AddSet(inputs, photos, TablePart::kRows);
      if (options_.data.segmenter.csv.empty()) AddValidation(inputs, photos);
      AddFiles(inputs, fields);
      return inputs;
    };
    step.outputs = {WeightsArtifact("segmenter", paths_.segmenter())};
    step.make_room = {paths_.segmenter().parent_path(), paths_.segmenter_dir / "train_segmenter.jsonl"};
    step.run = [this, photos](bool) {
      TrainSegmenterFromConfig(segmenter_options_, photos, paths_.segmenter_dir, Existing::kResume);
    };
    step.found = [this, photos] {
      return Judge([&] { return InspectSegmenterFromConfig(segmenter_options_, photos, paths_.segmenter_dir); });
    };
    step.extendable = {"train_segmenter.epochs"};
    step.folder = paths_.segmenter_dir;
    steps_.push_back(std::move(step));
  }

  // What a checkpoint tells of itself; one that cannot be read can be of anything.
  static Found Judge(const std::function<std::optional<TrainedSoFar>()>& inspect) {
    try {
      const auto so_far = inspect();
      if (!so_far) return Found::kNothing;
      if (!so_far->differences.empty()) return Found::kOther;
      return so_far->step > so_far->total    ? Found::kBeyond
             : so_far->step == so_far->total ? Found::kWhole
                                             : Found::kPart;
    } catch (const InputError& error) {
      spdlog::warn("{}", error.what());
      return Found::kOther;
    }
  }

  void SegmentAll() {
    const fs::path weights =
        options_.model.segmenter.weights ? fs::path(*options_.model.segmenter.weights) : paths_.segmenter();
    std::vector<PhotoSet> sets = benchmarks_;
    sets.insert(sets.begin(), train_);
    for (const PhotoSet& set : sets) {
      Step step;
      step.name = "segment-" + set.name;
      step.inputs = [set, weights] {
        if (!fs::exists(weights)) {
          throw InputError(
              "step segment has no weights: set model.segmenter.weights to SegFormer weights or to a "
              "checkpoint of train-segmenter, or add train_segmenter to run.steps");
        }
        return std::vector{TableArtifact("table", set.csv, set.columns, TablePart::kIds),
                           PhotosArtifact("photos", set.images, set.csv, set.columns),
                           WeightsArtifact("segmenter", weights)};
      };
      step.fields = FieldsOf(segmenter_options_, "segment");
      step.outputs = {MasksArtifact("masks", set.masks, set.csv, set.columns)};
      step.completes = true;
      step.run = [this, set, weights](bool go_on) {
        // Masks of an earlier version do not say what made them, so none can be told to belong to the rest.
        if (go_on && !fs::exists(set.masks / "segment.json")) {
          SetAside(set.masks, paths_.masks_dir, "some masks were missing");
        }
        SegmentFromConfig(segmenter_options_, set, weights, set.masks);
      };
      step.folder = paths_.masks_dir;
      steps_.push_back(std::move(step));
    }
  }

  void Train(const Branch& branch, const TrainOptions& train) {
    ExperimentOptions options = options_;
    options.train = train;
    const fs::path folder = branch.paths.model_dir;
    Step step;
    step.name = branch.prefix + "train";
    step.fields = FieldsOf(options, "train");
    step.inputs = [this, fields = step.fields] {
      std::vector<Artifact> inputs;
      AddSet(inputs, train_, TablePart::kRows);
      AddValidation(inputs, train_);
      AddFiles(inputs, fields);
      return inputs;
    };
    step.outputs = {WeightsArtifact("checkpoint", branch.paths.checkpoint())};
    step.make_room = {branch.paths.checkpoint().parent_path(), folder / "train.jsonl"};
    step.run = [this, options, folder](bool) { TrainFromConfig(options, train_, folder, Existing::kResume); };
    step.found = [this, options, folder] {
      return Judge([&] { return InspectTrainFromConfig(options, train_, folder); });
    };
    step.extendable = {"train.epochs"};
    step.folder = folder;
    steps_.push_back(std::move(step));
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
    Step step;
    step.name = branch.prefix + "embed-" + set.name;
    step.inputs = [set, checkpoint] {
      std::vector<Artifact> inputs = {WeightsArtifact("checkpoint", checkpoint)};
      AddSet(inputs, set, TablePart::kIds);
      return inputs;
    };
    step.fields = Fields("embed");
    step.outputs = {FolderArtifact("features", features)};
    step.run = [this, set, checkpoint, features](bool) { EmbedToFileFromConfig(options_, set, checkpoint, features); };
    step.folder = branch.paths.features_dir;
    steps_.push_back(std::move(step));
  }

  void BuildGallery(const Branch& branch) {
    const RunPaths& paths = branch.paths;
    const bool gps = options_.gallery.kind == "gps";
    Step step;
    step.name = branch.prefix + "gallery";
    step.inputs = [this, &paths, gps] {
      return std::vector{
          gps ? WeightsArtifact("checkpoint", paths.checkpoint()) : FolderArtifact("features", paths.train_features()),
          TableArtifact("table", train_.csv, train_.columns, TablePart::kRows)};
    };
    step.fields = Fields("gallery");
    if (gps) Merge(step.fields, Fields("embed"));
    step.outputs = {GalleryArtifact("gallery", paths.gallery())};
    step.run = [this, &paths, gps](bool) {
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
    };
    step.folder = paths.gallery_dir;
    steps_.push_back(std::move(step));
  }

  static void Merge(StepFields& fields, StepFields more) {
    fields.result.merge(more.result);
    fields.defaults.merge(more.defaults);
    fields.others.merge(more.others);
    fields.files.merge(more.files);
  }

  void FitRerankStep(const Branch& branch) {
    const RunPaths& paths = branch.paths;
    Step step;
    step.name = branch.prefix + "fit_rerank";
    step.inputs = [this, &paths] {
      std::vector<Artifact> inputs = {GalleryArtifact("gallery", paths.gallery()),
                                      FolderArtifact("features", paths.train_features()),
                                      WeightsArtifact("checkpoint", paths.checkpoint()),
                                      TableArtifact("table", train_.csv, train_.columns, TablePart::kRows)};
      AddValidation(inputs, train_);
      return inputs;
    };
    step.fields = Fields("fit_rerank");
    step.outputs = {FileArtifact("rerank.parameters", paths.rerank_parameters())};
    step.run = [this, &paths](bool) {
      Gallery gallery = LoadGallery(paths.gallery());
      WritePosteriorParameters(paths.rerank_parameters(),
                               FitRerankFromConfig(options_, ModelFromConfig(options_, paths.checkpoint()), gallery,
                                                   ReadFeatures(paths.train_features()), train_));
    };
    steps_.push_back(std::move(step));
  }

  void SearchStep(const Branch& branch, const PhotoSet& set) {
    const RunPaths& paths = branch.paths;
    Step step;
    step.name = branch.prefix + "search-" + set.name;
    step.inputs = [this, &paths, set] {
      std::vector<Artifact> inputs = {GalleryArtifact("gallery", paths.gallery()),
                                      FolderArtifact("features", paths.features(set.name)),
                                      TableArtifact("table", set.csv, set.columns, TablePart::kRows)};
      if (options_.search.gps_scores) inputs.push_back(WeightsArtifact("checkpoint", paths.checkpoint()));
      return inputs;
    };
    step.fields = Fields("search");
    step.outputs = {FileArtifact("candidates", paths.candidates(set.name))};
    step.run = [this, &paths, set](bool) {
      Gallery gallery = LoadGallery(paths.gallery());
      const PhotoTable photos = ReadPhotoTable(set.csv, set.columns, Locations::kOptional);
      const FeatureSet features = ReadFeatures(paths.features(set.name));
      SearchToFileFromConfig(options_, ModelFromConfig(options_, paths.checkpoint()), gallery, features, photos,
                             paths.candidates(set.name));
    };
    step.folder = paths.lists_dir;
    steps_.push_back(std::move(step));
  }

  void RerankStep(const Branch& branch, const PhotoSet& set) {
    const fs::path in = branch.paths.candidates(set.name);
    const fs::path out = branch.paths.of(set.name, "reranked.csv");
    const RerankOptions rerank = RerankOf(options_, branch.paths);
    Step step;
    step.name = branch.prefix + "rerank-" + set.name;
    step.inputs = [in, rerank] {
      std::vector<Artifact> inputs = {FileArtifact("candidates", in)};
      if (!rerank.parameters.empty()) inputs.push_back(FileArtifact("rerank.parameters", rerank.parameters));
      return inputs;
    };
    step.fields = Fields("rerank");
    step.outputs = {FileArtifact("reranked", out)};
    step.run = [this, in, out, rerank](bool) {
      WriteCandidates(out, Rerank(rerank, ReadCandidates(in), options_.runtime.threads));
    };
    steps_.push_back(std::move(step));
  }

  // Predictions come from the re-ranked list where there is one.
  fs::path FinalCandidates(const RunPaths& paths, const PhotoSet& set) const {
    return HasStep(options_, "rerank") ? paths.of(set.name, "reranked.csv") : paths.candidates(set.name);
  }

  void PredictStep(const Branch& branch, const PhotoSet& set) {
    const RunPaths& paths = branch.paths;
    const PredictFiles files{FinalCandidates(paths, set), paths.features(set.name), paths.checkpoint()};
    const fs::path out = paths.of(set.name, "predictions.csv");
    Step step;
    step.name = branch.prefix + "predict-" + set.name;
    step.fields = Fields("predict");
    step.inputs = [this, set, files, fields = step.fields] {
      std::vector<Artifact> inputs = {FileArtifact("candidates", files.candidates),
                                      TableArtifact("table", set.csv, set.columns, TablePart::kIds)};
      if (options_.predict.method != "lmm") return inputs;
      inputs.push_back(PhotosArtifact("photos", set.images, set.csv, set.columns));
      AddFiles(inputs, fields);
      if (options_.predict.lmm.verifies() && fs::exists(files.features)) {
        inputs.push_back(FolderArtifact("features", files.features));
        inputs.push_back(WeightsArtifact("checkpoint", files.checkpoint));
      }
      return inputs;
    };
    step.outputs = {FileArtifact("predictions", out)};
    step.run = [this, set, files, out](bool) {
      PredictReport report;
      WritePredictions(out, PredictFromConfig(options_, set, files, report));
      if (report.ask_again > 0) {
        runner_->LeaveUnfinished(std::to_string(report.ask_again) +
                                 " photos have no answer of the model, since the server failed; they are asked again");
      }
    };
    steps_.push_back(std::move(step));
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
    Step step;
    step.name = branch.prefix + "evaluate-" + set.name;
    step.fields = Fields("evaluate");
    step.inputs = [this, &paths, set, predictions] {
      std::vector<Artifact> inputs = {FileArtifact("predictions", predictions),
                                      TableArtifact("truth", set.csv, set.columns, TablePart::kCells),
                                      TableArtifact("table", train_.csv, train_.columns, TablePart::kRows)};
      // Named, by their hashes, in the scores.
      inputs.push_back(WeightsArtifact("checkpoint", paths.checkpoint()));
      inputs.push_back(GalleryArtifact("gallery", paths.gallery()));
      inputs.push_back(FileArtifact("candidates", paths.candidates(set.name)));
      return inputs;
    };
    step.outputs = {FileArtifact("metrics", metrics), FileArtifact("errors", errors), FileArtifact("map", map)};
    step.run = [this, &branch, set, metrics, errors, map](bool) {
      Evaluation evaluation = EvaluatePredictions(branch, set);
      evaluation.settings.provenance = MakeProvenance(branch, set);
      for (const auto& warning : Warnings(evaluation)) spdlog::warn("{}", warning);
      WriteFileAtomically(metrics, MetricsJson(evaluation));
      WriteErrors(errors, evaluation);
      std::vector<LatLon> land;
      for (const auto& row : ReadPhotoTable(train_.csv, train_.columns).rows) land.push_back(*row.location);
      MapOptions options;
      options.title = options_.name + ": " + set.name;
      if (!evaluation.settings.note.empty()) options.title += " (" + evaluation.settings.note + ")";
      WriteFileAtomically(map, PredictionsMapSvg(evaluation, land, options));
    };
    steps_.push_back(std::move(step));
  }

  void ReportStep() {
    const fs::path out = paths_.root / "report.html";
    Step step;
    step.name = "report";
    step.inputs = [this] {
      std::vector<Artifact> inputs;
      for (const fs::path& file : ReportInputs(paths_.root)) {
        inputs.push_back(FileArtifact(file.lexically_relative(paths_.root).string(), file));
      }
      return inputs;
    };
    step.outputs = {FileArtifact("report", out)};
    step.run = [this, out](bool) { WriteFileAtomically(out, ReportHtml(GatherReport(paths_.root))); };
    steps_.push_back(std::move(step));
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
  const Branch trained_, untrained_;
  PhotoSet train_;
  std::vector<PhotoSet> benchmarks_;
  std::vector<Step> steps_;
  std::optional<StepRunner> runner_;
  bool config_written_ = false;
};

}  // namespace

std::vector<BenchmarkScores> RunPipeline(const ExperimentOptions& options) {
  Run run(options, {});
  const RunLock lock(options.run_dir);
  return run.Walk();
}

int RunSteps(const ExperimentOptions& options, const std::vector<std::string>& only) {
  if (only.empty()) throw Error("RunSteps: no step named");
  Run run(options, only);
  run.Walk();
  return run.steps_done();
}

void TakeOverRecords(const ExperimentOptions& options, const std::vector<std::string>& only) {
  Run(options, only).TakeOver();
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
