// Bytes as base64 text (RFC 4648, with padding), for data URLs.
#pragma once

#include <string>
#include <string_view>

namespace dualgeo {

std::string Base64(std::string_view bytes);

}  // namespace dualgeo
