#include "train/train_loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <numeric>

#include "dualgeo/model/batch_norm.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "loss_scaler.h"
#include "model/fingerprint.h"
#include "piece_loader.h"
#include "runtime/checkpoint.h"
#include "runtime/processes.h"
#include "runtime/runtime.h"
#include "split_step.h"
#include "step_numbers.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/training_log.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// A number of the trainer's state.
double Number(const TrainerState& state, const std::string& key, std::int64_t size, const std::string& source) {
  const auto found = state.find(key);
  if (found == state.end() || found->second.numel() != size) {
    throw InputError(source + ": has no " + key + ": not a checkpoint of this training");
  }
  return found->second.reshape({-1})[0].item<double>();
}

class Run {
 public:
  Run(TrainTask& task, const TrainLoop& loop, TrainingFolder& folder)
      : task_(task),
        loop_(loop),
        folder_(folder),
        all_(AllProcesses()),
        seed_(static_cast<std::uint64_t>(loop.job.runtime.seed)),
        photos_(loop.sets.train.size()),
        batch_size_(std::min<std::int64_t>(loop.options.batch_size, photos_)),
        share_(ShareOf(batch_size_, std::max(loop.options.chunk_size, 1), all_.rank(), all_.size())),
        splits_(all_.several() || (loop.options.chunk_size > 0 && loop.options.chunk_size < batch_size_)),
        optimizer_(MakeOptimizer(task.module(), loop.options)),
        scaler_(loop.job.runtime.precision == "fp16"),
        unread_(loop.numbers_late && !scaler_.enabled()) {
    if (splits_) CheckThatItSplits();
    if (batch_size_ < loop.options.batch_size) {
      spdlog::warn("{}: {} photos are fewer than batch_size {}: every step sees them all", loop.name, photos_,
                   loop.options.batch_size);
    }
    length_.steps_per_epoch = photos_ / batch_size_;
    length_.total_steps = TotalSteps(loop.sets, loop.options);
  }

  TrainResult Go() {
    Start();
    std::optional<SynchronisedBatchNorm> synchronised;
    if (all_.several()) {
      all_.RequireSame("model", Fingerprint("step " + std::to_string(step_), task_.module()));
      synchronised.emplace([this](const torch::Tensor& sums) { all_.Sum({sums}); });
    }
    KeepFreedMemory();
    try {
      Train();
    } catch (const Interrupted&) {
      // Thrown between steps only: the state is that of a whole step.
      const std::string stopped =
          loop_.name + ": stopped after step " + std::to_string(step_) + " of " + std::to_string(length_.total_steps);
      if (step_ == 0) throw Interrupted(stopped);  // nothing learned, nothing to keep
      if (step_ != saved_step_) Save(folder_.last());
      all_.Barrier();
      throw Interrupted(stopped + "; the same command with --resume continues from " + folder_.last().string());
    }
    const auto skipped = torch::tensor({result_.skipped_photos}, torch::kInt64);
    all_.Sum({skipped});
    result_.skipped_photos = skipped.item<std::int64_t>();
    result_.steps = step_;
    result_.train_photos = photos_;
    result_.validation_photos = loop_.sets.validation ? loop_.sets.validation->size() : 0;
    result_.last = folder_.last();
    result_.best = folder_.best();
    return result_;
  }

 private:
  void CheckThatItSplits() {
    const std::string section = loop_.name == "train" ? "train." : "train_segmenter.";
    const std::string chunks = section + "chunk_size: " + std::to_string(loop_.options.chunk_size) + ": ";
    const std::string what = loop_.options.chunk_size > 0 ? chunks : std::to_string(all_.size()) + " processes: ";
    if (const std::string why = task_.WhyWhole(); !why.empty()) throw InputError(what + why);
    const std::int64_t unit = std::max(loop_.options.chunk_size, 1);
    if ((batch_size_ + unit - 1) / unit < all_.size()) {
      throw InputError(what + "a batch of " + std::to_string(batch_size_) + " photos has no such part for each of " +
                       std::to_string(all_.size()) + " processes");
    }
    Teach();
    if (loop_.options.chunk_size > 0 && loop_.options.chunk_size < batch_size_ && HasBatchStatistics(task_.module())) {
      throw InputError(chunks +
                       "the network has batch normalisation, and the statistics of a chunk are not those of the "
                       "batch, so the gradients would not be its own; set " +
                       section + "batch_norm to frozen, or chunk_size to 0");
    }
  }

