// Which gallery photos a query must not be answered with. YFCC4k shares photographers with MP-16, so that retrieval may
// find the same photographer's neighbouring shot; a photo that is in the gallery itself would find itself, and a near
// duplicate of it (re-posted, cropped, the next of a burst) gives its place away without being the same file. And which
// part of the Earth the answers are to lie in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/gallery/region.h"

namespace dualgeo {

struct ExclusionRules {
  bool same_id = true;       // galleries of photos only: ids of GPS points are row numbers
  bool same_author = false;  // both authors known
  double within_km = 0;      // geodesic; 0: off; needs the query's true location, so only for experiments
  // Near duplicates: cosine similarity of the descriptors (the mean over the gallery's features) above this; galleries
  // of photos only.
  std::optional<double> similarity_above;
  const Region* region = nullptr;  // null: everywhere
};

class Exclusion {
 public:
  // Throws InputError when a rule cannot do anything: same_author where no query or no gallery item has an author,
  // within_km > 0 with a query that has no location, similarity_above with a gallery of GPS points.
  Exclusion(const ExclusionRules& rules, const Gallery& gallery, const PhotoTable& queries);

  bool active() const;
  // Items of the gallery that lie in the region.
  std::int64_t inside() const { return inside_; }
  bool by_similarity() const { return rules_.similarity_above.has_value(); }
  // What is known of an item without its similarity.
  bool Excludes(const PhotoRow& query, std::int64_t gallery_row) const;
  // cosine: similarity of the query's descriptor to the item's.
  bool Excludes(const PhotoRow& query, std::int64_t gallery_row, double cosine) const;

 private:
  ExclusionRules rules_;
  const Gallery& gallery_;
  std::int64_t inside_ = 0;
  std::vector<char> outside_;  // by row; empty: none is
};

}  // namespace dualgeo
