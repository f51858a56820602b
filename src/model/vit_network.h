// The vision transformer (Dosovitskiy et al., ICLR 2021, arXiv 2010.11929) under timm's names, in steps: for the image
// encoders that are made of it.
#pragma once

#include "dualgeo/io/torch.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dualgeo/model/layers.h"
#include "dualgeo/model/options.h"
#include "dualgeo/model/photo_input.h"
#include "dualgeo/model/weight_names.h"

namespace dualgeo {

struct VitSizes {
  int width, layers, heads, patch, image_size;
};

// Of the preset and the values that replace its own. Throws InputError for an unknown preset or sizes that do not fit
// each other.
VitSizes VitSizesOf(const ImageEncoderOptions& options);
// What timm's weights want of a photo.
PhotoInput VitPhotoInput(const VitSizes& sizes);

class VitBlockImpl;

class VitNetwork {
 public:
  // Parameters become those of `owner`, by their names: cls_token, pos_embed, patch_embed.proj, blocks.i.…, norm.
  VitNetwork(torch::nn::Module& owner, const VitSizes& sizes, int channels = 3);
  void Initialise();

  // photos [N, channels, image_size, image_size] -> a map of patches [N, width, h, w].
  torch::Tensor Patches(const torch::Tensor& photos);
  torch::nn::Conv2d patches() const { return patches_; }
  // Such a map -> [N, 1 + h w, width], the class token first and positions added: what the first block reads.
  torch::Tensor Embed(const torch::Tensor& map);
  torch::Tensor Block(int i, const torch::Tensor& tokens);
  torch::Tensor Norm(const torch::Tensor& tokens) { return norm_(tokens); }

  const VitSizes& sizes() const { return sizes_; }
  std::int64_t tokens() const { return positions_.size(1); }
  // Throws Error when photos are not [N, 3, image_size, image_size].
  void CheckPhotos(const torch::Tensor& photos) const;
  // A file's positions, where they are under this name, for photos of another size.
  void FitPositions(TensorMap& tensors, const std::string& name) const;

 private:
  VitSizes sizes_;
  torch::Tensor class_token_, positions_;
  torch::nn::Conv2d patches_{nullptr};
  std::vector<std::shared_ptr<VitBlockImpl>> blocks_;
  torch::nn::LayerNorm norm_{nullptr};
};

// How many photos to take at a time, for InSlices: about 1024 tokens.
inline std::int64_t PhotosASlice(std::int64_t tokens) {
  return std::max<std::int64_t>(1, (1024 + tokens / 2) / tokens);
}

}  // namespace dualgeo
