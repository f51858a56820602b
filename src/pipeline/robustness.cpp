#include "dualgeo/pipeline/robustness.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <set>

#include "dualgeo/config/config.h"
#include "dualgeo/data/photo.h"
#include "dualgeo/data/photo_source.h"
#include "dualgeo/degrade/degrade.h"
#include "dualgeo/eval/statistics.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/pipeline/run_lock.h"
#include "dualgeo/pipeline/stages.h"
#include "dualgeo/pipeline/step.h"
#include "dualgeo/refine/reranker.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "shared_folders.h"
#include "stages/stage.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr const char* kViews[] = {"both", "image", "segmentation"};

// One trained model.
struct ViewRun {
  std::string view;
  int seed = 0;
  ExperimentOptions options;
};

// One set of photos to be answered by every model.
struct Degraded {
  std::string name;
  int severity = 0;
  std::optional<PhotoSetOptions> rendered;  // else made from the benchmark
};

std::string FolderOf(const Degraded& d) {
  return d.name + (d.rendered ? "-rendered" : "-" + std::to_string(d.severity));
}

std::string PredictionsName(const std::string& view, const std::string& masks, int seed) {
  return view + "-" + masks + "-seed-" + std::to_string(seed) + ".csv";
}

class Work {
 public:
  explicit Work(const Robustness& robustness) : file_(robustness.file), o_(robustness.options), root_(o_.run_dir) {
    const std::vector<fs::path> base(o_.base.begin(), o_.base.end());
    const fs::path shared = o_.shared.empty() ? root_ / "shared" : fs::path(o_.shared);
    shared_ = shared;
    for (const char* view : kViews) {
      for (const int seed : o_.seeds) {
        ViewRun run{view, seed, {}};
        std::vector<std::string> overrides = o_.overrides;
        overrides.push_back("model.views=" + run.view);
        if (run.view != "both") overrides.push_back("gallery.features=[" + run.view + "]");
        run.options = ReadExperiment(base, overrides);
        run.options.runtime.seed = seed;
        run.options.evaluate.seed = seed;
        run.options.name = run.view;
        run.options.run_dir = (root_ / view / ("seed-" + std::to_string(seed))).string();
        if (run.options.runtime.threads == 0) run.options.runtime.threads = 1;
        ShareStages(run.options, shared, o_.seeds.front());
        runs_.push_back(std::move(run));
      }
    }
    const ExperimentOptions& first = runs_.front().options;
    if (!HasStep(first, "segment")) {
      throw InputError(file_.string() + ": the base has no step segment: masks of degraded photos need a segmenter");
    }
    std::vector<std::string> names;
    for (const PhotoSet& set : BenchmarkSets(first)) names.push_back(set.name);
    if (names.empty()) throw InputError(file_.string() + ": the base has no benchmark (data.benchmarks, data.holdout)");
    benchmark_ = o_.benchmark.empty() && names.size() == 1 ? names.front() : o_.benchmark;
    if (std::ranges::find(names, benchmark_) == names.end()) {
      throw InputError(file_.string() + ": benchmark '" + Printable(benchmark_) +
                       "' is not one of the base's: " + Join(names));
    }
    if (benchmark_ == kHoldout && o_.seeds.size() > 1) {
      throw InputError(file_.string() + ": benchmark holdout is drawn anew by each seed; name a fixed one");
    }
    const auto& thresholds = first.evaluate.thresholds_km;
    if (std::ranges::find(thresholds, o_.tested_km) == thresholds.end()) {
      throw InputError(file_.string() + ": tested_km: " + FormatDouble(o_.tested_km) +
                       " is not one of the base's evaluate.thresholds_km");
    }
    if (o_.degrade) {
      for (const auto& name : o_.conditions.empty() ? DegradationNames() : o_.conditions) {
        for (const int severity : Severities()) sets_.push_back({name, severity, std::nullopt});
      }
    }
    for (const auto& [name, set] : o_.rendered) sets_.push_back({name, 1, set});
  }

