// A network over a class-id mask, and what its first convolution sees of the mask.
#pragma once

#include "dualgeo/io/torch.h"

#include <memory>

#include "dualgeo/model/options.h"
#include "dualgeo/model/segmentation_encoder.h"
#include "model/onehot_conv.h"

namespace dualgeo {

// Applies the first convolution of a network to a mask.
class MaskStem {
 public:
  MaskStem(bool onehot, int num_labels) : onehot_(onehot), num_labels_(num_labels) {}

  int channels() const { return onehot_ ? num_labels_ : 1; }

  torch::Tensor Forward(const torch::Tensor& mask, const torch::nn::Conv2d& conv) const {
    const auto stride = static_cast<int>((*conv->options.stride())[0]);
    const auto padding = static_cast<int>(conv->weight.size(2) / 2);
    if (onehot_) {
      auto x = OneHotConv2d(mask, conv->weight, stride, padding);
      return conv->bias.defined() ? x + conv->bias.view({1, -1, 1, 1}) : x;
    }
    const auto gray = mask.unsqueeze(1).to(conv->weight.scalar_type()) / 255.0;
    return torch::conv2d(gray, conv->weight, conv->bias, stride, padding);
  }

 private:
  bool onehot_;
  int num_labels_;
};

#define DECLARE(name, make) \
  std::shared_ptr<MaskBackboneImpl> make(const SegmentationEncoderOptions& options, const MaskStem& stem);
DUALGEO_MASK_BACKBONES(DECLARE)
#undef DECLARE

}  // namespace dualgeo
