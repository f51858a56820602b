#include "dualgeo/refine/posterior_parameters.h"

namespace dualgeo {

const PosteriorParameters& DefaultPosteriorParameters() {
  static const PosteriorParameters parameters = [] {
    PosteriorParameters p;
    p.widths_km = {1, 25, 200, 750};
    p.list.constant = {0, 0, 0, 0};
    return p;
  }();
  return parameters;
}

}  // namespace dualgeo
