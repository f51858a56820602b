// ResNet-18 (He et al., CVPR 2016) over a mask.
#include "mask_backbone.h"
#include "photo_network.h"
#include "resnet_blocks.h"

namespace dualgeo {
namespace {

// The children of torchvision's resnet18 but for pooling and fc, numbered as in nn.Sequential: 0 conv1, 1 bn1, (2 relu,
// 3 maxpool,) 4 to 7 the stages.
class ResNet18BackboneImpl : public MaskBackboneImpl {
 public:
  ResNet18BackboneImpl(const SegmentationEncoderOptions& options, const MaskStem& stem) : stem_(stem) {
    const int width = options.base_width;
    out_channels_ = 8 * width;
    conv1_ = register_module("0", ResNetConv(stem.channels(), width, 7, 2));
    bn1_ = register_module("1", BatchNorm2d(width));
    int in = width;
    for (int stage = 0; stage < 4; ++stage) {
      auto container = register_module(std::to_string(4 + stage), std::make_shared<torch::nn::Module>());
      const int out = width << stage;
      for (int i = 0; i < 2; ++i) {
        blocks_.push_back(
            container->register_module(std::to_string(i), BasicBlock(in, out, i == 0 && stage > 0 ? 2 : 1)));
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
  BatchNorm2d bn1_{nullptr};
  std::vector<std::shared_ptr<ResidualBlockImpl>> blocks_;
};

}  // namespace

std::shared_ptr<MaskBackboneImpl> MakeResNet18Backbone(const SegmentationEncoderOptions& options,
                                                       const MaskStem& stem) {
  return std::make_shared<ResNet18BackboneImpl>(options, stem);
}

}  // namespace dualgeo
