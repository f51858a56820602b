// From logits to a class map of any size.
#pragma once

#include <opencv2/core.hpp>
#include "dualgeo/io/torch.h"

namespace dualgeo {

// logits [C, h, w] float32 on the CPU, C at most 256 -> CV_8UC1 [size]: the greatest class of each pixel after a
// bilinear resize (align_corners false, as torch::nn::functional::interpolate), the lowest one of equals. The
// resized logits (150 classes: 600 bytes a pixel) never exist; between four places of the input only those classes are
// resized that may win there.
cv::Mat UpsampleArgmax(const torch::Tensor& logits, cv::Size size);

}  // namespace dualgeo
