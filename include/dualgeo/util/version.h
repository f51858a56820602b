// The version, which CMakeLists.txt reads from here.
#pragma once

namespace dualgeo {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace dualgeo
