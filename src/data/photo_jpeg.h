// JPEG through libjpeg itself: OpenCV's decoder fills what is missing from a damaged photo with grey and says so only
// on stderr. TurboJPEG's interface gives a warning's text, not its code, and here padding is taken while a missing end
// is not.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <string_view>

#include "data/photo.h"

namespace dualgeo {

// CV_8UC3 RGB, upright. Throws InputError beginning with `name`, as DecodePhoto.
DecodedPhoto DecodeJpeg(std::string_view bytes, const std::string& name, const PhotoDecoding& decoding);

}  // namespace dualgeo
