// Trains SegFormer on photos and masks: cross-entropy over the classes, pixels of class 255 ignored; mean IoU and pixel
// accuracy on the validation photos.
//
// Files below run_dir, as in trainer.h: segmenter/last, segmenter/best (highest mean IoU), train_segmenter.jsonl.
#pragma once

#include "dualgeo/train/trainer.h"

namespace dualgeo {

// How a SegFormer sees photos: squashed to image_size x image_size, ImageNet normalisation; masks at the size that the
// loss wants. For the datasets of TrainJob.
ViewOptions SegmenterViews(const SegmenterOptions& segmenter, const SegmenterTrainOptions& train);

// The datasets need masks. Throws as TrainModel.
TrainResult TrainSegmenter(const TrainJob& job, const SegmenterOptions& segmenter, const SegmenterTrainOptions& train);

}  // namespace dualgeo
