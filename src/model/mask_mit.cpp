// A Mix Transformer (SegFormer's encoder) over a mask.
#include "dualgeo/model/mit.h"
#include "mask_backbone.h"

namespace dualgeo {
namespace {

// The encoder registers its parts here, so that their names follow `features.` directly.
class MitBackboneImpl : public MaskBackboneImpl {
 public:
  MitBackboneImpl(const SegmentationEncoderOptions& options, const MaskStem& stem)
      : stem_(stem),
        sizes_(MitPreset(options.preset, "model.segmentation_encoder.preset")),
        encoder_(sizes_, stem.channels()) {
    for (const auto& child : encoder_->named_children()) register_module(child.key(), child.value());
  }

  void Initialise() override { encoder_->Initialise(); }

  torch::Tensor Forward(const torch::Tensor& mask) override {
    return encoder_->ForwardFromStem(stem_.Forward(mask, encoder_->stem())).back();
  }

  int out_channels() const override { return sizes_.hidden_sizes.back(); }

 private:
  MaskStem stem_;
  MitSizes sizes_;
  MitEncoder encoder_;
};

}  // namespace

std::shared_ptr<MaskBackboneImpl> MakeMitBackbone(const SegmentationEncoderOptions& options, const MaskStem& stem) {
  return std::make_shared<MitBackboneImpl>(options, stem);
}

}  // namespace dualgeo
