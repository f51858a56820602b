#include "train/trainer.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "data/loader.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/partition.h"
#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "frozen_features.h"
#include "model/fingerprint.h"
#include "runtime/processes.h"
#include "runtime/runtime.h"
#include "runtime/views.h"
#include "train/train_loop.h"

namespace dualgeo {
namespace {

// Retrieval among the validation photos compares all with all; more of them would say the same.
constexpr std::int64_t kRetrievalPhotos = 10000;

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// How right the places are that a head gives to the validation photos.
void AddPlaces(const torch::Tensor& places, const torch::Tensor& latlon, const std::string& name, bool distance,
               std::map<std::string, double>& numbers) {
  // By coordinates, not by row: photos of one spot are equally right.
  numbers[name] = 100 * (places == latlon).all(1).to(torch::kFloat64).mean().item<double>();
  if (!distance) return;
  std::vector<double> km;
  km.reserve(static_cast<std::size_t>(latlon.size(0)));
  const auto truth = latlon.accessor<double, 2>();
  const auto guess = places.accessor<double, 2>();
  for (std::int64_t i = 0; i < latlon.size(0); ++i) {
    km.push_back(GreatCircleKm({truth[i][0], truth[i][1]}, {guess[i][0], guess[i][1]}));
  }
  numbers["median_km"] = Median(std::move(km));
}

// Of each head, what it made of all batches.
NamedTensors Joined(const std::vector<std::vector<NamedTensors>>& batches, std::size_t head) {
  NamedTensors joined;
  for (std::size_t i = 0; i < batches.front()[head].size(); ++i) {
    std::vector<torch::Tensor> parts;
    for (const auto& batch : batches) parts.push_back(batch[head][i].second);
    joined.emplace_back(batches.front()[head][i].first, torch::cat(parts));
  }
  return joined;
}

// Values of the further columns, of the given rows.
PhotoValues ValuesOf(const PhotoTable& table, const std::vector<std::int64_t>& rows) {
  PhotoValues values;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    auto& column = values[table.columns[i]];
    for (const auto row : rows) column.push_back(table.rows[static_cast<std::size_t>(row)].values[i]);
  }
  return values;
}

TableValues ValuesOf(const PhotoTable& table) {
  TableValues values{table.path.string(), {}, {}};
  for (const auto& row : table.rows) values.lines.push_back(row.line);
  std::vector<std::int64_t> all(table.rows.size());
  std::iota(all.begin(), all.end(), 0);
  values.columns = ValuesOf(table, all);
  return values;
}

class DualGeoTask : public TrainTask {
 public:
  DualGeoTask(const ModelOptions& model, const LossOptions& loss, const TrainOptions& train, const TrainJob& job,
              const TrainingSets& sets, const torch::Device& device)
      : model_(model, loss, DeriveSeed(static_cast<std::uint64_t>(job.runtime.seed), "model")),
        train_(train),
        job_(job),
        sets_(sets),
        precision_(job.runtime.precision),
        device_(device) {
    const TableValues photos = ValuesOf(sets.train.table());
    std::optional<TableValues> validation;
    if (sets.validation) validation = ValuesOf(sets.validation->table());
    for (const auto& head : model_->heads()) head->Learn(photos, validation ? &*validation : nullptr);
  }

  torch::nn::Module& module() override { return *model_; }
  void Initialise() override {
    LoadPretrained(*model_);
    if (model_->options().has_image() && !model_->options().image_encoder.weights &&
        model_->image_encoder()->learns()) {
      LearnEncoder();
    }
  }

  TrainingLoss Loss(const Batch& batch) override {
    const Targets targets = TargetsOf({batch.latlon, batch.indices});
    return WithScales(model_->Loss(RunHeads(batch, targets), targets));
  }

  std::vector<NamedTensors> Outputs(const Batch& piece) override {
    const AutocastGuard autocast(device_, precision_);
    return model_->ForwardHeads(Encode(piece), TargetsOf({piece.latlon, piece.indices}));
  }
  std::vector<NamedTensors> StepOutputs() override {
    const AutocastGuard autocast(device_, precision_);
    return model_->StepOutputs();
  }
  TrainingLoss LossOf(const std::vector<NamedTensors>& outputs, const BatchPhotos& photos) override {
    return WithScales(model_->Loss(outputs, TargetsOf(photos)));
  }
  void Remember(const BatchPhotos& photos) override { model_->Remember(TargetsOf(photos)); }
  std::string WhyWhole() const override {
    const auto& fusion = model_->options().fusion;
    if (model_->options().views != "both" || fusion.type != "cross_attention" || fusion.scope != "batch") return {};
    return "with model.fusion.scope batch a photo's vector depends on the others of its batch";
  }

