#include "dualgeo/cells/build_partition.h"

#include <algorithm>

#include "config/config.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"
#include "partition_builders.h"

namespace dualgeo {
namespace {

struct PartitionBuilder {
  const char* name;
  std::vector<PartitionCell> (*build)(const Coordinates&, const PartitionOptions&);
};

constexpr PartitionBuilder kPartitionBuilders[] = {DUALGEO_PARTITION_BUILDERS(DUALGEO_KIND_ENTRY)};

}  // namespace

const std::vector<std::string>& PartitionTypeNames() {
  static const std::vector<std::string> names = NamesOf(kPartitionBuilders);
  return names;
}

void PartitionOptions::Validate() const {
  CheckFields(*this, "cells");
  if (min >= max) {
    throw InputError("cells.min " + std::to_string(min) + " is not below cells.max " + std::to_string(max));
  }
  if (columns.empty()) throw InputError("cells.columns is empty; give at least one");
  if (optics_min_samples.size() != optics_xi.size()) {
    throw InputError("cells.optics_min_samples has " + std::to_string(optics_min_samples.size()) +
                     " rounds, cells.optics_xi " + std::to_string(optics_xi.size()));
  }
}

std::vector<std::string> PartitionOptions::Columns() const {
  if (type != "semantic" || !polygons.empty()) return {};
  return columns;
}

Partition BuildPartition(const Coordinates& places, const PartitionOptions& options) {
  options.Validate();
  auto cells = FindKind(kPartitionBuilders, options.type, "cells.type").build(places, options);
  if (cells.size() < 2) {
    throw InputError((places.path.empty() ? "coordinates" : places.path.string()) + ": the " +
                     std::to_string(places.locations.size()) + " places make " + std::to_string(cells.size()) +
                     " cells of type " + options.type + " with these settings; a partition needs two or more");
  }
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i].label = static_cast<std::int64_t>(i);
  return Partition(std::move(cells));
}

std::vector<PlaceOnCurve> AlongCurve(const std::vector<LatLon>& places) {
  std::vector<PlaceOnCurve> sorted;
  sorted.reserve(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) sorted.push_back({S2Cell::Leaf(places[i]), i});
  std::ranges::stable_sort(sorted, {}, &PlaceOnCurve::leaf);
  return sorted;
}

void Coalesce(std::vector<S2Cell>& area) {
  std::ranges::sort(area);
  std::vector<S2Cell> whole;
  for (const S2Cell part : area) {
    whole.push_back(part);
    while (whole.size() >= 4 && whole.back().level() > 0) {
      const S2Cell parent = whole.back().Parent(whole.back().level() - 1);
      const auto first = whole.end() - 4;
      bool children = true;
      for (int k = 0; k < 4; ++k) children = children && first[k] == parent.Child(k);
      if (!children) break;
      whole.erase(first, whole.end());
      whole.push_back(parent);
    }
  }
  area = std::move(whole);
}

}  // namespace dualgeo
