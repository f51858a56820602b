// The image view: a photo to one vector and to tokens. A new encoder is one file in src/model/ and one line in
// model/kinds.h: the file defines what it wants of a photo and how it is made.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "dualgeo/model/layers.h"
#include "dualgeo/model/options.h"
#include "dualgeo/model/photo_input.h"

namespace dualgeo {

// What an image encoder sees. Pixels alone are an input where the encoder wants no mask.
struct ImageInput {
  ImageInput(torch::Tensor photo, torch::Tensor ids = {}) : pixels(std::move(photo)), mask(std::move(ids)) {}

  torch::Tensor pixels;  // [N, 3, size, size], normalised as its PhotoInput says
  torch::Tensor mask;    // [N, M, M] uint8 class ids of the same part of the photos, 255 is "ignore"; may be undefined
};

class ImageEncoderImpl : public torch::nn::Module {
 public:
  // -> [N, 1 + T, embed_dim]: the pooled vector, then the tokens (patches, or cells of the last map, row by row).
  virtual torch::Tensor Tokens(const ImageInput& input) = 0;
  // The pooled vector alone, [N, embed_dim]; not normalised.
  virtual torch::Tensor Forward(const ImageInput& input) = 0;
  // Before a training that starts afresh, where no weights are named: what is learned of photos without gradients
  // (classical's textons). next: inputs, until there are no more.
  virtual void Learn(const std::function<std::optional<ImageInput>()>& /*next*/, std::uint64_t /*seed*/) {}
  virtual bool learns() const { return false; }
  // Draws the weights from LibTorch's generator.
  virtual void Initialise() = 0;
  // Weights under the names of whoever published the network. Throws InputError as weights.h says.
  virtual void Load(const std::filesystem::path& path) = 0;

  // What a checkpoint keeps as vision_model_rgb and vision_projection_rgb; the second is null where the network's own
  // width is embed_dim.
  virtual std::shared_ptr<torch::nn::Module> network() const = 0;
  virtual Linear projection() const = 0;
};

// Of options.type; what it wants of a photo is ImageEncoderInput's. Weights stay uninitialised. Throws as that.
std::shared_ptr<ImageEncoderImpl> MakeImageEncoder(const ImageEncoderOptions& options, int embed_dim);

}  // namespace dualgeo
