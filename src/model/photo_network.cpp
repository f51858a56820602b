#include "photo_network.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// Of a DualGeo checkpoint, the image encoder; other files as they are.
TensorMap EncoderOfCheckpoint(TensorMap tensors) {
  const std::string below = "vision_model_rgb.";
  TensorMap encoder;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(below)) encoder.emplace(name.substr(below.size()), tensor);
  }
  return encoder.empty() ? std::move(tensors) : std::move(encoder);
}

class PhotoEncoderImpl : public ImageEncoderImpl {
 public:
  PhotoEncoderImpl(std::shared_ptr<PhotoNetworkImpl> network, int embed_dim) : network_(std::move(network)) {
    register_module("network", network_);
    if (network_->width() != embed_dim) {
      projection_ = register_module("projection", Linear(network_->width(), embed_dim));
    }
  }

  torch::Tensor Tokens(const ImageInput& input) override { return Projected(network_->Tokens(input)); }
  torch::Tensor Forward(const ImageInput& input) override { return Projected(network_->Pooled(input)); }

  void Initialise() override {
    torch::NoGradGuard no_grad;
    network_->Initialise();
    if (!projection_.is_empty()) projection_->Initialise();
  }

  void Load(const std::filesystem::path& path) override {
    TensorMap tensors = EncoderOfCheckpoint(ReadWeights(path));
    const auto aside = network_->left_aside();
    const std::size_t before = tensors.size();
    std::erase_if(tensors, [&](const auto& item) {
      return std::ranges::any_of(aside, [&](const std::string& begin) { return item.first.starts_with(begin); });
    });
    if (tensors.size() < before) {
      spdlog::info("{}: left aside: {} tensors of the classifier", path.string(), before - tensors.size());
    }
    network_->Fit(tensors);
    LoadStateDict(*network_, tensors, path.string(), Memory::kShare);
  }

  std::shared_ptr<torch::nn::Module> network() const override { return network_; }
  Linear projection() const override { return projection_; }

 private:
  torch::Tensor Projected(const torch::Tensor& x) { return projection_.is_empty() ? x : projection_(x); }

  std::shared_ptr<PhotoNetworkImpl> network_;
  Linear projection_{nullptr};
};

}  // namespace

std::shared_ptr<ImageEncoderImpl> EncoderOf(std::shared_ptr<PhotoNetworkImpl> network, int embed_dim) {
  return std::make_shared<PhotoEncoderImpl>(std::move(network), embed_dim);
}

torch::Tensor PooledMap(const torch::Tensor& map, const std::string& pooling) {
  return pooling == "max" ? map.amax({2, 3}) : map.mean({2, 3});
}

torch::Tensor MapTokens(const torch::Tensor& map, const std::string& pooling) {
  return torch::cat({PooledMap(map, pooling).unsqueeze(1), map.flatten(2).transpose(1, 2)}, 1);
}

std::string PoolingOf(const ImageEncoderOptions& options, const std::vector<std::string>& allowed) {
  if (!options.pooling) return allowed.front();
  return allowed[FindName(allowed, *options.pooling, "model.image_encoder.pooling of type " + options.type + ":")];
}

std::size_t PresetOf(const ImageEncoderOptions& options, const std::vector<std::string>& presets) {
  return FindName(presets, options.preset, "model.image_encoder.preset of type " + options.type + ":");
}

PhotoInput ImageNetInput(int size) {
  return {size, kImageNetNormalization, {.edge = 8.0 / 7, .bicubic = false, .half_to_even = true}};
}

void InitialiseConv(torch::nn::Conv2d& conv) {
  const auto& w = conv->weight;
  conv->weight.normal_(0, std::sqrt(2.0 / static_cast<double>(w.size(0) * w.size(2) * w.size(3))));
}

}  // namespace dualgeo
