#include "dualgeo/model/fusion.h"
#include "dualgeo/model/layers.h"
#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// One direction: `receiver` asks, `giver` answers; norm(receiver + out(attention)).
class CrossAttentionImpl : public torch::nn::Module {
 public:
  CrossAttentionImpl(int dim, int heads, double dropout) : heads_(heads), dropout_(dropout) {
    q_ = register_module("q_proj", Linear(dim, dim));
    k_ = register_module("k_proj", Linear(dim, dim));
    v_ = register_module("v_proj", Linear(dim, dim));
    out_ = register_module("out_proj", Linear(dim, dim));
    norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim})));
  }

  void Initialise() {
    torch::NoGradGuard no_grad;
    for (auto* linear : {&q_, &k_, &v_, &out_}) {
      torch::nn::init::xavier_uniform_((*linear)->weight);
      (*linear)->bias.zero_();
    }
  }

  // receiver [N, Lr, D], giver [N, Lg, D] -> [N, Lr, D].
  torch::Tensor Forward(const torch::Tensor& receiver, const torch::Tensor& giver) {
    auto added = out_(MergeHeads(
        Attention(SplitHeads(q_(receiver), heads_), SplitHeads(k_(giver), heads_), SplitHeads(v_(giver), heads_))));
    if (is_training() && dropout_ > 0) added = torch::dropout(added, dropout_, true);
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
    for (auto* direction : {&image_from_segmentation_, &segmentation_from_image_}) {
      const char* const name =
          direction == &image_from_segmentation_ ? "image_from_segmentation" : "segmentation_from_image";
      if (options.direction != "both" && options.direction != name) continue;
      *direction = register_module(name, std::make_shared<CrossAttentionImpl>(dim, options.heads, options.dropout));
    }
  }

  void Initialise() override {
    if (image_from_segmentation_) image_from_segmentation_->Initialise();
    if (segmentation_from_image_) segmentation_from_image_->Initialise();
  }

  bool needs_tokens() const override { return scope_ == "tokens"; }

  FusionOutput Forward(const FusionInput& input) override {
    FusionOutput output{input.image, input.segmentation};
    if (scope_ == "tokens") {
      // Rows of attention do not see each other, and of the image's only the class token is kept: it alone need ask.
      if (image_from_segmentation_) {
        output.image =
            image_from_segmentation_->Forward(input.image.unsqueeze(1), input.segmentation_tokens).squeeze(1);
      }
      if (segmentation_from_image_) {
        output.segmentation = segmentation_from_image_->Forward(input.segmentation_tokens, input.image_tokens).mean(1);
      }
      return output;
    }
    // pooled: N photos with one token each; batch: one "photo" whose tokens are the N photos.
    const std::int64_t dimension = scope_ == "batch" ? 0 : 1;
    const auto image = input.image.unsqueeze(dimension);
    const auto segmentation = input.segmentation.unsqueeze(dimension);
    if (image_from_segmentation_) {
      output.image = image_from_segmentation_->Forward(image, segmentation).squeeze(dimension);
    }
    if (segmentation_from_image_) {
      output.segmentation = segmentation_from_image_->Forward(segmentation, image).squeeze(dimension);
    }
    return output;
  }

 private:
  std::string scope_;
  std::shared_ptr<CrossAttentionImpl> image_from_segmentation_;
  std::shared_ptr<CrossAttentionImpl> segmentation_from_image_;
};

}  // namespace

std::shared_ptr<FusionImpl> MakeCrossAttentionFusion(const FusionOptions& options, int embed_dim) {
  return std::make_shared<CrossAttentionFusionImpl>(options, embed_dim);
}

}  // namespace dualgeo
