#include "dualgeo/gallery/embed_job.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
#include <sstream>
#include <utility>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/text.h"
#include "gallery/embed.h"
#include "io/safetensors.h"
#include "model/gps_projection.h"
#include "runtime/checkpoint.h"
#include "runtime/processes.h"
#include "runtime/runtime.h"
#include "runtime/views.h"
#include "util/output_path.h"
#include "util/path_list.h"

namespace dualgeo {

namespace {

// Mercator has no poles: says what happens to coordinates beyond its square, by file and line.
void CheckMercatorLimit(const GpsEncoderOptions& options, const Coordinates& coordinates) {
  if (options.projection != "mercator") return;
  std::size_t beyond = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < coordinates.locations.size(); ++i) {
    if (std::abs(coordinates.locations[i].lat) <= kMercatorLimitDegrees) continue;
    if (beyond++ == 0) first = i;
  }
  if (beyond == 0) return;
  std::string limit = "the mercator projection's limit of ";
  limit += FormatDouble(kMercatorLimitDegrees) + " degrees";
  if (options.beyond_mercator == "error") {
    throw InputError(coordinates.At(first) + ": latitude " + FormatDouble(coordinates.locations[first].lat) +
                     " is beyond " + limit +
                     " (model.gps_encoder.beyond_mercator is error; clamp would move it there, and the other "
                     "projections reach the poles)");
  }
  spdlog::warn(
      "embed: {} of {} coordinates lie beyond {} and are moved to it (first: {}; model.gps_encoder.beyond_mercator)",
      beyond, coordinates.locations.size(), limit, coordinates.At(first));
}

}  // namespace

DualGeoModel LoadEmbedModel(const EmbedModel& options, const torch::Device& device) {
  DualGeoModel model{nullptr};
  if (!options.checkpoint.empty()) {
    model = LoadModel(options.checkpoint, options.model, options.loss, device);
  } else {
    spdlog::warn("embed: no checkpoint: the model is untrained, but for the published weights that the config names");
    model = DualGeoModel(options.model, options.loss, static_cast<std::uint64_t>(options.runtime.seed));
    LoadPretrained(*model);
    model->to(device);
    model->eval();
  }
  // It will not learn any more: layers may keep copies of its weights in the lower precision.
  for (auto& parameter : model->parameters()) parameter.set_requires_grad(false);
  KeepFreedMemory();
  return model;
}

std::filesystem::path RunCheckpoint(const std::filesystem::path& run_dir) {
  for (const char* name : {"best", "last"}) {
    if (auto found = FindCheckpoint(run_dir / "checkpoint" / name); !found.empty()) return found;
  }
  return {};
}