  RobustnessResult Run() {
    const RunLock lock(root_);
    std::optional<RunLock> shared_lock;
    if (!o_.shared.empty()) shared_lock.emplace(shared_);
    std::vector<ExperimentOptions> all;
    for (const ViewRun& run : runs_) all.push_back(run.options);
    TakeOverStudy(all, shared_, root_ / "logs");
    const int parallel =
        ParallelJobs(o_.jobs, runs_.front().options.runtime.threads, runs_.front().options.runtime.device);
    std::vector<Job> jobs;
    for (const ViewRun& run : runs_) {
      AddRunJobs(run.options, run.view + ", seed " + std::to_string(run.seed), jobs);
    }
    const JobSummary models = RunJobs(jobs, {"robustness", parallel, root_ / "logs"});
    CheckRendered();
    jobs.clear();
    for (const Degraded& set : sets_) {
      jobs.push_back({FolderOf(set), FolderOf(set), {}, [this, set] { return Answer(set); }});
    }
    const JobSummary answers = RunJobs(jobs, {"robustness", parallel, root_ / "logs"});
    spdlog::info("robustness: {} stages and {} sets of photos made, {} were there already", models.done, answers.done,
                 models.up_to_date + answers.up_to_date);
    return Score();
  }

 private:
  std::vector<int> Severities() const {
    const std::set<int> sorted(o_.severities.begin(), o_.severities.end());
    return {sorted.begin(), sorted.end()};
  }

  PhotoSet Benchmark(const ExperimentOptions& options) const {
    for (PhotoSet& set : BenchmarkSets(options)) {
      if (set.name == benchmark_) return set;
    }
    throw Error("no benchmark " + benchmark_);
  }

  // Photos are compared in pairs and may borrow the clean photo's mask, so they need the benchmark's ids.
  void CheckRendered() const {
    const PhotoSet clean = Benchmark(runs_.front().options);
    const PhotoTable table = ReadPhotoTable(clean.csv, clean.columns);
    for (const auto& [name, set] : o_.rendered) {
      const PhotoTable other = ReadPhotoTable(set.csv, set.columns);
      const bool same = std::ranges::equal(table.rows, other.rows, {}, &PhotoRow::id, &PhotoRow::id);
      if (!same) {
        throw InputError(file_.string() + ": rendered." + name + ": " + set.csv + " does not hold the ids of " +
                         clean.csv.string() + " in the same order");
      }
    }
  }

  // In a child: one set of photos through all models. Returns whether there was anything to do.
  bool Answer(const Degraded& d) const {
    const fs::path folder = root_ / "conditions" / FolderOf(d);
    Step step;
    step.name = "answers";
    PhotoSet clean = Benchmark(runs_.front().options);
    PhotoSet photos = clean;
    if (d.rendered) {
      photos.csv = d.rendered->csv;
      photos.images = d.rendered->images;
      photos.columns = d.rendered->columns;
    }
    const fs::path weights = SegmenterWeights(runs_.front().options, RunPaths(runs_.front().options));
    step.inputs = [this, photos, clean, weights] {
      std::vector<Artifact> inputs = {TableArtifact("table", photos.csv, photos.columns, TablePart::kRows),
                                      PhotosArtifact("photos", photos.images, photos.csv, photos.columns),
                                      MasksArtifact("masks", clean.masks, clean.csv, clean.columns),
                                      WeightsArtifact("segmenter", weights)};
      for (const ViewRun& run : runs_) {
        const RunPaths paths(run.options);
        const std::string name = run.view + " " + std::to_string(run.seed) + " ";
        inputs.push_back(WeightsArtifact(name + "checkpoint", paths.checkpoint()));
        inputs.push_back(GalleryArtifact(name + "gallery", paths.gallery()));
        const std::string parameters = RerankOf(run.options, paths).parameters;
        if (!parameters.empty()) inputs.push_back(FileArtifact(name + "rerank.parameters", parameters));
        for (const auto& [key, file] : FieldsOf(StageNamed("predict"), run.options).files) {
          inputs.push_back(WeightsArtifact(name + key, file));
        }
      }
      return inputs;
    };
    OptionValues& settings = step.fields.result;
    settings["degradation"] = d.name + " " + std::to_string(d.severity) + (d.rendered ? " rendered" : "");
    settings["degrade_seed"] = std::to_string(o_.degrade_seed);
    settings["masks"] = Join(o_.masks);
    for (const ViewRun& run : runs_) {
      for (const char* part : {"embed", "search", "rerank", "predict"}) {
        const StepFields fields = FieldsOf(StageNamed(part), run.options);
        const std::string name = run.view + " " + std::to_string(run.seed) + " ";
        for (const auto& [key, value] : fields.result) settings[name + key] = value;
        for (const auto& [key, value] : fields.defaults) step.fields.defaults[name + key] = value;
      }
    }
    step.outputs = {FolderArtifact("predictions", folder / "predictions")};
    step.run = [&](bool) {
      const fs::path images = folder / "images", masks = folder / "masks";
      if (!d.rendered) {
        WritePhotos(d, clean, images);
        photos.images = images;
      }
      SegmentFromConfig(SegmenterOptionsOf(runs_.front().options), photos, {weights, masks});
      for (const ViewRun& run : runs_) {
        for (const std::string& kind : MaskKinds(run.view)) {
          PhotoSet seen = photos;
          seen.masks = kind == "recomputed" ? masks : kind == "clean" ? clean.masks : fs::path();
          AnswerWith(run, seen, folder / "work", folder / "predictions" / PredictionsName(run.view, kind, run.seed));
        }
      }
      fs::remove_all(folder / "work");
      if (!o_.keep_photos) {
        fs::remove_all(images);
        fs::remove_all(masks);
      }
    };
    return StepRunner(folder).Run(step);
  }

