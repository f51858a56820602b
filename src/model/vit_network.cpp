#include "vit_network.h"

#include <algorithm>
#include <cmath>

#include "cpu_kernels.h"
#include "option_rules.h"
#include "photo_network.h"
#include "position_grid.h"

namespace dualgeo {
namespace {

const std::vector<std::string> kVits = {"vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch32_224",
                                        "vit_base_patch16_224", "vit_large_patch16_224"};
constexpr VitSizes kVitSizes[] = {{192, 12, 3, 16, 224},
                                  {384, 12, 6, 16, 224},
                                  {768, 12, 12, 32, 224},
                                  {768, 12, 12, 16, 224},
                                  {1024, 24, 16, 16, 224}};

torch::nn::LayerNorm VitNorm(int width) { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-6)); }

}  // namespace

VitSizes VitSizesOf(const ImageEncoderOptions& options) {
  VitSizes sizes = kVitSizes[PresetOf(options, kVits)];
  sizes.width = options.width.value_or(sizes.width);
  sizes.layers = options.layers.value_or(sizes.layers);
  sizes.heads = options.heads.value_or(sizes.heads);
  sizes.patch = options.patch.value_or(sizes.patch);
  sizes.image_size = options.image_size.value_or(sizes.image_size);
  RequireDivides(sizes.heads, sizes.width, "model.image_encoder.heads", "width");
  RequireDivides(sizes.patch, sizes.image_size, "model.image_encoder.patch", "image_size");
  return sizes;
}

// timm's for the weights of "How to train your ViT": nine tenths of the edge, bicubic, every colour from -1 to 1.
PhotoInput VitPhotoInput(const VitSizes& sizes) {
  const int size = sizes.image_size;
  return {size, kHalfNormalization, {.edge = std::floor(size / 0.9) / size, .bicubic = true, .half_to_even = true}};
}

class VitBlockImpl : public torch::nn::Module {
 public:
  VitBlockImpl(int width, int heads) : heads_(heads) {
    norm1_ = register_module("norm1", VitNorm(width));
    auto attention = register_module("attn", std::make_shared<torch::nn::Module>());
    qkv_ = attention->register_module("qkv", Linear(width, 3 * width));
    proj_ = attention->register_module("proj", Linear(width, width));
    norm2_ = register_module("norm2", VitNorm(width));
    auto mlp = register_module("mlp", std::make_shared<torch::nn::Module>());
    fc1_ = mlp->register_module("fc1", Linear(width, 4 * width));
    fc2_ = mlp->register_module("fc2", Linear(4 * width, width));
  }

  void Initialise() {
    for (auto* linear : {&qkv_, &proj_, &fc1_, &fc2_}) {
      (*linear)->weight.normal_(0, 0.02);
      (*linear)->bias.zero_();
    }
  }

  torch::Tensor Forward(const torch::Tensor& x) {
    const auto parts = qkv_(norm1_(x)).chunk(3, -1);
    const auto heads = [&](const torch::Tensor& part) { return SplitHeads(part, heads_); };
    const auto y = x + proj_(MergeHeads(Attention(heads(parts[0]), heads(parts[1]), heads(parts[2]))));
    return y + fc2_(torch::gelu(fc1_(norm2_(y))));
  }

 private:
  int heads_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  Linear qkv_{nullptr}, proj_{nullptr}, fc1_{nullptr}, fc2_{nullptr};
};

VitNetwork::VitNetwork(torch::nn::Module& owner, const VitSizes& sizes, int channels) : sizes_(sizes) {
  const int side = sizes_.image_size / sizes_.patch;
  class_token_ = owner.register_parameter("cls_token", torch::empty({1, 1, sizes_.width}));
  positions_ = owner.register_parameter("pos_embed", torch::empty({1, 1 + side * side, sizes_.width}));
  auto embed = owner.register_module("patch_embed", std::make_shared<torch::nn::Module>());
  const auto patches = torch::nn::Conv2dOptions(channels, sizes_.width, sizes_.patch).stride(sizes_.patch);
  patches_ = embed->register_module("proj", torch::nn::Conv2d(patches));
  auto blocks = owner.register_module("blocks", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < sizes_.layers; ++i) {
    blocks_.push_back(
        blocks->register_module(std::to_string(i), std::make_shared<VitBlockImpl>(sizes_.width, sizes_.heads)));
  }
  norm_ = owner.register_module("norm", VitNorm(sizes_.width));
}

void VitNetwork::Initialise() {
  class_token_.normal_(0, 1e-6);
  positions_.normal_(0, 0.02);
  // By the values that a patch really has: three a pixel, or of one-hot channels one.
  const double values = patches_->weight.size(1) == 3 ? 3.0 : 1.0;
  patches_->weight.normal_(0, std::pow(values * sizes_.patch * sizes_.patch, -0.5));
  patches_->bias.zero_();
  for (auto& block : blocks_) block->Initialise();
}

torch::Tensor VitNetwork::Patches(const torch::Tensor& photos) { return patches_(photos); }

torch::Tensor VitNetwork::Embed(const torch::Tensor& map) {
  const auto first = class_token_.to(map.dtype()).expand({map.size(0), 1, sizes_.width});
  return torch::cat({first, map.flatten(2).transpose(1, 2)}, 1) + positions_;
}

torch::Tensor VitNetwork::Block(int i, const torch::Tensor& tokens) {
  return blocks_[static_cast<std::size_t>(i)]->Forward(tokens);
}

void VitNetwork::CheckPhotos(const torch::Tensor& photos) const {
  TORCH_CHECK(photos.size(2) == sizes_.image_size && photos.size(3) == sizes_.image_size,
              "the image encoder takes [N, 3, ", sizes_.image_size, ", ", sizes_.image_size, "], not ", photos.sizes());
}

void VitNetwork::FitPositions(TensorMap& tensors, const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.dim() != 3) return;
  torch::Tensor rows = found->second.squeeze(0);
  ResizePositions(rows, positions_.squeeze(0), name);
  found->second = rows.unsqueeze(0);
}

}  // namespace dualgeo
