// The maximum of a kernel density over the Earth.
#include "rerankers.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "dualgeo/geo/distance.h"
#include "dualgeo/refine/distance_table.h"

namespace dualgeo {
namespace {

UnitVector Sum(const UnitVector& a, double weight, const UnitVector& b) {
  return {a.x + weight * b.x, a.y + weight * b.y, a.z + weight * b.z};
}

// exp(-angle^2 / 2 sigma^2) of the angle between two places, and what the gradient of that goes by: the same times
// angle / sin(angle).
class GreatCircleKernel {
 public:
  explicit GreatCircleKernel(double sigma)
      : sigma_(sigma), table_(2, [this](double km, int column) {
          const double angle = km / kEarthRadiusKm;
          return column == 0 ? Value(angle) : Pull(angle);
        }) {}

  double Value(double angle) const { return std::exp(-0.5 * angle * angle / (sigma_ * sigma_)); }
  double Pull(double angle) const {
    const double sine = std::sin(angle);
    return Value(angle) * (sine > 1e-6 * angle ? angle / sine : angle < 1 ? 1 : 1e6);
  }
  double FastValue(const UnitVector& a, const UnitVector& b) const { return table_.At(BinOf(a, b), 0); }
  double FastPull(const UnitVector& a, const UnitVector& b) const { return table_.At(BinOf(a, b), 1); }
  double sigma() const { return sigma_; }

  static double Angle(const UnitVector& a, const UnitVector& b) {
    return 2 * std::asin(std::min(1.0, 0.5 * std::sqrt(SquaredChord(a, b))));
  }

 private:
  double sigma_;
  DistanceTable table_;
};

// The weighted places of one list.
struct Sources {
  std::vector<UnitVector> places;
  std::vector<double> weights;

  template <class Kernel>
  double Density(const UnitVector& at, const Kernel& kernel) const {
    double sum = 0;
    for (std::size_t i = 0; i < places.size(); ++i) sum += weights[i] * kernel(at, places[i]);
    return sum;
  }
  // Mean shift: the density rises with each step.
  template <class Pull>
  UnitVector Climb(UnitVector at, double tolerance, const Pull& pull) const {
    constexpr int kMostSteps = 500;
    for (int step = 0; step < kMostSteps; ++step) {
      UnitVector sum;
      for (std::size_t i = 0; i < places.size(); ++i) sum = Sum(sum, weights[i] * pull(at, places[i]), places[i]);
      const double length = std::sqrt(sum.x * sum.x + sum.y * sum.y + sum.z * sum.z);
      if (!(length > 1e-300)) break;
      const UnitVector next{sum.x / length, sum.y / length, sum.z / length};
      const bool rests = SquaredChord(at, next) < tolerance * tolerance;
      at = next;
      if (rests) break;
    }
    return at;
  }
};

// The greatest of the maxima that lead uphill from the candidates: fast by tables; those that come close to the best
// once more without.
UnitVector GreatCircleMaximum(const Sources& sources, const std::vector<double>& densities,
                              const GreatCircleKernel& kernel) {
  const double near = 0.1 * kernel.sigma();
  std::vector<std::size_t> order(densities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return densities[a] > densities[b]; });
  std::vector<UnitVector> starts, maxima;
  std::vector<double> heights;
  const auto pull = [&](const UnitVector& a, const UnitVector& b) { return kernel.FastPull(a, b); };
  const auto value = [&](const UnitVector& a, const UnitVector& b) { return kernel.FastValue(a, b); };
  for (const std::size_t i : order) {
    const UnitVector& start = sources.places[i];
    const bool known =
        std::ranges::any_of(starts, [&](const UnitVector& other) { return SquaredChord(start, other) < near * near; });
    if (known) continue;
    starts.push_back(start);
    maxima.push_back(sources.Climb(start, 1e-3 * kernel.sigma(), pull));
    heights.push_back(sources.Density(maxima.back(), value));
  }
  const double least = 0.99 * *std::ranges::max_element(heights);
  UnitVector best;
  double height = -1;
  for (std::size_t m = 0; m < maxima.size(); ++m) {
    if (heights[m] < least) continue;
    const UnitVector exact = sources.Climb(
        maxima[m], 1e-9, [&](const UnitVector& a, const UnitVector& b) { return kernel.Pull(kernel.Angle(a, b)); });
    const double its = sources.Density(
        exact, [&](const UnitVector& a, const UnitVector& b) { return kernel.Value(kernel.Angle(a, b)); });
    if (its > height * (1 + 1e-9)) {  // of equals, where the first start led
      best = exact;
      height = its;
    }
  }
  return best;
}

// One side of a grid: cells 0 to size - 1, blurred by a Gaussian that ends at `reach` cells, twice sigma.
class BlurredAxis {
 public:
  BlurredAxis(int size, double sigma, bool circular)
      : size_(size), circular_(circular), reach_(static_cast<int>(std::ceil(2 * sigma))) {
    double sum = 0;
    for (int i = -reach_; i <= reach_; ++i) sum += kernel_.emplace_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    for (double& value : kernel_) value /= sum;
  }

