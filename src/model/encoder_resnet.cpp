// ResNet-18 to -152 (He et al., CVPR 2016, arXiv 1512.03385) for photos, under torchvision's names: the image encoder
// of ISNs (ResNet-50 and -101).
#include "image_encoder_kinds.h"
#include "photo_network.h"
#include "resnet_blocks.h"

namespace dualgeo {
namespace {

const std::vector<std::string> kResNets = {"resnet18", "resnet34", "resnet50", "resnet101", "resnet152"};
constexpr int kResNetBlocks[][4] = {{2, 2, 2, 2}, {3, 4, 6, 3}, {3, 4, 6, 3}, {3, 4, 23, 3}, {3, 8, 36, 3}};

class ResNetImpl : public PhotoNetworkImpl {
 public:
  explicit ResNetImpl(const ImageEncoderOptions& options) : pooling_(PoolingOf(options, {"mean", "max"})) {
    const std::size_t preset = PresetOf(options, kResNets);
    const bool bottleneck = preset >= 2;
    conv1_ = register_module("conv1", ResNetConv(3, 64, 7, 2));
    bn1_ = register_module("bn1", BatchNorm2d(64));
    width_ = 64;
    for (int stage = 0; stage < 4; ++stage) {
      auto layer = register_module("layer" + std::to_string(stage + 1), std::make_shared<torch::nn::Module>());
      const int width = 64 << stage;
      for (int i = 0; i < kResNetBlocks[preset][stage]; ++i) {
        const int stride = i == 0 && stage > 0 ? 2 : 1;
        blocks_.push_back(layer->register_module(std::to_string(i), bottleneck ? BottleneckBlock(width_, width, stride)
                                                                               : BasicBlock(width_, width, stride)));
        width_ = bottleneck ? 4 * width : width;
      }
    }
  }

  void Initialise() override {
    InitialiseConv(conv1_);
    for (auto& block : blocks_) block->Initialise();
  }

  torch::Tensor Tokens(const ImageInput& input) override { return MapTokens(Map(input.pixels), pooling_); }
  torch::Tensor Pooled(const ImageInput& input) override { return PooledMap(Map(input.pixels), pooling_); }
  int width() const override { return width_; }
  std::vector<std::string> left_aside() const override { return {"fc."}; }

 private:
  torch::Tensor Map(const torch::Tensor& pixels) {
    auto x = torch::max_pool2d(torch::relu(bn1_(conv1_(pixels))), 3, 2, 1);
    for (auto& block : blocks_) x = block->Forward(x);
    return x;
  }

  std::string pooling_;
  int width_;
  torch::nn::Conv2d conv1_{nullptr};
  BatchNorm2d bn1_{nullptr};
  std::vector<std::shared_ptr<ResidualBlockImpl>> blocks_;
};

}  // namespace

PhotoInput ResNetInput(const ImageEncoderOptions& options) { return ImageNetInput(options.image_size.value_or(224)); }

std::shared_ptr<ImageEncoderImpl> MakeResNet(const ImageEncoderOptions& options, int embed_dim) {
  return EncoderOf(std::make_shared<ResNetImpl>(options), embed_dim);
}

}  // namespace dualgeo
