// Photos that are not independent: those of one photographer, one city, one drive. Intervals and tests over photos
// would be too sure of themselves; over such clusters they are not (cluster_statistics.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/data/photo_table.h"

namespace dualgeo {

struct PhotoClusters {
  std::string column;                   // of the truth table
  std::vector<std::uint32_t> of_photo;  // 0 .. count - 1, for each row of the truth table
  std::uint32_t count = 0;
  std::vector<std::string> names = {};  // of each cluster; empty: a photo whose cell is empty

  bool operator==(const PhotoClusters&) const = default;
};

// The values of a column of the truth table; a row with an empty cell is a cluster of its own. Throws InputError when
// there is no such column (naming those there are), or fewer than two clusters.
PhotoClusters ReadClusters(const std::filesystem::path& truth, const std::string& column);

// EvaluateOptions::cluster. auto: the photographers, nothing where the table has fewer than two of them or none with
// two photos; none: nothing; else ReadClusters of the column.
std::optional<PhotoClusters> ChooseClusters(const std::string& choice, const PhotoTable& truth);

// "photographers"; of another column than AUTHOR "values of CITY".
std::string ClusterWord(const PhotoClusters& clusters);
// "101 photographers"; "photos" of nullptr or nothing: what intervals and tests are over.
std::string OverWhat(const PhotoClusters* clusters);
std::string OverWhat(const std::optional<PhotoClusters>& clusters);

}  // namespace dualgeo
