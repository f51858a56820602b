#include "s2_cover.h"

#include <algorithm>
#include <map>

#include "dualgeo/util/stop.h"

namespace dualgeo {
namespace {

constexpr int kCoarsestCover = 4, kFinestCover = 20;

class AreaCover {
 public:
  AreaCover(std::size_t areas, const std::vector<std::size_t>& areas_of_photos, const CoverRule& rule)
      : cover_(areas), areas_of_photos_(areas_of_photos), rule_(rule) {}

  void Add(S2Cell cell, std::span<const PlaceOnCurve> photos) {
    const auto area_of = [&](const PlaceOnCurve& photo) { return areas_of_photos_[photo.index]; };
    const bool mixed = std::ranges::any_of(photos, [&](const auto& p) { return area_of(p) != area_of(photos[0]); });
    if (cell.level() < kCoarsestCover || (mixed && cell.level() < kFinestCover)) return Split(cell, photos);
    if (mixed) {
      std::map<std::size_t, int> counts;
      for (const auto& photo : photos) ++counts[area_of(photo)];
      cover_[std::ranges::max_element(counts, {}, [](const auto& c) { return c.second; })->first].push_back(cell);
      return;
    }
    const auto middle = photos.empty() ? rule_.area_of(cell.Center()) : area_of(photos[0]);
    if (cell.level() < rule_.resolution && (rule_.look_closer(cell) || !AllIn(cell, middle))) {
      return Split(cell, photos);
    }
    if (middle) cover_[*middle].push_back(cell);
  }

  std::vector<std::vector<S2Cell>> Take() {
    for (auto& area : cover_) Coalesce(area);
    return std::move(cover_);
  }

 private:
  void Split(S2Cell cell, std::span<const PlaceOnCurve> photos) {
    if (cell.level() < 8) ThrowIfStopped();
    auto begin = photos.begin();
    for (int k = 0; k < 4; ++k) {
      const S2Cell child = cell.Child(k);
      const auto end =
          std::partition_point(begin, photos.end(), [&](const auto& p) { return p.leaf.id() <= child.Last(); });
      Add(child, {begin, end});
      begin = end;
    }
  }

  bool AllIn(S2Cell cell, std::optional<std::size_t> area) const {
    if (rule_.area_of(cell.Center()) != area) return false;
    return std::ranges::all_of(cell.Vertices(), [&](LatLon vertex) { return rule_.area_of(vertex) == area; });
  }

  std::vector<std::vector<S2Cell>> cover_;
  const std::vector<std::size_t>& areas_of_photos_;
  const CoverRule& rule_;
};

}  // namespace

std::vector<std::vector<S2Cell>> CoverAreas(std::size_t areas, std::span<const PlaceOnCurve> curve,
                                            const std::vector<std::size_t>& areas_of_photos, const CoverRule& rule) {
  AreaCover cover(areas, areas_of_photos, rule);
  auto begin = curve.begin();
  for (int face = 0; face < 6; ++face) {
    const S2Cell cell = S2Cell::Face(face);
    const auto end =
        std::partition_point(begin, curve.end(), [&](const auto& p) { return p.leaf.id() <= cell.Last(); });
    cover.Add(cell, {begin, end});
    begin = end;
  }
  return cover.Take();
}

}  // namespace dualgeo
