#include "dualgeo/model/fusion.h"
#include "dualgeo/model/layers.h"

namespace dualgeo {
namespace {

// A gate per channel decides between a view's own pooled vector and the other's: norm(z * a + (1 - z) * V b) with
// z = sigmoid(G [a; b]), after the gated multimodal unit (Arevalo et al. 2017, arXiv 1702.01992).
class GatedFusionImpl : public FusionImpl {
 public:
  GatedFusionImpl(const FusionOptions& options, int dim) : dropout_(options.dropout) {
    for (auto* view : {&image_, &segmentation_}) {
      const char* const name = view == &image_ ? "image_from_segmentation" : "segmentation_from_image";
      if (options.direction != "both" && options.direction != name) continue;
      auto container = register_module(name, std::make_shared<torch::nn::Module>());
      view->gate = container->register_module("gate", Linear(2 * dim, dim));
      view->value = container->register_module("value", Linear(dim, dim));
      view->norm = container->register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim})));
    }
  }

  void Initialise() override {
    for (auto* view : {&image_, &segmentation_}) {
      if (view->gate.is_empty()) continue;
      view->gate->Initialise();
      view->value->Initialise();
    }
  }

  FusionOutput Forward(const FusionInput& input) override {
    return {Mix(image_, input.image, input.segmentation), Mix(segmentation_, input.segmentation, input.image)};
  }

 private:
  struct View {
    Linear gate{nullptr};
    Linear value{nullptr};
    torch::nn::LayerNorm norm{nullptr};
  };

  torch::Tensor Mix(View& view, const torch::Tensor& own, const torch::Tensor& other) {
    if (view.gate.is_empty()) return own;
    const auto gate = torch::sigmoid(view.gate(torch::cat({own, other}, -1)));
    auto value = view.value(other);
    if (is_training() && dropout_ > 0) value = torch::dropout(value, dropout_, true);
    return view.norm(gate * own + (1 - gate) * value);
  }

  double dropout_;
  View image_;
  View segmentation_;
};

}  // namespace

std::shared_ptr<FusionImpl> MakeGatedFusion(const FusionOptions& options, int embed_dim) {
  return std::make_shared<GatedFusionImpl>(options, embed_dim);
}

}  // namespace dualgeo