namespace {

// What tells the parts of one job from another's. Not: batch size (where photos of a batch do not see each other),
// device and threads, which change the last bits only, so that whoever ran out of memory can go on with less; nor
// on_bad_image, so that a bad photo found after hours can be left out.
std::string MadeFrom(const EmbedPhotosJob& job, const std::string& model) {
  std::string ids;
  for (const auto& row : job.photos.rows) ids.append(row.id).append("\n");
  const bool by_batch = job.model.model.fusion.scope == "batch";
  const std::string raw = job.options.raw.empty() ? "" : "raw: " + Join(job.options.raw) + "\n";
  const std::string decode = job.loader.fast_decoding() ? "decode: fast\n" : "";
  return "dualgeo embed photos 1\nmodel: " + model + "\n" + raw + decode + "precision: " + job.model.runtime.precision +
         "\nbatch_size: " + (by_batch ? std::to_string(job.options.batch_size) : "any") +
         "\nimages: " + CanonicalPaths(job.images.string()) + "\nmasks: " + CanonicalPaths(job.masks.string()) +
         "\nphotos: " + Sha256(ids) + "\n";
}

// What is made of the features: of blocks, or of part files, which several processes made, one behind the other.
struct MakeOutput {
  std::function<void(FeatureBlocks&)> of_blocks;
  std::function<void(const std::vector<std::filesystem::path>&)> of_parts;
};

// This process's rows of the table, in whole batches, so that each batch is as it would be in one process.
EmbedPhotosJob OwnShare(EmbedPhotosJob job) {
  const auto batch =
      std::max<std::int64_t>(1, job.options.batch_size / dualgeo::CountOf(AskedViews(job.model.model).crops));
  auto& rows = job.photos.rows;
  const Share share = ShareOf(std::ssize(rows), batch, AllProcesses().rank(), AllProcesses().size());
  rows = {rows.begin() + share.begin, rows.begin() + share.end};
  return job;
}

// Beside OUT.parts: this process's parts, kept as its own.
KeepParts PartsOfRank(KeepParts parts) {
  if (parts.folder.empty()) {
    throw InputError("embed: several processes need a file or folder to write to, beside which each keeps its parts");
  }
  parts.folder += ".rank-" + std::to_string(AllProcesses().rank()) + "-of-" + std::to_string(AllProcesses().size());
  return parts;
}

// All part files, in the order of the photos.
std::vector<std::filesystem::path> PartsOfAll(const FeatureBlocks& blocks) {
  std::string own;
  for (const auto& part : blocks.parts().parts()) own += part.file.string() + "\n";
  std::vector<std::filesystem::path> files;
  for (const std::string& text : AllProcesses().GatherText(own)) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) files.emplace_back(line);
  }
  return files;
}

// The numbers of all processes' reports.
void JoinReports(const std::vector<std::filesystem::path>& files, EmbedReport& report) {
  Processes& all = AllProcesses();
  const auto sums = torch::tensor({static_cast<double>(report.rows), report.photos_per_second}, torch::kFloat64);
  all.Sum({sums});
  report.rows = static_cast<std::int64_t>(sums[0].item<double>());
  report.photos_per_second = sums[1].item<double>();
  const std::vector<std::string> own = std::exchange(report.skipped, {});
  for (const std::string& text : all.GatherText(Join(own, "\n"))) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) report.skipped.push_back(line);
  }
  if (!files.empty()) {
    const SafetensorsFile first(files.front());
    for (const auto& entry : first.entries()) {
      if (entry.dtype == torch::kFloat32 && entry.shape.size() == 2) report.columns[entry.name] = entry.shape[1];
    }
  }
}

EmbedReport EmbedShare(const EmbedPhotosJob& whole, DualGeoModel& model, const std::string& fingerprint,
                       const KeepParts& parts, const MakeOutput& make) {
  Processes& all = AllProcesses();
  all.RequireSame("embedding",
                  MadeFrom(whole, fingerprint) + "batch_size: " + std::to_string(whole.options.batch_size) + "\n");
  const EmbedPhotosJob job = OwnShare(whole);
  const bool with_masks = WantsMasks(job.model.model);
  PhotoDataset dataset(job.photos, job.images, with_masks ? job.masks : std::filesystem::path(),
                       AskedViews(job.model.model));
  dataset.HashPhotos();
  FeatureBlocks blocks("photos", fingerprint, dataset.size(), PartsOfRank(parts), MadeFrom(job, fingerprint));
  EmbedReport report;
  if (dataset.size() > 0) report = EmbedPhotos(model, dataset, job.options, job.loader, blocks);
  blocks.Save();
  const auto files = PartsOfAll(blocks);
  JoinReports(files, report);
  if (report.rows == 0) {
    throw InputError("embed: not one photo of " + whole.photos.path.string() + " could be read");
  }
  make.of_parts(files);
  all.Barrier();
  blocks.parts().Remove();
  return report;
}