  int size() const { return size_; }
  // What the cell `at` gives to `first`, `first` + 1, ... ; modulo size where the axis is a circle. Where it is none,
  // the cells at its ends go on beyond them ("replicate").
  struct Share {
    int first = 0;
    std::vector<double> values;
  };
  void ShareOf(int at, Share& share) const {
    const int begin = circular_ ? at - reach_ : std::max(0, at - reach_);
    const int end = circular_ ? std::min(at + reach_ + 1, begin + size_) : std::min(size_, at + reach_ + 1);
    share.first = begin;
    share.values.clear();
    for (int i = begin; i < end; ++i) {
      double value = Kernel(i - at);
      if (!circular_ && at == 0) {
        for (int beyond = -1; i - beyond <= reach_; --beyond) value += Kernel(i - beyond);
      }
      if (!circular_ && at == size_ - 1) {
        for (int beyond = size_; beyond - i <= reach_; ++beyond) value += Kernel(i - beyond);
      }
      share.values.push_back(value);
    }
  }

 private:
  double Kernel(int offset) const { return kernel_[static_cast<std::size_t>(offset + reach_)]; }

  int size_;
  bool circular_;
  int reach_;
  std::vector<double> kernel_;
};

// Rows of latitude, columns of longitude, from the south-west; what was added, blurred.
class BlurredGrid {
 public:
  BlurredGrid(const BlurredAxis& rows, const BlurredAxis& columns)
      : rows_(rows), columns_(columns), values_(Size(rows) * Size(columns), 0) {}

  bool empty() const { return empty_; }
  void Add(int row, int column, double weight) {
    empty_ = false;
    rows_.ShareOf(row, of_row_);
    columns_.ShareOf(column, of_column_);
    for (std::size_t r = 0; r < of_row_.values.size(); ++r) {
      const double its = weight * of_row_.values[r];
      double* const line = values_.data() + (static_cast<std::size_t>(of_row_.first) + r) * Size(columns_);
      const auto add = [&](int from, int to) {  // of the columns, within one turn
        const int turn = from < 0 ? columns_.size() : from >= columns_.size() ? -columns_.size() : 0;
        for (int c = from; c < to; ++c) {
          line[c + turn] += its * of_column_.values[static_cast<std::size_t>(c - of_column_.first)];
        }
      };
      const int end = of_column_.first + static_cast<int>(of_column_.values.size());
      add(of_column_.first, std::min(end, 0));
      add(std::max(of_column_.first, 0), std::min(end, columns_.size()));
      add(std::max(of_column_.first, columns_.size()), end);
    }
  }

  struct Cell {
    int row = 0, column = 0;
  };
  // The greatest; of equals the westernmost, then the southernmost.
  Cell Maximum() const {
    const double greatest = *std::ranges::max_element(values_);
    Cell best{0, columns_.size()};
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const int column = static_cast<int>(i % Size(columns_));
      if (values_[i] == greatest && column < best.column) best = {static_cast<int>(i / Size(columns_)), column};
    }
    return best;
  }

 private:
  static std::size_t Size(const BlurredAxis& axis) { return static_cast<std::size_t>(axis.size()); }

  const BlurredAxis& rows_;
  const BlurredAxis& columns_;
  std::vector<double> values_;
  bool empty_ = true;
  BlurredAxis::Share of_row_, of_column_;
};

