// What else is known of a photo: classes (a scene, a climate, a month) and numbers (elevation) from columns of the
// photo table, each by a linear layer of its own. TransLocator learns scenes beside cells, PIGEON climates, months and
// six numbers; a router takes the scene to choose among models (ISNs).
//
//   attributes.NAME.weight [classes, embed_dim] or [1, embed_dim], attributes.NAME.bias
//   attributes.NAME.classes   uint8: the classes' names, each with a newline behind it, in the order of the columns
//   attributes.NAME.mean, attributes.NAME.std   of the training photos' numbers (after model.attributes.NAME.scale), []
//
// Classes, mean and standard deviation come from the training table, so that the head has its layers only after Learn,
// or after ShapeAs of a checkpoint that has them.
#pragma once

#include "dualgeo/io/torch.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/model/head.h"
#include "dualgeo/model/layers.h"

namespace dualgeo {

class AttributesHeadImpl : public HeadImpl {
 public:
  explicit AttributesHeadImpl(const ModelOptions& model);
  void Initialise(std::uint64_t seed) override { seed_ = seed; }

  // Throws InputError naming file, row, column and value for a class that the options do not list, or, in a validation
  // table of its own, that no training photo has; for what is no number, or has no logarithm; for a column with one
  // class, or one number, alone.
  void Learn(const TableValues& train, const TableValues* validation) override;
  void ShapeAs(const TensorMap& stored) override;
  // Throws InputError where the options list other classes.
  void CheckLoaded() const override;

  // attribute_NAME: logits [N, classes], or the standardised number [N, 1].
  NamedTensors Forward(const ViewFeatures& features, const Targets& targets) override;
  // Of each, over the photos whose cell is not empty: cross-entropy, or the mean squared error of the standardised
  // number; 0 where there is none. Details attribute_NAME, and of classes attribute_NAME_accuracy in percent.
  TrainingLoss Loss(const NamedTensors& outputs, const Targets& targets) override;
  // attribute_NAME: probabilities, or the number as the table has it.
  NamedTensors Attributes(const ViewFeatures& features) override;
  std::vector<std::string> ClassesOf(const std::string& attribute) const override;

 private:
  struct Attribute {
    AttributeOptions options;
    std::vector<std::string> classes;
    Linear layer{nullptr};
    torch::Tensor mean, spread;  // [] float64; the standard deviation
  };
  bool IsClass(const Attribute& attribute) const { return attribute.options.type == "class"; }
  void LearnClasses(const std::string& name, Attribute& attribute, const TableValues& train,
                    const TableValues* validation);
  void LearnNumber(const std::string& name, Attribute& attribute, const TableValues& train,
                   const TableValues* validation);
  void AddLayer(const std::string& name, Attribute& attribute);
  torch::Tensor ClassLoss(const Attribute& attribute, const torch::Tensor& logits,
                          const std::vector<std::string>& values, torch::Tensor& accuracy) const;
  torch::Tensor NumberLoss(const Attribute& attribute, const torch::Tensor& output,
                           const std::vector<std::string>& values) const;

  int embed_dim_;
  std::optional<std::uint64_t> seed_;
  std::shared_ptr<torch::nn::Module> layers_;  // "attributes"
  std::map<std::string, Attribute> attributes_;
};

}  // namespace dualgeo
