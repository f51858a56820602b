// The picture to judge the degradations by (degrade/degrade.h), for commands: no OpenCV here.
#pragma once

#include <filesystem>
#include <vector>

namespace dualgeo {

// Every degradation down, severities 0 to 5 across, one block a photo, as PNG. Atomic. Throws InputError for a photo
// that cannot be read.
void WriteDegradationSheet(const std::vector<std::filesystem::path>& photos, const std::filesystem::path& out);

}  // namespace dualgeo
