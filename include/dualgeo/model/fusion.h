// How the image view and the segmentation view are mixed. A new fusion is one file in src/model/ and one line in
// model/kinds.h.
#pragma once

#include "dualgeo/io/torch.h"

#include <memory>
#include <string>
#include <vector>

#include "dualgeo/model/options.h"

namespace dualgeo {

// One batch of both views. Tokens are [N, L, D]; the image's class token comes first and is its pooled vector; the
// segmentation's pooled vector is the mean of its map tokens.
struct FusionInput {
  torch::Tensor image;                // [N, D]
  torch::Tensor segmentation;         // [N, D]
  torch::Tensor image_tokens;         // [N, 1 + patches, D]; used when needs_tokens()
  torch::Tensor segmentation_tokens;  // [N, cells, D]; used when needs_tokens()
};

struct FusionOutput {
  torch::Tensor image;         // [N, D]
  torch::Tensor segmentation;  // [N, D]
};

class FusionImpl : public torch::nn::Module {
 public:
  virtual FusionOutput Forward(const FusionInput& input) = 0;
  // Draws the weights from LibTorch's generator.
  virtual void Initialise() = 0;
  virtual bool needs_tokens() const { return false; }
};

// InputError for an unknown type (listing the known ones) or heads that do not divide embed_dim.
std::shared_ptr<FusionImpl> MakeFusion(const FusionOptions& options, int embed_dim);

}  // namespace dualgeo
