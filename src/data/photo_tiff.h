// TIFF files whose pixels are not all there.
#pragma once

#include <string>
#include <string_view>

namespace dualgeo {

// Decodes every strip or tile of the first picture by itself, since OpenCV's decoder takes a strip that ends early for
// whole and leaves the rest black. Throws InputError beginning with `name` when one is damaged or too short.
void CheckTiffIsWhole(std::string_view bytes, const std::string& name);

}  // namespace dualgeo
