// Mix Transformer, SegFormer's encoder (arXiv 2105.15203): four stages of overlapping patch embeddings, attention with
// spatially reduced keys, and feed-forward layers with a 3 x 3 depthwise convolution instead of position embeddings.
// Parameter names are those below Hugging Face's segformer.encoder.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "dualgeo/model/options.h"

namespace dualgeo {

class MitEncoderImpl : public torch::nn::Module {
 public:
  MitEncoderImpl(const MitSizes& sizes, int in_channels);
  // Draws the weights from LibTorch's generator.
  void Initialise();

  // pixels [N, C, H, W] -> four maps [N, hidden_sizes[i], H / 4 / 2^i, W / 4 / 2^i].
  std::vector<torch::Tensor> Forward(const torch::Tensor& pixels);
  // The same from what the very first convolution gives, [N, hidden_sizes[0], H / 4, W / 4].
  std::vector<torch::Tensor> ForwardFromStem(const torch::Tensor& stem);

  // The first convolution, 7 x 7, stride 4, padding 3.
  torch::nn::Conv2d stem();

 private:
  MitSizes sizes_;
  torch::nn::ModuleList patch_embeddings_;
  torch::nn::ModuleList blocks_;
  torch::nn::ModuleList layer_norms_;
};
TORCH_MODULE(MitEncoder);

}  // namespace dualgeo
