// OPTICS (Ankerst, Breunig, Kriegel, Sander 1999) of places, and the clusters that xi cuts out of its plot, with
// scikit-learn's ordering, reachability and labels (sklearn.cluster.OPTICS of 1.2, cluster_method="xi", max_eps=inf,
// its predecessor correction of Schubert and Gertz 2018 included as that version has it: with its index error, which
// moves a few border points and which later versions mend; of places at equal distances either may come first, as with
// scikit-learn on another processor). DBSCAN needs to be told how dense a cluster is; here it
// is what is denser than what lies around it by the share xi, at any scale.
//
// PIGEON splits its cells so (Euclidean, on longitude and latitude in degrees: wrong across the date line and stretched
// towards the poles, kept since it is theirs), and finds the prototypes within them (haversine).
#pragma once

#include <span>
#include <vector>

#include "dualgeo/geo/latlon.h"
#include "geo/cluster_label.h"

namespace dualgeo {

enum class OpticsMetric { kHaversine, kEuclidean };

struct OpticsOptions {
  int min_samples = 5;  // of a core point's neighbours, itself included, and of a cluster; at least 2
  double xi = 0.05;     // in (0, 1)
  OpticsMetric metric = OpticsMetric::kHaversine;
};

struct OpticsResult {
  std::vector<std::size_t> ordering;  // indices of places, in the order in which they were reached
  // Of each place: radians on the unit sphere, or degrees (Euclidean); infinite for the first.
  std::vector<double> reachability;
  std::vector<int> labels;  // of each place; clusters in the order in which they end, the smallest of nested ones
};

// Time O(n^2), memory O(n). With fewer places than min_samples there is no core point and all are noise; with
// haversine, as in scikit-learn, already where min_samples is half of the places (rounded down) or more. Places must be
// valid. Throws std::invalid_argument for options out of range, Interrupted when the program shall stop.
OpticsResult Optics(std::span<const LatLon> places, const OpticsOptions& options);

}  // namespace dualgeo
