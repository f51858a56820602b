// SHA-256 fingerprints of files and settings (lower-case hex).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace dualgeo {

std::string Sha256(std::string_view bytes);

// The same as 32 bytes, for tables of many.
using Sha256Digest = std::array<std::uint8_t, 32>;
Sha256Digest Sha256Bytes(std::string_view bytes);
std::string HexOf(const Sha256Digest& digest);

// Throws InputError when the file cannot be read, Interrupted when a stop was requested.
std::string Sha256File(const std::filesystem::path& path);

}  // namespace dualgeo
