#pragma once

namespace dualgeo {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace dualgeo
