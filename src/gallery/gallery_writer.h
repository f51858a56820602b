// What is shared by all that makes galleries.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dualgeo/gallery/gallery_file.h"

namespace dualgeo {

// A new gallery's folder, whole or not there. write_index: into the file that it is given.
GalleryInfo WriteGallery(const std::vector<GalleryItem>& items, GalleryInfo info, const std::filesystem::path& folder,
                         const std::function<void(const std::filesystem::path&)>& write_index);

// What a gallery of photos holds beside their vectors; fills `left_out` (by row of `set`) and `info`.
std::vector<GalleryItem> ImageItems(const FeatureSet& set, const PhotoTable& table, const GalleryOptions& options,
                                    std::vector<char>& left_out, GalleryInfo& info);
// The same of points.
std::vector<GalleryItem> GpsItems(const FeatureSet& set, GalleryInfo& info);

// The rows that are not left out.
Matrix Remaining(Matrix matrix, const std::vector<char>& left_out);

// Items, index file and gallery.json, checked as LoadGallery does, without the index itself.
std::vector<GalleryItem> LoadItems(const std::filesystem::path& folder, const GalleryInfo& info);
std::filesystem::path IndexFileOf(const std::filesystem::path& folder);

// What keeps the vectors of two galleries from being compared: "its metric is l2, not inner_product" (of b, not of a);
// empty: nothing.
std::string DifferenceOf(const GalleryInfo& a, const GalleryInfo& b);

}  // namespace dualgeo
