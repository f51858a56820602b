// How each model sees photos and masks, derived from its options; for every dataset that feeds it.
#pragma once

#include "dualgeo/data/preprocess.h"
#include "dualgeo/model/options.h"

namespace dualgeo {

// DualGeo: CLIP normalisation, masks unless model.views is image; photo and mask cut alike and masks sampled at the
// nearest pixel, unless model.segmentation_encoder.geometry and .resize say otherwise.
ViewOptions ModelViews(const ModelOptions& model);

// SegFormer: photos squashed to image_size x image_size, ImageNet normalisation; masks, where wanted, of side
// mask_size.
ViewOptions SegmenterViews(const SegmenterOptions& segmenter, bool with_masks, int mask_size);

}  // namespace dualgeo
