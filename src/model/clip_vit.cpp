#include "dualgeo/model/clip_vit.h"

#include <cmath>

#include "clip_block.h"
#include "cpu_kernels.h"
#include "dualgeo/model/weights.h"
#include "image_encoder_kinds.h"

namespace dualgeo {

ClipVisionTransformerImpl::ClipVisionTransformerImpl(const ClipVisionSizes& sizes) : sizes_(sizes) {
  const int side = sizes.image_size / sizes.patch;
  auto embeddings = register_module("embeddings", std::make_shared<torch::nn::Module>());
  class_embedding_ = embeddings->register_parameter("class_embedding", torch::empty({sizes.width}));
  patch_embedding_ = embeddings->register_module(
      "patch_embedding",
      torch::nn::Conv2d(torch::nn::Conv2dOptions(3, sizes.width, sizes.patch).stride(sizes.patch).bias(false)));
  auto position = embeddings->register_module("position_embedding", std::make_shared<torch::nn::Module>());
  position_embedding_ = position->register_parameter("weight", torch::empty({1 + side * side, sizes.width}));
  pre_layrnorm_ = register_module("pre_layrnorm", ClipNorm(sizes.width));
  auto encoder = register_module("encoder", std::make_shared<torch::nn::Module>());
  auto layers = encoder->register_module("layers", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < sizes.layers; ++i) {
    blocks_.push_back(layers->register_module(
        std::to_string(i),
        std::make_shared<ClipBlockImpl>(sizes.width, sizes.heads, 4 * sizes.width, sizes.quick_gelu)));
  }
  post_layernorm_ = register_module("post_layernorm", ClipNorm(sizes.width));
}

void ClipVisionTransformerImpl::Initialise() {
  torch::NoGradGuard no_grad;
  class_embedding_.normal_(0, std::pow(sizes_.width, -0.5));
  patch_embedding_->weight.normal_(0, 0.02);
  position_embedding_.normal_(0, 0.02);
  for (auto& block : blocks_) block->Initialise(sizes_.layers);
}

torch::Tensor ClipVisionTransformerImpl::Forward(const torch::Tensor& pixels) {
  TORCH_CHECK(pixels.dim() == 4 && pixels.size(1) == 3 && pixels.size(2) == sizes_.image_size &&
                  pixels.size(3) == sizes_.image_size,
              "the image encoder takes [N, 3, ", sizes_.image_size, ", ", sizes_.image_size, "], not ", pixels.sizes());
  const std::int64_t tokens = position_embedding_.size(0);
  return InSlices(pixels, std::max<std::int64_t>(1, (1024 + tokens / 2) / tokens), [&](const torch::Tensor& slice) {
    const auto patches = patch_embedding_(slice).flatten(2).transpose(1, 2);
    const auto class_token = class_embedding_.to(patches.dtype()).expand({slice.size(0), 1, sizes_.width});
    auto x = pre_layrnorm_(torch::cat({class_token, patches}, 1) + position_embedding_);
    for (auto& block : blocks_) x = block->Forward(x);
    const auto normed = post_layernorm_(x);
    if (sizes_.pooling == "projected" || sizes_.pooling == "class") return normed;
    const auto mean = (sizes_.pooling == "mean" ? normed : x).mean(1, true);
    return torch::cat({mean.to(normed.dtype()), normed.slice(1, 1)}, 1);
  });
}

ClipVisionImpl::ClipVisionImpl(const ClipVisionSizes& sizes) {
  vision_model_ = register_module("vision_model", ClipVisionTransformer(sizes));
  if (sizes.pooling != "projected") return;
  visual_projection_ = register_module("visual_projection", Linear(sizes.width, sizes.projection_dim, false));
}

void ClipVisionImpl::Initialise() {
  vision_model_->Initialise();
  if (visual_projection_.is_empty()) return;
  torch::NoGradGuard no_grad;
  visual_projection_->weight.normal_(0, std::pow(vision_model_->sizes().width, -0.5));
}

torch::Tensor ClipVisionImpl::Projected(const torch::Tensor& x) {
  return visual_projection_.is_empty() ? x : visual_projection_(x);
}

torch::Tensor ClipVisionImpl::Tokens(const ImageInput& input) {
  return Projected(vision_model_->Forward(input.pixels));
}

torch::Tensor ClipVisionImpl::Forward(const ImageInput& input) {
  return Projected(vision_model_->Forward(input.pixels).select(1, 0));
}

void ClipVisionImpl::Load(const std::filesystem::path& path) { LoadClipVision(*this, path); }

PhotoInput ClipVitInput(const ImageEncoderOptions& options) {
  return {Resolve(options, 0).image_size, kClipNormalization};
}

std::shared_ptr<ImageEncoderImpl> MakeClipVit(const ImageEncoderOptions& options, int embed_dim) {
  return ClipVision(Resolve(options, embed_dim)).ptr();
}

}  // namespace dualgeo
