// HEIC and AVIF through libheif, where CMake found it (DUALGEO_HEIF).
#pragma once

#include <string>
#include <string_view>

#include "data/photo.h"

namespace dualgeo {

// Whether the bytes begin as HEIC, AVIF or another still picture of HEIF.
bool BeginsAsHeif(std::string_view bytes);

// Turned upright and mirrored as the file says (its EXIF orientation only repeats that). Throws InputError as
// DecodePhoto does; without libheif always, saying so.
DecodedPhoto DecodeHeif(std::string_view bytes, const std::string& name, const PhotoDecoding& decoding);

// The EXIF block, from its TIFF header on; empty when there is none, or no libheif.
std::string ExifOfHeif(std::string_view bytes);

}  // namespace dualgeo
