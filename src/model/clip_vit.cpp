#include "dualgeo/model/clip_vit.h"

#include <cmath>

#include "cpu_kernels.h"
#include "dualgeo/model/weights.h"
#include "image_encoder_kinds.h"
#include "photo_network.h"

namespace dualgeo {
namespace {

constexpr double kEps = 1e-5;

torch::nn::LayerNorm MakeNorm(int width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(kEps));
}

}  // namespace

// encoder.layers.i: x + attention(norm(x)), then x + mlp(norm(x)).
class ClipBlockImpl : public torch::nn::Module {
 public:
  ClipBlockImpl(int width, int heads, bool quick_gelu) : heads_(heads), quick_gelu_(quick_gelu) {
    auto attention = register_module("self_attn", std::make_shared<torch::nn::Module>());
    k_ = attention->register_module("k_proj", Linear(width, width));
    v_ = attention->register_module("v_proj", Linear(width, width));
    q_ = attention->register_module("q_proj", Linear(width, width));
    out_ = attention->register_module("out_proj", Linear(width, width));
    norm1_ = register_module("layer_norm1", MakeNorm(width));
    auto mlp = register_module("mlp", std::make_shared<torch::nn::Module>());
    fc1_ = mlp->register_module("fc1", Linear(width, 4 * width));
    fc2_ = mlp->register_module("fc2", Linear(4 * width, width));
    norm2_ = register_module("layer_norm2", MakeNorm(width));
  }

  // CLIP's own scheme: narrower with depth, so that the residual stream keeps its size.
  void Initialise(int layers) {
    const double width = static_cast<double>(q_->weight.size(1));
    const double deep = std::pow(width, -0.5) * std::pow(2.0 * layers, -0.5);
    for (auto& linear : {q_, k_, v_, fc2_}) linear->weight.normal_(0, deep);
    out_->weight.normal_(0, std::pow(width, -0.5));
    fc1_->weight.normal_(0, std::pow(2.0 * width, -0.5));
    for (auto& linear : {q_, k_, v_, out_, fc1_, fc2_}) linear->bias.zero_();
  }

  torch::Tensor Forward(const torch::Tensor& input) {
    const auto x = norm1_(input);
    const auto attended = Attention(SplitHeads(q_(x), heads_), SplitHeads(k_(x), heads_), SplitHeads(v_(x), heads_));
    const auto y = input + out_(MergeHeads(attended));
    const auto hidden = fc1_(norm2_(y));
    return y + fc2_(quick_gelu_ ? QuickGelu(hidden) : torch::gelu(hidden));
  }

 private:
  int heads_;
  bool quick_gelu_;
  Linear k_{nullptr}, v_{nullptr}, q_{nullptr}, out_{nullptr}, fc1_{nullptr}, fc2_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
};

ClipVisionTransformerImpl::ClipVisionTransformerImpl(const ClipVisionSizes& sizes) : sizes_(sizes) {
  const int side = sizes.image_size / sizes.patch;
  auto embeddings = register_module("embeddings", std::make_shared<torch::nn::Module>());
  class_embedding_ = embeddings->register_parameter("class_embedding", torch::empty({sizes.width}));
  patch_embedding_ = embeddings->register_module(
      "patch_embedding",
      torch::nn::Conv2d(torch::nn::Conv2dOptions(3, sizes.width, sizes.patch).stride(sizes.patch).bias(false)));
  auto position = embeddings->register_module("position_embedding", std::make_shared<torch::nn::Module>());
  position_embedding_ = position->register_parameter("weight", torch::empty({1 + side * side, sizes.width}));
  pre_layrnorm_ = register_module("pre_layrnorm", MakeNorm(sizes.width));
  auto encoder = register_module("encoder", std::make_shared<torch::nn::Module>());
  auto layers = encoder->register_module("layers", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < sizes.layers; ++i) {
    blocks_.push_back(layers->register_module(
        std::to_string(i), std::make_shared<ClipBlockImpl>(sizes.width, sizes.heads, sizes.quick_gelu)));
  }
  post_layernorm_ = register_module("post_layernorm", MakeNorm(sizes.width));
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
    return post_layernorm_(x);
  });
}

ClipVisionImpl::ClipVisionImpl(const ClipVisionSizes& sizes) {
  vision_model_ = register_module("vision_model", ClipVisionTransformer(sizes));
  visual_projection_ = register_module("visual_projection", Linear(sizes.width, sizes.projection_dim, false));
}

void ClipVisionImpl::Initialise() {
  vision_model_->Initialise();
  torch::NoGradGuard no_grad;
  visual_projection_->weight.normal_(0, std::pow(vision_model_->sizes().width, -0.5));
}

torch::Tensor ClipVisionImpl::Tokens(const torch::Tensor& pixels) {
  return visual_projection_(vision_model_->Forward(pixels));
}

torch::Tensor ClipVisionImpl::Forward(const torch::Tensor& pixels) {
  return visual_projection_(vision_model_->Forward(pixels).select(1, 0));
}

void ClipVisionImpl::Load(const std::filesystem::path& path) { LoadClipVision(*this, path); }

PhotoInput ClipVitInput(const ImageEncoderOptions& options) {
  return {Resolve(options, 0).image_size, kClipNormalization};
}

std::shared_ptr<ImageEncoderImpl> MakeClipVit(const ImageEncoderOptions& options, int embed_dim) {
  PoolingOf(options, {"class"});
  return ClipVision(Resolve(options, embed_dim)).ptr();
}

}  // namespace dualgeo
