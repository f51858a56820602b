#include "dualgeo/model/segmentation_encoder.h"

#include "dualgeo/util/kinds.h"
#include "mask_backbone.h"

namespace dualgeo {

SegmentationEncoderImpl::SegmentationEncoderImpl(const SegmentationEncoderOptions& options, int num_labels,
                                                 int embed_dim) {
  struct Kind {
    const char* name;
    std::shared_ptr<MaskBackboneImpl> (*make)(const SegmentationEncoderOptions&, const MaskStem&);
  };
  static constexpr Kind kKinds[] = {DUALGEO_MASK_BACKBONES(DUALGEO_KIND_ENTRY)};
  const MaskStem stem(options.input == "onehot", num_labels);
  features_ = FindKind(kKinds, options.type, "model.segmentation_encoder.type").make(options, stem);
  register_module("features", features_);
  projection_ = register_module("projection", Linear(features_->out_channels(), embed_dim));
}

void SegmentationEncoderImpl::Initialise() {
  features_->Initialise();
  projection_->Initialise();
}

torch::Tensor SegmentationEncoderImpl::Forward(const torch::Tensor& mask) {
  return projection_(features_->Forward(mask).flatten(2).transpose(1, 2));
}

}  // namespace dualgeo