// Embeds and hands the features on.
EmbedReport EmbedInto(const EmbedPhotosJob& job, const KeepParts& parts, const MakeOutput& make) {
  const ModelOptions& options = job.model.model;
  const bool with_masks = WantsMasks(options);
  if (with_masks && job.masks.empty()) {
    throw InputError("the model sees segmentation maps (model.views: " + options.views +
                     ", model.image_encoder.type: " + options.image_encoder.type +
                     "), and no folder of masks is given; dualgeo segment makes them");
  }
  // The photos are opened first: a wrong path is told before a large model is loaded.
  ViewOptions views = AskedViews(options);
  views.fast_decoding = job.loader.fast_decoding();
  const auto device = SetupRuntime(job.model.runtime);
  views.as_bytes = device.is_cuda();
  PhotoDataset dataset(job.photos, job.images, with_masks ? job.masks : std::filesystem::path(), views);
  dataset.HashPhotos();
  auto model = LoadEmbedModel(job.model, device);
  const std::string fingerprint = ModelFingerprint(model);
  const AutocastGuard autocast(device, job.model.runtime.precision);
  if (AllProcesses().several()) return EmbedShare(job, model, fingerprint, parts, make);
  FeatureBlocks blocks("photos", fingerprint, dataset.size(), parts, MadeFrom(job, fingerprint));
  EmbedReport report = EmbedPhotos(model, dataset, job.options, job.loader, blocks);
  make.of_blocks(blocks);
  return report;
}

EmbedReport EmbedInto(const EmbedModel& options, const Coordinates& coordinates, const KeepParts& parts,
                      const std::function<void(FeatureBlocks&)>& finish) {
  CheckMercatorLimit(options.model.gps_encoder, coordinates);  // before a large model is loaded
  auto model = LoadEmbedModel(options, SetupRuntime(options.runtime));
  const std::string fingerprint = ModelFingerprint(model);
  std::string points;
  for (std::size_t i = 0; i < coordinates.locations.size(); ++i) {
    points.append(coordinates.ids.empty() ? "" : coordinates.ids[i]).append("\n");
    points.append(reinterpret_cast<const char*>(&coordinates.locations[i]), sizeof(LatLon));
  }
  FeatureBlocks blocks("gps", fingerprint, static_cast<std::int64_t>(coordinates.locations.size()), parts,
                       "dualgeo embed gps 1\nmodel: " + fingerprint + "\ncoordinates: " + Sha256(points) + "\n");
  EmbedGps(model, coordinates.locations, coordinates.ids, blocks);
  EmbedReport report;
  report.rows = blocks.rows();
  report.columns = blocks.columns();
  finish(blocks);
  return report;
}

}  // namespace

EmbedReport EmbedPhotosToFile(const EmbedPhotosJob& job, const std::filesystem::path& out) {
  CheckOutputs({{"--out", out}}, {{"--photos", job.photos.path},
                                  {"--images", job.images, InputKind::kPhotos},
                                  {"--masks", job.masks, InputKind::kPhotos},
                                  {"--checkpoint", job.model.checkpoint}});
  return EmbedInto(job, KeepPartsOf(out),
                   {[&](FeatureBlocks& blocks) { blocks.Write(out); },
                    [&](const std::vector<std::filesystem::path>& files) {
                      if (AllProcesses().first()) JoinFeatures(files, out);
                    }});
}

EmbedReport EmbedCoordinatesToFile(const EmbedModel& model, const Coordinates& coordinates,
                                   const std::filesystem::path& out) {
  CheckOutputs({{"--out", out}}, {{"--coordinates", coordinates.path}, {"--checkpoint", model.checkpoint}});
  return EmbedInto(model, coordinates, KeepPartsOf(out), [&](FeatureBlocks& blocks) { blocks.Write(out); });
}

EmbedResult EmbedPhotosToMemory(const EmbedPhotosJob& job, const std::filesystem::path& for_output) {
  FeatureSet features;
  EmbedReport report = EmbedInto(job, KeepPartsOf(for_output),
                                 {[&](FeatureBlocks& blocks) { features = blocks.Take(); },
                                  [&](const std::vector<std::filesystem::path>& files) {
                                    for (const auto& file : files) AppendRows(ReadFeatures(file), features);
                                  }});
  return {std::move(report), std::move(features)};
}

