#include "data/loader.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"

namespace dualgeo {
namespace {

constexpr int kDecodingNiceness = 10;

}  // namespace

// Workers take photos one by one, in order, so that a batch is ready as early as can be; each writes its photo into its
// own place of the batch's tensors. They stay at most `prefetch` batches ahead of Next().
class Loader::Work {
 public:
  Work(const PhotoDataset& dataset, std::vector<std::int64_t> order, std::int64_t batch_size, bool drop_last,
       const LoaderOptions& options, std::optional<std::uint64_t> augmentation_seed)
      : dataset_(dataset),
        order_(std::move(order)),
        batch_size_(batch_size),
        skip_(options.on_bad_image == "skip"),
        prefetch_(std::clamp<std::int64_t>((options.prefetch_megabytes << 20) / std::max<std::int64_t>(BatchBytes(), 1),
                                           1, std::max(options.prefetch, 1))),
        augmentation_seed_(augmentation_seed),
        pinned_(dataset.view().as_bytes && torch::cuda::is_available()) {
    if (batch_size_ < 1) throw Error("a batch holds one photo at least");
    for (const auto index : order_) {
      if (index < 0 || index >= dataset_.size()) throw Error("a photo of the order is not in the dataset");
    }
    const auto count = static_cast<std::int64_t>(order_.size());
    if (drop_last) order_.resize(static_cast<std::size_t>(count - count % batch_size_));
    batches_ = (static_cast<std::int64_t>(order_.size()) + batch_size_ - 1) / batch_size_;
    dataset_.RaiseCacheLimit(options.cache_megabytes << 20);
    dataset_.LimitDecoding(options.decode_megabytes << 20);

    std::int64_t workers = options.workers > 0 ? options.workers : std::max(std::thread::hardware_concurrency(), 1U);
    workers = std::min(workers, static_cast<std::int64_t>(order_.size()));
    try {
      for (std::int64_t i = 0; i < workers; ++i) threads_.emplace_back([this] { Run(); });
    } catch (...) {
      Stop();
      throw;
    }
  }

  ~Work() { Stop(); }

  std::optional<Batch> Next() {
    for (;;) {
      std::unique_ptr<Pending> pending;
      {
        std::unique_lock lock(mutex_);
        ThrowIfStopped();
        if (delivered_ == batches_) return std::nullopt;
        // A signal wakes no condition variable, so look now and then.
        while (waiting_.empty() || waiting_.front()->left > 0) {
          if (failure_) std::rethrow_exception(failure_);
          batch_done_.wait_for(lock, std::chrono::milliseconds(100));
          ThrowIfStopped();
        }
        pending = std::move(waiting_.front());
        waiting_.pop_front();
        ++delivered_;
      }
      room_.notify_all();
      if (auto batch = Finish(*pending)) return batch;
    }
  }

  std::int64_t batches() const { return batches_; }
  const std::vector<SkippedPhoto>& skipped() const { return skipped_; }

 private:
  struct Pending {
    Batch batch;
    std::vector<std::exception_ptr> errors;  // of each photo; null: fine
    std::int64_t left = 0;                   // photos not yet done
  };

  std::int64_t CountOf(std::int64_t batch) const {
    return std::min(batch_size_, static_cast<std::int64_t>(order_.size()) - batch * batch_size_);
  }

  // Of a whole batch's pixels and masks.
  std::int64_t BatchBytes() const {
    const ViewOptions& view = dataset_.view();
    const auto squares = [](std::int64_t side) { return side * side; };
    const std::int64_t photo = squares(view.image_size) * 3 * (view.as_bytes ? 1 : std::int64_t{sizeof(float)});
    return batch_size_ * dualgeo::CountOf(view.crops) * (photo + (view.with_masks ? squares(view.mask_size) : 0));
  }

  std::unique_ptr<Pending> Allocate(std::int64_t batch) const {
    const std::int64_t n = CountOf(batch);
    const ViewOptions& view = dataset_.view();
    auto pending = std::make_unique<Pending>();
    std::vector<std::int64_t> photo = {3, view.image_size, view.image_size}, mask = {view.mask_size, view.mask_size};
    for (auto* sizes : {&photo, &mask}) {
      if (view.crops != Crops::kOne) sizes->insert(sizes->begin(), dualgeo::CountOf(view.crops));
      sizes->insert(sizes->begin(), n);
    }
    const auto type = [&](torch::Dtype dtype) { return torch::TensorOptions(dtype).pinned_memory(pinned_); };
    pending->batch.pixels = torch::empty(photo, type(view.as_bytes ? torch::kUInt8 : torch::kFloat32));
    pending->batch.normalization = view.normalization;
    if (view.with_masks) pending->batch.mask = torch::empty(mask, type(torch::kUInt8));
    pending->batch.latlon = torch::empty({n, 2}, torch::kFloat64);
    const auto begin = order_.begin() + batch * batch_size_;
    pending->batch.indices.assign(begin, begin + n);
    pending->batch.photo_sizes.resize(static_cast<std::size_t>(n));
    pending->batch.photo_sha256.resize(static_cast<std::size_t>(n));
    pending->errors.resize(static_cast<std::size_t>(n));
    pending->left = n;
    return pending;
  }

