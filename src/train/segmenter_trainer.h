// Trains SegFormer on photos and masks: cross-entropy over the classes, pixels of class 255 ignored; mean IoU and pixel
// accuracy on the validation photos.
//
// Files below run_dir, as in trainer.h: segmenter/last, segmenter/best (highest mean IoU), train_segmenter.jsonl.
#pragma once

#include "train/trainer.h"

namespace dualgeo {

// data.train needs masks. Validation numbers: loss, mean_iou (over the classes that occur in masks or predictions) and
// pixel_accuracy, in percent. Throws as TrainModel.
TrainResult TrainSegmenter(const TrainJob& job, const SegmenterOptions& segmenter, const SegmenterTrainOptions& train);

// As InspectModelTraining.
std::optional<TrainedSoFar> InspectSegmenterTraining(const TrainJob& job, const SegmenterOptions& segmenter,
                                                     const SegmenterTrainOptions& train);

}  // namespace dualgeo