  void Teach() {
    task_.module().train();
    if (loop_.options.batch_norm == "frozen") FreezeBatchStatistics(task_.module());
  }

  void Start() {
    if (folder_.resumed()) {
      const TrainerState& state = *folder_.resumed();
      const std::string source = (folder_.resumed_from() / kTrainerFile).string();
      LoadCheckpointWeights(task_.module(), folder_.resumed_from());
      optimizer_->Load(state, source);
      step_ = static_cast<std::int64_t>(Number(state, "step", 1, source));
      validated_step_ = static_cast<std::int64_t>(Number(state, "validated_step", 1, source));
      best_ = Number(state, "best", 1, source);
      if (scaler_.enabled()) {
        Number(state, "scaler", 2, source);
        scaler_.Load(state.at("scaler"));
      }
      saved_step_ = step_;
      if (step_ > length_.total_steps) {
        throw InputError(source + ": is of step " + std::to_string(step_) + ", and " +
                         std::to_string(loop_.options.epochs) + " epochs have only " +
                         std::to_string(length_.total_steps));
      }
      spdlog::info("{}: {} step {} of {}", loop_.name, step_ == length_.total_steps ? "done already:" : "resumed after",
                   step_, length_.total_steps);
    } else {
      task_.Initialise();
      if (loop_.options.start_from) StartFrom(*loop_.options.start_from);
    }
    if (all_.first()) log_ = std::make_unique<TrainingLog>(loop_.log, step_, validated_step_);
  }

  void StartFrom(const std::filesystem::path& weights) {
    if (!std::filesystem::is_regular_file(weights)) {
      throw InputError(loop_.name + ": start_from: " + weights.string() +
                       " is not a file; a checkpoint's model.safetensors is one");
    }
    LoadCheckpointWeights(task_.module(), weights);
    spdlog::info("{}: learns on from {}", loop_.name, weights.string());
  }

  void Train() {
    Progress progress(loop_.name, length_.total_steps * batch_size_, "photos");
    progress.Update(step_ * batch_size_);
    while (true) {
      // What was learned is safe before it is looked at: a validation that fails costs nothing but itself. (Even where
      // nothing is to be learned: whoever is killed between `best` and `last` would have nothing to resume.)
      const bool validates = ValidationIsDue();
      if ((step_ > 0 || validates) && step_ != saved_step_) Save(folder_.last());
      if (validates) Validate();
      if (step_ >= length_.total_steps) break;
      Epoch(progress);
    }
    if (photos_done_ > 0) progress.Finish(note_);
    result_.photos_per_second = compute_seconds_ > 0 ? static_cast<double>(photos_done_) / compute_seconds_ : 0;
  }

  // The rest of the epoch that step_ lies in.
  void Epoch(Progress& progress) {
    const std::int64_t epoch = step_ / length_.steps_per_epoch;
    const std::int64_t first = epoch * length_.steps_per_epoch;
    std::vector<std::int64_t> order(static_cast<std::size_t>(photos_));
    std::iota(order.begin(), order.end(), 0);
    if (loop_.options.shuffle) Random(DeriveSeed(seed_, "shuffle", static_cast<std::uint64_t>(epoch))).Shuffle(order);
    order.resize(static_cast<std::size_t>(length_.steps_per_epoch * batch_size_));
    order.erase(order.begin(), order.begin() + (step_ - first) * batch_size_);
    const std::int64_t versions = loop_.options.versions();
    const auto seed = DeriveSeed(seed_, "augmentation", static_cast<std::uint64_t>(epoch % versions));
    Teach();
    if (splits_) {
      EpochInPieces(epoch, order, seed, progress);
      return;
    }

    // By photo, because the loader passes over a batch whose photos are all unreadable.
    std::vector<std::int64_t> step_of(static_cast<std::size_t>(photos_), -1);
    for (std::size_t i = 0; i < order.size(); ++i) {
      step_of[static_cast<std::size_t>(order[i])] = step_ + static_cast<std::int64_t>(i) / batch_size_;
    }
    const auto loader =
        task_.Read(loop_.sets.train, order, batch_size_, /*drop_last=*/true, loop_.job.data.loader, seed);
    const auto start = Clock::now();
    while (auto batch = loader->Next()) {
      step_ = step_of[static_cast<std::size_t>(batch->indices.front())];
      MoveTo(loop_.device, *batch);
      torch::manual_seed(DropoutSeed());
      optimizer_->ZeroGrad();
      const TrainingLoss losses = task_.Loss(*batch);
      Learn(
          losses, [](const torch::Tensor& loss) { loss.backward(); }, std::ssize(batch->indices), epoch);
      const bool epoch_is_over = AfterStep(progress, std::ssize(batch->indices));
      if (!epoch_is_over) ThrowIfStopped();
    }
    step_ = first + length_.steps_per_epoch;
    compute_seconds_ += SecondsSince(start);
    ReportSkipped(*loader);
  }

