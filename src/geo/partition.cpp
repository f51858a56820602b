#include "dualgeo/geo/partition.h"

#include <algorithm>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "geo/center.h"

namespace dualgeo {

Partition::Partition(std::vector<PartitionCell> cells, std::filesystem::path path, std::vector<int> lines)
    : cells_(std::move(cells)), path_(std::move(path)), lines_(std::move(lines)) {
  const std::string whole = path_.empty() ? "partition" : path_.string();
  if (cells_.size() < 2) {
    throw InputError(whole + ": has " + (cells_.empty() ? "no cells" : "one cell") +
                     "; to tell places apart takes two or more");
  }
  std::unordered_map<std::int64_t, std::size_t> by_label;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const auto& cell = cells_[i];
    if (cell.label < 0) {
      throw InputError(At(i) + ": class_label is " + std::to_string(cell.label) + "; allowed are 0, 1, ...");
    }
    if (cell.area.empty()) throw InputError(At(i) + ": hex_id is empty");
    const auto [same_label, new_label] = by_label.emplace(cell.label, i);
    if (!new_label) {
      throw InputError(At(i) + ": class_label " + std::to_string(cell.label) + " is also that of " +
                       At(same_label->second));
    }
    for (const S2Cell part : cell.area) {
      const auto [same, fresh] = by_id_.emplace(part.id(), i);
      if (!fresh) throw InputError(At(i) + ": token " + part.Token() + " is also in " + At(same->second));
      coarsest_ = std::min(coarsest_, part.level());
      finest_ = std::max(finest_, part.level());
    }
  }
}

std::string Partition::At(std::size_t cell) const {
  if (cell < lines_.size()) return path_.string() + ":" + std::to_string(lines_[cell]);
  std::string text = "cell ";
  return text += std::to_string(cell);
}

std::optional<Partition::Hit> Partition::Find(S2Cell cell) const {
  for (int level = std::min(finest_, cell.level()); level >= coarsest_; --level) {
    const S2Cell parent = cell.Parent(level);
    if (const auto found = by_id_.find(parent.id()); found != by_id_.end()) return Hit{found->second, parent};
  }
  return std::nullopt;
}

std::size_t Partition::CountNested() const {
  std::size_t nested = 0;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    for (const S2Cell part : cells_[i].area) {
      if (part.level() == 0) continue;
      const auto around = Find(part.Parent(part.level() - 1));
      if (around && around->cell != i) ++nested;
    }
  }
  return nested;
}

LatLon CellMean(const std::vector<LatLon>& places) {
  const auto [west, east] = std::ranges::minmax(places, {}, &LatLon::lon);
  return east.lon - west.lon > 180 ? SphericalMean(places) : ArithmeticMean(places);
}

}  // namespace dualgeo
