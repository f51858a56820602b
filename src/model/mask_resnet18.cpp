// ResNet-18 (He et al., CVPR 2016) over a mask.
#include <cmath>

#include "mask_backbone.h"

namespace dualgeo {
namespace {

torch::nn::Conv2d MakeConv(int in, int out, int kernel, int stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

// torchvision's scheme: He's by fan-out.
void InitialiseConv(torch::nn::Conv2d& conv) {
  const auto& w = conv->weight;
  conv->weight.normal_(0, std::sqrt(2.0 / static_cast<double>(w.size(0) * w.size(2) * w.size(3))));
}

class BasicBlockImpl : public torch::nn::Module {
 public:
  BasicBlockImpl(int in, int out, int stride) {
    conv1_ = register_module("conv1", MakeConv(in, out, 3, stride));
    bn1_ = register_module("bn1", torch::nn::BatchNorm2d(out));
    conv2_ = register_module("conv2", MakeConv(out, out, 3, 1));
    bn2_ = register_module("bn2", torch::nn::BatchNorm2d(out));
    if (in != out || stride != 1) {
      auto downsample = register_module("downsample", std::make_shared<torch::nn::Module>());
      shortcut_ = downsample->register_module("0", MakeConv(in, out, 1, stride));
      shortcut_norm_ = downsample->register_module("1", torch::nn::BatchNorm2d(out));
    }
  }

  void Initialise() {
    InitialiseConv(conv1_);
    InitialiseConv(conv2_);
    if (!shortcut_.is_empty()) InitialiseConv(shortcut_);
  }

  torch::Tensor Forward(const torch::Tensor& x) {
    const auto y = bn2_(conv2_(torch::relu(bn1_(conv1_(x)))));
    return torch::relu(y + (shortcut_.is_empty() ? x : shortcut_norm_(shortcut_(x))));
  }

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, shortcut_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr}, shortcut_norm_{nullptr};
};

// The children of torchvision's resnet18 but for pooling and fc, numbered as in nn.Sequential: 0 conv1, 1 bn1, (2 relu,
// 3 maxpool,) 4 to 7 the stages.
class ResNet18BackboneImpl : public MaskBackboneImpl {
 public:
  ResNet18BackboneImpl(const SegmentationEncoderOptions& options, const MaskStem& stem) : stem_(stem) {
    const int width = options.base_width;
    out_channels_ = 8 * width;
    conv1_ = register_module("0", MakeConv(stem.channels(), width, 7, 2));
    bn1_ = register_module("1", torch::nn::BatchNorm2d(width));
    int in = width;
    for (int stage = 0; stage < 4; ++stage) {
      auto container = register_module(std::to_string(4 + stage), std::make_shared<torch::nn::Module>());
      const int out = width << stage;
      for (int i = 0; i < 2; ++i) {
        blocks_.push_back(container->register_module(
            std::to_string(i), std::make_shared<BasicBlockImpl>(in, out, i == 0 && stage > 0 ? 2 : 1)));
        in = out;
      }
    }
  }

  void Initialise() override {
    torch::NoGradGuard no_grad;
    InitialiseConv(conv1_);
    for (auto& block : blocks_) block->Initialise();
  }

  torch::Tensor Forward(const torch::Tensor& mask) override {
    auto x = torch::max_pool2d(torch::relu(bn1_(stem_.Forward(mask, conv1_))), 3, 2, 1);
    for (auto& block : blocks_) x = block->Forward(x);
    return x;
  }

  int out_channels() const override { return out_channels_; }

 private:
  MaskStem stem_;
  int out_channels_;
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  std::vector<std::shared_ptr<BasicBlockImpl>> blocks_;
};

}  // namespace

std::shared_ptr<MaskBackboneImpl> MakeResNet18Backbone(const SegmentationEncoderOptions& options,
                                                       const MaskStem& stem) {
  return std::make_shared<ResNet18BackboneImpl>(options, stem);
}

}  // namespace dualgeo
