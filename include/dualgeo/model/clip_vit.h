// CLIP's vision transformer (Radford et al., ICML 2021, arXiv 2103.00020): pre-norm blocks, QuickGELU (or the exact
// GELU, as some of OpenCLIP's weights want), a class token, LayerNorm before and after (eps 1e-5), and a projection
// without bias. Parameter names are those of Hugging Face's CLIPModel (vision_model.…, visual_projection.weight),
// spelling mistakes included.
#pragma once

#include "dualgeo/io/torch.h"

#include <memory>
#include <vector>

#include "dualgeo/model/image_encoder.h"
#include "dualgeo/model/layers.h"
#include "dualgeo/model/options.h"

namespace dualgeo {

class ClipBlockImpl;

// vision_model.…
class ClipVisionTransformerImpl : public torch::nn::Module {
 public:
  explicit ClipVisionTransformerImpl(const ClipVisionSizes& sizes);
  void Initialise();

  // pixels [N, 3, image_size, image_size], CLIP-normalised -> tokens [N, 1 + (image_size / patch)^2, width] after
  // post_layernorm; the class token comes first, then patches row by row. With pooling mean or mean_before_norm that of
  // all tokens stands in its place.
  torch::Tensor Forward(const torch::Tensor& pixels);

  const ClipVisionSizes& sizes() const { return sizes_; }

 private:
  ClipVisionSizes sizes_;
  torch::Tensor class_embedding_;
  torch::Tensor position_embedding_;
  torch::nn::Conv2d patch_embedding_{nullptr};
  std::vector<std::shared_ptr<ClipBlockImpl>> blocks_;
  torch::nn::LayerNorm pre_layrnorm_{nullptr};
  torch::nn::LayerNorm post_layernorm_{nullptr};
};
TORCH_MODULE(ClipVisionTransformer);

// Transformer and, with pooling projected, the projection: for the others there is none (LoadClipVision leaves it
// aside), and vectors and tokens are `width` wide.
class ClipVisionImpl : public ImageEncoderImpl {
 public:
  explicit ClipVisionImpl(const ClipVisionSizes& sizes);
  void Initialise() override;

  // -> [N, 1 + patches, projection_dim], post-norm and projected. Token 0 is CLIP's image embedding (not normalised).
  torch::Tensor Tokens(const ImageInput& input) override;
  // -> [N, projection_dim], CLIP's image embedding: token 0 of the above.
  torch::Tensor Forward(const ImageInput& input) override;
  void Load(const std::filesystem::path& path) override;

  std::shared_ptr<torch::nn::Module> network() const override { return vision_model_.ptr(); }
  Linear projection() const override { return visual_projection_; }

 private:
  torch::Tensor Projected(const torch::Tensor& x);

  ClipVisionTransformer vision_model_{nullptr};
  Linear visual_projection_{nullptr};
};
TORCH_MODULE(ClipVision);

}  // namespace dualgeo
