// A model that is loaded once and asked again and again: photo files -> features. For programs that link this library
// (examples/); commands embed whole tables by gallery/embed_job.h, which has the like for coordinates. Light: no
// LibTorch here.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "dualgeo/gallery/embed_job.h"

namespace dualgeo {

class Embedder {
 public:
  // segmenter: where the model sees segmentation maps, what makes them: a checkpoint of train-segmenter or SegFormer
  // weights, of the options model.model.segmenter. Sets the process's thread counts (train/runtime.h).
  // Throws InputError: weights are missing or do not fit, or a segmenter is needed and none given.
  explicit Embedder(const EmbedModel& model, const std::filesystem::path& segmenter = {});
  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  // All features that the model has (gallery/features.h); ids are the paths as given. Of any number of photos: they are
  // read and embedded a few at a time. Throws InputError for a photo that cannot be read, or given twice.
  FeatureSet Photos(const std::vector<std::filesystem::path>& photos);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dualgeo
