// The loop that every training shares: order of the photos, steps, schedule, precision, validation, checkpoints, exact
// resume, log, progress and Ctrl-C. What is learned is a TrainTask.
//
// Why a resume is exact: everything random is drawn anew from the seed for each epoch (order, augmentation) or step
// (dropout), so that position, weights, buffers and optimiser moments are the whole state.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/io/torch.h"

#include "data/loader.h"
#include "dualgeo/model/head.h"
#include "train/trainer.h"
#include "train/training_folder.h"
#include "train/training_sets.h"

namespace dualgeo {

// What is known of the photos of a batch, in its order.
struct BatchPhotos {
  torch::Tensor latlon;               // [N, 2] float64 degrees, on the CPU
  std::vector<std::int64_t> indices;  // rows of the training table
};

class TrainTask {
 public:
  virtual ~TrainTask() = default;

  virtual torch::nn::Module& module() = 0;
  // Called once at the start of a new run, not at a resume: pretrained weights.
  virtual void Initialise() {}

  // A pass over photos, as a Loader's. Called by all processes, after Initialise or a resume.
  virtual std::unique_ptr<BatchReader> Read(const PhotoDataset& photos, std::vector<std::int64_t> order,
                                            std::int64_t batch_size, bool drop_last, const LoaderOptions& options,
                                            std::optional<std::uint64_t> augmentation_seed) {
    return std::make_unique<Loader>(photos, std::move(order), batch_size, drop_last, options, augmentation_seed);
  }

  // The module is in training mode; the batch is on the device (MoveTo of data/loader.h).
  virtual TrainingLoss Loss(const Batch& batch) = 0;

  // The same for a batch in pieces (src/train/split_step.h): what the loss is made of, of one piece, [rows, ...] each
  // (for each head); what belongs to the step; the loss of it all; and what a step leaves for later ones.
  virtual std::vector<NamedTensors> Outputs(const Batch& piece) = 0;
  virtual std::vector<NamedTensors> StepOutputs() { return {}; }
  virtual TrainingLoss LossOf(const std::vector<NamedTensors>& outputs, const BatchPhotos& photos) = 0;
  virtual void Remember(const BatchPhotos& /*photos*/) {}
  // Why photos of a batch cannot be told apart before the loss; empty: they can.
  virtual std::string WhyWhole() const { return {}; }

  // The module is in evaluation mode and no gradients are kept. next: batches of the validation photos, on the device.
  virtual std::map<std::string, double> Validate(const std::function<std::optional<Batch>()>& next) = 0;

  // The validation number by which `best` is chosen, and whether more of it is better.
  virtual std::string criterion() const = 0;
  virtual bool higher_is_better() const = 0;
};

struct TrainLoop {
  std::string name;  // "train": what progress and messages call it
  const TrainJob& job;
  const TrainingSets& sets;
  TrainOptions options;
  torch::Device device;
  std::filesystem::path log;
  // Losses and gradient norms are read, checked and logged once a second and not at each step: reading one waits for
  // all that a GPU still has to do. fp16's loss scale needs them at each step.
  bool numbers_late = false;
};

// Steps of the whole training: an incomplete last batch of an epoch is left out.
std::int64_t TotalSteps(const TrainingSets& sets, const TrainOptions& options);

TrainResult RunTrainLoop(TrainTask& task, const TrainLoop& loop, TrainingFolder& folder);

}  // namespace dualgeo