  void Run() {
    // Of this thread alone (Linux). Decoding takes what the network leaves: with as many threads of each as there are
    // cores, a network's threads would wait for each other at every layer while one of them has no core.
    setpriority(PRIO_PROCESS, 0, kDecodingNiceness);
    for (;;) {
      Pending* pending = nullptr;
      std::int64_t slot = 0;
      {
        std::unique_lock lock(mutex_);
        const auto total = static_cast<std::int64_t>(order_.size());
        room_.wait(lock, [&] { return stop_ || next_ == total || next_ / batch_size_ < delivered_ + prefetch_; });
        if (stop_ || next_ == total) return;
        slot = next_ % batch_size_;
        if (slot == 0) {
          // Cheap (the pages come when written), and whoever takes a batch's first photo is alone here.
          try {
            waiting_.push_back(Allocate(next_ / batch_size_));
          } catch (...) {
            failure_ = std::current_exception();
            stop_ = true;
            lock.unlock();
            room_.notify_all();
            batch_done_.notify_one();
            return;
          }
        }
        pending = waiting_.back().get();
        ++next_;
      }
      Fill(*pending, slot);
      bool done = false;
      {
        const std::lock_guard lock(mutex_);
        done = --pending->left == 0;
      }
      if (done) batch_done_.notify_one();
    }
  }

  void Fill(Pending& pending, std::int64_t slot) const {
    const auto at = static_cast<std::size_t>(slot);
    Batch& batch = pending.batch;
    const std::int64_t index = batch.indices[at];
    try {
      std::optional<Random> random;
      if (augmentation_seed_) {
        random.emplace(DeriveSeed(*augmentation_seed_, "augment", static_cast<std::uint64_t>(index)));
      }
      const Example example = dataset_.Get(index, random ? &*random : nullptr);
      Put(example.pixels, slot, batch.pixels);
      if (batch.mask.defined()) Put(example.mask, slot, batch.mask);
      const auto& location = dataset_.table().rows[static_cast<std::size_t>(index)].location;
      constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
      batch.latlon.data_ptr<double>()[2 * slot] = location ? location->lat : kNone;
      batch.latlon.data_ptr<double>()[2 * slot + 1] = location ? location->lon : kNone;
      batch.photo_sizes[at] = example.photo_size;
      batch.photo_sha256[at] = example.photo_sha256;
    } catch (...) {
      pending.errors[at] = std::current_exception();
    }
  }

  static void Put(const torch::Tensor& one, std::int64_t slot, torch::Tensor& batch) {
    const std::size_t bytes = one.nbytes();
    std::memcpy(static_cast<std::byte*>(batch.data_ptr()) + static_cast<std::size_t>(slot) * bytes, one.data_ptr(),
                bytes);
  }

  // Throws the first photo's error, or leaves bad photos out. Nothing when none is left.
  std::optional<Batch> Finish(Pending& pending) {
    Batch& batch = pending.batch;
    std::vector<std::int64_t> good;
    for (std::size_t i = 0; i < pending.errors.size(); ++i) {
      if (!pending.errors[i]) {
        good.push_back(static_cast<std::int64_t>(i));
        continue;
      }
      try {
        std::rethrow_exception(pending.errors[i]);
      } catch (const InputError& error) {
        if (!skip_) throw;
        const auto index = batch.indices[i];
        skipped_.push_back({index, dataset_.table().rows[static_cast<std::size_t>(index)].id, error.what()});
      }
    }
    if (good.size() == batch.indices.size()) return std::move(batch);
    if (good.empty()) return std::nullopt;
    const auto rows = torch::tensor(good, torch::kInt64);
    Batch kept;
    kept.normalization = batch.normalization;
    kept.pixels = batch.pixels.index_select(0, rows);
    if (batch.mask.defined()) kept.mask = batch.mask.index_select(0, rows);
    kept.latlon = batch.latlon.index_select(0, rows);
    for (const auto i : good) {
      kept.indices.push_back(batch.indices[static_cast<std::size_t>(i)]);
      kept.photo_sizes.push_back(batch.photo_sizes[static_cast<std::size_t>(i)]);
      kept.photo_sha256.push_back(batch.photo_sha256[static_cast<std::size_t>(i)]);
    }
    return kept;
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  const PhotoDataset& dataset_;
  std::vector<std::int64_t> order_;
  const std::int64_t batch_size_;
  const bool skip_;
  const std::int64_t prefetch_;
  const std::optional<std::uint64_t> augmentation_seed_;
  const bool pinned_;
  std::int64_t batches_ = 0;
  std::vector<SkippedPhoto> skipped_;

  std::mutex mutex_;
  std::condition_variable room_;        // a batch was taken, or stop
  std::condition_variable batch_done_;  // a batch is whole
  std::deque<std::unique_ptr<Pending>> waiting_;
  std::int64_t next_ = 0;       // position in order_ that the next free worker takes
  std::int64_t delivered_ = 0;  // batches taken by Next
  bool stop_ = false;
  std::exception_ptr failure_;  // no memory for a batch
  std::vector<std::thread> threads_;
};

Loader::Loader(const PhotoDataset& dataset, std::vector<std::int64_t> order, std::int64_t batch_size, bool drop_last,
               const LoaderOptions& options, std::optional<std::uint64_t> augmentation_seed)
    : work_(std::make_unique<Work>(dataset, std::move(order), batch_size, drop_last, options, augmentation_seed)) {}

Loader::~Loader() = default;

std::optional<Batch> Loader::Next() { return work_->Next(); }
std::int64_t Loader::batches() const { return work_->batches(); }
const std::vector<SkippedPhoto>& Loader::skipped() const { return work_->skipped(); }

void MoveTo(const torch::Device& device, Batch& batch) {
  for (auto* tensor : {&batch.pixels, &batch.tokens, &batch.mask}) {
    if (tensor->defined()) *tensor = tensor->to(device, /*non_blocking=*/true);
  }
  if (batch.pixels.defined() && batch.pixels.scalar_type() == torch::kUInt8) {
    batch.pixels = NormalisePixels(batch.pixels, batch.normalization);
  }
}

}  // namespace dualgeo
