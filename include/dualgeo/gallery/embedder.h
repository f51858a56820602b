// A model that is loaded once and asked again and again: photo files -> features. For programs that link this library
// (examples/); commands embed whole tables by gallery/embed_job.h, which has the like for coordinates. Light: no
// LibTorch here.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dualgeo/gallery/embed_job.h"

namespace dualgeo {

// A photo that could not be read.
struct BadPhoto {
  std::filesystem::path photo;
  std::string reason;  // a line that names it
};

// What a page shows of a photo beside its answer.
struct PhotoView {
  std::string mask_png;   // in its classes' colours, its longer side 300 pixels; empty: the model sees no mask
  std::string mask_text;  // "sky 41 %, building 30 %"
};

class Embedder {
 public:
  // segmenter: where the model sees segmentation maps, what makes them: a checkpoint of train-segmenter or SegFormer
  // weights, of the options model.model.segmenter. raw: as in EmbedOptions. Sets the process's thread counts
  // (runtime/runtime.h). Throws InputError: weights are missing or do not fit, or a segmenter is needed and none given.
  explicit Embedder(const EmbedModel& model, const std::filesystem::path& segmenter = {},
                    const std::vector<std::string>& raw = {});
  Embedder(Embedder&&) noexcept;
  Embedder& operator=(Embedder&&) noexcept;
  ~Embedder();

  // All features that the model has (gallery/features.h); ids are the paths as given. Of any number of photos: they are
  // read and embedded a few at a time. Throws InputError for a photo given twice, or that cannot be read, unless `bad`
  // is given: then it is put there and has no row.
  FeatureSet Photos(const std::vector<std::filesystem::path>& photos, std::vector<BadPhoto>* bad = nullptr);

  // The same for the bytes of one photo; `name`: its id, and how messages call it. view: filled where it is given.
  FeatureSet Photo(std::string_view bytes, const std::string& name, PhotoView* view = nullptr);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dualgeo
