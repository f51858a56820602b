// `dualgeo gallery add`, `remove` and `merge`.
#pragma once

#include <CLI/CLI.hpp>

namespace dualgeo::tools {

void AddGalleryEdits(CLI::App& gallery);

}  // namespace dualgeo::tools
