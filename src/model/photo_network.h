// What the networks for photos share that come under torchvision's or timm's names: a choice of pooling, a projection
// where the model wants another width, and weight files whose classifier is left aside.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dualgeo/model/image_encoder.h"
#include "dualgeo/model/weight_names.h"

namespace dualgeo {

class PhotoNetworkImpl : public torch::nn::Module {
 public:
  // -> [N, 1 + T, width()]: the pooled vector, then the tokens.
  virtual torch::Tensor Tokens(const ImageInput& input) = 0;
  virtual torch::Tensor Pooled(const ImageInput& input) { return Tokens(input).select(1, 0); }
  virtual void Initialise() = 0;
  virtual int width() const = 0;
  // Beginnings of names that files of this network have and it has not.
  virtual std::vector<std::string> left_aside() const = 0;
  // A file's tensors, made to fit where it has them in another size or under other names.
  virtual void Fit(TensorMap& /*tensors*/) const {}
};

std::shared_ptr<ImageEncoderImpl> EncoderOf(std::shared_ptr<PhotoNetworkImpl> network, int embed_dim);

// The mean or the maximum over a map [N, C, h, w], and its cells as tokens behind it.
torch::Tensor PooledMap(const torch::Tensor& map, const std::string& pooling);
torch::Tensor MapTokens(const torch::Tensor& map, const std::string& pooling);

// options.pooling, or the first of `allowed` where it is null. Throws InputError for one that the type does not have.
std::string PoolingOf(const ImageEncoderOptions& options, const std::vector<std::string>& allowed);
// The place of options.preset among those of the type. Throws InputError that lists them.
std::size_t PresetOf(const ImageEncoderOptions& options, const std::vector<std::string>& presets);

// torchvision's evaluation: an edge of 256 for a square of 224, bilinear, ImageNet's colours.
PhotoInput ImageNetInput(int size);

// torchvision's scheme for convolutions: He's by fan-out.
void InitialiseConv(torch::nn::Conv2d& conv);

}  // namespace dualgeo