  std::uint64_t DropoutSeed() const { return DeriveSeed(seed_, "dropout", static_cast<std::uint64_t>(step_)); }

  // After step_ was done. Returns whether it was the epoch's last.
  bool AfterStep(Progress& progress, std::int64_t photos) {
    ++step_;
    photos_done_ += photos;
    progress.Update(step_ * batch_size_, note_);
    const bool epoch_is_over = step_ % length_.steps_per_epoch == 0;
    const int every = loop_.options.checkpoint_every_steps;
    if (every > 0 && step_ % every == 0 && !epoch_is_over) Save(folder_.last());
    return epoch_is_over;
  }

  // The same with batches in pieces. order: all photos of the epoch's steps from step_ on.
  void EpochInPieces(std::int64_t epoch, const std::vector<std::int64_t>& order, std::uint64_t seed,
                     Progress& progress) {
    const std::int64_t chunk = loop_.options.chunk_size > 0 ? loop_.options.chunk_size : batch_size_;
    const auto open = [&](std::vector<std::int64_t> own, std::int64_t size, const LoaderOptions& options) {
      return task_.Read(loop_.sets.train, std::move(own), size, /*drop_last=*/false, options, seed);
    };
    PieceLoader pieces(photos_, order, batch_size_, share_, chunk, loop_.job.data.loader, open);
    const auto start = Clock::now();
    const std::int64_t end = (epoch + 1) * length_.steps_per_epoch;
    while (step_ < end) {
      std::vector<PieceLoader::Piece> loaded;
      bool stopped = false;
      try {
        loaded = pieces.Next();
      } catch (const Interrupted&) {
        stopped = true;
      }
      // All stop before the same step.
      if (all_.Any(stopped || StopRequested())) throw Interrupted("interrupted");
      if (!all_.Any(!loaded.empty())) {  // not one photo of the batch could be read
        ++step_;
        continue;
      }
      if (loaded.empty() && HasBatchStatistics(task_.module())) {
        throw InputError(loop_.name + ": rank " + std::to_string(all_.rank()) +
                         " could read none of its photos of step " + std::to_string(step_ + 1) +
                         ", and batch normalisation over all processes needs one of each");
      }
      std::vector<SplitStep::Piece> own;
      for (auto& [batch, number] : loaded) {
        MoveTo(loop_.device, batch);
        own.push_back({std::move(batch), DeriveSeed(DropoutSeed(), "piece", static_cast<std::uint64_t>(number))});
      }
      optimizer_->ZeroGrad();
      SplitStep step(task_, all_, std::move(own), DropoutSeed());
      const TrainingLoss losses = step.Loss();
      Learn(
          losses, [&](const torch::Tensor& loss) { step.Backward(loss); }, step.photos(), epoch);
      AfterStep(progress, step.photos());
    }
    compute_seconds_ += SecondsSince(start);
    ReportSkipped(pieces.reader());
  }

