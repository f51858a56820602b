// A made-up head: is the photo of the north or of the south?
#include "dualgeo/model/layers.h"
#include "head_kinds.h"

namespace dualgeo {
namespace {

class HemisphereHeadImpl : public HeadImpl {
 public:
  explicit HemisphereHeadImpl(const ModelOptions& model) {
    decide_ = register_module("hemisphere", Linear(model.embed_dim, 1));
  }
  void Initialise(std::uint64_t seed) override { InitialisePart(seed, "hemisphere", decide_); }
  NamedTensors Forward(const ViewFeatures& features, const Targets&) override {
    return {{"hemisphere", decide_(features.fused_image).squeeze(1)}};
  }
  TrainingLoss Loss(const NamedTensors& outputs, const Targets& targets) override {
    const auto north = (targets.latlon.select(1, 0) > 0).to(torch::kFloat32);
    const auto loss = torch::binary_cross_entropy_with_logits(Find(outputs, "hemisphere"), north);
    return {loss, {{"hemisphere", loss}}};
  }

 private:
  Linear decide_{nullptr};
};

}  // namespace

std::shared_ptr<HeadImpl> MakeHemisphereHead(const ModelOptions& model, const LossOptions&) {
  return std::make_shared<HemisphereHeadImpl>(model);
}

}  // namespace dualgeo
