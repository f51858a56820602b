// Facts in the names of visual place recognition's photos.
#include <GeographicLib/Constants.hpp>
#include <GeographicLib/UTMUPS.hpp>
#include <cmath>
#include <vector>

#include "data/photo_facts.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// The fields of @A@B@...@; the first is what stands before the first @.
std::vector<std::string> NameFields(std::string_view name) {
  std::vector<std::string> fields(1);
  for (const char c : name) {
    if (c == '@') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::optional<LatLon> PlaceOfFields(const std::string& lat, const std::string& lon) {
  const auto y = ParseDouble(lat), x = ParseDouble(lon);
  if (!y || !x || !IsValid({*y, *x})) return std::nullopt;
  return LatLon{*y, *x};
}

// UTM, zone 1 .. 60; bands C .. M lie south of the equator, N .. X north.
std::optional<LatLon> PlaceOfUtm(const std::string& east, const std::string& north, const std::string& zone,
                                 const std::string& band) {
  const auto x = ParseDouble(east), y = ParseDouble(north);
  const auto number = ParseInteger(zone);
  if (!x || !y || !number || *number < 1 || *number > 60 || band.size() != 1 || !IsAlpha(band[0])) return std::nullopt;
  const char letter = Lower(band[0]);
  if (letter < 'c' || letter > 'x') return std::nullopt;
  try {
    LatLon place;
    GeographicLib::UTMUPS::Reverse(static_cast<int>(*number), letter >= 'n', *x, *y, place.lat, place.lon);
    if (IsValid(place)) return place;
  } catch (const GeographicLib::GeographicErr&) {  // metres that lie in no zone
  }
  return std::nullopt;
}

// "20140912_131502", or the beginning of it: a date, or a date and a time.
std::string TimeInName(const std::string& text) {
  const auto digits = [&](std::size_t begin, std::size_t count) {
    if (text.size() < begin + count) return false;
    for (std::size_t i = begin; i < begin + count; ++i) {
      if (!IsDigit(text[i])) return false;
    }
    return true;
  };
  if (!digits(0, 8) || (text.size() > 8 && text[8] != '_')) return "";
  const std::string date = text.substr(0, 4) + "-" + text.substr(4, 2) + "-" + text.substr(6, 2);
  if (!digits(9, 6) || text.size() != 15) return text.size() == 8 ? date : "";
  return date + "T" + text.substr(9, 2) + ":" + text.substr(11, 2) + ":" + text.substr(13, 2);
}

}  // namespace

std::optional<PhotoFacts> FactsInName(std::string_view id) {
  const std::string_view name = id.substr(id.rfind('/') + 1);  // npos + 1 is 0
  if (!name.starts_with('@')) return std::nullopt;
  const auto fields = NameFields(name);
  const auto field = [&](std::size_t i) { return i < fields.size() ? fields[i] : std::string(); };
  PhotoFacts facts;
  facts.location = PlaceOfFields(field(5), field(6));
  if (!facts.location) facts.location = PlaceOfUtm(field(1), field(2), field(3), field(4));
  const bool whole = facts.location.has_value();
  if (!whole) facts.location = PlaceOfFields(field(1), field(2));
  if (!facts.location) return std::nullopt;
  if (whole) {
    const auto heading = ParseDouble(field(9));
    if (heading && std::isfinite(*heading)) facts.heading_deg = *heading - 360 * std::floor(*heading / 360);
    const auto height = ParseDouble(field(12));
    if (height && std::isfinite(*height)) facts.altitude_m = *height;
    facts.taken = TimeInName(field(13));
  }
  return facts;
}

}  // namespace dualgeo
