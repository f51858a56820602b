// What `dualgeo rerank` and the config's `rerank` section take.
#pragma once

#include <string>

#include "dualgeo/geo/center.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

const std::vector<std::string>& RerankerNames();

struct RerankOptions {
  std::string method = "dbscan";          // one of RerankerNames()
  int top_k = 20;                         // similar candidates that take part; later ones are dropped
  double eps_km = 50;                     // dbscan: neighbours lie within this great-circle distance
  int min_samples = 2;                    // dbscan: neighbours, itself included, that make a candidate a core point
  std::string center = "spherical_mean";  // one of CenterRuleNames()

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("method", method, "how the candidates are put in a new order", OneOf{RerankerNames()});
    v.Field("top_k", top_k, "similar candidates that take part; later ones are dropped", Range{1, 1e6});
    v.Field("eps_km", eps_km, "dbscan: neighbours lie within this great-circle distance", Range{0, 20100});
    v.Field("min_samples", min_samples, "dbscan: neighbours, itself included, that make a candidate a core point",
            Range{1, 1e6});
    v.Field("center", center, "centre of a cluster", OneOf{CenterRuleNames()});
  }

  // Throws InputError naming field, value and what is allowed.
  void Validate() const;
};

}  // namespace dualgeo
