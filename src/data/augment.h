// Draws and applies what AugmentOptions describes. All randomness comes from the Random given, in a fixed order, so
// that one photo's augmentation depends on nothing but its seed.
#pragma once

#include <opencv2/core.hpp>

#include "data/augment_options.h"
#include "dualgeo/util/random.h"

namespace dualgeo {

// What photo and mask share.
struct GeometricAugmentation {
  cv::Rect crop;      // in pixels of the upright photo; it is then resized to the model's square input
  bool flip = false;  // left-right, after the crop
};

// crop_ratio is relative to `aspect` (width : height that the input stands for: 1 for square crops, the photo's own
// where evaluation squashes the whole photo). A crop that does not fit is shrunk, its ratio kept, until it does, and
// placed at random along the side that is free (torchvision falls back to the centre, where most wide photos would
// always be cut).
GeometricAugmentation DrawGeometry(const AugmentOptions& options, cv::Size photo, double aspect, Random& random);

// Colour jitter (its four parts in random order), greyscale, blur, on an 8-bit RGB photo, in place; torchvision's
// formulas.
void AugmentColors(cv::Mat& photo, const AugmentOptions& options, Random& random);

}  // namespace dualgeo
