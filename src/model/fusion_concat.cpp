#include "dualgeo/model/fusion.h"
#include "dualgeo/model/layers.h"

namespace dualgeo {
namespace {

// norm(a + W [a; b]) of the pooled vectors, for each view that receives.
class ConcatFusionImpl : public FusionImpl {
 public:
  ConcatFusionImpl(const FusionOptions& options, int dim) : dropout_(options.dropout) {
    for (auto* view : {&image_, &segmentation_}) {
      const char* const name = view == &image_ ? "image_from_segmentation" : "segmentation_from_image";
      if (options.direction != "both" && options.direction != name) continue;
      auto container = register_module(name, std::make_shared<torch::nn::Module>());
      view->mix = container->register_module("mix", Linear(2 * dim, dim));
      view->norm = container->register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({dim})));
    }
  }

  void Initialise() override {
    for (auto* view : {&image_, &segmentation_}) {
      if (!view->mix.is_empty()) view->mix->Initialise();
    }
  }

  FusionOutput Forward(const FusionInput& input) override {
    return {Mix(image_, input.image, input.segmentation), Mix(segmentation_, input.segmentation, input.image)};
  }

 private:
  struct View {
    Linear mix{nullptr};
    torch::nn::LayerNorm norm{nullptr};
  };

  torch::Tensor Mix(View& view, const torch::Tensor& own, const torch::Tensor& other) {
    if (view.mix.is_empty()) return own;
    auto added = view.mix(torch::cat({own, other}, -1));
    if (is_training() && dropout_ > 0) added = torch::dropout(added, dropout_, true);
    return view.norm(own + added);
  }

  double dropout_;
  View image_;
  View segmentation_;
};

}  // namespace

std::shared_ptr<FusionImpl> MakeConcatFusion(const FusionOptions& options, int embed_dim) {
  return std::make_shared<ConcatFusionImpl>(options, embed_dim);
}

}  // namespace dualgeo
