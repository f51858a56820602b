// Batches of a dataset, prepared ahead by several threads.
//
//   Loader loader(dataset, order, 64, /*drop_last=*/false, options, /*augmentation_seed=*/std::nullopt);
//   while (auto batch = loader.Next()) { ... }
//
// Batch b holds order[b * batch_size ...] in that order, whatever the number of workers and however fast each is; photo
// i is augmented by Random(DeriveSeed(augmentation_seed, "augment", i)) alone. So give every epoch a seed of its own.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "dualgeo/data/loader_options.h"

namespace dualgeo {

struct Batch {
  torch::Tensor pixels;                    // [N, 3, S, S] float32 or uint8 (as_bytes); of several crops [N, C, 3, S, S]
  torch::Tensor tokens;                    // instead of them, [N, 1 + T, D] float32: what a frozen encoder made of them
  torch::Tensor mask;                      // [N, M, M] uint8 class ids, or [N, C, M, M]; undefined without masks
  torch::Tensor latlon;                    // [N, 2] float64, degrees; NaN where the table has no location
  std::vector<std::int64_t> indices;       // [N] rows of the dataset's table
  std::vector<cv::Size> photo_sizes;       // [N] of the upright photos, in pixels
  std::vector<Sha256Digest> photo_sha256;  // [N], from a PhotoDataset that hashes
  Normalization normalization = kClipNormalization;  // of pixels that are uint8
};

// The batch on the model's device, without waiting where that is a GPU: pixels that are bytes are copied from pinned
// memory, where a Loader puts them, and normalised there. latlon stays on the CPU, where cells are looked up.
void MoveTo(const torch::Device& device, Batch& batch);

// A photo that on_bad_image "skip" left out.
struct SkippedPhoto {
  std::int64_t index = 0;
  std::string id;
  std::string reason;  // the error's line
};

// One pass over photos, batch by batch.
class BatchReader {
 public:
  virtual ~BatchReader() = default;
  // The next batch; nothing after the last.
  virtual std::optional<Batch> Next() = 0;
  // In the order of the photos, up to the last batch that Next returned.
  virtual const std::vector<SkippedPhoto>& skipped() const = 0;
};

class Loader : public BatchReader {
 public:
  // The dataset must outlive the loader. drop_last: leave out a last batch that is not full.
  // Throws Error when batch_size is below 1 or an index is outside the dataset.
  Loader(const PhotoDataset& dataset, std::vector<std::int64_t> order, std::int64_t batch_size, bool drop_last,
         const LoaderOptions& options, std::optional<std::uint64_t> augmentation_seed);
  // Stops at any time; waits for the photos now being decoded.
  ~Loader() override;
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // The next batch; nothing after the last. With "skip" a batch lacks its bad photos (it is not refilled, so that
  // batches stay the same as without them), and a batch of none but bad photos is passed over. Throws, in the order of
  // the photos, what went wrong with one (InputError naming it), and Interrupted on Ctrl-C.
  std::optional<Batch> Next() override;

  // Batches in all.
  std::int64_t batches() const;
  const std::vector<SkippedPhoto>& skipped() const override;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace dualgeo
