// JPEG through libjpeg itself: OpenCV's decoder fills what is missing from a damaged photo with grey and says so only
// on stderr.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <string_view>

#include "dualgeo/data/photo.h"

namespace dualgeo {

// CV_8UC3 RGB, upright. Throws InputError beginning with `name`, as DecodePhoto.
DecodedPhoto DecodeJpeg(std::string_view bytes, const std::string& name, const PhotoDecoding& decoding);

}  // namespace dualgeo
