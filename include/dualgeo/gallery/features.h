// Features on disk: one vector per photo (or place, or text) and view, in a safetensors file that Python reads as it
// is.
//
// Tensors (each float32 [N, D]; those that the model or the command does not make are left out):
//   image, segmentation              a photo's view as its encoder sees it, L2-normalised
//   fused_image, fused_segmentation  the same after fusion, L2-normalised
//   image_raw, segmentation_raw, fused_image_raw, fused_segmentation_raw
//                                    these four as the networks give them, not normalised: only those that a gallery
//                                    with normalize false compares
//   projected_image, projected_segmentation
//                                    the fused views in the space shared with GPS points (the loss's space),
//                                    L2-normalised; a GPS gallery is asked with these
//   image_text                       the fused image in the space shared with captions, L2-normalised
//   place_vector                     what the head that classifies places is given, not normalised; of several crops,
//                                    one after the other, where their scores are pooled (model.image_encoder.crops_of)
//   attribute_NAME                   what the head attributes says: probabilities of the classes, or the number [N, 1];
//                                    the classes are in the checkpoint (AttributeClasses, runtime/checkpoint.h)
//   classical                        the blocks of model/classical_blocks.h, instead of all of the above
//   gps                              a coordinate as the GPS encoder gives it, not normalised
//   projected_gps                    the coordinate in the shared space, L2-normalised; a GPS gallery is made of these
//   latlon                           float64 [N, 2], degrees; only beside gps
//   text                             a text as CLIP's text tower gives it, L2-normalised
//   projected_text                   the text in the space shared with GPS points, by way of the image's projection,
//                                    L2-normalised; a GPS gallery is asked with these, too
//   caption                          the text in the space shared with photos (head contrastive_text), L2-normalised
// and, as text does not go into a header of millions of rows:
//   ids, id_offsets                  uint8 [bytes], int64 [N + 1]: id i (a photo's IMG_ID, a coordinate's id or row
//                                    number, a text's id) is the bytes id_offsets[i] to id_offsets[i + 1] of ids; all
//                                    distinct
//   photo_sha256                     uint8 [N, 32]: of each photo's encoded bytes, by which duplicates are found
// Metadata: kind ("photos", "gps" or "texts"), model (fingerprint of the model that made them, gallery/embed.h). Older
// files have the ids as a JSON array in the metadata key `ids` and no hashes; they are read too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "dualgeo/gallery/matrix.h"
#include "dualgeo/geo/latlon.h"
#include "dualgeo/util/hash.h"

namespace dualgeo {

inline constexpr const char* kPlaceVector = "place_vector";
inline constexpr const char* kRawSuffix = "_raw";
inline constexpr const char* kAttributePrefix = "attribute_";
inline constexpr const char* kClassical = "classical";

struct FeatureSet {
  std::string kind = "photos";   // photos | gps | texts
  std::string model;             // fingerprint; empty when not known (features made elsewhere)
  std::vector<std::string> ids;  // row i of every matrix belongs to ids[i]
  std::map<std::string, Matrix> features;
  std::vector<LatLon> locations;           // kind gps only: one per id
  std::vector<Sha256Digest> photo_sha256;  // kind photos only: one per id, or none when not known

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
  // Throws InputError naming the features that there are.
  const Matrix& Require(const std::string& name) const;
};

// Throws InputError, naming file and tensor, when the file is not safetensors, ids are missing, repeated or not as many
// as rows, a tensor has another type or shape, or a value is not finite. Tensors with other names are ignored. Missing
// `kind` and `model` (files made elsewhere) mean photos and unknown.
FeatureSet ReadFeatures(const std::filesystem::path& path);

// The same of which a block of rows at a time is in memory.
class FeatureFile {
 public:
  // Throws as ReadFeatures, but for values that are not finite: Read does.
  explicit FeatureFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  // All but the features.
  const FeatureSet& head() const { return head_; }
  std::vector<std::string> names() const;

  // These features of rows first to first + count - 1, with their ids. Throws InputError, naming the features that
  // there are, when one is not there, and when the file ends early or holds a value that is not finite.
  FeatureSet Read(const std::vector<std::string>& names, std::int64_t first, std::int64_t count);

 private:
  struct Place {
    std::uint64_t begin = 0;  // of the file
    std::int64_t columns = 0;
  };
  std::filesystem::path path_;
  FeatureSet head_;
  std::map<std::string, Place> features_;
  std::ifstream file_;
};

// Atomic. Throws Error when it cannot be written, InputError when a header would be too long for readers.
void WriteFeatures(const std::filesystem::path& path, const FeatureSet& set);

// The rows of several files, one after the other, as WriteFeatures would write them had they stood in one set: the same
// bytes, a piece at a time. Throws InputError when the files do not hold the same features.
void JoinFeatures(const std::vector<std::filesystem::path>& parts, const std::filesystem::path& path);

// The rows of `more` behind those of `set`.
void AppendRows(FeatureSet more, FeatureSet& set);

}  // namespace dualgeo
