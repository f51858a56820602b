#include <optional>

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
      : heads_(options.heads), dropout_(options.dropout) {
    q_ = owner.register_module("q_proj_" + receiver, Linear(dim, dim));
    k_ = owner.register_module("k_proj_" + giver, Linear(dim, dim));
    v_ = owner.register_module("v_proj_" + giver, Linear(dim, dim));
    out_ = owner.register_module("output_proj_" + receiver, Linear(dim, dim));
    norm_ = owner.register_module("norm_" + receiver, torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim})));
  }

  void Initialise() {
    torch::NoGradGuard no_grad;
    for (auto* linear : {&q_, &k_, &v_, &out_}) {
      torch::nn::init::xavier_uniform_((*linear)->weight);
      (*linear)->bias.zero_();
    }
  }

  // receiver [N, Lr, D], giver [N, Lg, D] -> [N, Lr, D].
  torch::Tensor Forward(const torch::Tensor& receiver, const torch::Tensor& giver, bool training) {
    auto added = out_(MergeHeads(
        Attention(SplitHeads(q_(receiver), heads_), SplitHeads(k_(giver), heads_), SplitHeads(v_(giver), heads_))));
    if (training && dropout_ > 0) added = torch::dropout(added, dropout_, true);
    return norm_(receiver + added);
  }

 private:
  int heads_;
  double dropout_;
  Linear q_{nullptr}, k_{nullptr}, v_{nullptr}, out_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};

class CrossAttentionFusionImpl : public FusionImpl {
 public:
  CrossAttentionFusionImpl(const FusionOptions& options, int dim) : scope_(options.scope) {
    if (options.heads < 1 || dim % options.heads != 0) {
      throw InputError("model.fusion.heads: " + std::to_string(options.heads) + " does not divide model.embed_dim " +
                       std::to_string(dim));
    }
    if (options.direction != "segmentation_from_image") to_image_.emplace(*this, "rgb", "seg", dim, options);
    if (options.direction != "image_from_segmentation") to_segmentation_.emplace(*this, "seg", "rgb", dim, options);
  }

  void Initialise() override {
    if (to_image_) to_image_->Initialise();
    if (to_segmentation_) to_segmentation_->Initialise();
  }

  bool needs_tokens() const override { return scope_ == "tokens"; }

  FusionOutput Forward(const FusionInput& input) override {
    FusionOutput output{input.image, input.segmentation};
    const bool training = is_training();
    if (scope_ == "tokens") {
      // Rows of attention do not see each other, and of the image's only the class token is kept: it alone need ask.
      if (to_image_) {
        output.image = to_image_->Forward(input.image.unsqueeze(1), input.segmentation_tokens, training).squeeze(1);
      }
      if (to_segmentation_) {
        output.segmentation =
            to_segmentation_->Forward(input.segmentation_tokens, input.image_tokens, training).mean(1);
      }
      return output;
    }
    // pooled: N photos with one token each; batch: one "photo" whose tokens are the N photos.
    const std::int64_t dimension = scope_ == "batch" ? 0 : 1;
    const auto image = input.image.unsqueeze(dimension);
    const auto segmentation = input.segmentation.unsqueeze(dimension);
    if (to_image_) output.image = to_image_->Forward(image, segmentation, training).squeeze(dimension);
    if (to_segmentation_)
      output.segmentation = to_segmentation_->Forward(segmentation, image, training).squeeze(dimension);
    return output;
  }

 private:
  std::string scope_;
  std::optional<CrossAttention> to_image_;
  std::optional<CrossAttention> to_segmentation_;
};

}  // namespace

std::shared_ptr<FusionImpl> MakeCrossAttentionFusion(const FusionOptions& options, int embed_dim) {
  return std::make_shared<CrossAttentionFusionImpl>(options, embed_dim);
}

}  // namespace dualgeo
