#include "geo/optics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/stop.h"

namespace dualgeo {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

// scikit-learn rounds distances to 15 decimals, which decides ties.
double Rounded(double distance) { return std::rint(distance * 1e15) / 1e15; }

// Distances between places, computed as scikit-learn computes them: to the last digit, since places at the distance of
// the core are ties but for that.
class OpticsDistance {
 public:
  OpticsDistance(std::span<const LatLon> places, OpticsMetric metric) : haversine_(metric == OpticsMetric::kHaversine) {
    const double unit = haversine_ ? kRadiansPerDegree : 1;
    for (const auto& place : places) {
      Point p{place.lat * unit, place.lon * unit};
      p.term = haversine_ ? std::cos(p.lat) : p.lon * p.lon + p.lat * p.lat;
      points_.push_back(p);
    }
  }

  double operator()(std::size_t a, std::size_t b) const {
    const Point &p = points_[a], &q = points_[b];
    if (haversine_) return 2 * std::asin(HalfChord(p, q));
    // |p|^2 + |q|^2 - 2 p q: a thousandth of a metre is lost, and here with it.
    return std::sqrt(std::max(0.0, -2 * (p.lon * q.lon + p.lat * q.lat) + p.term + q.term));
  }

  // The same from a place to what its `core` is: found in a tree, which computes it in another way.
  double ToCore(std::size_t a, std::size_t b) const {
    const Point &p = points_[a], &q = points_[b];
    if (!haversine_) return std::sqrt((p.lon - q.lon) * (p.lon - q.lon) + (p.lat - q.lat) * (p.lat - q.lat));
    const double half = HalfChord(p, q);
    return 2 * std::atan2(half, std::sqrt(1 - half * half));  // numpy's arcsine, whose last digit varies with the CPU
  }

 private:
  struct Point {
    double lat, lon;
    double term = 0;  // cosine of the latitude; Euclidean: the square of its length
  };

  static double HalfChord(const Point& p, const Point& q) {
    const double lat = std::sin(0.5 * (p.lat - q.lat)), lon = std::sin(0.5 * (p.lon - q.lon));
    return std::sqrt(lat * lat + p.term * q.term * lon * lon);
  }

  bool haversine_;
  std::vector<Point> points_;
};

struct OpticsGraph {
  std::vector<std::size_t> ordering, predecessor;
  std::vector<double> reachability;
};

// From the place reached so far at the least distance to the next, nearer neighbours first.
OpticsGraph Reach(std::span<const LatLon> places, const OpticsOptions& options) {
  const std::size_t n = places.size();
  const auto min_samples = static_cast<std::size_t>(options.min_samples);
  // Where min_samples is half of the places or more, scikit-learn searches without a tree: it then finds no haversine
  // neighbours at all, since it compares with the sine of infinity, and takes the Euclidean core from inexact
  // distances.
  const bool tree = min_samples < n / 2;
  const bool core_points = n >= min_samples && (tree || options.metric == OpticsMetric::kEuclidean);
  const OpticsDistance distance(places, options.metric);
  OpticsGraph graph{{}, std::vector<std::size_t>(n, kNowhere), std::vector<double>(n, kInfinite)};
  std::vector<std::size_t> open(n);  // not yet reached, by index
  std::iota(open.begin(), open.end(), std::size_t{0});
  std::vector<double> to_core(n);
  while (!open.empty()) {
    ThrowIfStopped();
    const auto next = std::ranges::min_element(open, {}, [&](std::size_t i) { return graph.reachability[i]; });
    const std::size_t here = *next;
    open.erase(next);
    graph.ordering.push_back(here);
    if (!core_points) continue;
    for (std::size_t i = 0; i < n; ++i) to_core[i] = tree ? distance.ToCore(here, i) : distance(here, i);
    std::nth_element(to_core.begin(), to_core.begin() + options.min_samples - 1, to_core.end());
    const double core = Rounded(to_core[min_samples - 1]);
    for (const std::size_t i : open) {
      const double reach = Rounded(std::max(distance(here, i), core));
      if (reach >= graph.reachability[i]) continue;
      graph.reachability[i] = reach;
      graph.predecessor[i] = here;
    }
  }
  return graph;
}

// A part of the plot, both ends included.
struct PlotRange {
  std::size_t begin = 0, end = 0;
};

struct SteepDescent {
  PlotRange range;
  double highest_since = 0;  // "mib": the maximum between its end and here
};

// Finds clusters as dents of the reachability plot: from a steep way down to a steep way up (figure 19 of the paper).
class XiClusters {
 public:
  XiClusters(const OpticsGraph& graph, const OpticsOptions& options)
      : graph_(graph), min_samples_(static_cast<std::size_t>(options.min_samples)), rest_(1 - options.xi) {
    for (const std::size_t i : graph.ordering) plot_.push_back(graph.reachability[i]);
    plot_.push_back(kInfinite);
    for (std::size_t i = 0; i + 1 < plot_.size(); ++i) {
      const double ratio = plot_[i] / plot_[i + 1];  // NaN, which is no direction, between two that are infinite or 0
      up_.push_back(ratio < 1);
      down_.push_back(ratio > 1);
      steep_up_.push_back(ratio <= rest_);
      steep_down_.push_back(ratio >= 1 / rest_);
    }
  }