  // step_: how many were done before.
  void Learn(const TrainingLoss& losses, const std::function<void(const torch::Tensor&)>& backward, std::int64_t photos,
             std::int64_t epoch) {
    backward(scaler_.Scale(losses.total));
    scaler_.Unscale(*optimizer_);
    const torch::Tensor norm = optimizer_->GradientNorm();
    const double lr = LearningRate(loop_.options, length_, step_);
    const bool logged = (step_ + 1) % loop_.options.log_every_steps == 0 || step_ + 1 == length_.total_steps;
    unread_.Add({step_, epoch, lr, 0, 0, {}}, losses.total, norm, logged ? losses.details : NamedTensors{});
    photos_since_line_ += photos;
    if (unread_.due()) ReadNumbers();
    const double limit = loop_.options.clip_grad_norm;
    if (unread_.late()) {
      if (limit > 0) optimizer_->ClipGradients(norm, limit);
      optimizer_->Step(lr);
    } else if (scaler_.Update(std::isfinite(last_norm_))) {
      if (limit > 0 && last_norm_ > limit) optimizer_->ClipGradients(norm, limit);
      optimizer_->Step(lr);
    }
  }

  // Throws when one is not finite; writes the log's lines.
  void ReadNumbers() {
    const std::vector<StepNumbers> steps = unread_.Read();
    if (steps.empty()) return;
    const double seconds = SecondsSince(line_time_);
    const double rate = seconds > 0 ? static_cast<double>(photos_since_line_) / seconds : 0;
    for (const StepNumbers& step : steps) {
      if (!std::isfinite(step.loss)) NotFinite("loss", step.loss, step.step);
      if (!std::isfinite(step.gradient_norm) && !scaler_.enabled()) {
        NotFinite("gradient norm", step.gradient_norm, step.step);
      }
      if ((step.step + 1) % loop_.options.log_every_steps != 0 && step.step + 1 != length_.total_steps) continue;
      line_time_ = Clock::now();
      photos_since_line_ = 0;
      if (all_.first()) WriteLine(step, rate);
    }
    const StepNumbers& last = steps.back();
    last_norm_ = last.gradient_norm;
    note_ = "epoch " + std::to_string(last.epoch + 1) + "/" + std::to_string(loop_.options.epochs) + ", loss " +
            Short(last.loss);
  }

  void WriteLine(const StepNumbers& step, double photos_per_second) {
    nlohmann::ordered_json line = {{"step", step.step + 1}, {"epoch", step.epoch + 1}, {"loss", step.loss}};
    for (const auto& [name, value] : step.details) line[name] = value;
    line["lr"] = step.lr;
    line["grad_norm"] =
        std::isfinite(step.gradient_norm) ? nlohmann::ordered_json(step.gradient_norm) : nlohmann::ordered_json();
    line["photos_per_second"] = photos_per_second;
    log_->Write(line);
  }

  [[noreturn]] void NotFinite(const std::string& what, double value, std::int64_t step) const {
    throw Error(loop_.name + ": the " + what + " is " + Short(value) + " at step " + std::to_string(step + 1) +
                "; try a lower learning rate, a warm-up or clip_grad_norm" +
                (saved_step_ >= 0 ? " (the last checkpoint is of step " + std::to_string(saved_step_) + ")" : ""));
  }

  bool ValidationIsDue() const {
    if (validated_step_ == step_) return false;
    if (step_ == length_.total_steps) return true;
    const std::int64_t every = length_.steps_per_epoch * loop_.options.validate_every_epochs;
    return step_ > 0 && step_ % every == 0;
  }

