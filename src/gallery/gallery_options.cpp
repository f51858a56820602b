#include <algorithm>
#include <set>
#include <string>

#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/gallery/region.h"
#include "dualgeo/gallery/search.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

void GalleryOptions::Validate() const {
  if (index.empty()) throw InputError("gallery.index: is empty; flat or a FAISS factory string is expected");
  if (kind == "images" && features.empty()) {
    throw InputError(
        "gallery.features: is empty; at least one of image, segmentation, fused_image, fused_segmentation");
  }
  const bool classical = kind == "images" && std::ranges::find(features, "classical") != features.end();
  if (classical != (index == "classical") || (classical && features.size() > 1)) {
    throw InputError("gallery.index: " + index + " with features [" + Join(features) +
                     "]; the feature classical is compared by the index classical, by itself");
  }
  if (std::set<std::string>(features.begin(), features.end()).size() != features.size()) {
    throw InputError("gallery.features: [" + Join(features) + "] names a feature twice");
  }
  if (normalize || kind != "images") return;
  for (const auto& name : features) {
    if (name.starts_with("projected_") || name == "image_text") {
      throw InputError("gallery.normalize: false, but " + name + " of gallery.features is a unit vector by its nature");
    }
  }
  if (metric != "inner_product") {
    throw InputError("gallery.normalize: false goes with gallery.metric inner_product, not " + metric);
  }
}

void SearchOptions::Validate() const { Region::Check(within, within_polygons); }

}  // namespace dualgeo
