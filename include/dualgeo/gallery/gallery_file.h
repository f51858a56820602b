// A gallery: what is searched. A folder with
//   index.faiss   the vectors (opens in FAISS)
//   items.csv     row,IMG_ID,LAT,LON,AUTHOR; row i is vector i
//   gallery.json  dimension, count, metric, kind, features, index, model (fingerprint), identical_photos (null: not
//                 known), duplicates, index_sha256, items_sha256; normalize where it is false
//   checked.json  at which size and time the index and the items had these hashes, so that a search need not read all
//                 of them first; it may be missing
// The folder appears whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/gallery/features.h"
#include "dualgeo/gallery/index.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

struct PhotoTable;

// The config's `gallery` section.
struct GalleryOptions {
  std::string kind = "images";
  std::vector<std::string> features = {"fused_image", "image"};
  std::string index = "flat";
  std::string metric = "inner_product";
  std::string duplicates = "keep";
  bool normalize = true;
  double memory_gb = 0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("kind", kind, "what is searched: photos with known places, or GPS points through the GPS encoder",
            OneOf{{"images", "gps"}});
    v.Field("features", features,
            "the L2-normalised features whose concatenation is a photo's vector (kind images); projected_image and "
            "projected_segmentation are of the head contrastive_gps, image_text of contrastive_text",
            OneOf{{"image", "segmentation", "fused_image", "fused_segmentation", "projected_image",
                   "projected_segmentation", "image_text", "classical"}});
    v.Field(
        "index", index,
        "flat (exact); grouped, grouped,SQ8 or grouped,SQ8,RFlat (lists for many queries at once, as they are, in 8 "
        "bits, or both; grouped256: so many lists) or a FAISS factory string, for example IVF256,Flat (dualgeo gallery "
        "advise names one); classical: the features classical, each "
        "by its own distance, scaled to equal spread and summed (metric does not matter)");
    v.Field("metric", metric, "how vectors are compared", OneOf{{"inner_product", "l2"}});
    v.Field("duplicates", duplicates,
            "photos that are the same file byte for byte, as placeholders of deleted photos are: keep all of them, the "
            "first of each group, or drop all",
            OneOf{{"keep", "first", "drop"}});
    v.Field(
        "normalize", normalize,
        "make unit vectors of the features first; false: compare them by inner product as the networks give them, of "
        "any length (Img2Loc), which image, segmentation, fused_image and fused_segmentation allow",
        For{"kind", {"images"}}, Added{});
    v.Field(
        "memory_gb", memory_gb,
        "memory that a build may take, in 10^9 bytes, the program included: features are read and indexed in blocks, "
        "and an index that needs training is trained on a sample if need be; 0: no bound",
        Range{0, 100000}, Added{});
  }
  // Throws InputError: features empty or repeated, index empty, classical without the other's, normalize false with
  // what is only kept normalised or with another metric than the inner product.
  void Validate() const;
  // Features that must be kept as the networks give them (EmbedOptions::raw).
  std::vector<std::string> raw() const { return normalize ? std::vector<std::string>() : features; }
};

struct GalleryItem {
  std::string id;  // photo, or the coordinate's id or row number
  LatLon location;
  std::string author;  // empty: not known
};

struct GalleryInfo {
  std::string kind;                   // images | gps
  std::string metric;                 // inner_product | l2 | classical
  std::string index;                  // flat or the factory string
  std::vector<std::string> features;  // the descriptor's parts; {"projected_gps"} for kind gps
  std::string model;                  // fingerprint of the model that made the vectors; empty: not known
  std::int64_t dimension = 0;
  std::int64_t count = 0;
  // Photos that share their bytes with another one, before any was left out; nothing when the features have no hashes.
  std::optional<std::int64_t> identical_photos;
  std::string duplicates = "keep";  // what became of them
  bool normalize = true;            // the features, before they were put together
  std::string index_sha256;
  std::string items_sha256;
};

// A gallery replaces an older gallery or an empty folder, nothing else. Throws InputError when other files are there.
// The builders below check it, too; a caller does so before the work.
void CheckGalleryFolder(const std::filesystem::path& folder);

// Photos: every row of `set` needs its row (by id) in `table`, with a location. Photos of the table without features
// (skipped while embedding) are left out. One warning tells of byte-identical photos (FeatureSet::photo_sha256). Throws
// InputError; Error when the folder cannot be written.
GalleryInfo BuildImageGallery(const FeatureSet& set, const PhotoTable& table, const GalleryOptions& options,
                              const std::filesystem::path& folder);

// GPS points: `set` of kind gps (EmbedGps). options.features is not used.
GalleryInfo BuildGpsGallery(const FeatureSet& set, const GalleryOptions& options, const std::filesystem::path& folder);

// Of either kind (options.kind; `table` is for photos), within options.memory_gb (0: no bound): the features are read
// from their file block by block, the index is built as VectorIndex::BuildFile does, and a build that was killed goes
// on as long as the features file is the same (by size and time). Files as those of the builders above, where the index
// is flat, or trained on as many vectors. Throws as they do.
GalleryInfo BuildGallery(const std::filesystem::path& features, const PhotoTable& table, const GalleryOptions& options,
                         const std::filesystem::path& folder);

struct Gallery {
  std::filesystem::path folder;
  GalleryInfo info;
  std::vector<GalleryItem> items;
  VectorIndex index;
};

// gallery.json alone, its fields checked. Throws InputError.
GalleryInfo ReadGalleryInfo(const std::filesystem::path& folder);

enum class GalleryCheck {
  kChanges,  // files of another size or time than when they were hashed last are hashed again
  kAll,      // both are hashed
};

// The whole, after checking that the three files belong together (hashes as far as `check_files` says, count,
// dimension, metric, row numbers) and that the index is sound (VectorIndex::Load). Throws InputError saying which file
// disagrees with which.
Gallery LoadGallery(const std::filesystem::path& folder, GalleryCheck check_files = GalleryCheck::kChanges);

// All of it against each other (GalleryCheck::kAll), and every value of a flat index. Throws InputError in one line.
Gallery CheckGallery(const std::filesystem::path& folder);

// What a photo or a text asks this gallery with: ImageDescriptors, GpsQueries or TextQueries. Throws InputError when
// the features were made by another model than the gallery's, lack a feature, or have another dimension.
Matrix QueryDescriptors(const GalleryInfo& gallery, const FeatureSet& photos);

}  // namespace dualgeo
