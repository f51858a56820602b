#include "dualgeo/gallery/exclusion.h"

#include <algorithm>
#include <cmath>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

Exclusion::Exclusion(const ExclusionRules& rules, const Gallery& gallery, const PhotoTable& queries)
    : rules_(rules), gallery_(gallery), inside_(static_cast<std::int64_t>(gallery.items.size())) {
  if (gallery.info.kind == "gps") rules_.same_id = false;
  if (rules_.similarity_above && gallery.info.kind == "gps") {
    throw InputError("search.exclude_similarity_above: gallery " + gallery.folder.string() +
                     " holds GPS points, of which none is a near duplicate of a photo");
  }
  if (rules_.same_author) {
    const auto has_author = [](const auto& item) { return !item.author.empty(); };
    if (std::none_of(gallery.items.begin(), gallery.items.end(), has_author)) {
      throw InputError("search.exclude_same_author: no item of gallery " + gallery.folder.string() + " has an author");
    }
    if (std::none_of(queries.rows.begin(), queries.rows.end(), has_author)) {
      throw InputError("search.exclude_same_author: no photo of " + queries.path.string() + " has an author");
    }
  }
  if (rules_.within_km > 0) {
    for (const auto& row : queries.rows) {
      if (row.location) continue;
      throw InputError("search.exclude_within_km: photo '" + Printable(row.id) + "' of " + queries.path.string() +
                       " has no location");
    }
  }
  if (rules_.region != nullptr) {
    outside_.resize(gallery.items.size());
    for (std::size_t i = 0; i < outside_.size(); ++i) {
      outside_[i] = rules_.region->Contains(gallery.items[i].location) ? 0 : 1;
      inside_ -= outside_[i];
    }
  }
}

bool Exclusion::active() const {
  return rules_.same_id || rules_.same_author || rules_.within_km > 0 || rules_.similarity_above || !outside_.empty();
}

bool Exclusion::Excludes(const PhotoRow& query, std::int64_t gallery_row) const {
  if (!outside_.empty() && outside_[static_cast<std::size_t>(gallery_row)] != 0) return true;
  const auto& item = gallery_.items[static_cast<std::size_t>(gallery_row)];
  if (rules_.same_id && item.id == query.id) return true;
  if (rules_.same_author && !query.author.empty() && item.author == query.author) return true;
  if (rules_.within_km <= 0) return false;
  // A degree of latitude is 110.57 km at least, and a great circle within 0.56 % of the geodesic, which takes longer.
  if (std::abs(query.location->lat - item.location.lat) * 110 > rules_.within_km) return false;
  if (GreatCircleKm(*query.location, item.location) > 1.01 * rules_.within_km) return false;
  return GeodesicKm(*query.location, item.location) < rules_.within_km;
}

bool Exclusion::Excludes(const PhotoRow& query, std::int64_t gallery_row, double cosine) const {
  return (rules_.similarity_above && cosine > *rules_.similarity_above) || Excludes(query, gallery_row);
}

}  // namespace dualgeo