  // A segmentation-only model with the clean photo's mask does not see the degradation: its answer is that at severity
  // 0.
  std::vector<std::string> MaskKinds(const std::string& view) const {
    if (view == "image") return {"none"};
    if (view == "segmentation") return {"recomputed"};
    return o_.masks;
  }

  void WritePhotos(const Degraded& d, const PhotoSet& set, const fs::path& images) const {
    fs::remove_all(images);
    cv::setNumThreads(1);
    const auto source = OpenPhotoSource(set.images);
    const bool skip = runs_.front().options.data.loader.on_bad_image == "skip";
    for (const auto& row : ReadPhotoTable(set.csv, set.columns, Locations::kOptional).rows) {
      ThrowIfStopped();
      std::string bytes;
      std::vector<uchar> png;
      try {
        bytes = source->Read(row.id);
        const cv::Mat photo = DecodePhoto(bytes, source->Name(row.id));
        cv::Mat bgr;
        cv::cvtColor(Degrade(photo, d.name, d.severity, static_cast<std::uint64_t>(o_.degrade_seed), row.id), bgr,
                     cv::COLOR_RGB2BGR);
        // Without loss, whatever the name says: a second JPEG would be a degradation of its own.
        cv::imencode(".png", bgr, png, {cv::IMWRITE_PNG_COMPRESSION, 1});
        bytes.assign(png.begin(), png.end());
      } catch (const InputError&) {
        if (!skip) throw;  // else it stays as it is, and the loader counts it
      }
      WriteFileAtomically(PhotoPath(images, row.id), bytes, Durability::kUnsynced);
    }
  }

  // The run's own search, re-ranking and prediction, on other photos.
  static void AnswerWith(const ViewRun& run, const PhotoSet& photos, const fs::path& work,
                         const fs::path& predictions) {
    fs::remove_all(work);
    const ExperimentOptions& o = run.options;
    const RunPaths paths(o);
    const fs::path features = work / "features.safetensors", found = work / "candidates.csv";
    EmbedFromConfig(o, photos, paths.checkpoint(), features);
    SearchToFileFromConfig(o, photos, {paths.checkpoint(), paths.gallery(), features, found});
    PredictFiles files;
    files.candidates = found;
    files.features = features;
    files.checkpoint = paths.checkpoint();
    files.out = predictions;
    if (HasStep(o, "rerank")) {
      files.candidates = work / "reranked.csv";
      WriteCandidates(files.candidates, Rerank(RerankOf(o, paths), ReadCandidates(found), o.runtime.threads));
    }
    PredictToFileFromConfig(o, photos, files);
  }

  std::vector<double> Errors(const fs::path& predictions, const PhotoSet& set) const {
    EvaluateOptions evaluate = runs_.front().options.evaluate;
    evaluate.bootstrap = 0;
    return ErrorsOrNoAnswer(Evaluate(ReadPhotoTable(set.csv, set.columns), ReadPredictions(predictions), evaluate,
                                     {benchmark_, "", "", predictions.string(), set.csv.string()}));
  }

  using Runs = std::vector<std::vector<double>>;  // [seed][photo]