  std::unique_ptr<BatchReader> Read(const PhotoDataset& photos, std::vector<std::int64_t> order,
                                    std::int64_t batch_size, bool drop_last, const LoaderOptions& options,
                                    std::optional<std::uint64_t> augmentation_seed) override {
    if (!train_.cache_frozen_features) {
      return TrainTask::Read(photos, std::move(order), batch_size, drop_last, options, augmentation_seed);
    }
    if (augmentation_seed && !frozen_) OpenFrozenOfAll(photos);
    // Validation is rank 0's work alone.
    if (!augmentation_seed && !frozen_validation_) {
      frozen_validation_ = OpenFrozen(photos, "validation", {std::nullopt});
    }
    const FrozenFeatures& frozen = augmentation_seed ? *frozen_ : *frozen_validation_;
    return std::make_unique<FrozenReader>(frozen, augmentation_seed, std::move(order), batch_size, drop_last);
  }

  std::map<std::string, double> Validate(const std::function<std::optional<Batch>()>& next) override {
    std::map<std::string, double> numbers;
    std::vector<std::vector<NamedTensors>> outputs;
    std::vector<torch::Tensor> latlon;
    std::vector<std::int64_t> rows;
    const PhotoTable& table = sets_.validation->table();
    std::int64_t photos = 0;
    while (auto batch = next()) {
      const Targets targets{batch->latlon, ValuesOf(table, batch->indices)};
      auto made = RunHeads(*batch, targets);
      const TrainingLoss loss = model_->Loss(made, targets);
      const auto count = std::ssize(batch->indices);
      const auto add = [&](const std::string& name, const torch::Tensor& value) {
        numbers[name] += value.item<double>() * static_cast<double>(count);
      };
      add("loss", loss.total);
      for (const auto& [name, value] : loss.details) add(name, value);
      if (photos < kRetrievalPhotos) {
        outputs.push_back(std::move(made));
        latlon.push_back(batch->latlon);
        rows.insert(rows.end(), batch->indices.begin(), batch->indices.end());
      }
      photos += count;
    }
    for (auto& item : numbers) item.second /= static_cast<double>(photos);
    if (photos == 0) {
      numbers["loss"] = std::numeric_limits<double>::infinity();  // every photo was unreadable and skipped
      return numbers;
    }
    const Targets all{torch::cat(latlon), ValuesOf(table, rows)};
    bool distance = true;  // of the first
    for (std::size_t i = 0; i < model_->heads().size(); ++i) {
      for (const auto& [name, places] : model_->heads()[i]->Places(Joined(outputs, i), all)) {
        AddPlaces(places, all.latlon, name, distance, numbers);
        distance = false;
      }
    }
    return numbers;
  }

  std::string criterion() const override { return "loss"; }
  bool higher_is_better() const override { return false; }

 private:
  Targets TargetsOf(const BatchPhotos& photos) const {
    return {photos.latlon, ValuesOf(sets_.train.table(), photos.indices)};
  }

  // With the logit scales.
  TrainingLoss WithScales(TrainingLoss loss) const {
    for (const auto& item : model_->named_parameters(/*recurse=*/false)) {
      if (item.value().numel() == 1) loss.details.emplace_back(item.key(), item.value().detach());
    }
    return loss;
  }

  // From training photos as they are asked about: so many, drawn by the seed.
  void LearnEncoder() {
    constexpr std::size_t kPhotos = 1024;
    std::vector<std::int64_t> order(static_cast<std::size_t>(sets_.train.size()));
    std::iota(order.begin(), order.end(), 0);
    const auto seed = static_cast<std::uint64_t>(job_.runtime.seed);
    Random(DeriveSeed(seed, "learn encoder")).Shuffle(order);
    order.resize(std::min(order.size(), kPhotos));
    Loader loader(sets_.train, order, 8, /*drop_last=*/false, job_.data.loader, std::nullopt);
    model_->image_encoder()->Learn(
        [&]() -> std::optional<ImageInput> {
          ThrowIfStopped();
          auto batch = loader.Next();
          if (!batch) return std::nullopt;
          MoveTo(device_, *batch);
          return ImageInput(batch->pixels, batch->mask);
        },
        seed);
  }

  // In mixed precision; what comes back is float32, since cosines times a factor of 54 need its digits.
  std::vector<NamedTensors> RunHeads(const Batch& batch, const Targets& targets) {
    const AutocastGuard autocast(device_, precision_);
    return model_->RunHeads(Encode(batch), targets);
  }
  ViewFeatures Encode(const Batch& batch) {
    return batch.tokens.defined() ? model_->EncodeTokens(batch.tokens, batch.mask)
                                  : model_->Encode(batch.pixels, batch.mask);
  }

  // Of the training photos: made by rank 0, then opened by the others.
  void OpenFrozenOfAll(const PhotoDataset& photos) {
    std::vector<std::optional<std::uint64_t>> seeds;
    for (std::int64_t i = 0; i < train_.versions(); ++i) {
      seeds.push_back(
          DeriveSeed(static_cast<std::uint64_t>(job_.runtime.seed), "augmentation", static_cast<std::uint64_t>(i)));
    }
    Processes& all = AllProcesses();
    for (int rank = 0; rank < all.size(); ++rank) {
      if (rank == all.rank()) frozen_ = OpenFrozen(photos, "train", seeds);
      all.Barrier();
    }
  }

