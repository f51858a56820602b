#include "train/segmenter_trainer.h"

#include <torch/nn/functional/loss.h>

#include <limits>
#include <vector>

#include "data/mask.h"
#include "degrade/degrade.h"
#include "dualgeo/model/segformer.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "runtime/runtime.h"
#include "runtime/upsample_argmax.h"
#include "runtime/views.h"
#include "train/segmentation_metrics.h"
#include "train/train_loop.h"

namespace dualgeo {
namespace {

class SegmenterTask : public TrainTask {
 public:
  SegmenterTask(const SegmenterOptions& segmenter, const RuntimeOptions& runtime, const torch::Device& device)
      : options_(segmenter),
        model_(segmenter, DeriveSeed(static_cast<std::uint64_t>(runtime.seed), "segmenter")),
        precision_(runtime.precision),
        device_(device) {}

  torch::nn::Module& module() override { return *model_; }
  void Initialise() override {
    if (options_.weights) LoadSegFormer(*model_, *options_.weights);
  }

  TrainingLoss Loss(const Batch& batch) override { return {CrossEntropy(Logits(batch), batch.mask), {}}; }
  std::vector<NamedTensors> Outputs(const Batch& piece) override {
    return {{{"sum", CrossEntropySum(Logits(piece), piece.mask).view({1})},
             {"labelled", (piece.mask != kIgnoreClass).sum().view({1}).to(torch::kFloat64)}}};
  }
  TrainingLoss LossOf(const std::vector<NamedTensors>& outputs, const BatchPhotos&) override {
    const auto labelled = Find(outputs[0], "labelled").detach().sum().clamp_min(1);
    return {Find(outputs[0], "sum").sum() / labelled.to(torch::kFloat32), {}};
  }

  std::map<std::string, double> Validate(const std::function<std::optional<Batch>()>& next) override {
    ConfusionMatrix confusion(options_.num_labels);
    double loss = 0;
    std::int64_t photos = 0;
    while (auto batch = next()) {
      const torch::Tensor logits = Logits(*batch);
      const std::int64_t count = logits.size(0);
      loss += CrossEntropy(logits, batch->mask).item<double>() * static_cast<double>(count);
      const torch::Tensor on_cpu = logits.cpu();
      const torch::Tensor truth = batch->mask.cpu().contiguous();
      for (std::int64_t i = 0; i < count; ++i) {
        const cv::Mat predicted =
            UpsampleArgmax(on_cpu[i], {static_cast<int>(truth.size(2)), static_cast<int>(truth.size(1))});
        confusion.Add(truth[i].data_ptr<std::uint8_t>(), predicted.ptr<std::uint8_t>(), truth[i].numel());
      }
      photos += count;
    }
    return {{"loss", photos > 0 ? loss / static_cast<double>(photos) : std::numeric_limits<double>::infinity()},
            {"mean_iou", confusion.MeanIou()},
            {"pixel_accuracy", confusion.PixelAccuracy()}};
  }

  std::string criterion() const override { return "mean_iou"; }
  bool higher_is_better() const override { return true; }

 private:
  // [N, num_labels, H/4, W/4] float32.
  torch::Tensor Logits(const Batch& batch) {
    const AutocastGuard autocast(device_, precision_);
    return model_->Forward(batch.pixels).to(torch::kFloat32);
  }

  // Not the mean: a batch without a labelled pixel would be 0 / 0.
  static torch::Tensor CrossEntropy(const torch::Tensor& logits, const torch::Tensor& mask) {
    return CrossEntropySum(logits, mask) / (mask != kIgnoreClass).sum().clamp_min(1);
  }

