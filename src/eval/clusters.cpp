#include "dualgeo/eval/clusters.h"

#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "io/input_file.h"

namespace dualgeo {
namespace {

PhotoClusters ClustersByValue(const std::string& column, const std::vector<std::string_view>& values) {
  PhotoClusters clusters;
  clusters.column = column;
  clusters.of_photo.reserve(values.size());
  std::unordered_map<std::string_view, std::uint32_t> known;
  for (const std::string_view value : values) {
    const auto cluster = value.empty() ? clusters.count : known.emplace(value, clusters.count).first->second;
    if (cluster == clusters.count) {
      ++clusters.count;
      clusters.names.emplace_back(value);
    }
    clusters.of_photo.push_back(cluster);
  }
  return clusters;
}

PhotoClusters CheckedClusters(const std::filesystem::path& truth, const std::string& column,
                              const std::vector<std::string_view>& values) {
  PhotoClusters clusters = ClustersByValue(column, values);
  if (clusters.count < 2) {
    throw InputError(InputName(truth) + ": column " + Printable(column) + " has " + std::to_string(clusters.count) +
                     " value; intervals over clusters need two or more");
  }
  return clusters;
}

// The table may hold some of the file's rows.
PhotoClusters ClustersOfRows(const PhotoTable& truth, const std::string& column) {
  const CsvTable csv = CsvTable::Read(truth.path);
  const std::size_t cell = csv.Require(column);
  std::unordered_map<int, std::string_view> of_line;
  for (std::size_t row = 0; row < csv.rows(); ++row) of_line.emplace(csv.Line(row), csv.Text(row, cell));
  std::vector<std::string_view> values;
  for (const auto& row : truth.rows) values.push_back(of_line.at(row.line));
  return CheckedClusters(truth.path, column, values);
}

}  // namespace

PhotoClusters ReadClusters(const std::filesystem::path& truth, const std::string& column) {
  const CsvTable csv = CsvTable::Read(truth);
  const std::size_t cell = csv.Require(column);
  std::vector<std::string_view> values;
  for (std::size_t row = 0; row < csv.rows(); ++row) values.push_back(csv.Text(row, cell));
  return CheckedClusters(truth, column, values);
}

std::optional<PhotoClusters> ChooseClusters(const std::string& choice, const PhotoTable& truth) {
  if (choice == "none") return std::nullopt;
  if (choice != "auto") return ClustersOfRows(truth, choice);
  std::vector<std::string_view> authors;
  for (const auto& row : truth.rows) authors.push_back(row.author);
  PhotoClusters clusters = ClustersByValue("AUTHOR", authors);
  if (clusters.count < 2 || clusters.count == truth.rows.size()) return std::nullopt;
  return clusters;
}

std::string ClusterWord(const PhotoClusters& clusters) {
  return clusters.column == "AUTHOR" ? "photographers" : "values of " + Printable(clusters.column);
}

std::string OverWhat(const PhotoClusters* clusters) {
  return clusters == nullptr ? "photos" : std::to_string(clusters->count) + " " + ClusterWord(*clusters);
}

std::string OverWhat(const std::optional<PhotoClusters>& clusters) { return OverWhat(clusters ? &*clusters : nullptr); }

}  // namespace dualgeo
