// DBSCAN (Ester, Kriegel, Sander, Xu 1996) of places on the sphere, with scikit-learn's labels.
#pragma once

#include <span>
#include <vector>

#include "dualgeo/geo/latlon.h"
#include "geo/cluster_label.h"

namespace dualgeo {

// A label for each place: kNoise, clusters 0, 1, ... in order of their first core point; a border point belongs to
// the first cluster that reaches it. Neighbours lie within eps_km of great-circle distance (inclusive), and a point
// counts among its own. Equal to sklearn.cluster.DBSCAN(metric="haversine") of 1.2 on the same numbers. Memory O(n):
// small sets compare all pairs, large ones look neighbours up in a grid. eps_km >= 0, min_samples >= 1, places valid.
std::vector<int> Dbscan(std::span<const LatLon> places, double eps_km, int min_samples);

}  // namespace dualgeo
