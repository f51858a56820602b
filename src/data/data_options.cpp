#include "data/data_options.h"

#include "dualgeo/util/error.h"

namespace dualgeo {

void PhotoSetOptions::Require(const std::string& key, bool with_masks) const {
  if (csv.empty()) throw InputError(key + ".csv is not set; it is the table of photos (IMG_ID, LAT, LON ...)");
  if (images.empty())
    throw InputError(key + ".images is not set; it is the folder or tar archive that IMG_ID is a path in");
  if (with_masks && masks.empty()) {
    throw InputError(key + ".masks is not set; it is the folder of class-id PNGs (dualgeo segment writes one)");
  }
}

void ValidationOptions::Validate() const {
  if (csv.empty() && !(images.empty() && masks.empty())) {
    throw InputError(
        "data.validation.csv is not set, but its images or masks are; a share of the training photos uses theirs");
  }
}

}  // namespace dualgeo
