// Retrieval: for each photo the most similar gallery items and, on request, the most dissimilar ones (asked for with
// -q, as in the released code; they later tell the language model where the photo is not).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/exclusion.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/gallery/parts.h"
#include "dualgeo/gallery/prototypes.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

// The config's `search` section.
struct SearchOptions {
  int top_k = 20;
  int negatives = 0;
  bool exclude_same_author = false;
  double exclude_within_km = 0;
  bool exclude_same_id = true;
  std::optional<double> exclude_similarity_above;
  std::string index_parameters;
  bool gps_scores = false;
  std::string scores = "similarity";
  std::string finder = "gallery";
  std::string cells_rule = "product";
  std::string cells_answer = "mean";
  std::string refine = "none";
  PrototypeOptions prototypes;
  std::string cells_softmax = "per_partition";
  std::string within;
  std::string within_polygons;
  std::vector<std::string> galleries;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("top_k", top_k, "most similar gallery items kept for each photo", Range{1, 100000});
    v.Field("negatives", negatives, "most dissimilar gallery items kept as well (set dissimilar)", Range{0, 100000});
    v.Field("exclude_same_author", exclude_same_author, "leave out gallery photos by the query's author");
    v.Field("exclude_within_km", exclude_within_km,
            "leave out gallery items nearer than this to the query's true place (0: off)", Range{0, 20040});
    v.Field("exclude_same_id", exclude_same_id, "leave out the gallery photo with the query's own id");
    v.Field(
        "exclude_similarity_above", exclude_similarity_above,
        "leave out near duplicates: gallery photos whose descriptor has a cosine similarity above this (the mean over "
        "gallery.features); null: off",
        Range{-1, 1});
    v.Field(
        "index_parameters", index_parameters,
        "search-time settings of the gallery's index, for example nprobe=32 (grouped, IVF), k_factor=8 (grouped with "
        "RFlat), efSearch=64 (HNSW); empty: the index's");
    v.Field("gps_scores", gps_scores,
            "compare each photo with its candidates' coordinates, too (column gps_score): evidence for rerank bayes, "
            "once it is fitted on lists that have it");
    v.Field("scores", scores,
            "a candidate's score. similarity: to the photo; probability: of its place, the softmax over all points of "
            "a GPS gallery of the similarities times the model's logit scale (GeoCLIP), excluded points included",
            OneOf{{"similarity", "probability"}}, For{"finder", {"gallery"}}, Added{});
    v.Field("finder", finder,
            "what finds candidates: a gallery; cells, the classifier of the head cells (gallery/cell_search.h); or a "
            "router, which takes those of other runs, one for each photo (section router)",
            OneOf{{"gallery", "cells", "router"}}, Added{});
    v.Field("cells_rule", cells_rule,
            "a cell's score: its probability in the last partition, its product with those of the cells around it, or "
            "(sum) that of each combination of cells",
            OneOf{{"last", "product", "sum"}}, For{"finder", {"cells"}}, Added{});
    v.Field("cells_answer", cells_answer,
            "a cell's place: the mean of its photos, the centre of its area, or (member) the training photo nearest to "
            "the mean",
            OneOf{{"mean", "centre", "member"}}, For{"finder", {"cells"}}, Added{});
    v.Field("refine", refine,
            "what makes a cell's place finer: nothing, or prototypes, clusters of its training photos (PIGEON)",
            OneOf{{"none", "prototypes"}}, For{"finder", {"cells"}}, Added{});
    v.Group("prototypes", prototypes, "refine prototypes: how they are made and asked");
    v.Field("cells_softmax", cells_softmax,
            "probabilities add up to 1 over the cells of each partition, or over those of all (joint); which cells are "
            "found depends on it only where probabilities of several crops are pooled",
            OneOf{{"per_partition", "joint"}}, For{"finder", {"cells"}}, Added{});
    v.Field(
        "within", within,
        "keep to gallery items in a part of the Earth: box:SOUTH,WEST,NORTH,EAST (WEST greater than EAST: across the "
        "date line), radius:LAT,LON,KM or polygons:PROPERTY=NAME (several names: NAME|NAME); empty: everywhere",
        For{"finder", {"gallery"}}, Added{});
    v.Field("within_polygons", within_polygons, "the GeoJSON file of search.within polygons:PROPERTY=NAME",
            Affects::kContent, For{"finder", {"gallery"}}, Added{});
    v.Field("galleries", galleries,
            "further gallery folders, searched together with the run's own (or --gallery's): one list, by score",
            Affects::kContent, For{"finder", {"gallery"}}, Added{});
  }
  // Throws InputError: within is no region.
  void Validate() const;
};

// One list per row of `queries`, in its order: the similar items (rank from 1, best first, equal scores in the
// gallery's order), then the dissimilar ones (rank from 1, least similar first). score is the similarity to the photo,
// higher is more similar (inner product, or minus the squared distance); with options.scores probability it is
// exp(cosine_factor s) / sum over all points of the gallery, s being the similarity: a GPS gallery with a flat index by
// inner product. The sum is in double over products in single precision, of some thousand points at a time.
//
// Items that are excluded or outside search.within do not take a place: a query that finds too few others among the
// most similar asks the index for those that remain (VectorIndex::SearchAmong), so that a list is shorter than top_k
// only where the gallery holds no more; a warning says so. `photos` gives the queries' authors and places; every query
// must be in it. gps_score is not filled here: lmm/place_similarity.h does, which needs the model. Threads:
// SetIndexThreads. Throws InputError (see QueryDescriptors, Exclusion; scores probability of another gallery, without a
// cosine_factor, or of vectors that are not finite), Interrupted.
//
// keep: where blocks of queries (of 1024, or more with an index that likes more) that were searched are kept, from
// which the same search goes on after a kill, until the caller has made a file of the lists and calls RemoveParts.
std::vector<CandidateList> Search(Gallery& gallery, const FeatureSet& queries, const PhotoTable& photos,
                                  const SearchOptions& options, const KeepParts& keep = {},
                                  std::optional<double> cosine_factor = {});

// The same for photos of which nothing but the features is known: an exclusion by author or place is an InputError.
std::vector<CandidateList> Search(Gallery& gallery, const FeatureSet& queries, const SearchOptions& options);

// Several galleries, whose lists become one: by score, equals in the order of the galleries. Each candidate says its
// gallery (Candidate::gallery) by the folder's name, or by its path where two have the same name. One gallery: Search,
// byte for byte. Throws InputError as well when two were made of other features, by another model, or compare by
// another metric, or when scores are probabilities, which are of one gallery's points.
std::vector<CandidateList> SearchAll(std::vector<Gallery>& galleries, const FeatureSet& queries,
                                     const PhotoTable& photos, const SearchOptions& options, const KeepParts& keep = {},
                                     std::optional<double> cosine_factor = {});

// What SearchAll keeps its blocks in: `keep` for the first gallery, folders beside it for the others.
KeepParts KeepPartsOfGallery(const KeepParts& keep, std::size_t gallery);

}  // namespace dualgeo
