// SegFormer (Xie et al., NeurIPS 2021, arXiv 2105.15203): a Mix Transformer encoder and an all-MLP head. Parameters
// carry Hugging Face's names (segformer.encoder.…, decode_head.…), and the numbers are those of its PyTorch code.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <optional>
#include <vector>

#include "dualgeo/model/batch_norm.h"
#include "dualgeo/model/layers.h"
#include "dualgeo/model/mit.h"
#include "dualgeo/model/options.h"

namespace dualgeo {

// decode_head.…: each stage's map through a linear layer, upsampled to the first stage's grid, fused, classified.
class SegFormerHeadImpl : public torch::nn::Module {
 public:
  explicit SegFormerHeadImpl(const SegFormerSizes& sizes);
  void Initialise();
  // features[i] [N, hidden_sizes[i], H / 4 / 2^i, W / 4 / 2^i] -> logits [N, num_labels, H / 4, W / 4].
  torch::Tensor Forward(const std::vector<torch::Tensor>& features);

 private:
  std::vector<Linear> linear_c_;
  torch::nn::Conv2d linear_fuse_{nullptr};
  BatchNorm2d batch_norm_{nullptr};
  torch::nn::Conv2d classifier_{nullptr};
  double dropout_;
};
TORCH_MODULE(SegFormerHead);

class SegFormerImpl : public torch::nn::Module {
 public:
  // seed: the same seed gives the same weights bit for bit, whatever was drawn before, and leaves LibTorch's generator
  // as it was; nullopt: parameters stay uninitialised, for weights that are loaded next.
  explicit SegFormerImpl(const SegmenterOptions& options, std::optional<std::uint64_t> seed = 0);

  // pixels [N, 3, H, W], ImageNet-normalised, H and W multiples of 32 -> logits [N, num_labels, H / 4, W / 4].
  torch::Tensor Forward(const torch::Tensor& pixels);
  // The encoder's four maps, [N, hidden_sizes[i], H / 4 / 2^i, W / 4 / 2^i].
  std::vector<torch::Tensor> Features(const torch::Tensor& pixels);

  int num_labels() const { return num_labels_; }
  int image_size() const { return image_size_; }

 private:
  MitEncoder encoder_{nullptr};
  SegFormerHead decode_head_{nullptr};
  int num_labels_;
  int image_size_;
};
TORCH_MODULE(SegFormer);

}  // namespace dualgeo
