// The segmentation view: a class-id mask to a grid of tokens and their mean. ResNet-18 (He et al., CVPR 2016;
// torchvision's layout in the released checkpoint's order: features.0 is conv1, features.4 … features.7 the four
// stages) or a Mix Transformer, and a linear projection.
#pragma once

#include "dualgeo/io/torch.h"

#include <memory>

#include "dualgeo/model/layers.h"
#include "dualgeo/model/options.h"

namespace dualgeo {

// A network from a mask to a map [N, C, h, w].
class MaskBackboneImpl : public torch::nn::Module {
 public:
  // mask [N, M, M] uint8.
  virtual torch::Tensor Forward(const torch::Tensor& mask) = 0;
  virtual void Initialise() = 0;
  virtual int out_channels() const = 0;
};

class SegmentationEncoderImpl : public torch::nn::Module {
 public:
  SegmentationEncoderImpl(const SegmentationEncoderOptions& options, int num_labels, int embed_dim);
  // Draws the weights from LibTorch's generator.
  void Initialise();

  // mask [N, M, M] uint8 class ids (255: ignore) -> map tokens [N, (M / 32)^2, embed_dim], row by row. The pooled
  // vector of the released code (average pooling, then projection) is their mean, since the projection is linear.
  torch::Tensor Forward(const torch::Tensor& mask);

 private:
  std::shared_ptr<MaskBackboneImpl> features_;
  Linear projection_{nullptr};
};
TORCH_MODULE(SegmentationEncoder);

}  // namespace dualgeo
