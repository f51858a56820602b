// VGG-16 (Simonyan and Zisserman, ICLR 2015, arXiv 1409.1556) under torchvision's names. Revisiting IM2GPS takes the
// maximum over the last map (pooling max).
#include "image_encoder_kinds.h"
#include "photo_network.h"

namespace dualgeo {
namespace {

// Channels of the convolutions; 0: a 2 x 2 maximum.
constexpr int kVgg16Layers[] = {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0};

class Vgg16Impl : public PhotoNetworkImpl {
 public:
  explicit Vgg16Impl(const ImageEncoderOptions& options) : pooling_(PoolingOf(options, {"fc7", "fc6", "mean", "max"})) {
    auto features = register_module("features", std::make_shared<torch::nn::Module>());
    int in = 3;
    int number = 0;
    for (const int out : kVgg16Layers) {
      if (out > 0) {
        auto conv = torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
        convs_.push_back(features->register_module(std::to_string(number), conv));
        in = out;
      }
      number += out > 0 ? 2 : 1;  // ReLU counts in torchvision's list
    }
    if (!fully_connected()) return;
    auto classifier = register_module("classifier", std::make_shared<torch::nn::Module>());
    fc6_ = classifier->register_module("0", Linear(512 * 7 * 7, 4096));
    if (pooling_ == "fc7") fc7_ = classifier->register_module("3", Linear(4096, 4096));
  }

  void Initialise() override {
    for (auto& conv : convs_) {
      InitialiseConv(conv);
      conv->bias.zero_();
    }
    for (auto* linear : {&fc6_, &fc7_}) {
      if (linear->is_empty()) continue;
      (*linear)->weight.normal_(0, 0.01);
      (*linear)->bias.zero_();
    }
  }

  torch::Tensor Tokens(const ImageInput& input) override {
    // 4,096 numbers have no place beside cells of 512: the vector is its own only token.
    return fully_connected() ? Pooled(input).unsqueeze(1) : MapTokens(Map(input.pixels), pooling_);
  }
  torch::Tensor Pooled(const ImageInput& input) override {
    const auto map = Map(input.pixels);
    if (!fully_connected()) return PooledMap(map, pooling_);
    const auto fc6 = torch::relu(fc6_(torch::adaptive_avg_pool2d(map, {7, 7}).flatten(1)));
    return fc7_.is_empty() ? fc6 : torch::relu(fc7_(fc6));
  }

  int width() const override { return fully_connected() ? 4096 : 512; }
  std::vector<std::string> left_aside() const override {
    if (!fully_connected()) return {"classifier."};
    return fc7_.is_empty() ? std::vector<std::string>{"classifier.3.", "classifier.6."}
                           : std::vector<std::string>{"classifier.6."};
  }

 private:
  bool fully_connected() const { return pooling_.starts_with("fc"); }

  torch::Tensor Map(torch::Tensor x) {
    auto conv = convs_.begin();
    for (const int out : kVgg16Layers) x = out > 0 ? torch::relu((*conv++)(x)) : torch::max_pool2d(x, 2, 2);
    return x;
  }

  std::string pooling_;
  std::vector<torch::nn::Conv2d> convs_;
  Linear fc6_{nullptr}, fc7_{nullptr};
};

}  // namespace

PhotoInput Vgg16Input(const ImageEncoderOptions& options) { return ImageNetInput(options.image_size.value_or(224)); }

std::shared_ptr<ImageEncoderImpl> MakeVgg16(const ImageEncoderOptions& options, int embed_dim) {
  return EncoderOf(std::make_shared<Vgg16Impl>(options), embed_dim);
}

}  // namespace dualgeo
