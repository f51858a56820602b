#include "pipeline/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/error.h"
#include "eval/leakage.h"
#include "io/csv.h"
#include "pipeline/experiment.h"
#include "pipeline/run_paths.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

// Subfolders that hold scores, by name.
std::vector<std::string> BenchmarkNames(const fs::path& run_dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(run_dir)) {
    if (entry.is_directory() && fs::exists(entry.path() / "errors.csv")) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::ranges::sort(names);
  return names;
}

Json ParseJson(const fs::path& path) {
  if (!fs::exists(path)) return Json::object();
  Json json = Json::parse(ReadFile(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw InputError(path.string() + ": not a JSON object");
  return json;
}

std::string TextOf(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

// What errors.csv says: the truth, and the predictions as far as there is no table of them.
struct Scored {
  PhotoTable truth;
  std::vector<Prediction> predictions;
  std::optional<PhotoClusters> clusters;
};

Scored ReadErrors(const fs::path& path) {
  const CsvTable csv = CsvTable::Read(path);
  const auto id = csv.Require("IMG_ID"), lat = csv.Require("LAT"), lon = csv.Require("LON");
  const auto lat_pred = csv.Require("LAT_pred"), lon_pred = csv.Require("LON_pred");
  const auto place = [&](std::size_t row, std::size_t lat_column, std::size_t lon_column) {
    const LatLon location{csv.Number(row, lat_column), csv.Number(row, lon_column)};
    if (!IsValid(location)) throw InputError(csv.At(row, "not a place on Earth: " + ToString(location)));
    return location;
  };
  Scored scored;
  scored.truth.path = path;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string name(csv.Cell(row, id));
    scored.truth.rows.push_back({name, place(row, lat, lon), "", csv.Line(row)});
    if (!csv.Cell(row, lat_pred).empty()) {
      scored.predictions.push_back({name, place(row, lat_pred, lon_pred), "", std::nullopt, ""});
    }
  }
  if (scored.truth.rows.empty()) throw InputError(path.string() + ": no photos");
  if (csv.Find("cluster")) scored.clusters = ReadClusters(path, "cluster");
  return scored;
}

class Gatherer {
 public:
  Gatherer(const fs::path& run_dir, const ReportOptions& options) : options_(options), paths_(run_dir) {}

  template <class Draw>
  Report Gather(const Draw& draw) {
    if (!fs::is_directory(paths_.root)) throw InputError(paths_.root.string() + ": no such folder");
    const auto names = BenchmarkNames(paths_.root);
    report_.title = fs::weakly_canonical(paths_.root).filename().string();
    Config(!names.empty());
    for (const auto& name : names) Benchmark(name);
    Gallery();
    Training();
    if (fs::exists(paths_.root / "robustness.json")) {
      report_.robustness = ReadRobustness(paths_.root / "robustness.json");
    }
    if (fs::exists(paths_.root / "ablation.json")) report_.ablation = ReadAblation(paths_.root / "ablation.json");
    if (report_.benchmarks.empty() && report_.training.empty() && !report_.robustness && !report_.ablation &&
        report_.config.empty()) {
      throw InputError(
          paths_.root.string() +
          ": not a run's folder: it holds neither config.yaml, train.jsonl, robustness.json, ablation.json "
          "nor a folder with errors.csv");
    }
    Made();
    Pictures(draw);
    return std::move(report_);
  }

 private:
  void Config(bool needed) {
    if (!fs::exists(paths_.config())) return;
    report_.config = ReadFile(paths_.config());
    if (!needed) return;
    experiment_ = ReadKeptExperiment(paths_.config());
    experiment_.run_dir = paths_.root.string();  // the folder may have been moved since
    report_.title = experiment_.name;
    paths_ = RunPaths(experiment_);  // ablations keep lists and galleries in folders that they share
  }

  Evaluation Score(const Scored& scored, const std::vector<Prediction>& predictions, const std::string& benchmark,
                   const std::string& method, const std::string& note) const {
    EvaluateOptions options = experiment_.evaluate;
    options.cluster = "none";  // what errors.csv does not name
    return Evaluate(scored.truth, predictions, options,
                    {benchmark, method, note, "", scored.truth.path.string(), std::nullopt, scored.clusters});
  }

  // Of the last evaluation, rank 1.
  void AddWithoutOwn(const Scored& scored, const std::vector<CandidateList>& lists,
                     std::vector<Evaluation>& evaluations) const {
    if (!scored.clusters || scored.clusters->column != "AUTHOR") return;
    PhotoTable truth = scored.truth;
    for (std::size_t i = 0; i < truth.rows.size(); ++i) {
      truth.rows[i].author = scored.clusters->names[scored.clusters->of_photo[i]];
    }
    const Evaluation& rank1 = evaluations.back();
    if (const auto own = WithoutOwnPhotos(lists, truth, rank1.options, rank1.subject)) {
      evaluations.push_back(own->evaluation);
    }
  }

  void Benchmark(const std::string& name) {
    Scored scored = ReadErrors(paths_.of(name, "errors.csv"));
    const Json metrics = ParseJson(paths_.of(name, "metrics.json"));
    const std::string note = TextOf(metrics, "note");
    std::string method = TextOf(metrics, "method");
    if (method.empty()) method = "predictions";
    if (scored.clusters && metrics.contains("settings")) {
      const std::string column = TextOf(metrics["settings"], "cluster");
      if (!column.empty()) scored.clusters->column = column;
    }
    if (fs::exists(paths_.of(name, "predictions.csv"))) {
      scored.predictions = ReadPredictions(paths_.of(name, "predictions.csv"));
    }

    ReportBenchmark benchmark;
    benchmark.name = name;
    benchmark.evaluations.push_back(Score(scored, scored.predictions, name, method, note));
    std::vector<CandidateList> lists;
    if (fs::exists(paths_.candidates(name))) {
      lists = ReadCandidates(paths_.candidates(name));
      const int top_k = experiment_.search.top_k;
      const auto oracle = Oracle(lists, scored.truth, top_k, ParseDistanceKind(experiment_.evaluate.distance));
      benchmark.evaluations.push_back(Score(scored, RankOne(lists), name, "rank 1", note));
      AddWithoutOwn(scored, lists, benchmark.evaluations);
      benchmark.evaluations.push_back(Score(scored, oracle, name, "best of top " + std::to_string(top_k), note));
    }
    if (fs::exists(paths_.of(name, "reranked.csv"))) {
      lists = ReadCandidates(paths_.of(name, "reranked.csv"));
      Calibrated(scored, lists, benchmark);
    }
    const fs::path untrained = paths_.untrained().of(name, "predictions.csv");
    if (fs::exists(untrained)) {
      benchmark.evaluations.push_back(Score(scored, ReadPredictions(untrained), name, "untrained model", note));
      benchmark.against_untrained = Compare(benchmark.evaluations.front(), benchmark.evaluations.back());
    }
    Photos(scored.predictions, lists, benchmark);
    report_.benchmarks.push_back(std::move(benchmark));
  }

  void Calibrated(const Scored& scored, const std::vector<CandidateList>& lists, ReportBenchmark& benchmark) const {
    const PhotoTable& truth = scored.truth;
    std::unordered_map<std::string, PlaceEstimate> stated;
    for (const auto& list : lists) {
      if (list.estimate) stated.emplace(list.query_id, *list.estimate);
    }
    if (stated.empty()) return;
    const RerankStudy study{truth, lists, {}};
    Estimates estimates;
    for (const auto& row : truth.rows) {
      const auto found = stated.find(row.id);
      estimates.push_back(found == stated.end() ? std::nullopt : std::optional(found->second));
    }
    const DistanceKind distance = ParseDistanceKind(experiment_.evaluate.distance);
    const PhotoClusters* clusters = scored.clusters ? &*scored.clusters : nullptr;
    benchmark.calibration = Calibrate(study, estimates, distance, clusters);
    benchmark.selective = SelectiveCurve(study, estimates, distance, clusters);
  }

  // The first `count` of `order` that show different places (to about 10 km).
  std::vector<const PhotoResult*> OnePerPlace(const std::vector<const PhotoResult*>& order) const {
    std::set<std::pair<long, long>> seen;
    std::vector<const PhotoResult*> chosen;
    for (const PhotoResult* photo : order) {
      if (chosen.size() == static_cast<std::size_t>(options_.photos)) break;
      const auto place = std::pair(std::lround(photo->truth.lat * 10), std::lround(photo->truth.lon * 10));
      if (seen.insert(place).second) chosen.push_back(photo);
    }
    return chosen;
  }

  void Photos(const std::vector<Prediction>& predictions, const std::vector<CandidateList>& lists,
              ReportBenchmark& benchmark) const {
    std::vector<const PhotoResult*> order;
    for (const auto& photo : benchmark.evaluations.front().photos) {
      if (photo.error_km) order.push_back(&photo);
    }
    std::ranges::stable_sort(order, {}, [](const PhotoResult* photo) { return *photo->error_km; });
    const auto best = OnePerPlace(order);
    std::ranges::reverse(order);
    const auto worst = OnePerPlace(order);
    // Few photos are not shown twice.
    const std::set<const PhotoResult*> shown(best.begin(), best.end());

    const auto show = [&](const PhotoResult& result) {
      ReportPhoto photo;
      photo.result = result;
      for (const auto& prediction : predictions) {
        if (prediction.id == result.id) photo.confidence_km = prediction.confidence_km;
      }
      for (const auto& list : lists) {
        if (list.query_id == result.id) photo.candidates = Candidates(list, result);
      }
      return photo;
    };
    for (const PhotoResult* photo : best) benchmark.best.push_back(show(*photo));
    for (const PhotoResult* photo : worst) {
      if (!shown.contains(photo)) benchmark.worst.push_back(show(*photo));
    }
  }

  std::vector<ReportCandidate> Candidates(const CandidateList& list, const PhotoResult& result) const {
    std::vector<ReportCandidate> shown;
    const DistanceKind distance = ParseDistanceKind(experiment_.evaluate.distance);
    for (const auto& candidate : list.candidates) {
      if (!candidate.similar || shown.size() == static_cast<std::size_t>(options_.candidates)) break;
      shown.push_back({candidate, DistanceKm(candidate.location, result.truth, distance), ""});
    }
    return shown;
  }

  // Without a gallery, the places that were found in it.
  void Gallery() {
    const fs::path items = paths_.gallery() / "items.csv";
    if (fs::exists(items)) {
      const CsvTable csv = CsvTable::Read(items);
      const auto lat = csv.Require("LAT"), lon = csv.Require("LON");
      for (std::size_t row = 0; row < csv.rows(); ++row) {
        report_.gallery.push_back({csv.Number(row, lat), csv.Number(row, lon)});
      }
      return;
    }
    for (const auto& benchmark : report_.benchmarks) {
      const fs::path lists = paths_.candidates(benchmark.name);
      if (!fs::exists(lists)) continue;
      for (const auto& list : ReadCandidates(lists)) {
        for (const auto& candidate : list.candidates) report_.gallery.push_back(candidate.location);
      }
    }
  }

  void Training() {
    for (const auto& [file, name] :
         {std::pair("train.jsonl", "Model"), std::pair("train_segmenter.jsonl", "Segmenter")}) {
      if (fs::exists(paths_.root / file)) report_.training.push_back(ReadTraining(paths_.root / file, name));
    }
  }

  void Made() {
    const auto text = [](const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); };
    const Json info = ParseJson(paths_.info());
    for (const auto& [key, value] : info.items()) {
      if (!value.is_object()) report_.made.emplace_back(key, text(value));
    }
    if (info.contains("versions") && info["versions"].is_object()) {
      for (const auto& [key, value] : info["versions"].items()) report_.made.emplace_back(key, text(value));
    }
    for (const auto& file : FilesWithProvenance(paths_.root)) {
      report_.provenance.emplace_back(file.lexically_relative(paths_.root).string(), ReadProvenance(file));
    }
  }

  // Where the photos of a benchmark and their masks are, by the config.
  struct Folders {
    std::string photos, masks;
  };
  Folders FoldersOf(const std::string& benchmark) const {
    Folders folders;
    const auto& data = experiment_.data;
    if (const auto named = data.benchmarks.find(benchmark); named != data.benchmarks.end()) {
      folders = {named->second.images, named->second.masks};
    } else if (benchmark == kHoldout) {
      folders = {data.train.images, data.train.masks};
    }
    if (const fs::path predicted = paths_.masks(benchmark); fs::exists(predicted)) folders.masks = predicted.string();
    return folders;
  }

  template <class Draw>
  void Pictures(const Draw& draw) {
    using Kind = PictureRequest::Kind;
    std::vector<PictureRequest> requests;
    std::vector<std::pair<std::string*, std::string*>> places;  // for the URL, and for the words
    const auto ask = [&](Kind kind, const std::string& images, const std::string& id, std::string& url,
                         std::string* text) {
      if (images.empty() || !fs::exists(images)) return;
      requests.push_back({kind, images, id, experiment_.model.segmenter.num_labels});
      places.emplace_back(&url, text);
    };
    for (auto& benchmark : report_.benchmarks) {
      const Folders folders = FoldersOf(benchmark.name);
      for (auto* photos : {&benchmark.best, &benchmark.worst}) {
        for (auto& photo : *photos) {
          ask(Kind::kPhoto, folders.photos, photo.result.id, photo.photo, nullptr);
          ask(Kind::kMask, folders.masks, photo.result.id, photo.mask, &photo.mask_text);
          for (auto& shown : photo.candidates) {
            ask(Kind::kThumbnail, experiment_.data.train.images, shown.candidate.gallery_id, shown.thumbnail, nullptr);
          }
        }
      }
    }
    if (requests.empty()) return;
    std::vector<Picture> pictures = draw(requests);
    for (std::size_t i = 0; i < places.size(); ++i) {
      *places[i].first = std::move(pictures.at(i).url);
      if (places[i].second != nullptr) *places[i].second = std::move(pictures[i].text);
    }
  }

  ReportOptions options_;
  RunPaths paths_;
  ExperimentOptions experiment_;
  Report report_;
};

}  // namespace

Report GatherReport(const fs::path& run_dir, const ReportOptions& options,
                    const std::function<std::vector<Picture>(const std::vector<PictureRequest>&)>& draw) {
  return Gatherer(run_dir, options).Gather(draw);
}

std::vector<fs::path> ReportInputs(const fs::path& run_dir) {
  const RunPaths paths(run_dir);
  std::vector<fs::path> inputs = {paths.config(), paths.info(), paths.gallery() / "items.csv"};
  for (const char* file : {"train.jsonl", "train_segmenter.jsonl", "robustness.json", "ablation.json"}) {
    inputs.push_back(run_dir / file);
  }
  for (const auto& name : fs::exists(run_dir) ? BenchmarkNames(run_dir) : std::vector<std::string>()) {
    for (const char* file : {"errors.csv", "metrics.json", "predictions.csv", "candidates.csv", "reranked.csv"}) {
      inputs.push_back(paths.of(name, file));
    }
    inputs.push_back(paths.untrained().of(name, "predictions.csv"));
  }
  return inputs;
}

}  // namespace dualgeo
