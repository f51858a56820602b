// GPS coordinates to vectors, as in GeoCLIP (Cepeda et al., NeurIPS 2023, arXiv 2309.16020): a map projection, random
// Fourier features at several scales, one MLP ("capsule" and "head") per scale, summed. Parameter names are GeoCLIP's
// (LocEnc0.capsule.0.b, LocEnc0.capsule.1.weight, …, LocEnc0.head.0.weight).
//
// Precision. At the paper's sizes (256 frequencies a scale, sigma up to 256) phases 2 pi B v reach some 7,400 radians.
// They are computed in double (error below 1e-11 radians), so the embedding is within 1e-5 of an all-double computation
// for every sigma and coordinate; what remains is the MLPs' float32. Python's GeoCLIP and DualGeo compute phases in
// float32: those are wrong by up to 9e-4 radians, and the embedding, whose values are about 0.4, by up to 1.3e-3. For
// the same reason a coordinate must come with 7 decimals (1 cm): rounding to 6 moves the embedding by up to 4e-5, to 5
// by 4e-4. (Random weights and 20,000 places spread over the Earth.)
#pragma once

#include "dualgeo/io/torch.h"

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

  // latlon [N, 2] degrees on any device (float64, so that 1 m at sigma = 256 is not lost) -> [N, embed_dim].
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
