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
  bool squash = false;        // both edges are, and the square is not cut from the photo's own shape
  bool half_to_even = false;  // an odd margin: torchvision rounds its half to even, Hugging Face cuts it off
};

// Which squares those are when there are several.
enum class Crops {
  kOne,    // as above
  kStrip,  // the first, middle and last along the longer side
  kFive,   // the corners (top left, top right, bottom left, bottom right) and the centre: torchvision's FiveCrop
  kTen,    // these, and the same of the mirrored photo: TenCrop
};
constexpr int CountOf(Crops crops) {
  constexpr int kCounts[] = {1, 3, 5, 10};
  return kCounts[static_cast<int>(crops)];
}

struct PhotoInput {
  int size = 224;
  Normalization normalization = kClipNormalization;
  Framing framing = {};
  Crops crops = Crops::kOne;
  bool wants_mask = false;  // the network sees the mask beside the photo, in the same size
};

struct ImageEncoderOptions;
struct ModelOptions;

// What the network of options.type wants, with options.crops: a strip is of photos whose shortest edge is the square's
// (Mueller-Budack et al., ECCV 2018), five and ten crops are of those with 256 for 224, squashed by
// options.crops_resize. Throws InputError for options that do not fit each other or the type.
PhotoInput ImageEncoderInput(const ImageEncoderOptions& options);
// Whether the model sees masks: by its segmentation view, or by an image encoder that wants them.
bool WantsMasks(const ModelOptions& options);

}  // namespace dualgeo
