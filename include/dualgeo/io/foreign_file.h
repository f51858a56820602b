// Recognises what people often have on disk instead of the weights they believe they downloaded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dualgeo {

// For the first bytes of a file: "a git-LFS pointer, not the file itself (run `git lfs pull`)", "a web page (HTML), not
// weights", or nothing.
std::optional<std::string> DescribeForeignFile(std::string_view head);

}  // namespace dualgeo