  // Nested ones after those that they hold.
  std::vector<PlotRange> Find() {
    std::vector<PlotRange> clusters;
    std::size_t next = 0;
    double highest = 0;
    for (std::size_t i = 0; i < steep_up_.size(); ++i) {
      if (i < next || (!steep_up_[i] && !steep_down_[i])) continue;
      for (std::size_t k = next; k <= i; ++k) highest = std::max(highest, plot_[k]);
      Forget(highest);
      const bool descends = steep_down_[i];
      const PlotRange steep{i, descends ? Extend(steep_down_, up_, i) : Extend(steep_up_, down_, i)};
      next = steep.end + 1;
      highest = plot_[next];
      if (descends) {
        descents_.push_back({steep, 0});
        continue;
      }
      const std::size_t before = clusters.size();
      for (const auto& descent : descents_) {
        if (const auto cluster = Between(descent, steep)) clusters.push_back(*cluster);
      }
      std::reverse(clusters.begin() + static_cast<std::ptrdiff_t>(before), clusters.end());
    }
    return clusters;
  }

 private:
  // The descents that a maximum since has not undone.
  void Forget(double highest) {
    std::erase_if(descents_, [&](const SteepDescent& descent) {
      return std::isinf(highest) || highest > plot_[descent.range.begin] * rest_;
    });
    for (auto& descent : descents_) descent.highest_since = std::max(descent.highest_since, highest);
  }

  // The last steep point of the way that begins at `begin`: it never turns, and at most min_samples points in a row are
  // not steep.
  std::size_t Extend(const std::vector<bool>& steep, const std::vector<bool>& against, std::size_t begin) const {
    std::size_t end = begin, flat = 0;
    for (std::size_t i = begin; i < steep.size(); ++i) {
      if (steep[i]) {
        flat = 0;
        end = i;
      } else if (against[i] || ++flat > min_samples_) {
        break;
      }
    }
    return end;
  }

  // Definition 11 of the paper: the cluster between the two ways, if it is one.
  std::optional<PlotRange> Between(const SteepDescent& descent, const PlotRange& ascent) const {
    PlotRange cluster{descent.range.begin, ascent.end};
    const double right = plot_[cluster.end + 1], left = plot_[cluster.begin];
    if (right * rest_ < descent.highest_since) return std::nullopt;
    if (left * rest_ >= right) {  // begin as low as the end is
      while (plot_[cluster.begin + 1] > right && cluster.begin < descent.range.end) ++cluster.begin;
    } else if (right * rest_ >= left) {  // end as low as the beginning is
      while (plot_[cluster.end - 1] > left && cluster.end > ascent.begin) --cluster.end;
    }
    if (!EndWhereReached(cluster)) return std::nullopt;
    const bool large = cluster.end - cluster.begin + 1 >= min_samples_;
    if (!large || cluster.begin > descent.range.end || cluster.end < ascent.begin) return std::nullopt;
    return cluster;
  }

  // A last point that was reached from outside of the cluster is none of its own. Only that scikit-learn 1.2 takes the
  // index of where it was reached from for a place in the ordering, which what is published was made with.
  bool EndWhereReached(PlotRange& cluster) const {
    for (; cluster.begin < cluster.end; --cluster.end) {
      if (plot_[cluster.begin] > plot_[cluster.end]) return true;
      const std::size_t from = graph_.predecessor[graph_.ordering[cluster.end]];
      const std::size_t taken = from == kNowhere ? graph_.ordering.back() : graph_.ordering[from];
      for (std::size_t i = cluster.begin; i < cluster.end; ++i) {
        if (graph_.ordering[i] == taken) return true;
      }
    }
    return false;
  }

  const OpticsGraph& graph_;
  std::size_t min_samples_;
  double rest_;               // 1 - xi
  std::vector<double> plot_;  // reachability in the ordering, then infinity
  std::vector<bool> up_, down_, steep_up_, steep_down_;
  std::vector<SteepDescent> descents_;
};

}  // namespace

OpticsResult Optics(std::span<const LatLon> places, const OpticsOptions& options) {
  if (options.min_samples < 2) throw std::invalid_argument("OPTICS: min_samples below 2");
  if (!(options.xi > 0 && options.xi < 1)) throw std::invalid_argument("OPTICS: xi not between 0 and 1");
  OpticsGraph graph = Reach(places, options);
  std::vector<int> labels(places.size(), kNoise);
  int label = 0;
  for (const auto& cluster : XiClusters(graph, options).Find()) {
    const auto begin = graph.ordering.begin() + static_cast<std::ptrdiff_t>(cluster.begin);
    const auto end = graph.ordering.begin() + static_cast<std::ptrdiff_t>(cluster.end) + 1;
    if (std::any_of(begin, end, [&](std::size_t i) { return labels[i] != kNoise; })) continue;  // holds a smaller one
    std::for_each(begin, end, [&](std::size_t i) { labels[i] = label; });
    ++label;
  }
  return {std::move(graph.ordering), std::move(graph.reachability), std::move(labels)};
}

}  // namespace dualgeo
