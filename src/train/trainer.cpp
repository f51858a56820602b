#include "dualgeo/train/trainer.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/partition.h"
#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/runtime/runtime.h"
#include "dualgeo/runtime/views.h"
#include "dualgeo/train/train_loop.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/random.h"

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
  DualGeoTask(const ModelOptions& model, const LossOptions& loss, const RuntimeOptions& runtime,
              const TrainingSets& sets, const torch::Device& device)
      : model_(model, loss, DeriveSeed(static_cast<std::uint64_t>(runtime.seed), "model")),
        sets_(sets),
        precision_(runtime.precision),
        device_(device) {
    const TableValues train = ValuesOf(sets.train.table());
    std::optional<TableValues> validation;
    if (sets.validation) validation = ValuesOf(sets.validation->table());
    for (const auto& head : model_->heads()) head->Learn(train, validation ? &*validation : nullptr);
  }

  torch::nn::Module& module() override { return *model_; }
  void Initialise() override { LoadPretrained(*model_); }

  TrainingLoss Loss(const Batch& batch) override {
    const Targets targets{batch.latlon, ValuesOf(sets_.train.table(), batch.indices)};
    TrainingLoss loss = model_->Loss(RunHeads(batch, targets), targets);
    for (const auto& item : model_->named_parameters(/*recurse=*/false)) {
      if (item.value().numel() == 1) loss.details.emplace_back(item.key(), item.value().detach());
    }
    return loss;
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
      const auto count = batch->pixels.size(0);
      const auto add = [&](const std::string& name, const torch::Tensor& value) {
        numbers[name] += value.item<double>() * static_cast<double>(count);
      };
      add("loss", loss.total);
      for (const auto& [name, value] : loss.details) add(name, value);
      if (photos < kRetrievalPhotos) {
        outputs.push_back(std::move(made));
        latlon.push_back(batch->latlon.cpu());
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
  // In mixed precision; what comes back is float32, since cosines times a factor of 54 need its digits.
  std::vector<NamedTensors> RunHeads(const Batch& batch, const Targets& targets) {
    const AutocastGuard autocast(device_, precision_);
    return model_->RunHeads(model_->Encode(batch.pixels, batch.mask), targets);
  }

  DualGeoModel model_;
  const TrainingSets& sets_;
  std::string precision_;
  torch::Device device_;
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
  // Masks come from files: of the segmenter only the classes matter.
  std::erase_if(settings, [](const auto& item) {
    return item.first.starts_with("model.segmenter.") && item.first != "model.segmenter.num_labels";
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
  const torch::Device device = SetupRuntime(job.runtime);
  const ViewOptions view = ModelViews(model);
  const TrainingSets sets =
      OpenTrainingSets(job.data, view, view, static_cast<std::uint64_t>(job.runtime.seed), HeadColumns(model));
  SayWhoIsInNoCell(model, sets.train.table());
  loss.RequireQueueFits(std::min<std::int64_t>(train.batch_size, std::max<std::int64_t>(sets.train.size(), 1)));
  const std::filesystem::path log = job.run_dir / "train.jsonl";
  TrainingFolder folder(job.run_dir / "checkpoint", log, job.existing, SettingsOf(job, sets, model, loss, train));
  DualGeoTask task(model, loss, job.runtime, sets, device);
  const TrainLoop loop{.name = "train", .job = job, .sets = sets, .options = train, .device = device, .log = log};
  return RunTrainLoop(task, loop, folder);
}

}  // namespace dualgeo
