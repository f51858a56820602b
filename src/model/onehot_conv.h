// Convolution over the one-hot code of a mask, without the zeros.
#pragma once

#include "dualgeo/io/torch.h"

namespace dualgeo {

// conv2d(one_hot(mask), weight) without bias: mask [N, H, W] uint8 class ids, weight [O, num_labels, k, k] -> [N, O,
// H', W']. 255 ("ignore") is all zeros. Only the channels of classes that occur are computed, a few photos at a time,
// and the one-hot code is built again for the backward pass instead of being kept: with 150 classes of which a photo
// shows ten this takes a fraction of the time and memory and gives the same sums. Classes that do not occur have
// gradient zero. Throws Error for a class id from num_labels to 254.
torch::Tensor OneHotConv2d(const torch::Tensor& mask, const torch::Tensor& weight, int stride, int padding);

}  // namespace dualgeo
