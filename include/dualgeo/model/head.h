// What a model learns: from a photo's vectors and from what is known of the photo to losses. A model has one head or
// several (model.heads); a new one is one file in src/model/ and one line in model/kinds.h.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/model/options.h"
#include "dualgeo/model/weight_names.h"

namespace dualgeo {

class ClipTextImpl;

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

// [N, embed_dim] each, not normalised; undefined where the view is off. Without a fusion (type none, or one view) the
// fused vector is the view's own.
struct ViewFeatures {
  torch::Tensor image;
  torch::Tensor segmentation;
  torch::Tensor fused_image;
  torch::Tensor fused_segmentation;
};

// The one of that name (image, segmentation, fused_image, fused_segmentation).
torch::Tensor PhotoVector(const ViewFeatures& features, const std::string& name);

// Values of the photo table's columns, by their names, a value a photo; empty: none is known.
using PhotoValues = std::map<std::string, std::vector<std::string>>;

// What is known of the photos of a batch.
struct Targets {
  torch::Tensor latlon;      // [N, 2] float64 degrees, on the CPU
  PhotoValues columns = {};  // those that the heads learn from (HeadColumns)
};

// The same of a whole table, and where each photo stands there, for messages.
struct TableValues {
  std::string file;
  std::vector<int> lines;
  PhotoValues columns;

  // "photos.csv:17: "
  std::string At(std::size_t photo) const { return file + ":" + std::to_string(lines.at(photo)) + ": "; }
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
  // Once before a training (also one that is resumed) begins: what the head takes from the training photos' table, such
  // as classes. validation: null without such photos. Throws InputError for values that it cannot learn from.
  virtual void Learn(const TableValues& /*train*/, const TableValues* /*validation*/) {}
  // Before weights are loaded: takes over sizes that come from a table. stored: what the file has.
  virtual void ShapeAs(const TensorMap& /*stored*/) {}

  // What the losses are made of, by name, [N, …]; under autocast, so that it may come in lower precision.
  virtual NamedTensors Forward(const ViewFeatures& features, const Targets& targets) = 0;
  // The same of a step of training, not of its photos (a queue's vectors), once a step. It reads what Remember changes.
  virtual NamedTensors StepOutputs() { return {}; }
  // Once a step of training, after all outputs were made: the whole batch.
  virtual void Remember(const Targets& /*batch*/) {}
  // outputs: what Forward and StepOutputs gave, in float32; of a batch as a whole, however it went through Forward.
  virtual TrainingLoss Loss(const NamedTensors& outputs, const Targets& targets) = 0;
  // The photo in the head's own spaces, [N, D] each, by the names that features files give it (gallery/features.h):
  // what a gallery may be made of.
  virtual NamedTensors PhotoVectors(const ViewFeatures& /*features*/) { return {}; }
  // The same of a text, from CLIP's vector of it, [N, D].
  virtual NamedTensors TextVectors(const torch::Tensor& /*text*/) { return {}; }
  // The text tower, where the head has one.
  virtual std::shared_ptr<ClipTextImpl> text_encoder() const { return nullptr; }
  // What is kept of a photo, so that PlaceLogits can be asked without it: nothing, or one vector, [N, D].
  virtual torch::Tensor Kept(const ViewFeatures& /*features*/) { return {}; }
  // From kept vectors, logits over what the head tells apart: [N, classes] for each partition.
  virtual std::vector<torch::Tensor> PlaceLogits(const torch::Tensor& /*kept*/) { return {}; }
  // What else it says of photos, by name: probabilities of classes [N, classes], or a number in the table's unit,
  // [N, 1]; float32.
  virtual NamedTensors Attributes(const ViewFeatures& /*features*/) { return {}; }
  // The classes behind the columns of Attributes; empty: a number, or no such name.
  virtual std::vector<std::string> ClassesOf(const std::string& /*attribute*/) const { return {}; }
  // Where each photo would be placed, for the validation's distances: name, [N, 2] degrees on the CPU. outputs: of all
  // validation photos, one behind the other.
  virtual NamedTensors Places(const NamedTensors& /*outputs*/, const Targets& /*targets*/) { return {}; }
};

// The head of that name (model/kinds.h).
std::shared_ptr<HeadImpl> MakeHead(const std::string& name, const ModelOptions& model, const LossOptions& loss);

// Columns of the photo table that the model's heads learn from.
std::vector<std::string> HeadColumns(const ModelOptions& model);

// The classes of model.attributes.NAME in a checkpoint's tensors, in the order of its probabilities; none where it has
// no such attribute.
std::vector<std::string> AttributeClasses(const TensorMap& stored, const std::string& name);

// The tensor of that name; undefined where there is none.
torch::Tensor Find(const NamedTensors& tensors, const std::string& name);

}  // namespace dualgeo