  // severity 0.
  Runs CleanErrors(const std::string& view) const {
    Runs errors;
    for (const ViewRun& run : runs_) {
      if (run.view != view) continue;
      errors.push_back(Errors(RunPaths(run.options).of(benchmark_, "predictions.csv"), Benchmark(run.options)));
    }
    return errors;
  }

  Runs DegradedErrors(const Degraded& d, const std::string& view, const std::string& masks) const {
    if (view == "segmentation" && masks == "clean") return CleanErrors(view);
    PhotoSet set = Benchmark(runs_.front().options);
    if (d.rendered) {
      set.csv = d.rendered->csv;
      set.columns = d.rendered->columns;
    }
    Runs errors;
    for (const int seed : o_.seeds) {
      errors.push_back(
          Errors(root_ / "conditions" / FolderOf(d) / "predictions" / PredictionsName(view, masks, seed), set));
    }
    return errors;
  }

  double Percent(const Runs& runs, double km) const {
    double sum = 0;
    for (const auto& run : runs) {
      sum += 100.0 * static_cast<double>(std::ranges::count_if(run, [&](double e) { return e < km; })) /
             static_cast<double>(run.size());
    }
    return sum / static_cast<double>(runs.size());
  }

  RobustnessPoint Point(int severity, const Runs& runs, const std::vector<double>& thresholds) const {
    RobustnessPoint point{severity, {}, {}};
    const auto photos = static_cast<std::int64_t>(runs.front().size());
    for (const double km : thresholds) {
      const double percent = Percent(runs, km);
      point.accuracy.push_back(percent);
      const auto within = std::llround(percent / 100 * static_cast<double>(photos));
      point.ci95.push_back(WilsonPercent(within, photos));
    }
    return point;
  }

  RobustnessResult Score() const {
    const ExperimentOptions& first = runs_.front().options;
    RobustnessResult result;
    result.name = o_.name;
    result.benchmark = benchmark_;
    result.seeds = o_.seeds;
    result.thresholds_km = first.evaluate.thresholds_km;
    result.rule = {o_.tested_km, o_.negligible, o_.rounds, static_cast<std::uint64_t>(o_.seeds.front())};
    const PhotoSet set = Benchmark(first);
    result.synthetic = fs::exists(set.csv.parent_path() / "world.json");
    result.provenance = ThisProvenance(DumpExperiment(first), o_.seeds.front());
    result.provenance.AddFile("robustness", file_);
    for (const auto& base : o_.base) result.provenance.AddFile("config", base);
    result.provenance.AddFile("truth", set.csv);

    const Runs clean_dual = CleanErrors("both"), clean_image = CleanErrors("image"),
               clean_segmentation = CleanErrors("segmentation");
    result.photos = static_cast<std::int64_t>(clean_dual.front().size());
    std::vector<ClaimEvidence> evidence;
    for (std::size_t begin = 0, end; begin < sets_.size(); begin = end) {
      end = begin + 1;
      while (end < sets_.size() && !sets_[begin].rendered && !sets_[end].rendered &&
             sets_[end].name == sets_[begin].name)
        ++end;
      const std::vector<Degraded> levels(sets_.begin() + static_cast<std::ptrdiff_t>(begin),
                                         sets_.begin() + static_cast<std::ptrdiff_t>(end));
      RobustnessCondition condition;
      condition.name = levels.front().name;
      condition.source = levels.front().rendered ? "rendered" : "degraded";
      condition.what = levels.front().rendered ? "photos of " + levels.front().rendered->images
                                               : DescribeDegradation(condition.name);
      ClaimEvidence e;
      e.condition = condition.name;
      e.clean_margin = Percent(clean_dual, o_.tested_km) - Percent(clean_image, o_.tested_km);
      e.has_clean_masks = std::ranges::find(o_.masks, "clean") != o_.masks.end();
      Runs upper_bound;
      for (const char* view : {"both", "image", "segmentation"}) {
        const std::vector<std::string> kinds =
            std::string(view) == "image" ? std::vector<std::string>{"none"} : o_.masks;
        const Runs& clean = std::string(view) == "both"    ? clean_dual
                            : std::string(view) == "image" ? clean_image
                                                           : clean_segmentation;
        for (const auto& kind : kinds) {
          RobustnessCurve curve{view, kind, {Point(0, clean, result.thresholds_km)}};
          for (std::size_t i = 0; i < levels.size(); ++i) {
            const Runs runs = DegradedErrors(levels[i], view, kind);
            curve.points.push_back(Point(levels[i].severity, runs, result.thresholds_km));
            if (i < levels.size() / 2) continue;  // the hard severities: the upper half, the middle one with it
            Runs* to = curve.view == "image"                                 ? &e.image
                       : curve.view == "both" && curve.masks == "recomputed" ? &e.dual
                       : curve.view == "both"                                ? &upper_bound
                                                                             : nullptr;
            if (to == nullptr) continue;
            to->insert(to->end(), runs.begin(), runs.end());
            if (to == &e.dual) e.seeds.insert(e.seeds.end(), o_.seeds.begin(), o_.seeds.end());
          }
          condition.curves.push_back(std::move(curve));
        }
      }
      if (e.has_clean_masks) {
        e.clean_mask_margin = Percent(upper_bound, o_.tested_km) - Percent(e.image, o_.tested_km);
      }
      evidence.push_back(std::move(e));
      result.conditions.push_back(std::move(condition));
    }
    for (const ViewRun& run : runs_) {
      result.provenance.AddFile("checkpoint", RunPaths(run.options).checkpoint() / "model.safetensors");
    }
    for (const Degraded& d : sets_) {
      if (d.rendered) result.provenance.AddFile("rendered", d.rendered->csv);
      result.provenance.AddFile("predictions", root_ / "conditions" / FolderOf(d) / "predictions");
    }
    const auto verdicts = JudgeClaim(evidence, result.rule);
    for (std::size_t i = 0; i < verdicts.size(); ++i) result.conditions[i].verdict = verdicts[i];
    return result;
  }

