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
#include <vector>

#include "dualgeo/model/fusion.h"
#include "dualgeo/model/head.h"
#include "dualgeo/model/image_encoder.h"
#include "dualgeo/model/layers.h"
#include "dualgeo/model/options.h"
#include "dualgeo/model/segmentation_encoder.h"

namespace dualgeo {

class ContrastiveGpsHeadImpl;

class DualGeoModelImpl : public torch::nn::Module {
 public:
  // Validates the options (InputError). Loads no file: see LoadPretrained in model/weights.h.
  // seed: the same seed gives the same weights bit for bit, each part from its own derived seed, so that another fusion
  // leaves the other parts' first weights as they were; LibTorch's generator is left as it was. nullopt: parameters
  // stay uninitialised, for a checkpoint that is loaded next.
  DualGeoModelImpl(const ModelOptions& model, const LossOptions& loss, std::optional<std::uint64_t> seed = 0);

  // pixels [N, 3, image_size, image_size] float, CLIP-normalised; mask [N, mask_size, mask_size] uint8 class ids, 255
  // is "ignore". The input of a view that is off may be undefined. Throws Error for a class id beyond num_labels.
  ViewFeatures Encode(const torch::Tensor& pixels, const torch::Tensor& mask);

  // Encode in two steps, so that what a frozen image encoder gives can be kept: the projected CLIP tokens
  // [N, 1 + patches, embed_dim], and the rest. Where needs_patch_tokens() is false, token 0 alone is enough.
  torch::Tensor ImageTokens(const ImageInput& input);
  ViewFeatures EncodeTokens(const torch::Tensor& image_tokens, const torch::Tensor& mask);
  bool needs_patch_tokens() const;

  // What each head makes of a batch, in the order of model.heads, in float32 (double for double weights): Forward and
  // StepOutputs of HeadImpl, and Remember.
  std::vector<NamedTensors> RunHeads(const ViewFeatures& features, const Targets& targets);
  // The same apart, for a batch in pieces: Forward of one piece, StepOutputs, Remember of the whole batch.
  std::vector<NamedTensors> ForwardHeads(const ViewFeatures& features, const Targets& targets);
  std::vector<NamedTensors> StepOutputs();
  void Remember(const Targets& batch);
  // The sum of the heads' losses, with the details of them all.
  TrainingLoss Loss(const std::vector<NamedTensors>& outputs, const Targets& targets);
  const std::vector<std::shared_ptr<HeadImpl>>& heads() const { return heads_; }

  // Of the head contrastive_gps; InputError without it. latlon [N, 2] float64 degrees -> [N, gps_encoder.embed_dim].
  torch::Tensor EncodeGps(const torch::Tensor& latlon);
  // The same: fused vectors or GPS embeddings -> [N, ModelOptions::gps_space()], L2-normalised.
  torch::Tensor ProjectImage(const torch::Tensor& fused_image);
  torch::Tensor ProjectSegmentation(const torch::Tensor& fused_segmentation);
  torch::Tensor ProjectGps(const torch::Tensor& gps_embedding);
  // The same: what the cosine of a photo with a place is multiplied with, so that its softmax over places is their
  // probability (exp of the learnt logit scale; with two views the mean of both).
  double CosineFactor() const;
  bool has_gps() const { return contrastive_ != nullptr; }

  // The frozen image encoder stays in evaluation mode.
  void train(bool on = true) override;

  const ModelOptions& options() const { return options_; }
  const LossOptions& loss_options() const { return loss_options_; }
  // Side of the input photo and of the input mask in pixels.
  int image_size() const;
  int mask_size() const;

  // Parts, for loading weights; null where the view is off.
  std::shared_ptr<ImageEncoderImpl> image_encoder() const { return image_encoder_; }
  SegmentationEncoder segmentation_encoder() const { return semantic_encoder_; }

 private:
  void AddHead(const std::string& name, std::optional<std::uint64_t> seed);
  ContrastiveGpsHeadImpl& Contrastive() const;

  ModelOptions options_;
  LossOptions loss_options_;
  std::shared_ptr<ImageEncoderImpl> image_encoder_;
  SegmentationEncoder semantic_encoder_{nullptr};
  Linear vision_projection_seg_{nullptr};
  std::shared_ptr<FusionImpl> fusion_;
  std::vector<std::shared_ptr<HeadImpl>> heads_;
  std::shared_ptr<ContrastiveGpsHeadImpl> contrastive_;  // among them, if there
};
TORCH_MODULE(DualGeoModel);

}  // namespace dualgeo
