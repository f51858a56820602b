#include "resnet_blocks.h"

#include <algorithm>
#include <string>

#include "photo_network.h"

namespace dualgeo {

torch::nn::Conv2d ResNetConv(int in, int out, int kernel, int stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
}

ResidualBlockImpl::ResidualBlockImpl(int in, const std::vector<int>& widths, const std::vector<int>& kernels,
                                     int stride) {
  const auto strided = std::ranges::find(kernels, 3) - kernels.begin();
  int channels = in;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    const int own = static_cast<std::ptrdiff_t>(i) == strided ? stride : 1;
    convs_.push_back(register_module("conv" + number, ResNetConv(channels, widths[i], kernels[i], own)));
    norms_.push_back(register_module("bn" + number, BatchNorm2d(widths[i])));
    channels = widths[i];
  }
  if (in != channels || stride != 1) {
    auto downsample = register_module("downsample", std::make_shared<torch::nn::Module>());
    shortcut_ = downsample->register_module("0", ResNetConv(in, channels, 1, stride));
    shortcut_norm_ = downsample->register_module("1", BatchNorm2d(channels));
  }
}

void ResidualBlockImpl::Initialise() {
  for (auto& conv : convs_) InitialiseConv(conv);
  if (!shortcut_.is_empty()) InitialiseConv(shortcut_);
}

torch::Tensor ResidualBlockImpl::Forward(const torch::Tensor& x) {
  torch::Tensor y = x;
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    y = norms_[i](convs_[i](y));
    if (i + 1 < convs_.size()) y = torch::relu(y);
  }
  return torch::relu(y + (shortcut_.is_empty() ? x : shortcut_norm_(shortcut_(x))));
}

std::shared_ptr<ResidualBlockImpl> BasicBlock(int in, int width, int stride) {
  return std::make_shared<ResidualBlockImpl>(in, std::vector{width, width}, std::vector{3, 3}, stride);
}

std::shared_ptr<ResidualBlockImpl> BottleneckBlock(int in, int width, int stride) {
  return std::make_shared<ResidualBlockImpl>(in, std::vector{width, width, 4 * width}, std::vector{1, 3, 1}, stride);
}

}  // namespace dualgeo
