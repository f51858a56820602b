// What a model learns: from a photo's vectors and from what is known of the photo to losses. A model has one head or
// several (model.heads); a new one is one file in src/model/ and one line in model/kinds.h.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/model/options.h"

namespace dualgeo {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

// [N, embed_dim] each, not normalised; undefined where the view is off. Without a fusion (type none, or one view) the
// fused vector is the view's own.
struct ViewFeatures {
  torch::Tensor image;
  torch::Tensor segmentation;
  torch::Tensor fused_image;
  torch::Tensor fused_segmentation;
};

// What is known of the photos of a batch.
struct Targets {
  torch::Tensor latlon;  // [N, 2] float64 degrees, on the model's device
};

// Scalars. details: unweighted, under the names that the log has.
struct TrainingLoss {
  torch::Tensor total;
  NamedTensors details;
};

// Its children, own parameters and buffers become the model's own, by their names: these are what a checkpoint has.
class HeadImpl : public torch::nn::Module {
 public:
  // Each part draws from a seed of its own, so that one part's size leaves the others' first weights as they were.
  virtual void Initialise(std::uint64_t seed) = 0;
  // Files that the options name.
  virtual void LoadPretrained() {}
  // After a checkpoint was loaded. Throws InputError when it does not belong to what the options name.
  virtual void CheckLoaded() const {}

  // What the losses are made of, by name, [N, …]; under autocast, so that it may come in lower precision.
  virtual NamedTensors Forward(const ViewFeatures& features, const Targets& targets) = 0;
  // outputs: what Forward gave, in float32.
  virtual TrainingLoss Loss(const NamedTensors& outputs, const Targets& targets) = 0;
  // The photo in the head's own spaces, [N, D] each, by the names that features files give it (gallery/features.h):
  // what a gallery may be made of.
  virtual NamedTensors PhotoVectors(const ViewFeatures& /*features*/) { return {}; }
  // What is kept of a photo, so that PlaceScores can be asked without it: nothing, or one vector, [N, D].
  virtual torch::Tensor Kept(const ViewFeatures& /*features*/) { return {}; }
  // From kept vectors, probabilities over what the head tells apart: [N, classes] for each partition.
  virtual std::vector<torch::Tensor> PlaceScores(const torch::Tensor& /*kept*/) { return {}; }
  // Where each photo would be placed, for the validation's distances: name, [N, 2] degrees on the CPU. outputs: of all
  // validation photos, one behind the other.
  virtual NamedTensors Places(const NamedTensors& /*outputs*/, const Targets& /*targets*/) { return {}; }
};

// The tensor of that name; undefined where there is none.
torch::Tensor Find(const NamedTensors& tensors, const std::string& name);

}  // namespace dualgeo
