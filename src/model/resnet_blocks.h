// The residual blocks of ResNet (He et al., CVPR 2016) under torchvision's names; stride in the 3 x 3 convolution.
#pragma once

#include "dualgeo/io/torch.h"

#include <memory>
#include <vector>

#include "dualgeo/model/batch_norm.h"

namespace dualgeo {

class ResidualBlockImpl : public torch::nn::Module {
 public:
  // widths: channels of each convolution; kernels: their sizes. The stride is that of the first 3 x 3.
  ResidualBlockImpl(int in, const std::vector<int>& widths, const std::vector<int>& kernels, int stride);
  void Initialise();
  torch::Tensor Forward(const torch::Tensor& x);

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<BatchNorm2d> norms_;
  torch::nn::Conv2d shortcut_{nullptr};
  BatchNorm2d shortcut_norm_{nullptr};
};

// Two 3 x 3 convolutions (ResNet-18, -34), or 1 x 1, 3 x 3 and 1 x 1 to four times the width (-50 and deeper).
std::shared_ptr<ResidualBlockImpl> BasicBlock(int in, int width, int stride);
std::shared_ptr<ResidualBlockImpl> BottleneckBlock(int in, int width, int stride);

// A convolution without bias that keeps the map's size but for the stride.
torch::nn::Conv2d ResNetConv(int in, int out, int kernel, int stride);

}  // namespace dualgeo
