#include "runtime/views.h"

namespace dualgeo {

ViewOptions ModelViews(ModelOptions model) {
  model.image_encoder.crops = "one";
  return AskedViews(model);
}

ViewOptions AskedViews(const ModelOptions& model) {
  ViewOptions view;
  const PhotoInput input = ImageEncoderInput(model.image_encoder);
  view.image_size = input.size;
  view.mask_size = model.has_segmentation() ? model.segmentation_encoder.image_size : input.size;
  view.normalization = input.normalization;
  view.framing = input.framing;
  view.crops = input.crops;
  const bool squash = model.has_segmentation() && model.segmentation_encoder.geometry == "squash";
  view.geometry = squash ? Geometry::kReleased : Geometry::kAligned;
  view.interpolate_masks = model.segmentation_encoder.resize == "bilinear";
  view.num_classes = model.segmenter.num_labels;
  view.with_masks = WantsMasks(model);
  return view;
}

ViewOptions SegmenterViews(const SegmenterOptions& segmenter, bool with_masks, int mask_size) {
  ViewOptions view;
  view.image_size = segmenter.image_size;
  view.mask_size = mask_size;
  view.normalization = kImageNetNormalization;
  view.geometry = Geometry::kSquash;
  view.num_classes = segmenter.num_labels;
  view.with_masks = with_masks;
  return view;
}

}  // namespace dualgeo
