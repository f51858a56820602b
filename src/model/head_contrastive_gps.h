// DualGeo's head: both views and GPS coordinates in one space, trained by contrast (model/loss.h); GeoCLIP's
// (loss.direction image_to_gps), with a queue of past coordinates and noise on all of them.
//
// With a queue: gps_queue [2, loss.queue] (latitudes, longitudes; NaN where nothing was put yet) and gps_queue_ptr [1],
// the column that is replaced next. They are buffers, so that a resumed training goes on exactly.
#pragma once

#include "dualgeo/io/torch.h"

#include "dualgeo/model/gps_encoder.h"
#include "dualgeo/model/head.h"
#include "dualgeo/model/layers.h"

namespace dualgeo {

// L2, over the last dimension; full precision also under autocast, and double stays double.
torch::Tensor Normalise(const torch::Tensor& x);

// Linear, ReLU, Linear (0.weight, 0.bias, 2.weight, 2.bias).
class ProjectionHeadImpl : public torch::nn::Module {
 public:
  ProjectionHeadImpl(int in, int out);
  void Initialise();
  torch::Tensor Forward(const torch::Tensor& x);
  std::int64_t in() const { return first_->weight.size(1); }

 private:
  Linear first_{nullptr};
  Linear second_{nullptr};
};
TORCH_MODULE(ProjectionHead);

class ContrastiveGpsHeadImpl : public HeadImpl {
 public:
  ContrastiveGpsHeadImpl(const ModelOptions& model, const LossOptions& loss);
  void Initialise(std::uint64_t seed) override;
  void LoadPretrained() override;

  // image, segmentation, gps: [N, gps_space], L2-normalised. In training, coordinates are moved by noise (drawn from
  // LibTorch's generator on the CPU).
  NamedTensors Forward(const ViewFeatures& features, const Targets& targets) override;
  // In training with a queue: queue [M, gps_space], of what it holds.
  NamedTensors StepOutputs() override;
  // The batch, as it is, enters the queue in place of the oldest.
  void Remember(const Targets& batch) override;
  // Details image_gps and segmentation_gps; one whose view is off or whose weight is 0 is left out.
  TrainingLoss Loss(const NamedTensors& outputs, const Targets& targets) override;
  // projected_text: where the photo's vector is CLIP's and not fused, a text's takes the same way.
  NamedTensors TextVectors(const torch::Tensor& text) override;
  // projected_image, projected_segmentation: L2-normalised, as in Forward.
  NamedTensors PhotoVectors(const ViewFeatures& features) override;
  // image_to_gps, segmentation_to_gps: the place of the photo whose GPS vector is nearest.
  NamedTensors Places(const NamedTensors& outputs, const Targets& targets) override;

  // Fused vectors or GPS embeddings -> [N, gps_space], L2-normalised.
  torch::Tensor ProjectImage(const torch::Tensor& fused_image);
  torch::Tensor ProjectSegmentation(const torch::Tensor& fused_segmentation);
  torch::Tensor ProjectGps(const torch::Tensor& gps_embedding);
  GpsEncoder gps_encoder() const { return location_encoder_; }
  // The factor on the cosines: of a photo's only view, or the mean of both views' factors.
  double CosineFactor() const;

 private:
  torch::Tensor ForwardGps(const torch::Tensor& latlon, double noise_m);
  void Enqueue(const torch::Tensor& latlon);

  LossOptions loss_;
  bool takes_texts_ = false;
  ContrastiveGpsOptions options_;
  std::optional<std::string> gps_weights_;
  GpsEncoder location_encoder_{nullptr};
  ProjectionHead rgb_projection_else_{nullptr};
  ProjectionHead seg_projection_else_{nullptr};
  ProjectionHead location_projection_else_{nullptr};  // none where GPS embeddings are in the shared space
  torch::Tensor logit_scale_rgb_;
  torch::Tensor logit_scale_seg_;
  torch::Tensor queue_;  // undefined without one
  torch::Tensor queue_pointer_;
};

}  // namespace dualgeo
