// Mix Transformer, SegFormer's encoder (arXiv 2105.15203): four stages of overlapping patch embeddings, attention with
// spatially reduced keys, and feed-forward layers with a 3 x 3 depthwise convolution instead of position embeddings.
// Parameter names are those below Hugging Face's segformer.encoder.
#pragma once

#include "dualgeo/io/torch.h"

#include <memory>
#include <vector>

#include "dualgeo/model/options.h"

namespace dualgeo {

class MitBlockImpl;

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
  torch::nn::Conv2d stem() const { return stages_.front().projection; }

 private:
  struct Stage {
    torch::nn::Conv2d projection{nullptr};
    torch::nn::LayerNorm embedding_norm{nullptr};
    std::vector<std::shared_ptr<MitBlockImpl>> blocks;
    torch::nn::LayerNorm norm{nullptr};
  };

  std::vector<Stage> stages_;
};
TORCH_MODULE(MitEncoder);

}  // namespace dualgeo