  // Also chooses `best`. Rank 0's work; the others wait.
  void Validate() {
    if (!all_.first()) {
      validated_step_ = step_;
      all_.Barrier();
      return;
    }
    bool better = true;
    if (loop_.sets.validation && loop_.sets.validation->size() > 0) {
      std::vector<std::int64_t> order(static_cast<std::size_t>(loop_.sets.validation->size()));
      std::iota(order.begin(), order.end(), 0);
      const std::int64_t size = std::min<std::int64_t>(loop_.options.batch_size, loop_.sets.validation->size());
      const auto loader = task_.Read(*loop_.sets.validation, order, size, /*drop_last=*/false, loop_.job.data.loader,
                                     /*augmentation_seed=*/std::nullopt);
      task_.module().eval();
      std::map<std::string, double> numbers;
      {
        const c10::InferenceMode inference;
        numbers = task_.Validate([&]() -> std::optional<Batch> {
          ThrowIfStopped();
          auto batch = loader->Next();
          if (batch) MoveTo(loop_.device, *batch);
          return batch;
        });
      }
      ReportSkipped(*loader);
      const double value = numbers.at(task_.criterion());
      better = !std::isfinite(best_) || (task_.higher_is_better() ? value > best_ : value < best_);
      if (better) best_ = value;
      const std::int64_t epoch = step_ / std::max<std::int64_t>(length_.steps_per_epoch, 1);
      log_->Write({{"step", step_}, {"epoch", epoch}, {"validation", numbers}});
      std::string text;
      for (const auto& [name, number] : numbers) text += ", " + name + " " + Short(number);
      spdlog::info("{}: validation after epoch {}{}{}", loop_.name, epoch, text, better ? " (best)" : "");
      result_.validation = numbers;
    }
    validated_step_ = step_;
    if (better) Save(folder_.best());
    saved_step_ = -1;  // `last` must say that this step is validated
    Save(folder_.last());
    all_.Barrier();
    line_time_ = Clock::now();
  }

  void Save(const std::filesystem::path& folder) {
    ReadNumbers();  // weights that are not finite are not kept
    if (all_.first()) Write(folder);
    if (folder == folder_.last()) saved_step_ = step_;
  }

  void Write(const std::filesystem::path& folder) {
    TrainerState state;
    state["format"] = torch::tensor(std::int64_t{1}, torch::kInt64);
    state["step"] = torch::tensor(step_, torch::kInt64);
    state["validated_step"] = torch::tensor(validated_step_, torch::kInt64);
    state["best"] = torch::tensor(best_, torch::kFloat64);
    state["settings"] = TextTensor(SettingsText(folder_.settings()));
    scaler_.Save(state);
    optimizer_->Save(state);
    WriteCheckpoint(folder, task_.module(), state, loop_.job.config);
  }

  void ReportSkipped(const BatchReader& loader) {
    result_.skipped_photos += static_cast<std::int64_t>(loader.skipped().size());
    for (const auto& skipped : loader.skipped()) spdlog::warn("{}: skipped: {}", loop_.name, skipped.reason);
  }

  TrainTask& task_;
  const TrainLoop& loop_;
  TrainingFolder& folder_;
  Processes& all_;
  std::uint64_t seed_;
  std::int64_t photos_;
  std::int64_t batch_size_;
  Share share_;  // of a batch
  bool splits_;  // batches go through the network in pieces
  std::unique_ptr<Optimizer> optimizer_;
  LossScaler scaler_;
  UnreadNumbers unread_;
  TrainLength length_;
  std::unique_ptr<TrainingLog> log_;

  std::int64_t step_ = 0;  // done
  std::int64_t validated_step_ = -1;
  std::int64_t saved_step_ = -1;
  double best_ = std::numeric_limits<double>::quiet_NaN();

  TrainResult result_;
  std::string note_;
  double last_norm_ = 0;
  std::int64_t photos_done_ = 0;
  double compute_seconds_ = 0;
  std::int64_t photos_since_line_ = 0;
  Clock::time_point line_time_ = Clock::now();
};

}  // namespace

std::int64_t TotalSteps(const TrainingSets& sets, const TrainOptions& options) {
  const std::int64_t photos = sets.train.size();
  if (photos == 0) return 0;
  return photos / std::min<std::int64_t>(options.batch_size, photos) * options.epochs;
}

TrainResult RunTrainLoop(TrainTask& task, const TrainLoop& loop, TrainingFolder& folder) {
  if (loop.sets.train.size() == 0) throw InputError(loop.name + ": there are no training photos");
  spdlog::info("{}: {} photos, {} held out, {}", loop.name, loop.sets.train.size(),
               loop.sets.validation ? loop.sets.validation->size() : 0, DescribeDevice(loop.device));
  task.module().to(loop.device);
  return Run(task, loop, folder).Go();
}

}  // namespace dualgeo
