// How each model sees photos and masks, derived from its options; for every dataset that feeds it.
#pragma once

#include "data/preprocess.h"
#include "dualgeo/model/options.h"

namespace dualgeo {

// The model in training and validation: one crop, masks where it wants them; photo and mask cut alike and masks sampled
// at the nearest pixel, unless model.segmentation_encoder.geometry and .resize say otherwise.
ViewOptions ModelViews(ModelOptions model);
// The same when photos are asked about: model.image_encoder.crops of each.
ViewOptions AskedViews(const ModelOptions& model);

// SegFormer: photos squashed to image_size x image_size, ImageNet normalisation; masks, where wanted, of side
// mask_size.
ViewOptions SegmenterViews(const SegmenterOptions& segmenter, bool with_masks, int mask_size);

}  // namespace dualgeo
