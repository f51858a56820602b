#include "model/gps_projection.h"

#include <cmath>
#include <numbers>

#include "dualgeo/model/kinds.h"
#include "dualgeo/util/kinds.h"

namespace dualgeo {
namespace {

constexpr double kRadians = std::numbers::pi / 180.0;

// EPSG:3857 is R ln tan(pi/4 + lat/2) and R lon; its half side 20037508.3427892 m is pi R, which leaves these ratios.
torch::Tensor Mercator(const torch::Tensor& lat, const torch::Tensor& lon) {
  const auto phi = lat.clamp(-kMercatorLimitDegrees, kMercatorLimitDegrees) * kRadians;
  return torch::stack({torch::asinh(torch::tan(phi)) / std::numbers::pi, lon / 180.0}, 1);
}

// Savric, Patterson, Jenny 2018, with GeoCLIP's scale.
torch::Tensor EqualEarth(const torch::Tensor& lat, const torch::Tensor& lon) {
  constexpr double a1 = 1.340264;
  constexpr double a2 = -0.081106;
  constexpr double a3 = 0.000893;
  constexpr double a4 = 0.003796;
  constexpr double scale = 66.50336 / 180.0;
  const double root3 = std::sqrt(3.0);
  const auto theta = torch::asin(root3 / 2.0 * torch::sin(lat * kRadians));
  const auto t2 = theta * theta;
  const auto t6 = t2 * t2 * t2;
  const auto slope = 3.0 * (9.0 * a4 * t6 * t2 + 7.0 * a3 * t6 + 3.0 * a2 * t2 + a1);
  const auto x = 2.0 * root3 * (lon * kRadians) * torch::cos(theta) / slope;
  const auto y = theta * (a4 * t6 * t2 + a3 * t6 + a2 * t2 + a1);
  return torch::stack({x, y}, 1) * scale;
}

torch::Tensor Equirectangular(const torch::Tensor& lat, const torch::Tensor& lon) {
  return torch::stack({lat, lon}, 1) / 180.0;
}

torch::Tensor Ecef(const torch::Tensor& lat, const torch::Tensor& lon) {
  const auto phi = lat * kRadians;
  const auto lambda = lon * kRadians;
  return torch::stack({torch::cos(phi) * torch::cos(lambda), torch::cos(phi) * torch::sin(lambda), torch::sin(phi)}, 1);
}

struct Projection {
  const char* name;
  int dimensions;
  torch::Tensor (*project)(const torch::Tensor& lat, const torch::Tensor& lon);
};

const Projection& FindProjection(const std::string& name) {
  static constexpr Projection kProjections[] = {DUALGEO_GPS_PROJECTIONS(DUALGEO_KIND_ENTRY)};
  return FindKind(kProjections, name, "model.gps_encoder.projection");
}

}  // namespace

int GpsProjectionDimensions(const std::string& projection) { return FindProjection(projection).dimensions; }

torch::Tensor ProjectGps(const std::string& projection, const torch::Tensor& latlon) {
  TORCH_CHECK(latlon.dim() == 2 && latlon.size(1) == 2, "coordinates are [N, 2], not ", latlon.sizes());
  const auto degrees = latlon.to(torch::kFloat64);
  return FindProjection(projection).project(degrees.select(1, 0), degrees.select(1, 1));
}

}  // namespace dualgeo
