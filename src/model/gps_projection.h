// From latitude and longitude to the coordinates that the GPS encoder's Fourier features see. A new projection is one
// function in src/model/gps_projection.cpp and one line in model/kinds.h.
#pragma once

#include "dualgeo/io/torch.h"

#include <string>

namespace dualgeo {

// Latitude at which the web mercator square ends; the projection itself goes to infinity at the poles.
inline constexpr double kMercatorLimitDegrees = 85.05112878;

// latlon [N, 2] float64 degrees -> [N, dimensions] float64:
//   mercator         (y, x) of EPSG:3857 / 20037508.3427892, in [-1, 1]; latitudes beyond the limit are clamped to it
//   equal_earth      (x, y) of the Equal Earth projection in GeoCLIP's scale, 66.50336 / 180
//   equirectangular  (latitude, longitude) / 180
//   ecef             unit vector (x, y, z); the only one without a seam at the date line
torch::Tensor ProjectGps(const std::string& projection, const torch::Tensor& latlon);

// 2, or 3 for ecef. InputError for an unknown name, listing the known ones.
int GpsProjectionDimensions(const std::string& projection);

}  // namespace dualgeo