  // Over the mask's pixels, the logits resized to them where the sizes differ.
  static torch::Tensor CrossEntropySum(torch::Tensor logits, const torch::Tensor& mask) {
    namespace F = torch::nn::functional;
    if (logits.size(2) != mask.size(1) || logits.size(3) != mask.size(2)) {
      logits = F::interpolate(logits, F::InterpolateFuncOptions()
                                          .size(std::vector<std::int64_t>{mask.size(1), mask.size(2)})
                                          .mode(torch::kBilinear)
                                          .align_corners(false));
    }
    const torch::Tensor target = mask.to(torch::kInt64);
    return F::cross_entropy(logits, target,
                            F::CrossEntropyFuncOptions().ignore_index(kIgnoreClass).reduction(torch::kSum));
  }

  SegmenterOptions options_;
  SegFormer model_;
  std::string precision_;
  torch::Device device_;
};

TrainingSets OpenSegmenterSets(const TrainJob& job, const SegmenterOptions& segmenter,
                               const SegmenterTrainOptions& train, bool as_bytes) {
  const int logits_size = segmenter.image_size / 4;
  ViewOptions view =
      SegmenterViews(segmenter, /*with_masks=*/true, train.loss_size == "logits" ? logits_size : segmenter.image_size);
  view.as_bytes = as_bytes;
  ViewOptions validation_view = view;
  validation_view.mask_size = segmenter.image_size;
  return OpenTrainingSets(job.data, view, validation_view, static_cast<std::uint64_t>(job.runtime.seed));
}

// One degradation a photo, of those that are asked for, drawn like the rest of its augmentation.
PhotoDataset::Alter Degradations(const SegmenterTrainOptions& train, const AugmentOptions& augment) {
  if (train.degradations.empty()) return nullptr;
  if (!augment.enabled) {
    throw InputError("train_segmenter.degradations: are part of the augmentation, and data.augment.enabled is false");
  }
  for (const auto& name : train.degradations) RequireDegradation(name, "train_segmenter.degradations");
  return [names = train.degradations, share = train.degraded](const cv::Mat& photo, Random& random) {
    if (!random.Chance(share)) return photo;
    const auto& name = names[random.Below(names.size())];
    const int severity = 1 + static_cast<int>(random.Below(kSeverities));
    return Degrade(photo, name, severity, random.Next(), "");
  };
}

Settings SegmenterSettings(const TrainJob& job, const TrainingSets& sets, const SegmenterOptions& segmenter,
                           const SegmenterTrainOptions& train) {
  Settings settings;
  AddSettings(settings, "model.segmenter", segmenter);
  AddTrainSettings(settings, "train_segmenter", train);
  AddRuntimeSettings(settings, job.runtime);
  AddDataSettings(settings, sets, job.data);
  return settings;
}

}  // namespace

std::optional<TrainedSoFar> InspectSegmenterTraining(const TrainJob& job, const SegmenterOptions& segmenter,
                                                     const SegmenterTrainOptions& train) {
  const TrainingSets sets = OpenSegmenterSets(job, segmenter, train, /*as_bytes=*/false);
  auto so_far = InspectTraining(job.run_dir / "segmenter", SegmenterSettings(job, sets, segmenter, train));
  if (so_far) so_far->total = TotalSteps(sets, train);
  return so_far;
}

TrainResult TrainSegmenter(const TrainJob& job, const SegmenterOptions& segmenter, const SegmenterTrainOptions& train) {
  train.Validate();
  Resolve(segmenter);
  const torch::Device device = SetupRuntime(job.runtime);
  const auto alter = Degradations(train, job.data.augment);
  TrainingSets sets = OpenSegmenterSets(job, segmenter, train, device.is_cuda());
  sets.train.AlterAugmented(alter);
  const std::filesystem::path log = job.run_dir / "train_segmenter.jsonl";
  TrainingFolder folder(job.run_dir / "segmenter", log, job.existing, SegmenterSettings(job, sets, segmenter, train));
  SegmenterTask task(segmenter, job.runtime, device);
  const TrainLoop loop{.name = "train-segmenter",
                       .job = job,
                       .sets = sets,
                       .options = train,
                       .device = device,
                       .log = log,
                       .numbers_late = device.is_cuda()};
  return RunTrainLoop(task, loop, folder);
}

}  // namespace dualgeo