// [L]kNN's code: a coarse grid of the whole map, then a fine one round its maximum. Rows and columns begin at 0, one
// below those of the code.
class GridMaximum {
 public:
  explicit GridMaximum(const RerankOptions& options)
      : fine_step_(options.refine_deg),
        fine_per_coarse_(static_cast<int>(std::lround(options.grid_deg / options.refine_deg))),
        window_(static_cast<int>(std::lround(options.window_deg / options.grid_deg))),
        sigma_(options.sigma_deg),
        wrap_(!options.no_wrap),
        clamp_(options.clamp),
        rows_(static_cast<int>(std::lround(180 / options.grid_deg)), options.sigma_deg / options.grid_deg, false),
        columns_(2 * rows_.size(), options.sigma_deg / options.grid_deg, wrap_) {}

  LatLon Find(std::span<const Candidate> similar, std::span<const double> weights) const {
    BlurredGrid map(rows_, columns_);
    for (std::size_t i = 0; i < similar.size(); ++i) {
      map.Add(RowOf(similar[i].location, rows_.size()), ColumnOf(similar[i].location, columns_.size()), weights[i]);
    }
    BlurredGrid::Cell at = map.Maximum();
    if (clamp_) {
      at.row = Within(at.row, rows_.size());
      at.column = Within(at.column, columns_.size());
    }
    return Refine(similar, weights, at);
  }

 private:
  // A cell holds its northern and eastern edge. The map's southern one belongs to the first row, its western one to the
  // last column or, with no_wrap, to the first. (The code leaves places on these two out.)
  static int RowOf(LatLon place, int rows) {
    return std::clamp(static_cast<int>(std::ceil(place.lat * (rows / 180.0) + rows / 2.0)) - 1, 0, rows - 1);
  }
  int ColumnOf(LatLon place, int columns) const {
    const int column = static_cast<int>(std::ceil(place.lon * (columns / 360.0) + columns / 2.0)) - 1;
    return column >= 0 ? std::min(column, columns - 1) : wrap_ ? column + columns : 0;
  }
  // As near as possible to `at` so that the window lies on the map (but for one cell, as in the code).
  int Within(int at, int size) const {
    return size > 2 * window_ + 1 ? std::clamp(at, window_, size - 2 - window_) : size / 2;
  }

  // The fine cells that end where the coarse ones of the window end, one for each step from its first to its last edge.
  LatLon Refine(std::span<const Candidate> similar, std::span<const double> weights, BlurredGrid::Cell at) const {
    const int fine_rows = rows_.size() * fine_per_coarse_, fine_columns = columns_.size() * fine_per_coarse_;
    const int reach = window_ * fine_per_coarse_;
    const auto centre = [&](int coarse) { return (coarse + 1) * fine_per_coarse_ - 1; };
    const int south = std::max(0, centre(at.row) - reach), north = std::min(fine_rows - 1, centre(at.row) + reach);
    int west = centre(at.column) - reach, east = centre(at.column) + reach;
    if (!wrap_) {
      west = std::max(0, west);
      east = std::min(fine_columns - 1, east);
    } else if (east - west >= fine_columns) {
      east = west + fine_columns - 1;
    }
    const BlurredAxis rows(north - south + 1, sigma_ / fine_step_, false);
    const BlurredAxis columns(east - west + 1, sigma_ / fine_step_, wrap_ && east - west + 1 == fine_columns);
    BlurredGrid window(rows, columns);
    for (std::size_t i = 0; i < similar.size(); ++i) {
      const int row = RowOf(similar[i].location, fine_rows);
      int column = ColumnOf(similar[i].location, fine_columns);
      while (wrap_ && column < west) column += fine_columns;
      while (wrap_ && column > east) column -= fine_columns;
      if (row < south || row > north || column < west || column > east) continue;
      window.Add(row - south, column - west, weights[i]);
    }
    // The cell's north-eastern corner, as in the code. A window that clamp moved may hold no place at all: then the
    // coarse cell's. (The code answers with a corner of the map.)
    const auto best = window.Maximum();
    const bool empty = window.empty();
    const int row = empty ? centre(at.row) : south + best.row, column = empty ? centre(at.column) : west + best.column;
    return Normalized({(row + 1 - fine_rows / 2.0) / (fine_rows / 180.0),
                       (column + 1 - fine_columns / 2.0) / (fine_columns / 360.0)});
  }

