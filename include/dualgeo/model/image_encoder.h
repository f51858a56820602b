// The image view: a photo to one vector and to tokens. A new encoder is one file in src/model/ and one line in
// model/kinds.h: the file defines what it wants of a photo and how it is made.
#pragma once

#include "dualgeo/io/torch.h"

#include <filesystem>
#include <memory>

#include "dualgeo/model/layers.h"
#include "dualgeo/model/options.h"
#include "dualgeo/model/photo_input.h"

namespace dualgeo {

class ImageEncoderImpl : public torch::nn::Module {
 public:
  // pixels [N, 3, size, size], normalised as its PhotoInput says -> [N, 1 + T, embed_dim]: the pooled vector, then the
  // tokens (patches, or cells of the last map, row by row).
  virtual torch::Tensor Tokens(const torch::Tensor& pixels) = 0;
  // The pooled vector alone, [N, embed_dim]; not normalised.
  virtual torch::Tensor Forward(const torch::Tensor& pixels) = 0;
  // Draws the weights from LibTorch's generator.
  virtual void Initialise() = 0;
  // Weights under the names of whoever published the network. Throws InputError as weights.h says.
  virtual void Load(const std::filesystem::path& path) = 0;

  // What a checkpoint keeps as vision_model_rgb and vision_projection_rgb; the second is null where the network's own
  // width is embed_dim.
  virtual std::shared_ptr<torch::nn::Module> network() const = 0;
  virtual Linear projection() const = 0;
};

// Of options.type. Throws InputError for options that do not fit each other or the type.
PhotoInput ImageEncoderInput(const ImageEncoderOptions& options);
// Weights stay uninitialised.
std::shared_ptr<ImageEncoderImpl> MakeImageEncoder(const ImageEncoderOptions& options, int embed_dim);

}  // namespace dualgeo
