// Photos that are not independent: those of one photographer, one city, one drive. Intervals and tests over photos
// would be too sure of themselves; over such clusters they are not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace dualgeo {

struct PhotoClusters {
  std::string column;                   // of the truth table
  std::vector<std::uint32_t> of_photo;  // 0 .. count - 1, for each row of the truth table
  std::uint32_t count = 0;

  bool operator==(const PhotoClusters&) const = default;
};

// The values of a column of the truth table; a row with an empty cell is a cluster of its own. Throws InputError when
// there is no such column (naming those there are), or fewer than two clusters.
PhotoClusters ReadClusters(const std::filesystem::path& truth, const std::string& column);

}  // namespace dualgeo
