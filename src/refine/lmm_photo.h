// A photo as a chat request carries it.
#pragma once

#include <string>
#include <string_view>

namespace dualgeo {

// "data:image/jpeg;base64,...": the photo, turned upright, its longer side reduced to `side` pixels (never enlarged).
// Throws InputError for bytes that are no photo.
std::string PhotoDataUrl(std::string_view bytes, const std::string& name, int side, int jpeg_quality);

}  // namespace dualgeo
