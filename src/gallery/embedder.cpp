#include "dualgeo/gallery/embedder.h"

#include <algorithm>
#include <set>

#include "data/data_url.h"
#include "data/photo.h"
#include "data/preprocess.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "gallery/embed.h"
#include "runtime/checkpoint.h"
#include "runtime/runtime.h"
#include "runtime/segment.h"
#include "runtime/upsample_argmax.h"
#include "runtime/views.h"

namespace dualgeo {

struct Embedder::State {
  EmbedModel options;
  torch::Device device;
  DualGeoModel model;
  SegFormer segmenter{nullptr};
  std::string fingerprint;
  std::vector<std::string> raw;

  State(const EmbedModel& embed, const std::filesystem::path& weights)
      : options(embed), device(SetupRuntime(embed.runtime)), model(LoadEmbedModel(embed, device)) {
    if (WantsMasks(options.model)) {
      if (weights.empty()) {
        throw InputError("the model sees segmentation maps (model.views: " + options.model.views +
                         ", model.image_encoder.type: " + options.model.image_encoder.type +
                         "), and no segmenter is given to make them");
      }
      segmenter = LoadSegmenter(weights, options.model.segmenter, device);
    }
    fingerprint = ModelFingerprint(model);
  }

  cv::Mat Mask(const cv::Mat& photo) {
    if (!segmenter) return {};
    const auto views = SegmenterViews(options.model.segmenter, /*with_masks=*/false, 0);
    const auto pixels = MakeExample(photo, {}, views).pixels.unsqueeze(0).to(device);
    return UpsampleArgmax(segmenter->Forward(pixels)[0].to(torch::kCPU, torch::kFloat32), photo.size());
  }
};

Embedder::Embedder(const EmbedModel& model, const std::filesystem::path& segmenter, const std::vector<std::string>& raw)
    : state_(std::make_unique<State>(model, segmenter)) {
  state_->raw = raw;
}
Embedder::Embedder(Embedder&&) noexcept = default;
Embedder& Embedder::operator=(Embedder&&) noexcept = default;
Embedder::~Embedder() = default;

FeatureSet Embedder::Photos(const std::vector<std::filesystem::path>& photos, std::vector<BadPhoto>* bad) {
  const torch::InferenceMode inference;
  const AutocastGuard autocast(state_->device, state_->options.runtime.precision);
  const ViewOptions views = AskedViews(state_->options.model);
  FeatureSet set;
  set.model = state_->fingerprint;
  std::set<std::string> names;
  const auto batch = static_cast<std::size_t>(std::max(1, 16 / CountOf(views.crops)));
  for (std::size_t begin = 0; begin < photos.size(); begin += batch) {
    std::vector<torch::Tensor> pixels;
    std::vector<torch::Tensor> masks;
    for (std::size_t i = begin; i < std::min(photos.size(), begin + batch); ++i) {
      const std::string name = photos[i].string();
      if (!names.insert(name).second) throw InputError(Printable(name, 200) + ": given twice");
      cv::Mat photo;
      try {
        photo = ReadPhoto(photos[i]);
      } catch (const InputError& error) {
        if (bad == nullptr) throw;
        bad->push_back({photos[i], error.what()});
        continue;
      }
      const Example example = MakeExample(photo, state_->Mask(photo), views);
      pixels.push_back(example.pixels);
      if (example.mask.defined()) masks.push_back(example.mask);
      set.ids.push_back(name);
    }
    if (pixels.empty()) continue;
    AppendFeatures(state_->model, torch::stack(pixels), masks.empty() ? torch::Tensor() : torch::stack(masks),
                   state_->raw, set);
  }
  return set;
}

FeatureSet Embedder::Photo(std::string_view bytes, const std::string& name, PhotoView* view) {
  const torch::InferenceMode inference;
  const AutocastGuard autocast(state_->device, state_->options.runtime.precision);
  FeatureSet set;
  set.model = state_->fingerprint;
  set.ids.push_back(name);
  const cv::Mat photo = DecodePhoto(bytes, name), mask = state_->Mask(photo);
  if (view != nullptr && !mask.empty()) *view = {MaskPng(mask, 300), DescribeMask(mask, 4)};
  const Example example = MakeExample(photo, mask, AskedViews(state_->options.model));
  AppendFeatures(state_->model, example.pixels.unsqueeze(0),
                 example.mask.defined() ? example.mask.unsqueeze(0) : torch::Tensor(), state_->raw, set);
  return set;
}

}  // namespace dualgeo
