#include "pipeline/robustness.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <set>
#include <span>

#include "config/config.h"
#include "data/photo.h"
#include "data/photo_source.h"
#include "degrade/degrade.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "eval/cluster_statistics.h"
#include "eval/statistics.h"
#include "pipeline/stages.h"
#include "pipeline/step.h"
#include "refine/reranker.h"
#include "stages/stage.h"
#include "study_runs.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// One model a view; also the names of the study's variants.
const std::string kViews[] = {"both", "image", "segmentation"};

std::vector<StudyVariant> ViewVariants() {
  std::vector<StudyVariant> variants;
  for (const std::string& view : kViews) {
    variants.push_back({view, view, {"model.views=" + view}});
    if (view != "both") variants.back().overrides.push_back("gallery.features=[" + view + "]");
  }
  return variants;
}

// One set of photos to be answered by every model.
struct Degraded {
  std::string name;
  int severity = 0;
  std::optional<PhotoSetOptions> rendered;  // else made from the benchmark
};

std::string FolderOf(const Degraded& d) {
  return d.name + (d.rendered ? "-rendered" : "-" + std::to_string(d.severity));
}

class Work {
 public:
  explicit Work(const Robustness& robustness)
      : file_(robustness.file), o_(robustness.options), study_(file_, o_, "robustness", ViewVariants()) {
    if (!HasStep(study_.first(), "segment")) {
      throw InputError(file_.string() + ": the base has no step segment: masks of degraded photos need a segmenter");
    }
    if (study_.benchmark() == kHoldout && o_.seeds.size() > 1) {
      throw InputError(file_.string() + ": benchmark holdout is drawn anew by each seed; name a fixed one");
    }
    study_.CheckTested(o_.tested_km);
    if (o_.degrade) {
      const std::set<int> severities(o_.severities.begin(), o_.severities.end());
      for (const auto& name : o_.conditions.empty() ? DegradationNames() : o_.conditions) {
        for (const int severity : severities) sets_.push_back({name, severity, std::nullopt});
      }
    }
    for (const auto& [name, set] : o_.rendered) sets_.push_back({name, 1, set});
  }

  RobustnessResult Run() {
    const JobSummary models = study_.Walk();
    CheckRendered();
    std::vector<Job> jobs;
    for (const Degraded& set : sets_) {
      jobs.push_back({FolderOf(set), FolderOf(set), {}, [this, set] { return Answer(set); }});
    }
    const JobSummary answers = study_.Do(jobs);
    spdlog::info("robustness: {} stages and {} sets of photos made, {} were there already", models.done, answers.done,
                 models.up_to_date + answers.up_to_date);
    return Score();
  }

 private:
  PhotoSet Clean() const { return study_.Photos(study_.first()); }
  PhotoSet PhotosOf(const Degraded& d) const {
    PhotoSet photos = Clean();
    if (!d.rendered) return photos;
    photos.csv = d.rendered->csv;
    photos.images = d.rendered->images;
    photos.columns = d.rendered->columns;
    return photos;
  }
  fs::path FolderAt(const Degraded& d) const { return study_.root() / "conditions" / FolderOf(d); }
  fs::path PredictionsOf(const Degraded& d, const std::string& view, const std::string& masks, int seed) const {
    return FolderAt(d) / "predictions" / (view + "-" + masks + "-seed-" + std::to_string(seed) + ".csv");
  }

  // Photos are compared in pairs and may borrow the clean photo's mask, so they need the benchmark's ids.
  void CheckRendered() const {
    const PhotoSet clean = Clean();
    const PhotoTable table = ReadPhotoTable(clean.csv, clean.columns);
    for (const auto& [name, set] : o_.rendered) {
      const PhotoTable other = ReadPhotoTable(set.csv, set.columns);
      if (std::ranges::equal(table.rows, other.rows, {}, &PhotoRow::id, &PhotoRow::id)) continue;
      throw InputError(file_.string() + ": rendered." + name + ": " + set.csv + " does not hold the ids of " +
                       clean.csv.string() + " in the same order");
    }
  }

  // In a child: one set of photos through all models. Returns whether there was anything to do.
  bool Answer(const Degraded& d) const {
    const fs::path weights = SegmenterWeights(study_.first(), RunPaths(study_.first()));
    Step step;
    step.name = "answers";
    step.inputs = [this, d, weights] { return InputsOf(d, weights); };
    OptionValues& settings = step.fields.result;
    settings["degradation"] = d.name + " " + std::to_string(d.severity) + (d.rendered ? " rendered" : "");
    settings["degrade_seed"] = std::to_string(o_.degrade_seed);
    settings["masks"] = Join(o_.masks);
    for (const StudyRun& run : study_.runs()) {
      for (const char* stage : {"embed", "search", "rerank", "predict"}) {
        const StepFields fields = FieldsOf(StageNamed(stage), run.options);
        for (const auto& [key, value] : fields.result) settings[RoleOf(run) + key] = value;
        for (const auto& [key, value] : fields.defaults) step.fields.defaults[RoleOf(run) + key] = value;
      }
    }
    step.outputs = {FolderArtifact("predictions", FolderAt(d) / "predictions")};
    step.run = [this, &d, &weights](bool) { AnswerAll(d, weights); };
    return StepRunner(FolderAt(d)).Run(step);
  }

