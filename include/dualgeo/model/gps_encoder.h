// GPS coordinates to vectors, as in GeoCLIP (Cepeda et al., NeurIPS 2023, arXiv 2309.16020): a map projection, random
// Fourier features at several scales, one MLP ("capsule" and "head") per scale, summed. Parameter names are GeoCLIP's
// (LocEnc0.capsule.0.b, LocEnc0.capsule.1.weight, …, LocEnc0.head.0.weight).
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "dualgeo/model/layers.h"
#include "dualgeo/model/options.h"

namespace dualgeo {

class GpsEncoderImpl : public torch::nn::Module {
 public:
  explicit GpsEncoderImpl(const GpsEncoderOptions& options);
  // Draws weights and frequencies from LibTorch's generator. The frequencies B ~ N(0, sigma^2) are buffers: fixed.
  void Initialise();

  // latlon [N, 2] degrees (float64, so that 1 m at sigma = 256 is not lost) -> [N, embed_dim].
  // Projection and phases are computed in double, whatever the weights' type.
  torch::Tensor Forward(const torch::Tensor& latlon);

 private:
  // One scale: frequencies [rff_size, dimensions], three hidden layers, the head.
  struct Capsule {
    torch::Tensor frequencies;
    std::vector<Linear> hidden;
    Linear head{nullptr};
  };

  GpsEncoderOptions options_;
  std::vector<Capsule> capsules_;
};
TORCH_MODULE(GpsEncoder);

}  // namespace dualgeo