FeatureSet EmbedCoordinates(const EmbedModel& model, const Coordinates& coordinates,
                            const std::filesystem::path& for_output) {
  FeatureSet features;
  EmbedInto(model, coordinates, KeepPartsOf(for_output), [&](FeatureBlocks& blocks) { features = blocks.Take(); });
  return features;
}

struct PlaceScorer::State {
  explicit State(const EmbedModel& options)
      : model(LoadEmbedModel(options, SetupRuntime(options.runtime))),
        encoder(options.model.image_encoder),
        fingerprint(ModelFingerprint(model)) {}

  DualGeoModel model;
  ImageEncoderOptions encoder;
  std::string fingerprint;
};

PlaceScorer::PlaceScorer(const EmbedModel& model) : state_(std::make_unique<State>(model)) {}
PlaceScorer::~PlaceScorer() = default;
PlaceScorer::PlaceScorer(PlaceScorer&&) noexcept = default;

std::vector<Matrix> PlaceScorer::Score(const FeatureSet& photos, bool joint) const {
  auto& model = state_->model;
  const auto device = model->parameters().front().device();
  if (!photos.model.empty() && photos.model != state_->fingerprint) {
    throw InputError("the features were made by another model than the one that is to classify them");
  }
  if (!photos.features.contains(kPlaceVector)) {
    throw InputError(std::string("the features have no ") + kPlaceVector +
                     ": the model that made them has no head cells (model.heads)");
  }
  const Matrix& vectors = photos.Require(kPlaceVector);
  const ImageEncoderOptions& encoder = state_->encoder;
  const std::int64_t crops = encoder.crops_of == "vectors" ? 1 : CountOf(ImageEncoderInput(encoder).crops);
  if (vectors.columns % crops != 0) {
    throw InputError("the features' " + std::string(kPlaceVector) + " has " + std::to_string(vectors.columns) +
                     " columns, which are not those of " + std::to_string(crops) +
                     " crops (model.image_encoder.crops)");
  }
  const torch::InferenceMode inference;
  std::vector<Matrix> scores;
  constexpr std::int64_t kBlock = 256;
  for (std::int64_t start = 0; start < vectors.rows; start += kBlock) {
    const auto rows = std::min(kBlock, vectors.rows - start);
    const auto block =
        torch::from_blob(const_cast<float*>(vectors.Row(start).data()), {rows * crops, vectors.columns / crops});
    std::size_t partition = 0;
    for (const auto& head : model->heads()) {
      for (const auto& one : PlaceProbabilities(head->PlaceLogits(block.to(device)), crops, encoder, joint)) {
        const auto values = one.to(torch::kCPU, torch::kFloat32).contiguous();
        if (partition == scores.size()) scores.emplace_back(vectors.rows, values.size(1));
        std::copy_n(values.data_ptr<float>(), values.numel(), scores[partition++].Row(start).data());
      }
    }
  }
  return scores;
}

double CosineFactor(const EmbedModel& options, const std::string& fingerprint) {
  auto model = LoadEmbedModel(options, SetupRuntime(options.runtime));
  const double factor = model->CosineFactor();
  if (!fingerprint.empty() && fingerprint != ModelFingerprint(model)) {
    throw InputError(
        "search.scores: the features were made by another model than the one whose logit scale is to "
        "make probabilities of them");
  }
  return factor;
}

struct CoordinateEmbedder::State {
  DualGeoModel model{nullptr};
  std::string fingerprint;
  std::mutex mutex;
};

CoordinateEmbedder::CoordinateEmbedder(const EmbedModel& options) : state_(std::make_unique<State>()) {
  state_->model = LoadEmbedModel(options, SetupRuntime(options.runtime));
  state_->fingerprint = ModelFingerprint(state_->model);
}

CoordinateEmbedder::~CoordinateEmbedder() = default;

const std::string& CoordinateEmbedder::fingerprint() const { return state_->fingerprint; }

Matrix CoordinateEmbedder::Project(std::span<const LatLon> places) const {
  const std::lock_guard lock(state_->mutex);
  return ProjectCoordinates(state_->model, places);
}

}  // namespace dualgeo