  static std::string RoleOf(const StudyRun& run) { return run.options.name + " " + std::to_string(run.seed) + " "; }

  std::vector<Artifact> InputsOf(const Degraded& d, const fs::path& weights) const {
    const PhotoSet photos = PhotosOf(d), clean = Clean();
    std::vector<Artifact> inputs = {TableArtifact("table", photos.csv, photos.columns, TablePart::kRows),
                                    PhotosArtifact("photos", photos.images, photos.csv, photos.columns),
                                    MasksArtifact("masks", clean.masks, clean.csv, clean.columns),
                                    WeightsArtifact("segmenter", weights)};
    for (const StudyRun& run : study_.runs()) {
      const RunPaths paths(run.options);
      inputs.push_back(WeightsArtifact(RoleOf(run) + "checkpoint", paths.checkpoint()));
      if (FindsInGallery(run.options)) AddGalleries(inputs, run.options, paths.gallery(), RoleOf(run));
      if (UsesPrototypes(run.options)) {
        inputs.push_back(FileArtifact(RoleOf(run) + "prototypes", paths.prototypes()));
      }
      const std::string parameters = RerankOf(run.options, paths).parameters;
      if (!parameters.empty()) inputs.push_back(FileArtifact(RoleOf(run) + "rerank.parameters", parameters));
      for (const auto& [key, file] : FieldsOf(StageNamed("predict"), run.options).files) {
        inputs.push_back(WeightsArtifact(RoleOf(run) + key, file));
      }
    }
    return inputs;
  }

