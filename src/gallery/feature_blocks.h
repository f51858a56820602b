// Features that become known block by block: kept in memory, or, where a folder for parts is named, on the disk, from
// which the same work goes on after a kill.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dualgeo/gallery/features.h"
#include "dualgeo/gallery/parts.h"

namespace dualgeo {

class FeatureBlocks {
 public:
  // kind, model: of the set that comes out. total: items (photos, points) in all. made_from: as PartsFolder. Parts that
  // cannot be read are dropped, with all that follow.
  FeatureBlocks(const std::string& kind, const std::string& model, std::int64_t total, const KeepParts& keep,
                std::string made_from);

  // Items that need not be done again; parts().DropFrom may lower it before the first Covered.
  std::int64_t done() const { return parts_.done(); }
  PartsFolder& parts() { return parts_; }
  const PartsFolder& parts() const { return parts_; }
  std::int64_t rows_of_part(std::size_t part) const { return rows_of_parts_.at(part); }

  // Where rows go.
  FeatureSet& block() { return block_; }
  // The rows of items 0 to `items` - 1 are there, as far as there are any (bad photos have none). Saves when it is
  // time.
  void Covered(std::int64_t items);

  // Whatever is not yet in a part.
  void Save();

  // At the end. All rows, in memory:
  FeatureSet Take();
  // or as a features file, of which no more than a part stands in memory, whereupon the parts are removed.
  void Write(const std::filesystem::path& path);

  // Rows, and columns of each feature, in all.
  std::int64_t rows() const;
  const std::map<std::string, std::int64_t>& columns() const { return columns_; }

 private:
  std::int64_t total_;
  FeatureSet empty_;
  FeatureSet block_;
  PartsFolder parts_;
  std::chrono::milliseconds interval_;
  std::int64_t covered_ = 0;
  std::vector<std::int64_t> rows_of_parts_;
  std::map<std::string, std::int64_t> columns_;
  std::chrono::steady_clock::time_point saved_;
};

}  // namespace dualgeo