  double fine_step_;
  int fine_per_coarse_, window_;
  double sigma_;
  bool wrap_, clamp_;
  BlurredAxis rows_, columns_;
};

class KdeReranker : public Reranker {
 public:
  explicit KdeReranker(const RerankOptions& options)
      : options_(options), kernel_(options.sigma_deg * kRadiansPerDegree) {
    if (options.grid_deg > 0) grid_.emplace(options);
  }

  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar,
                                       const PlacePosterior& posterior) const override {
    SortByRetrieval(similar);
    const Sources sources = SourcesOf(similar);
    std::vector<double> densities;
    double greatest = 0;
    for (const UnitVector& place : sources.places) {
      densities.push_back(
          sources.Density(place, [&](const UnitVector& a, const UnitVector& b) { return kernel_.FastValue(a, b); }));
      greatest = std::max(greatest, densities.back());
    }
    LatLon answer;
    if (grid_) {
      answer = grid_->Find(similar, sources.weights);
    } else {
      answer = Exact(GreatCircleMaximum(sources, densities, kernel_), similar);
    }
    const Candidate* snapped = nullptr;
    for (std::size_t i = 0; i < similar.size(); ++i) {
      similar[i].cluster.reset();
      similar[i].rerank_score = RoundedScore(densities[i] / greatest);
      if (GreatCircleKm(answer, similar[i].location) >= options_.snap_km) continue;
      if (snapped == nullptr) snapped = &similar[i];
      similar[i].rerank_score = RoundedScore(1 + 1.0 / RetrievalRank(similar[i]));
    }
    if (snapped != nullptr) answer = snapped->location;
    SortByRerankScore(similar);
    return EstimateAt(posterior, similar, answer);
  }

 private:
  Sources SourcesOf(const std::vector<Candidate>& similar) const {
    Sources sources;
    for (const Candidate& candidate : similar) sources.places.push_back(ToUnitVector(candidate.location));
    sources.weights = CandidateWeights(options_, "distance", similar);
    // Scores at or below 0 under weight score: then nothing tells the candidates apart.
    if (std::ranges::all_of(sources.weights, [](double weight) { return weight <= 0; })) {
      std::ranges::fill(sources.weights, 1);
    }
    return sources;
  }

  // The maximum of candidates at one place is that place, to the digit.
  static LatLon Exact(const UnitVector& maximum, const std::vector<Candidate>& similar) {
    for (const Candidate& candidate : similar) {
      if (SquaredChord(maximum, ToUnitVector(candidate.location)) < 1e-16) return candidate.location;
    }
    return ToLatLon(maximum);
  }

  RerankOptions options_;
  GreatCircleKernel kernel_;
  std::optional<GridMaximum> grid_;
};

}  // namespace

// Vo, Jacobs, Hays 2017, "Revisiting IM2GPS in the deep learning era", [L]kNN: the place where the density of the
// neighbours (100 there: top_k) is greatest, each weighing its distance in feature space to the power -10 (weight
// distance; without scores rank) under a Gaussian of sigma_deg = 4 degrees.
//
// By default the kernel goes by great circles, and the maximum is found by climbing from the candidates: nothing
// depends on where on the sphere the list lies. Their code works on a map, and so does this with grid_deg 1: places are
// counted in cells of grid_deg, the map is blurred (the kernel ends at twice sigma; the map's edges are repeated beyond
// them), then cells of refine_deg within window_deg of the greatest; the answer is a cell's north-eastern corner. Away
// from the equator such a kernel is too narrow from east to west. Left and right edge meet but for no_wrap; a window
// over the map's edge is cut (north and south, or no_wrap), or with clamp moved until it lies on it, as the code has it
// (rows 21 to 159 and columns 21 to 339 of 180 by 360 for the window's middle).
//
// snap_km (100 in the code, 0: not): the answer is the best-ranked candidate nearer than that to the maximum; where
// there is none, the maximum. Without it nothing below the kernel's width can be told.
//
// Order: candidates near enough to snap to by rank (rerank_score 1 + 1 / rank), then by density (rerank_score: as a
// share of the greatest at a candidate).
std::unique_ptr<Reranker> MakeKdeReranker(const RerankOptions& options) {
  return std::make_unique<KdeReranker>(options);
}

}  // namespace dualgeo
