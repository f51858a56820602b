// Galleries made of galleries: with further photos, without some, of several. The old ones stay as they are.
//
// What an index allows, its kind says. Flat, SQ, PQ and IVF indexes, behind transforms and with refinement, can do all
// three; further vectors are put into the lists and codes that the first ones trained. A flat gallery's files are then
// those of a gallery built at once, byte for byte (but identical_photos, which is not known any more). HNSW graphs take
// further vectors alone; NSG graphs, classical features and indexes that FAISS did not make are built again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/gallery/gallery_file.h"

namespace dualgeo {

// With the photos of `set`, whose rows are in `table` (or points, table unused). duplicates: GalleryOptions' word for
// the new photos among themselves. Throws InputError for features of another model, kind or dimension than the
// gallery's, an id that is in it already, and an index that takes no more.
GalleryInfo AddToGallery(const std::filesystem::path& gallery, const FeatureSet& set, const PhotoTable& table,
                         const std::string& duplicates, const std::filesystem::path& out);

// Without these items. Throws InputError for ids that are not there or when none would be left.
GalleryInfo RemoveFromGallery(const std::filesystem::path& gallery, const std::vector<std::string>& ids,
                              const std::filesystem::path& out);

// The items of all, one gallery after the other. Throws InputError, naming the difference, for galleries of other
// kinds, features, models, metrics or indexes, or whose indexes were trained on other vectors; and for a photo that is
// in two of them (points may be: their ids are row numbers).
GalleryInfo MergeGalleries(const std::vector<std::filesystem::path>& galleries, const std::filesystem::path& out);

}  // namespace dualgeo
