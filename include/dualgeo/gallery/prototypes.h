// Prototypes of cells (PIGEON: Haas, Skreta, Alberti, Finn, CVPR 2024; as its released code has them, written anew from
// a description): which part of a cell does a photo look like, and which photo of that part?
//
// Made once: within each cell of a partition the training photos' places are clustered by OPTICS (great circles); a
// cluster's prototype is the mean of its photos' features. Noise is dropped; a cell with fewer photos than min_samples
// is one cluster; one whose photos are all noise, or that has none, has no prototype. (With haversine, scikit-learn's
// OPTICS calls all noise where min_samples is half of the photos or more.)
//
// Asked for each photo: of its first `cells` candidates, each a cell, the nearest prototype (Euclidean) takes part. A
// cell's score becomes its probability times the softmax of -distance / temperature over these cells (0 for cells
// without prototypes), and its place that of the photo in the nearest prototype's cluster whose features are nearest.
// Candidates are sorted by the new score, those of equal score as they were; those behind `cells` are dropped. Where
// the best one's place is farther than max_km from that of the most probable cell as it was found, that cell comes
// first with the place it had.
//
// The file, safetensors: prototypes float32 [P, D]; cluster_cells int64 [P], which cell each is in, rising; member_ends
// int64 [P], the end of each one's members; members float32 [M, D] and latlon float64 [M, 2], its photos; tokens uint8
// and token_ends int64 [C], the cells by their first token. Metadata: kind "prototypes", model (fingerprint, as in
// features), feature, made_from (all that it depends on). It is as large as the features of the photos that it keeps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/gallery/parts.h"
#include "dualgeo/geo/partition.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

struct PhotoTable;

// The defaults are PIGEOTTO's; PIGEON has min_samples 3, xi 0.15, cells 5, temperature 1.6, max_km 1000. temperature is
// in units of the feature's distances.
struct PrototypeOptions {
  std::string feature = "place_vector";
  int min_samples = 100;
  double xi = 0.1;
  int cells = 40;
  double temperature = 0.6;
  double max_km = 100000;
  bool farthest_member = false;
  bool limit_keeps_prototype = false;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("feature", feature, "which of the photos' features is compared",
            OneOf{{"place_vector", "image", "segmentation", "fused_image", "fused_segmentation"}}, Added{});
    v.Field("min_samples", min_samples, "OPTICS: of a core point's neighbours, and of a cluster; PIGEON 3",
            Range{2, 1e6}, Added{});
    v.Field("xi", xi, "OPTICS: how much denser a cluster is than what lies around it; PIGEON 0.15",
            Range{1e-6, 0.999999}, Added{});
    v.Field("cells", cells, "candidates that take part; PIGEON 5", Range{1, 1e6}, Added{});
    v.Field("temperature", temperature, "of the softmax over -distance; PIGEON 1.6", Range{1e-6, 1e6}, Added{});
    v.Field("max_km", max_km,
            "an answer farther than this from the most probable cell's place is not taken; PIGEON 1000", Range{0, 1e6},
            Added{});
    v.Field("farthest_member", farthest_member, "PIGEON's code: the cluster's least similar photo, not the most",
            Added{});
    v.Field("limit_keeps_prototype", limit_keeps_prototype,
            "PIGEON's code: beyond max_km the most probable cell answers with its prototype's photo, not with its own "
            "place",
            Added{});
  }
};

class Prototypes {
 public:
  // photos: features of training photos (of one model); table: where they are, by id. keep: where the labels of cells
  // that are done are kept, from which the same call goes on after a kill (gallery/parts.h). Throws InputError when the
  // feature is missing, a photo is not in the table, or no cell has a prototype; Interrupted.
  static Prototypes Build(const FeatureSet& photos, const PhotoTable& table, const Partition& partition,
                          const PrototypeOptions& options, const KeepParts& keep = {});
  // Throws InputError, naming file and tensor, when it is not such a file or its parts do not agree.
  static Prototypes Read(const std::filesystem::path& path);
  // Atomic.
  void Write(const std::filesystem::path& path) const;

  // The lists of a finder of cells, refined; `queries` are their photos' features. Throws InputError when these are of
  // another model or size, a photo of a list is not among them, or a candidate has no score or is no cell of the
  // partition.
  std::vector<CandidateList> Refine(std::vector<CandidateList> lists, const FeatureSet& queries,
                                    const PrototypeOptions& options, int threads = 0) const;

  std::int64_t size() const { return prototypes_.rows; }
  std::int64_t members() const { return members_.rows; }
  std::size_t cells() const { return tokens_.size(); }
  std::size_t cells_with_prototypes() const;

 private:
  struct Span {
    std::int64_t begin = 0, end = 0;
  };
  Span ClustersOf(std::size_t cell) const;
  Span MembersOf(std::int64_t cluster) const;
  void Check(const std::string& file) const;
  void RefineOne(CandidateList& list, std::span<const float> query, const PrototypeOptions& options) const;

  std::string model_, feature_, made_from_;
  std::filesystem::path path_;       // that it was read from, for messages
  std::vector<std::string> tokens_;  // of the cells
  Matrix prototypes_, members_;
  std::vector<std::int64_t> cluster_cells_, member_ends_;
  std::vector<LatLon> places_;  // of the members
  std::unordered_map<std::string, std::size_t> cell_of_;
};

}  // namespace dualgeo
