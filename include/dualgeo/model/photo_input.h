// What a network wants of a photo. No LibTorch here.
#pragma once

#include <array>

namespace dualgeo {

// (value / 255 - mean) / std, in R, G, B order.
struct Normalization {
  std::array<float, 3> mean;
  std::array<float, 3> std;
};
inline constexpr Normalization kClipNormalization = {{.48145466F, .4578275F, .40821073F},
                                                     {.26862954F, .26130258F, .27577711F}};
inline constexpr Normalization kImageNetNormalization = {{.485F, .456F, .406F}, {.229F, .224F, .225F}};
inline constexpr Normalization kHalfNormalization = {{.5F, .5F, .5F}, {.5F, .5F, .5F}};

// How a square of side S is cut from a photo when it is asked: the shortest edge is resized to S * edge pixels, and the
// square is its centre.
struct Framing {
  double edge = 1;            // at least 1; torchvision: 256 / 224
  bool bicubic = true;        // else bilinear; both antialiased as Pillow's
  bool half_to_even = false;  // an odd margin: torchvision rounds its half to even, Hugging Face cuts it off
};

struct PhotoInput {
  int size = 224;
  Normalization normalization = kClipNormalization;
  Framing framing = {};
};

}  // namespace dualgeo
