// What a photo says of itself: place, time, orientation, author and direction from its EXIF block (Exif 2.32), or from
// a name as data sets for visual place recognition write them.
//
// EXIF is read from JPEG, PNG (chunk eXIf), WebP and TIFF, and from HEIC and AVIF where the build has libheif. Broken
// or hostile metadata is never an error: what cannot be read is not there, and reading takes time in proportion to the
// bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

struct PhotoFacts {
  std::optional<LatLon> location;
  // Why there is none although something is said of it ("0, 0, as devices write without a fix"); else empty.
  std::string without_location;
  std::optional<double> altitude_m;   // above the sea
  std::optional<double> heading_deg;  // where the camera looks, clockwise from north, [0, 360)
  std::string taken;                  // "2019-05-01T12:30:00", the camera's clock; with "+02:00" where it is said
  int orientation = 1;                // 1 .. 8 (EXIF tag 0x0112); 1: upright
  std::string author;                 // UTF-8 without control characters, at most 200 bytes
};

// From a photo's encoded bytes.
PhotoFacts FactsInPhoto(std::string_view bytes);

// From a photo's id: the file's name, if it is one of
//
//   @UTM_E@UTM_N@ZONE@BAND@LAT@LON@PANO@TILE@HEADING@PITCH@ROLL@HEIGHT@TIMESTAMP@NOTE@.jpg
//   @LAT@LON@...
//
// Fields may be empty; LAT and LON come before UTM coordinates (metres, WGS84), which need their zone (a number) and
// band (a letter). Nothing when the name does not begin with @ or says no place.
std::optional<PhotoFacts> FactsInName(std::string_view id);

}  // namespace dualgeo