  // Makes what is missing of them.
  std::unique_ptr<FrozenFeatures> OpenFrozen(const PhotoDataset& photos, const std::string& name,
                                             std::vector<std::optional<std::uint64_t>> versions) {
    Settings settings;
    AddSettings(settings, "image_encoder", model_->options().image_encoder);
    AddDataSettings(settings, sets_, job_.data);
    settings["photos"] = TableFingerprint(photos.table());
    settings["tokens"] = model_->needs_patch_tokens() ? "all" : "one";
    settings["precision"] = precision_;
    settings["seed"] = std::to_string(job_.runtime.seed);
    const std::string weights = Fingerprint("", *model_->image_encoder());
    const auto encode = [&](Batch batch) {
      const AutocastGuard autocast(device_, precision_);
      MoveTo(device_, batch);
      return model_->ImageTokens({batch.pixels, batch.mask});
    };
    return std::make_unique<FrozenFeatures>(
        photos, job_.data.loader, job_.run_dir / "frozen" / name,
        "dualgeo frozen features 1\nweights: " + weights + "\n" + SettingsText(settings), std::move(versions), encode);
  }

  DualGeoModel model_;
  const TrainOptions& train_;
  const TrainJob& job_;
  const TrainingSets& sets_;
  std::string precision_;
  torch::Device device_;
  std::unique_ptr<FrozenFeatures> frozen_, frozen_validation_;
};

// Photos in no cell of a partition teach its classifier nothing.
void SayWhoIsInNoCell(const ModelOptions& model, const PhotoTable& photos) {
  if (!model.has_head("cells")) return;
  for (const std::string& file : model.cells.partitions) {
    const Partition partition = Partition::Read(file);
    const auto outside = std::ranges::count_if(
        photos.rows, [&](const PhotoRow& row) { return !partition.Find(*row.location).has_value(); });
    if (outside == std::ssize(photos.rows)) throw InputError(file + ": none of the training photos is in a cell of it");
    if (outside > 0) {
      spdlog::warn("train: {} of {} photos are in no cell of {} and are left out of its loss", outside,
                   photos.rows.size(), file);
    }
  }
}

Settings SettingsOf(const TrainJob& job, const TrainingSets& sets, const ModelOptions& model, const LossOptions& loss,
                    const TrainOptions& train) {
  Settings settings;
  AddSettings(settings, "model", model);
  // Masks come from files: of the segmenter only the classes matter. Crops are of photos that are asked about.
  std::erase_if(settings, [](const auto& item) {
    return (item.first.starts_with("model.segmenter.") && item.first != "model.segmenter.num_labels") ||
           item.first.starts_with("model.image_encoder.crops");
  });
  AddSettings(settings, "loss", loss);
  AddTrainSettings(settings, "train", train);
  AddRuntimeSettings(settings, job.runtime);
  AddDataSettings(settings, sets, job.data);
  return settings;
}

}  // namespace

std::optional<TrainedSoFar> InspectModelTraining(const TrainJob& job, const ModelOptions& model,
                                                 const LossOptions& loss, const TrainOptions& train) {
  const ViewOptions view = ModelViews(model);
  const TrainingSets sets =
      OpenTrainingSets(job.data, view, view, static_cast<std::uint64_t>(job.runtime.seed), HeadColumns(model));
  auto so_far = InspectTraining(job.run_dir / "checkpoint", SettingsOf(job, sets, model, loss, train));
  if (so_far) so_far->total = TotalSteps(sets, train);
  return so_far;
}

TrainResult TrainModel(const TrainJob& job, const ModelOptions& model, const LossOptions& loss,
                       const TrainOptions& train) {
  model.Validate();
  loss.Validate();
  train.Validate();
  if (model.heads.empty() && train.epochs > 0) {
    throw InputError("train.epochs: " + std::to_string(train.epochs) +
                     ", and model.heads is empty, so nothing would be learned; set it to 0");
  }
  if (train.cache_frozen_features && !(model.has_image() && model.image_encoder.freeze)) {
    throw InputError("train.cache_frozen_features: true, and " +
                     std::string(model.has_image()
                                     ? "model.image_encoder.freeze is false: what it gives changes with every step"
                                     : "the model has no image encoder (model.views)"));
  }
  const torch::Device device = SetupRuntime(job.runtime);
  ViewOptions view = ModelViews(model);
  view.as_bytes = device.is_cuda();
  const TrainingSets sets =
      OpenTrainingSets(job.data, view, view, static_cast<std::uint64_t>(job.runtime.seed), HeadColumns(model));
  SayWhoIsInNoCell(model, sets.train.table());
  loss.RequireQueueFits(std::min<std::int64_t>(train.batch_size, std::max<std::int64_t>(sets.train.size(), 1)));
  const std::filesystem::path log = job.run_dir / "train.jsonl";
  TrainingFolder folder(job.run_dir / "checkpoint", log, job.existing, SettingsOf(job, sets, model, loss, train));
  DualGeoTask task(model, loss, train, job, sets, device);
  const TrainLoop loop{.name = "train",
                       .job = job,
                       .sets = sets,
                       .options = train,
                       .device = device,
                       .log = log,
                       .numbers_late = device.is_cuda()};
  return RunTrainLoop(task, loop, folder);
}

}  // namespace dualgeo
