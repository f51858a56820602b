#include "dualgeo/eval/clusters.h"

#include <unordered_map>

#include "dualgeo/io/csv.h"
#include "dualgeo/io/input_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

PhotoClusters ReadClusters(const std::filesystem::path& truth, const std::string& column) {
  const CsvTable csv = CsvTable::Read(truth);
  const std::size_t cell = csv.Require(column);
  PhotoClusters clusters;
  clusters.column = column;
  clusters.of_photo.reserve(csv.rows());
  std::unordered_map<std::string_view, std::uint32_t> known;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string_view value = csv.Text(row, cell);
    const auto cluster = value.empty() ? clusters.count : known.emplace(value, clusters.count).first->second;
    if (cluster == clusters.count) ++clusters.count;
    clusters.of_photo.push_back(cluster);
  }
  if (clusters.count < 2) {
    throw InputError(InputName(truth) + ": column " + Printable(column) + " has " + std::to_string(clusters.count) +
                     " value; intervals over clusters need two or more");
  }
  return clusters;
}

}  // namespace dualgeo