  void AnswerAll(const Degraded& d, const fs::path& weights) const {
    const fs::path images = FolderAt(d) / "images", masks = FolderAt(d) / "masks", work = FolderAt(d) / "work";
    const PhotoSet clean = Clean();
    PhotoSet photos = PhotosOf(d);
    if (!d.rendered) {
      WritePhotos(d, clean, images);
      photos.images = images;
    }
    SegmentFromConfig(SegmenterOptionsOf(study_.first()), photos, {weights, masks});
    for (const StudyRun& run : study_.runs()) {
      for (const std::string& kind : MaskKinds(run.options.name)) {
        photos.masks = kind == "recomputed" ? masks : kind == "clean" ? clean.masks : fs::path();
        AnswerWith(run.options, photos, work, PredictionsOf(d, run.options.name, kind, run.seed));
      }
    }
    fs::remove_all(work);
    if (o_.keep_photos) return;
    fs::remove_all(images);
    fs::remove_all(masks);
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
    const bool skip = study_.first().data.loader.on_bad_image == "skip";
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
  static void AnswerWith(const ExperimentOptions& o, const PhotoSet& photos, const fs::path& work,
                         const fs::path& predictions) {
    fs::remove_all(work);
    const RunPaths paths(o);
    const fs::path features = work / "features.safetensors", found = work / "candidates.csv";
    EmbedFromConfig(o, photos, paths.checkpoint(), features);
    SearchToFileFromConfig(o, photos, {paths.checkpoint(), {paths.gallery()}, paths.prototypes(), features, found});
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

  // severity 0.
  SeedErrors CleanErrors(const std::string& view) const {
    SeedErrors errors;
    for (const StudyRun& run : study_.runs()) {
      if (run.options.name == view) errors.push_back(ErrorsOrNoAnswer(study_.Score(run.options)));
    }
    return errors;
  }

  SeedErrors DegradedErrors(const Degraded& d, const std::string& view, const std::string& masks) const {
    if (view == "segmentation" && masks == "clean") return CleanErrors(view);
    SeedErrors errors;
    for (const int seed : o_.seeds) {
      const fs::path predictions = PredictionsOf(d, view, masks, seed);
      errors.push_back(ErrorsOrNoAnswer(study_.Score(study_.first(), PhotosOf(d), predictions)));
    }
    return errors;
  }

  std::optional<PhotoClusters> ClustersOf(const PhotoSet& set) const {
    return ChooseClusters(study_.first().evaluate.cluster, ReadPhotoTable(set.csv, set.columns));
  }

  RobustnessPoint Point(int severity, const SeedErrors& runs, const std::optional<PhotoClusters>& clusters) const {
    RobustnessPoint point{severity, {}, {}};
    const auto photos = static_cast<std::int64_t>(runs.front().size());
    const SeedErrors never(runs.size(), std::vector<double>(runs.front().size(), kNoAnswer));
    for (const double km : study_.first().evaluate.thresholds_km) {
      const double percent = MeanAccuracy(runs, km);
      point.accuracy.push_back(percent);
      if (clusters) {
        std::vector<double> shares = HitDifferences(runs, never, km);
        for (double& share : shares) share /= static_cast<double>(runs.size());
        point.ci95.push_back(SharePercentInterval(MeanOverClusters(shares, clusters->of_photo)));
        continue;
      }
      const auto within = std::llround(percent / 100 * static_cast<double>(photos));
      point.ci95.push_back(WilsonPercent(within, photos));
    }
    return point;
  }

  // Of one condition at all its severities.
  RobustnessCondition Judge(std::span<const Degraded> levels, ClaimEvidence& e) const {
    const auto& rendered = levels.front().rendered;
    RobustnessCondition condition{levels.front().name, rendered ? "rendered" : "degraded", {}, {}, {}};
    condition.what = rendered ? "photos of " + rendered->images : DescribeDegradation(condition.name);
    e.condition = condition.name;
    e.clean_margin = MeanAccuracy(CleanErrors("both"), o_.tested_km) - MeanAccuracy(CleanErrors("image"), o_.tested_km);
    e.has_clean_masks = std::ranges::find(o_.masks, "clean") != o_.masks.end();
    e.clusters = ClustersOf(PhotosOf(levels.front()));
    const auto clean_clusters = ClustersOf(study_.Photos(study_.first()));
    SeedErrors upper_bound;
    for (const std::string& view : kViews) {
      const SeedErrors clean = CleanErrors(view);
      for (const auto& masks : view == "image" ? std::vector<std::string>{"none"} : o_.masks) {
        RobustnessCurve curve{view, masks, {Point(0, clean, clean_clusters)}};
        SeedErrors* to = view == "image"                           ? &e.image
                         : view == "both" && masks == "recomputed" ? &e.dual
                         : view == "both"                          ? &upper_bound
                                                                   : nullptr;
        for (std::size_t i = 0; i < levels.size(); ++i) {
          const SeedErrors runs = DegradedErrors(levels[i], view, masks);
          curve.points.push_back(Point(levels[i].severity, runs, e.clusters));
          // The hard severities: the upper half, the middle one with it.
          if (i < levels.size() / 2 || to == nullptr) continue;
          to->insert(to->end(), runs.begin(), runs.end());
          if (to == &e.dual) e.seeds.insert(e.seeds.end(), o_.seeds.begin(), o_.seeds.end());
        }
        condition.curves.push_back(std::move(curve));
      }
    }
    if (e.has_clean_masks) {
      e.clean_mask_margin = MeanAccuracy(upper_bound, o_.tested_km) - MeanAccuracy(e.image, o_.tested_km);
    }
    return condition;
  }

  RobustnessResult Score() const {
    RobustnessResult result;
    study_.Begin(result, "robustness");
    result.photos = static_cast<std::int64_t>(CleanErrors("both").front().size());
    result.rule = {o_.tested_km, o_.negligible, o_.rounds, static_cast<std::uint64_t>(o_.seeds.front())};
    std::vector<ClaimEvidence> evidence;
    for (std::size_t begin = 0, end; begin < sets_.size(); begin = end) {
      end = begin + 1;
      while (end < sets_.size() && !sets_[begin].rendered && !sets_[end].rendered &&
             sets_[end].name == sets_[begin].name)
        ++end;
      result.conditions.push_back(Judge(std::span(sets_).subspan(begin, end - begin), evidence.emplace_back()));
    }
    for (const StudyRun& run : study_.runs()) {
      result.provenance.AddFile("checkpoint", RunPaths(run.options).checkpoint() / "model.safetensors");
    }
    for (const Degraded& d : sets_) {
      if (d.rendered) result.provenance.AddFile("rendered", d.rendered->csv);
      result.provenance.AddFile("predictions", FolderAt(d) / "predictions");
    }
    const auto verdicts = JudgeClaim(evidence, result.rule);
    for (std::size_t i = 0; i < verdicts.size(); ++i) result.conditions[i].verdict = verdicts[i];
    return result;
  }

  const fs::path file_;
  const RobustnessOptions& o_;
  StudyRuns study_;
  std::vector<Degraded> sets_;
};

}  // namespace

void RobustnessOptions::Validate() const {
  StudyOptions::Validate();
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
  ReadStudyFile(file, overrides, OptionTree(robustness.options), robustness.options);
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
