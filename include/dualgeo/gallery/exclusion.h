// Which gallery photos a query must not be answered with. YFCC4k shares photographers with MP-16, so that retrieval may
// find the same photographer's neighbouring shot; and a photo that is in the gallery itself would find itself.
#pragma once

#include <string>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/gallery_file.h"

namespace dualgeo {

struct ExclusionRules {
  bool same_id = true;       // galleries of photos only: ids of GPS points are row numbers
  bool same_author = false;  // both authors known
  double within_km = 0;      // geodesic; 0: off; needs the query's true location, so only for experiments
};

class Exclusion {
 public:
  // Throws InputError when a rule cannot do anything: same_author where no query or no gallery item has an author,
  // within_km > 0 with a query that has no location.
  Exclusion(const ExclusionRules& rules, const Gallery& gallery, const PhotoTable& queries);

  bool active() const;
  bool Excludes(const PhotoRow& query, std::int64_t gallery_row) const;

 private:
  ExclusionRules rules_;
  const Gallery& gallery_;
};

}  // namespace dualgeo
