#include <algorithm>
#include <map>
#include <optional>

#include "cells/geojson_polygons.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "geo/center.h"
#include "nearest_places.h"
#include "optics_split.h"
#include "partition_builders.h"
#include "s2_cover.h"

namespace dualgeo {
namespace {

constexpr std::size_t kNoUnit = static_cast<std::size_t>(-1);

// A row of names, or a polygon; then what was fused into it.
struct SemanticUnit {
  std::vector<std::string> names;  // from country to city; of the larger one where two were fused
  std::vector<std::size_t> members;
  LatLon middle;  // of its members; of its polygon where there are none
  std::size_t fused_into = kNoUnit;
  std::vector<std::size_t> cells = {};  // what it was split into

  const std::string& country() const { return names[0]; }
  bool InRegionOf(const SemanticUnit& other) const { return names.size() > 1 && names[1] == other.names[1]; }
};

class SemanticUnits {
 public:
  SemanticUnits(const Coordinates& places, const PartitionOptions& options)
      : places_(places.locations), options_(options) {
    if (options.polygons.empty()) {
      GroupByColumns(places.columns);
    } else {
      GroupByPolygon();
    }
    std::map<std::string, std::vector<std::size_t>> countries;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if (!units_[i].members.empty()) units_[i].middle = Middle(units_[i]);
      countries[units_[i].country()].push_back(i);
    }
    for (auto& country : countries) FuseSmall(std::move(country.second));
    SplitLarge();
  }

  std::vector<PartitionCell> Cells() {
    if (names_.empty()) return {};
    std::vector<PlaceOnCurve> curve = AlongCurve(places_);
    std::erase_if(curve, [&](const PlaceOnCurve& photo) { return cell_of_photo_[photo.index] == kNoUnit; });
    CoverRule rule;
    rule.resolution = options_.resolution;
    rule.area_of = [this](LatLon place) { return CellOf(place); };
    rule.look_closer = [this](S2Cell cell) { return polygons_ && polygons_->BorderIn(cell); };
    auto areas = CoverAreas(names_.size(), curve, cell_of_photo_, rule);
    std::vector<PartitionCell> cells;
    for (std::size_t i = 0; i < areas.size(); ++i) {
      cells.push_back({static_cast<std::int64_t>(i), std::move(areas[i]), 0, {}, names_[i]});
    }
    std::erase_if(cells, [](const PartitionCell& cell) { return cell.area.empty(); });
    return Counted(std::move(cells));
  }

 private:
  void GroupByColumns(const std::vector<std::vector<std::string>>& columns) {
    std::map<std::vector<std::string>, std::size_t> known;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      std::vector<std::string> names;
      for (const auto& column : columns) names.push_back(column[i]);
      if (std::ranges::all_of(names, &std::string::empty)) continue;  // nobody knows where it belongs
      const auto [unit, fresh] = known.emplace(names, units_.size());
      if (fresh) units_.push_back({std::move(names), {}, {}});
      units_[unit->second].members.push_back(i);
    }
  }

  void GroupByPolygon() {
    polygons_.emplace(options_.polygons, options_.columns);
    for (std::size_t i = 0; i < polygons_->size(); ++i)
      units_.push_back({polygons_->names(i), {}, polygons_->Middle(i)});
    for (std::size_t i = 0; i < places_.size(); ++i) {
      const auto inside = polygons_->Find(places_[i]);
      units_[inside ? *inside : polygons_->Nearest(places_[i])].members.push_back(i);
    }
  }

  LatLon Middle(const SemanticUnit& unit) const {
    std::vector<LatLon> members;
    for (const std::size_t i : unit.members) members.push_back(places_[i]);
    return SphericalMean(members);
  }

  // The units of one country.
  void FuseSmall(std::vector<std::size_t> open) {
    while (open.size() > 1) {
      ThrowIfStopped();
      const auto smallest = std::ranges::min_element(open, {}, [&](std::size_t i) { return units_[i].members.size(); });
      auto& from = units_[*smallest];
      if (!IsSmall(from)) return;
      open.erase(smallest);
      const std::size_t partner = Partner(from, open);
      auto& to = units_[partner];
      if (from.members.size() > to.members.size()) to.names = from.names;
      to.members.insert(to.members.end(), from.members.begin(), from.members.end());
      if (!from.members.empty()) to.middle = Middle(to);
      from.members.clear();
      from.fused_into = partner;
    }
  }

