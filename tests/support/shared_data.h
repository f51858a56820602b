// The optional folder of real benchmark data and golden numbers. It is not part of the project: tests that use it skip,
// with a reason, where it is absent.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace dualgeo {

// The path below the shared folder ($DUALGEO_SHARED, else ../shared beside the checkout), if it is there.
inline std::optional<std::filesystem::path> SharedPath(const std::string& below) {
  const char* folder = std::getenv("DUALGEO_SHARED");
  const std::filesystem::path root =
      folder != nullptr ? std::filesystem::path(folder) : std::filesystem::path(DUALGEO_SOURCE_DIR) / ".." / "shared";
  const auto path = root / below;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace dualgeo

// SHARED_PATH_OR_SKIP(path, "fixtures/dbscan.json");
#define SHARED_PATH_OR_SKIP(name, below)                                \
  const auto name##_found = ::dualgeo::SharedPath(below);               \
  if (!name##_found) GTEST_SKIP() << "shared data absent: " << (below); \
  const std::filesystem::path& name = *name##_found
