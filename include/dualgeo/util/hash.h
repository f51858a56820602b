// SHA-256 fingerprints of files and settings (lower-case hex).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace dualgeo {

std::string Sha256(std::string_view bytes);
// Throws InputError when the file cannot be read, Interrupted when a stop was requested.
std::string Sha256File(const std::filesystem::path& path);

}  // namespace dualgeo