  bool IsSmall(const SemanticUnit& unit) const { return unit.members.size() < static_cast<std::size_t>(options_.min); }

  std::size_t Partner(const SemanticUnit& unit, std::vector<std::size_t> others) const {
    const auto near = others.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(8, others.size()));
    std::ranges::partial_sort(others, near, {},
                              [&](std::size_t i) { return GreatCircleKm(units_[i].middle, unit.middle); });
    const auto rank = [&](std::size_t i) {
      const auto& other = units_[i];
      const int order = (other.InRegionOf(unit) ? 0 : 2) + (IsSmall(other) ? 0 : 1);
      return std::pair(order, -static_cast<std::int64_t>(other.members.size()));
    };
    return *std::min_element(others.begin(), near, [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
  }

  void SplitLarge() {
    cell_of_photo_.assign(places_.size(), kNoUnit);
    for (auto& unit : units_) {
      if (unit.members.empty()) continue;
      for (const auto& part : SplitByOptics(places_, unit.members, options_)) {
        unit.cells.push_back(names_.size());
        const std::string number = unit.cells.size() > 1 ? " (" + std::to_string(unit.cells.size()) + ")" : "";
        for (const std::size_t i : part) cell_of_photo_[i] = names_.size();
        names_.push_back(Join(unit.names, "/") + number);
      }
    }
  }

  // Voronoi: the cell of the nearest photo; of those of the same polygons where there are some.
  std::optional<std::size_t> CellOf(LatLon place) const {
    std::size_t unit = kNoUnit;
    if (polygons_) {
      const auto inside = polygons_->Find(place);
      if (!inside) return std::nullopt;
      for (unit = *inside; units_[unit].fused_into != kNoUnit;) unit = units_[unit].fused_into;
      if (units_[unit].cells.empty()) return std::nullopt;
      if (units_[unit].cells.size() == 1) return units_[unit].cells[0];
    }
    const auto [nearest, fresh] = nearest_.try_emplace(unit);
    if (fresh) nearest->second.emplace(*this, unit);
    return nearest->second->CellOf(place);
  }

  class NearestPhotos {
   public:
    NearestPhotos(const SemanticUnits& all, std::size_t unit) {
      for (std::size_t i = 0; i < all.places_.size(); ++i) {
        if (unit == kNoUnit && all.cell_of_photo_[i] != kNoUnit) photos_.push_back(i);
      }
      if (unit != kNoUnit) photos_ = all.units_[unit].members;
      std::vector<LatLon> places;
      for (const std::size_t i : photos_) {
        places.push_back(all.places_[i]);
        cells_.push_back(all.cell_of_photo_[i]);
      }
      tree_.emplace(places);
    }
    std::size_t CellOf(LatLon place) const { return cells_[tree_->Find(place, 1).at(0)]; }

   private:
    std::vector<std::size_t> photos_, cells_;
    std::optional<NearestPlaces> tree_;
  };

  // With the photos that are in each; cells that are left without one are dropped.
  std::vector<PartitionCell> Counted(std::vector<PartitionCell> cells) const {
    if (cells.size() < 2) return cells;
    const Partition partition(cells);
    std::vector<std::vector<LatLon>> members(cells.size());
    for (const auto& place : places_) {
      if (const auto hit = partition.Find(place)) members[hit->cell].push_back(place);
    }
    std::vector<PartitionCell> counted;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (members[i].empty()) continue;
      cells[i].count = static_cast<std::int64_t>(members[i].size());
      cells[i].mean = CellMean(members[i]);
      counted.push_back(std::move(cells[i]));
    }
    return counted;
  }

  const std::vector<LatLon>& places_;
  const PartitionOptions& options_;
  std::optional<GeoJsonPolygons> polygons_;
  std::vector<SemanticUnit> units_;
  std::vector<std::size_t> cell_of_photo_;
  std::vector<std::string> names_;                                       // of cells
  mutable std::map<std::size_t, std::optional<NearestPhotos>> nearest_;  // by unit, made when first asked
};

}  // namespace

std::vector<PartitionCell> BuildSemantic(const Coordinates& places, const PartitionOptions& options) {
  return SemanticUnits(places, options).Cells();
}

}  // namespace dualgeo
