// DualGeo (arXiv 2604.25533), stage 1: an image view (CLIP) and a segmentation view (a network over the class-id mask),
// fused by cross-attention, and GPS coordinates, in one space trained by contrast.
//
//   pixels ─► CLIP ViT ─► image tokens ──┐         ┌─► fused_image ────────► rgb_projection_else ─► image ┐
//                                        ├► fusion ┤                                                      ├ contrast
//   mask ─► ResNet-18/MiT ─► map tokens ─┘         └─► fused_segmentation ─► seg_projection_else ─► seg.  ┤ with gps
//   latitude, longitude ─► GPS encoder ───────────────────────► location_projection_else ─────────► gps ──┘
//
// Parameters and buffers carry the released checkpoint's names: vision_model_rgb.…, vision_projection_rgb.…,
// semantic_encoder.features.…, semantic_encoder.projection.…, vision_projection_seg.…, cross_attn_fusion.…,
// location_encoder.LocEnc0.…, rgb_projection_else.…, seg_projection_else.…, location_projection_else.…,
// logit_scale_rgb, logit_scale_seg. Parts of a view that is off do not exist.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <memory>
#include <optional>

#include "dualgeo/model/clip_vit.h"
#include "dualgeo/model/fusion.h"
#include "dualgeo/model/gps_encoder.h"
#include "dualgeo/model/layers.h"
#include "dualgeo/model/loss.h"
#include "dualgeo/model/options.h"
#include "dualgeo/model/segmentation_encoder.h"

namespace dualgeo {

// Linear, ReLU, Linear (0.weight, 0.bias, 2.weight, 2.bias).
class ProjectionHeadImpl : public torch::nn::Module {
 public:
  ProjectionHeadImpl(int in, int out);
  void Initialise();
  torch::Tensor Forward(const torch::Tensor& x);

 private:
  Linear first_{nullptr};
  Linear second_{nullptr};
};
TORCH_MODULE(ProjectionHead);

class DualGeoModelImpl : public torch::nn::Module {
 public:
  // Validates the options (InputError). Loads no file: see LoadPretrained in model/weights.h.
  // seed: the same seed gives the same weights bit for bit, each part from its own derived seed, so that another fusion
  // leaves the other parts' first weights as they were; LibTorch's generator is left as it was. nullopt: parameters
  // stay uninitialised, for a checkpoint that is loaded next.
  DualGeoModelImpl(const ModelOptions& model, const LossOptions& loss, std::optional<std::uint64_t> seed = 0);

  // [N, embed_dim] each, not normalised; undefined where the view is off. Without a fusion (type none, or one view)
  // the fused vector is the view's own.
  struct Features {
    torch::Tensor image;
    torch::Tensor segmentation;
    torch::Tensor fused_image;
    torch::Tensor fused_segmentation;
  };
  // pixels [N, 3, image_size, image_size] float, CLIP-normalised; mask [N, mask_size, mask_size] uint8 class ids, 255
  // is "ignore". The input of a view that is off may be undefined. Throws Error for a class id beyond num_labels.
  Features Encode(const torch::Tensor& pixels, const torch::Tensor& mask);

  // Encode in two steps, so that what a frozen image encoder gives can be kept: the projected CLIP tokens
  // [N, 1 + patches, embed_dim], and the rest. Where needs_patch_tokens() is false, token 0 alone is enough.
  torch::Tensor ImageTokens(const torch::Tensor& pixels);
  Features EncodeTokens(const torch::Tensor& image_tokens, const torch::Tensor& mask);
  bool needs_patch_tokens() const;

  // latlon [N, 2] float64 degrees -> [N, gps_encoder.embed_dim].
  torch::Tensor EncodeGps(const torch::Tensor& latlon);

  // L2-normalised, [N, embed_dim]; undefined where the view is off.
  struct Projections {
    torch::Tensor image;
    torch::Tensor segmentation;
    torch::Tensor gps;
  };
  Projections Project(const Features& features, const torch::Tensor& gps_embedding);
  // One head alone, L2-normalised: fused vectors or GPS embeddings -> [N, embed_dim].
  torch::Tensor ProjectImage(const torch::Tensor& fused_image);
  torch::Tensor ProjectSegmentation(const torch::Tensor& fused_segmentation);
  torch::Tensor ProjectGps(const torch::Tensor& gps_embedding);

  LossTerms Loss(const Projections& projections);

  // The frozen image encoder stays in evaluation mode.
  void train(bool on = true) override;

  const ModelOptions& options() const { return options_; }
  const LossOptions& loss_options() const { return loss_options_; }
  // Side of the input photo and of the input mask in pixels.
  int image_size() const;
  int mask_size() const;

  // Parts, for loading weights; null where the view is off.
  ClipVision image_encoder() const { return image_encoder_; }
  SegmentationEncoder segmentation_encoder() const { return semantic_encoder_; }
  GpsEncoder gps_encoder() const { return location_encoder_; }

 private:
  ModelOptions options_;
  LossOptions loss_options_;
  ClipVision image_encoder_{nullptr};
  SegmentationEncoder semantic_encoder_{nullptr};
  Linear vision_projection_seg_{nullptr};
  std::shared_ptr<FusionImpl> fusion_;
  GpsEncoder location_encoder_{nullptr};
  ProjectionHead rgb_projection_else_{nullptr};
  ProjectionHead seg_projection_else_{nullptr};
  ProjectionHead location_projection_else_{nullptr};
  torch::Tensor logit_scale_rgb_;
  torch::Tensor logit_scale_seg_;
};
TORCH_MODULE(DualGeoModel);

}  // namespace dualgeo
