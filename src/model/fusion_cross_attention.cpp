#include <optional>
#include <vector>

#include "dualgeo/model/fusion.h"
#include "dualgeo/model/layers.h"
#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// One direction: `receiver` asks, `giver` answers; norm(receiver + out(attention)). Its layers are the owner's, under
// the released checkpoint's names: q_proj_rgb, k_proj_seg, v_proj_seg, output_proj_rgb, norm_rgb for the image that
// receives from the segmentation.
class CrossAttention {
 public:
  CrossAttention(torch::nn::Module& owner, const std::string& receiver, const std::string& giver, int dim,
                 const FusionOptions& options)
      : options_(options) {
    q_ = owner.register_module("q_proj_" + receiver, Linear(dim, dim));
    k_ = owner.register_module("k_proj_" + giver, Linear(dim, dim));
    v_ = owner.register_module("v_proj_" + giver, Linear(dim, dim));
    out_ = owner.register_module("output_proj_" + receiver, Linear(dim, dim));
    norm_ = owner.register_module("norm_" + receiver, torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim})));
    if (options.gate == "zero") gate_ = owner.register_parameter("gate_" + receiver, torch::zeros({}));
  }

  void Initialise() {
    torch::NoGradGuard no_grad;
    for (auto* linear : {&q_, &k_, &v_, &out_}) {
      torch::nn::init::xavier_uniform_((*linear)->weight);
      (*linear)->bias.zero_();
    }
    if (gate_.defined()) gate_.zero_();
  }

  // receiver [N, Lr, D], giver [N, Lg, D] -> [N, Lr, D].
  torch::Tensor Forward(const torch::Tensor& receiver, const torch::Tensor& giver, bool training) {
    const bool norm_first = options_.norm == "pre";
    const auto asks = norm_first ? norm_(receiver) : receiver;
    const auto heads = options_.heads;
    auto added = out_(
        MergeHeads(Attention(SplitHeads(q_(asks), heads), SplitHeads(k_(giver), heads), SplitHeads(v_(giver), heads))));
    if (training && options_.dropout > 0) added = torch::dropout(added, options_.dropout, true);
    if (gate_.defined()) added = added * torch::tanh(gate_);
    if (training && options_.modality_dropout > 0) {
      added = added * torch::rand({added.size(0), 1, 1}, added.options()).ge(options_.modality_dropout);
    }
    return norm_first ? receiver + added : norm_(receiver + added);
  }

 private:
  FusionOptions options_;
  Linear q_{nullptr}, k_{nullptr}, v_{nullptr}, out_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
  torch::Tensor gate_;
};

class CrossAttentionFusionImpl : public FusionImpl {
 public:
  CrossAttentionFusionImpl(const FusionOptions& options, int dim) : scope_(options.scope) {
    Check(options, dim);
    layers_.emplace_back(*this, options, dim);
    if (options.layers == 1) return;
    // The first layer's names are those of released checkpoints.
    auto more = register_module("layers", std::make_shared<torch::nn::Module>());
    for (int i = 1; i < options.layers; ++i) {
      auto owner = more->register_module(std::to_string(i), std::make_shared<torch::nn::Module>());
      layers_.emplace_back(*owner, options, dim);
    }
  }

  void Initialise() override {
    for (auto& layer : layers_) {
      if (layer.to_image) layer.to_image->Initialise();
      if (layer.to_segmentation) layer.to_segmentation->Initialise();
    }
  }

  bool needs_tokens() const override { return scope_ == "tokens"; }

  FusionOutput Forward(const FusionInput& input) override {
    const bool training = is_training();
    if (scope_ == "tokens") return OfTokens(input, training);
    // pooled: N photos with one token each; batch: one "photo" whose tokens are the N photos.
    FusionOutput output{input.image, input.segmentation};
    const std::int64_t dimension = scope_ == "batch" ? 0 : 1;
    const auto image = input.image.unsqueeze(dimension);
    const auto segmentation = input.segmentation.unsqueeze(dimension);
    auto& [to_image, to_segmentation] = layers_.front();
    if (to_image) output.image = to_image->Forward(image, segmentation, training).squeeze(dimension);
    if (to_segmentation) {
      output.segmentation = to_segmentation->Forward(segmentation, image, training).squeeze(dimension);
    }
    return output;
  }

 private:
  struct Layer {
    Layer(torch::nn::Module& owner, const FusionOptions& options, int dim) {
      if (options.direction != "segmentation_from_image") to_image.emplace(owner, "rgb", "seg", dim, options);
      if (options.direction != "image_from_segmentation") to_segmentation.emplace(owner, "seg", "rgb", dim, options);
    }
    std::optional<CrossAttention> to_image;
    std::optional<CrossAttention> to_segmentation;
  };

  static void Check(const FusionOptions& options, int dim) {
    if (options.heads < 1 || dim % options.heads != 0) {
      throw InputError("model.fusion.heads: " + std::to_string(options.heads) + " does not divide model.embed_dim " +
                       std::to_string(dim));
    }
    if (options.layers > 1 && options.scope != "tokens") {
      throw InputError("model.fusion.layers: " + std::to_string(options.layers) + ", and with model.fusion.scope " +
                       options.scope + " there is one token a view, so only 1 is allowed");
    }
    if (options.modality_dropout > 0 && options.scope == "batch") {
      throw InputError(
          "model.fusion.modality_dropout: leaves the other view out photo by photo, and with "
          "model.fusion.scope batch the photos of a batch are one; allowed: 0");
    }
  }

  // Both views receive at once, layer by layer.
  FusionOutput OfTokens(const FusionInput& input, bool training) {
    torch::Tensor image = input.image, image_tokens = input.image_tokens;
    torch::Tensor segmentation = input.segmentation, segmentation_tokens = input.segmentation_tokens;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      auto& [to_image, to_segmentation] = layers_[i];
      const torch::Tensor images = image_tokens, maps = segmentation_tokens;
      if (to_image && i + 1 < layers_.size()) {
        image_tokens = to_image->Forward(images, maps, training);
        image = image_tokens.select(1, 0);
      } else if (to_image) {
        // Rows of attention do not see each other, and of the image's only the class token is kept: it alone need ask.
        image = to_image->Forward(image.unsqueeze(1), maps, training).squeeze(1);
      }
      if (to_segmentation) {
        segmentation_tokens = to_segmentation->Forward(maps, images, training);
        segmentation = segmentation_tokens.mean(1);
      }
    }
    return {image, segmentation};
  }

  std::string scope_;
  std::vector<Layer> layers_;
};

}  // namespace

std::shared_ptr<FusionImpl> MakeCrossAttentionFusion(const FusionOptions& options, int embed_dim) {
  return std::make_shared<CrossAttentionFusionImpl>(options, embed_dim);
}

}  // namespace dualgeo
