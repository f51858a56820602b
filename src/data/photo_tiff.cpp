#include "photo_tiff.h"

#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// A TIFF file in memory, as libtiff asks for it, and what libtiff complained of.
struct TiffMemory {
  std::string_view bytes;
  std::uint64_t at = 0;
  std::string problem;
};

tmsize_t ReadTiff(thandle_t handle, void* to, tmsize_t size) {
  auto& memory = *static_cast<TiffMemory*>(handle);
  const std::uint64_t left = memory.at < memory.bytes.size() ? memory.bytes.size() - memory.at : 0;
  const std::uint64_t n = std::min(left, static_cast<std::uint64_t>(std::max<tmsize_t>(size, 0)));
  std::memcpy(to, memory.bytes.data() + (n > 0 ? memory.at : 0), n);
  memory.at += n;
  return static_cast<tmsize_t>(n);
}

tmsize_t WriteTiff(thandle_t, void*, tmsize_t) { return -1; }

toff_t SeekTiff(thandle_t handle, toff_t offset, int whence) {
  auto& memory = *static_cast<TiffMemory*>(handle);
  memory.at = whence == SEEK_SET ? offset : whence == SEEK_CUR ? memory.at + offset : memory.bytes.size() + offset;
  return memory.at;
}

int CloseTiff(thandle_t) { return 0; }
toff_t SizeOfTiff(thandle_t handle) { return static_cast<TiffMemory*>(handle)->bytes.size(); }

int KeepProblem(TIFF*, void* user_data, const char*, const char* format, va_list arguments) {
  auto& memory = *static_cast<TiffMemory*>(user_data);
  char text[256];
  std::vsnprintf(text, sizeof text, format, arguments);
  if (memory.problem.empty()) memory.problem = text;
  return 1;
}

// Warnings are about odd metadata, but for those of a codec that made up what it did not find.
int KeepEarlyEnd(TIFF* tiff, void* user_data, const char* module, const char* format, va_list arguments) {
  if (std::strstr(format, "remature") != nullptr || (module != nullptr && std::strncmp(module, "JPEG", 4) == 0)) {
    return KeepProblem(tiff, user_data, module, format, arguments);
  }
  return 1;
}

}  // namespace

void CheckTiffIsWhole(std::string_view bytes, const std::string& name) {
  TiffMemory memory{bytes, 0, ""};
  const auto fail = [&](const std::string& what) {
    throw InputError(name + ": damaged or truncated TIFF: " + what +
                     (memory.problem.empty() ? "" : ": " + Printable(memory.problem, 200)));
  };
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), KeepProblem, &memory);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), KeepEarlyEnd, &memory);
  const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(
      TIFFClientOpenExt("photo", "rm", &memory, ReadTiff, WriteTiff, SeekTiff, CloseTiff, SizeOfTiff, nullptr, nullptr,
                        options.get()),
      TIFFClose);
  if (!tiff) fail("no image directory");
  std::uint32_t width = 0, height = 0;
  TIFFGetField(tiff.get(), TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff.get(), TIFFTAG_IMAGELENGTH, &height);
  const bool tiled = TIFFIsTiled(tiff.get()) != 0;
  const tmsize_t part_bytes = tiled ? TIFFTileSize(tiff.get()) : TIFFStripSize(tiff.get());
  // 16 bytes a pixel are four channels of 32 bits.
  constexpr std::uint64_t kSmall = std::uint64_t{64} << 20;
  if (part_bytes <= 0 ||
      static_cast<std::uint64_t>(part_bytes) > std::max(kSmall, std::uint64_t{width} * height * 16)) {
    fail("strips of " + std::to_string(part_bytes) + " bytes");
  }
  std::vector<unsigned char> pixels(static_cast<std::size_t>(part_bytes));
  const std::uint32_t parts = tiled ? TIFFNumberOfTiles(tiff.get()) : TIFFNumberOfStrips(tiff.get());
  memory.problem.clear();
  std::uint16_t compression = COMPRESSION_NONE;
  TIFFGetField(tiff.get(), TIFFTAG_COMPRESSION, &compression);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;  // of uncompressed parts: where, and how many bytes
  for (std::uint32_t part = 0; part < parts; ++part) {
    // Reads all of it or fails; a last strip has only the rows that are left.
    const tmsize_t size = tiled ? TIFFReadEncodedTile(tiff.get(), part, pixels.data(), part_bytes)
                                : TIFFReadEncodedStrip(tiff.get(), part, pixels.data(), part_bytes);
    if (size < 0 || !memory.problem.empty()) {
      fail((tiled ? "tile " : "strip ") + std::to_string(part) + " of " + std::to_string(parts));
    }
    if (compression == COMPRESSION_NONE) {
      places.emplace_back(TIFFGetStrileOffset(tiff.get(), part), static_cast<std::uint64_t>(size));
    }
  }
  // Of uncompressed ones libtiff reads as much as a part should have, be it from the next, or from the directory.
  if (!places.empty()) places.emplace_back(TIFFCurrentDirOffset(tiff.get()), 0);
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i) {
    const auto [before, bytes_before] = places[i - 1];
    if (before < places[i].first && places[i].first - before < bytes_before) {
      fail("a strip or tile of " + std::to_string(places[i].first - before) + " bytes where " +
           std::to_string(bytes_before) + " are needed");
    }
  }
}

}  // namespace dualgeo
