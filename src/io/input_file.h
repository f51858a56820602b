// Tables and other inputs as people name them: a file, perhaps compressed with gzip; a pipe (`--truth <(zcat
// t.csv.gz)`, /dev/fd/63, a FIFO); `-` or /dev/stdin for standard input.
//
// A stream can be read only once. Its bytes are kept for the rest of the process, so that whoever asks for the same
// path again (a second column, the hash in the provenance) gets what was read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace dualgeo {

// Most bytes that a stream may bring.
inline constexpr std::uint64_t kMaxStreamBytes = std::uint64_t{4} << 30;

// The bytes, unpacked where they are gzip. Throws InputError, one line that begins with the path, when the file is
// missing, unreadable, a folder or a disk, when a stream is longer than kMaxStreamBytes, and when packed bytes are
// damaged, cut off, or grow to more than 256 MiB and fifty times their size. Waiting for a stream ends when the program
// shall stop (Interrupted).
std::string ReadInput(const std::filesystem::path& path);

// The first bytes of a file, as many as tell its kind (io/file_kind.h). Throws InputError as FileReader does.
std::string ReadHead(const std::filesystem::path& path);

// Whether `path` is `-` or anything else that can be read only once.
bool IsStream(const std::filesystem::path& path);

// SHA-256 of the bytes as they came: of a stream, of what was read from it; of a file, of what is there now.
std::string InputSha256(const std::filesystem::path& path);

// "standard input" for `-`, else the path: how messages call it.
std::string InputName(const std::filesystem::path& path);

}  // namespace dualgeo
