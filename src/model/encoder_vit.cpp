// The vision transformer (Dosovitskiy et al., ICLR 2021, arXiv 2010.11929) under timm's names: pre-norm blocks with one
// matrix for queries, keys and values, exact GELU, LayerNorm of eps 1e-6. The image encoder of TransLocator (ViT-B/16).
#include <cmath>

#include "cpu_kernels.h"
#include "image_encoder_kinds.h"
#include "option_rules.h"
#include "photo_network.h"
#include "position_grid.h"

namespace dualgeo {
namespace {

struct VitSizes {
  int width, layers, heads, patch, image_size;
};
const std::vector<std::string> kVits = {"vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch32_224",
                                        "vit_base_patch16_224", "vit_large_patch16_224"};
constexpr VitSizes kVitSizes[] = {{192, 12, 3, 16, 224},
                                  {384, 12, 6, 16, 224},
                                  {768, 12, 12, 32, 224},
                                  {768, 12, 12, 16, 224},
                                  {1024, 24, 16, 16, 224}};

VitSizes SizesOf(const ImageEncoderOptions& options) {
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

torch::nn::LayerNorm VitNorm(int width) { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-6)); }

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

class VitImpl : public PhotoNetworkImpl {
 public:
  explicit VitImpl(const ImageEncoderOptions& options)
      : sizes_(SizesOf(options)), pooling_(PoolingOf(options, {"class", "mean", "mean_before_norm"})) {
    const int side = sizes_.image_size / sizes_.patch;
    class_token_ = register_parameter("cls_token", torch::empty({1, 1, sizes_.width}));
    positions_ = register_parameter("pos_embed", torch::empty({1, 1 + side * side, sizes_.width}));
    auto embed = register_module("patch_embed", std::make_shared<torch::nn::Module>());
    const auto patches = torch::nn::Conv2dOptions(3, sizes_.width, sizes_.patch).stride(sizes_.patch);
    patches_ = embed->register_module("proj", torch::nn::Conv2d(patches));
    auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
    for (int i = 0; i < sizes_.layers; ++i) {
      blocks_.push_back(
          blocks->register_module(std::to_string(i), std::make_shared<VitBlockImpl>(sizes_.width, sizes_.heads)));
    }
    norm_ = register_module("norm", VitNorm(sizes_.width));
  }

  void Initialise() override {
    class_token_.normal_(0, 1e-6);
    positions_.normal_(0, 0.02);
    patches_->weight.normal_(0, std::pow(3.0 * sizes_.patch * sizes_.patch, -0.5));
    patches_->bias.zero_();
    for (auto& block : blocks_) block->Initialise();
  }

  torch::Tensor Tokens(const torch::Tensor& pixels) override {
    TORCH_CHECK(pixels.size(2) == sizes_.image_size && pixels.size(3) == sizes_.image_size,
                "the image encoder takes [N, 3, ", sizes_.image_size, ", ", sizes_.image_size, "], not ",
                pixels.sizes());
    const std::int64_t tokens = positions_.size(1);
    return InSlices(pixels, std::max<std::int64_t>(1, (1024 + tokens / 2) / tokens), [&](const torch::Tensor& slice) {
      const auto patches = patches_(slice).flatten(2).transpose(1, 2);
      const auto first = class_token_.to(patches.dtype()).expand({slice.size(0), 1, sizes_.width});
      auto x = torch::cat({first, patches}, 1) + positions_;
      for (auto& block : blocks_) x = block->Forward(x);
      const auto normed = norm_(x);
      if (pooling_ == "class") return normed;
      // timm's mean leaves the class token out; PIGEON's, before the norm, does not.
      const auto mean = pooling_ == "mean" ? normed.slice(1, 1).mean(1, true) : x.mean(1, true);
      return torch::cat({mean.to(normed.dtype()), normed.slice(1, 1)}, 1);
    });
  }

  int width() const override { return sizes_.width; }
  std::vector<std::string> left_aside() const override { return {"head.", "pre_logits."}; }
  void Fit(const std::string& name, torch::Tensor& tensor) const override {
    if (name != "pos_embed" || tensor.dim() != 3) return;
    torch::Tensor rows = tensor.squeeze(0);
    ResizePositions(rows, positions_.squeeze(0), name);
    tensor = rows.unsqueeze(0);
  }

 private:
  VitSizes sizes_;
  std::string pooling_;
  torch::Tensor class_token_, positions_;
  torch::nn::Conv2d patches_{nullptr};
  std::vector<std::shared_ptr<VitBlockImpl>> blocks_;
  torch::nn::LayerNorm norm_{nullptr};
};

}  // namespace

// timm's for the weights of "How to train your ViT": nine tenths of the edge, bicubic, every colour from -1 to 1.
PhotoInput VitInput(const ImageEncoderOptions& options) {
  const int size = SizesOf(options).image_size;
  return {size, kHalfNormalization, {.edge = std::floor(size / 0.9) / size, .bicubic = true, .half_to_even = true}};
}

std::shared_ptr<ImageEncoderImpl> MakeVit(const ImageEncoderOptions& options, int embed_dim) {
  return EncoderOf(std::make_shared<VitImpl>(options), embed_dim);
}

}  // namespace dualgeo
