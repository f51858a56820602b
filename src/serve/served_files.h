// The files of src/serve/page and configs/land as part of the program (see CMakeLists.txt).
#pragma once

#include <string_view>

namespace dualgeo {

// "ask.html", "map.js"...; empty: there is none of that name.
std::string_view ServedFile(std::string_view name);

}  // namespace dualgeo