  const fs::path file_;
  const RobustnessOptions& o_;
  const fs::path root_;
  fs::path shared_;
  std::string benchmark_;
  std::vector<ViewRun> runs_;
  std::vector<Degraded> sets_;
};

}  // namespace

void RobustnessOptions::Validate() const {
  if (base.empty()) throw InputError("base: names no experiment file");
  if (run_dir.empty()) throw InputError("run_dir is empty: it must name a folder");
  if (seeds.empty()) throw InputError("seeds: [] given; one seed is needed at least");
  if (std::set<int>(seeds.begin(), seeds.end()).size() != seeds.size()) throw InputError("seeds: one is given twice");
  for (const auto& condition : conditions) DescribeDegradation(condition);
  if (std::set<std::string>(conditions.begin(), conditions.end()).size() != conditions.size()) {
    throw InputError("conditions: one is given twice");
  }
  if (degrade && severities.empty()) throw InputError("severities: [] given; one is needed at least");
  if (!degrade && rendered.empty()) throw InputError("degrade is false and rendered names nothing: nothing to do");
  if (std::ranges::find(masks, "recomputed") == masks.end()) {
    throw InputError("masks: [" + Join(masks) + "] given; the verdict needs recomputed");
  }
  for (const auto& [condition, set] : rendered) {
    const bool plain = !condition.empty() && condition.front() != '.' && condition.find('/') == std::string::npos;
    if (!plain) throw InputError("rendered: '" + Printable(condition) + "' cannot be a name: it becomes a folder");
    set.Require("rendered." + condition, false);
  }
}

Robustness ReadRobustnessFile(const fs::path& file, const std::vector<std::string>& overrides) {
  Robustness robustness;
  robustness.file = file;
  OptionGroup tree = OptionTree(robustness.options);
  ApplyConfigFile(tree, file);
  for (const auto& override : overrides) ApplyConfigOverride(tree, override);
  try {
    ValidateConfig(tree);
  } catch (const InputError& error) {
    throw InputError(file.string() + ": " + error.what());
  }
  for (auto& base : robustness.options.base) {
    if (const fs::path beside = file.parent_path() / base; fs::exists(beside)) base = beside.string();
  }
  return robustness;
}

RobustnessResult RunRobustness(const Robustness& robustness) {
  Work work(robustness);
  RobustnessResult result = work.Run();
  const fs::path root = robustness.options.run_dir;
  WriteFileAtomically(root / "robustness.json", FormatRobustness(result, TableFormat::kJson));
  WriteFileAtomically(root / "robustness.csv", FormatRobustness(result, TableFormat::kCsv));
  return result;
}

std::string DocumentRobustness() {
  RobustnessOptions defaults;
  return DocumentConfig(OptionTree(defaults));
}

}  // namespace dualgeo
