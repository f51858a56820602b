// Training-time augmentation. Defaults are the paper's (released code, torchvision's transforms).
#pragma once

#include <string>
#include <vector>

#include "dualgeo/util/field.h"

namespace dualgeo {

struct AugmentOptions {
  bool enabled = true;
  // Alike for photo and mask.
  double flip = 0.5;
  std::vector<double> crop_scale = {0.8, 1.0};
  std::vector<double> crop_ratio = {0.9, 1.1};
  std::string filter = "bicubic";
  // The photo alone.
  double color_jitter = 0.8;
  double brightness = 0.5;
  double contrast = 0.5;
  double saturation = 0.5;
  double hue = 0.1;
  double greyscale = 0.2;
  double blur = 0.5;
  double blur_radius = 1.0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("enabled", enabled, "augment training photos at all");
    v.Field("flip", flip, "probability of a left-right flip (photo and mask)", Range{0, 1});
    v.Field("crop_scale", crop_scale, "least and greatest area of the random crop, as a share of the photo",
            Range{0, 1});
    v.Field("crop_ratio", crop_ratio, "least and greatest width : height of the random crop", Range{0.1, 10});
    v.Field("filter", filter,
            "how the random crop is resampled (antialiased): bicubic, as at evaluation, or bilinear (as the released "
            "code)",
            OneOf{{"bicubic", "bilinear"}});
    v.Field("color_jitter", color_jitter, "probability of colour jitter", Range{0, 1});
    v.Field("brightness", brightness, "jitter factor drawn from [1 - x, 1 + x], from 0 at least", Range{0, 10});
    v.Field("contrast", contrast, "jitter factor drawn from [1 - x, 1 + x], from 0 at least", Range{0, 10});
    v.Field("saturation", saturation, "jitter factor drawn from [1 - x, 1 + x], from 0 at least", Range{0, 10});
    v.Field("hue", hue, "jitter shift drawn from [-x, x] turns of the colour circle", Range{0, 0.5});
    v.Field("greyscale", greyscale, "probability of turning the photo grey", Range{0, 1});
    v.Field("blur", blur, "probability of a Gaussian blur", Range{0, 1});
    v.Field("blur_radius", blur_radius, "standard deviation of the blur, in pixels of the model's input", Range{0, 20});
  }
  // Throws InputError unless crop_scale and crop_ratio are two rising numbers and crop_scale is above 0.
  void Validate() const;
};

}  // namespace dualgeo
