#include "dualgeo/refine/posterior_area.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "dualgeo/geo/distance.h"
#include "geo/s2_area.h"

namespace dualgeo {
namespace {

constexpr double kLeftOut = 0.005;  // of the distribution, at most: its lightest components
constexpr double kStep = 0.6;       // edges of cells, in widths,
constexpr double kReach = 3.5;      // within so many widths: 0.2 % of a component lie beyond
constexpr int kFinestLevel = 22;    // 2 m: narrower than any width

// A Gaussian of the sphere.
struct AreaComponent {
  UnitVector place;
  double weight = 0;
  double concentration = 0;  // its density falls with exp(-concentration * squared chord / 2)
  double peak = 0;           // weight times its greatest density, per square km
  int level = 0;             // the coarsest whose edges are short enough within its reach
  double reach = 0;          // radians
};

std::vector<AreaComponent> ComponentsOf(const PlacePosterior& posterior,
                                        const PlacePosterior::Distribution& distribution) {
  const std::vector<double>& widths = posterior.widths_km();
  std::vector<AreaComponent> components;
  for (std::size_t i = 0; i < distribution.weights.size(); ++i) {
    const double width = widths[i % widths.size()];
    AreaComponent c{distribution.places[i / widths.size()], distribution.weights[i]};
    c.concentration = kEarthRadiusKm * kEarthRadiusKm / (width * width);
    // As SphericalGaussian has it.
    c.peak = c.weight / (2 * std::numbers::pi * width * width * -std::expm1(-2 * c.concentration));
    while (c.level < kFinestLevel && MeanEdgeKm(c.level) > kStep * width) ++c.level;
    c.reach = kReach * width / kEarthRadiusKm;
    components.push_back(c);
  }
  std::ranges::stable_sort(components, std::greater{}, &AreaComponent::weight);
  double out = 0;
  while (!components.empty() && out + components.back().weight <= kLeftOut) {
    out += components.back().weight;
    components.pop_back();
  }
  return components;
}

double SquaredChordOf(double radians) {
  const double s = 2 * std::sin(std::min(radians, std::numbers::pi) / 2);
  return s * s;
}

class EarthDivider {
 public:
  EarthDivider(std::vector<AreaComponent> components, double uniform_density)
      : components_(std::move(components)), uniform_(uniform_density) {
    for (int level = 0; level <= kFinestLevel; ++level) {
      for (const AreaComponent& c : components_) {
        near_.push_back(SquaredChordOf(c.reach + LongestDiagonalKm(level) / 2 / kEarthRadiusKm));
      }
    }
  }

  void Divide(S2Cell cell, std::vector<AreaCell>& cells) const {
    const UnitVector middle = ToUnitVector(cell.Center());
    if (IsTooCoarse(cell.level(), middle)) {
      for (int k = 0; k < 4; ++k) Divide(cell.Child(k), cells);
      return;
    }
    const double km2 = AreaKm2(cell);
    cells.push_back({cell, km2 * Density(middle), km2});
  }

 private:
  bool IsTooCoarse(int level, const UnitVector& middle) const {
    const double* near = near_.data() + static_cast<std::size_t>(level) * components_.size();
    for (std::size_t i = 0; i < components_.size(); ++i) {
      const AreaComponent& c = components_[i];
      if (level < c.level && SquaredChord(middle, c.place) < near[i]) return true;
    }
    return false;
  }

  double Density(const UnitVector& place) const {
    constexpr double kNothing = 40;  // exp(-40) of a density
    double density = uniform_;
    for (const AreaComponent& c : components_) {
      const double fall = c.concentration * SquaredChord(place, c.place) / 2;
      if (fall < kNothing) density += c.peak * std::exp(-fall);
    }
    return density;
  }

  std::vector<AreaComponent> components_;
  double uniform_;
  std::vector<double> near_;  // [levels, components]: squared chord below which a cell may hold what is within reach
};

}  // namespace

PosteriorCells::PosteriorCells(const PlacePosterior& posterior, const PlacePosterior::Distribution& distribution) {
  constexpr double kEarthKm2 = 4 * std::numbers::pi * kEarthRadiusKm * kEarthRadiusKm;
  const EarthDivider divider(ComponentsOf(posterior, distribution), distribution.nowhere / kEarthKm2);
  for (int face = 0; face < 6; ++face) divider.Divide(S2Cell::Face(face), cells_);
  double sum = 0;
  for (const AreaCell& cell : cells_) sum += cell.probability;
  for (AreaCell& cell : cells_) cell.probability /= sum;
  std::ranges::stable_sort(
      cells_, [](const AreaCell& a, const AreaCell& b) { return a.probability * b.km2 > b.probability * a.km2; });
  double held = 0, km2 = 0;
  for (const AreaCell& cell : cells_) {
    held_.push_back(held += cell.probability);
    km2_.push_back(km2 += cell.km2);
  }
  held_.back() = 1;
}

PosteriorArea PosteriorCells::Smallest(double share) const {
  if (!(share > 0 && share <= 1)) throw std::invalid_argument("an area's share lies in (0, 1]");
  const auto last = std::ranges::lower_bound(held_, share);
  const auto count = static_cast<std::size_t>(last - held_.begin()) + 1;
  return {share, km2_[count - 1], *last, std::span(cells_).first(count)};
}

std::size_t PosteriorCells::CellOf(LatLon place) const {
  const S2Cell leaf = S2Cell::Leaf(place);
  const auto found = std::ranges::find_if(cells_, [&](const AreaCell& cell) { return cell.cell.Contains(leaf); });
  return static_cast<std::size_t>(found - cells_.begin());
}

double PosteriorCells::ShareReaching(LatLon place) const { return held_.at(CellOf(place)); }
double PosteriorCells::Km2Reaching(LatLon place) const { return km2_.at(CellOf(place)); }

PlaceAreas MeasureAreas(const PosteriorCells& cells, const ConformalScale& conformal, double confidence_km) {
  // As many digits as are known.
  const auto rounded = [](double value) {
    const double unit = std::pow(10.0, std::floor(std::log10(std::max(value, 1e-3))) - 3);
    return std::round(value / unit) * unit;
  };
  const auto radius = [&](double factor) -> std::optional<double> {
    if (factor == 0) return std::nullopt;
    return std::round(std::min(factor * confidence_km, std::numbers::pi * kEarthRadiusKm) * 1e3) / 1e3;
  };
  return {rounded(cells.Smallest(0.5).km2), rounded(cells.Smallest(0.9).km2), radius(conformal.half),
          radius(conformal.most)};
}

std::vector<S2Cell> Merged(std::span<const AreaCell> cells) {
  std::vector<S2Cell> merged;
  for (const AreaCell& cell : cells) merged.push_back(cell.cell);
  std::ranges::sort(merged);
  // Children follow each other along the curve: whenever the last four are one parent's, it takes their place.
  std::vector<S2Cell> stack;
  for (const S2Cell cell : merged) {
    stack.push_back(cell);
    while (stack.size() >= 4 && stack.back().level() > 0) {
      const int level = stack.back().level();
      const S2Cell parent = stack.back().Parent(level - 1);
      const auto siblings = std::span(stack).last(4);
      const bool whole = std::ranges::all_of(
          siblings, [&](const S2Cell s) { return s.level() == level && s.Parent(level - 1) == parent; });
      if (!whole) break;
      stack.erase(stack.end() - 4, stack.end());
      stack.push_back(parent);
    }
  }
  return stack;
}

}  // namespace dualgeo
