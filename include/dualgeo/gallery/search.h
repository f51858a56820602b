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
  std::string finder = "gallery";
  std::string cells_rule = "product";
  std::string cells_softmax = "per_partition";

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
    v.Field("index_parameters", index_parameters,
            "FAISS search-time settings, for example nprobe=32; empty: the index's");
    v.Field("gps_scores", gps_scores,
            "compare each photo with its candidates' coordinates, too (column gps_score): evidence for rerank bayes, "
            "once it is fitted on lists that have it");
    v.Field("finder", finder,
            "what finds candidates: a gallery; or cells, the classifier of the head cells (gallery/cell_search.h)",
            OneOf{{"gallery", "cells"}}, Added{});
    v.Field("cells_rule", cells_rule,
            "a cell's score: its probability in the last partition, its product with those of the cells around it, or "
            "(sum) that of each combination of cells",
            OneOf{{"last", "product", "sum"}}, For{"finder", {"cells"}}, Added{});
    v.Field("cells_softmax", cells_softmax,
            "probabilities add up to 1 over the cells of each partition, or over those of all (joint); which cells are "
            "found depends on it only where probabilities of several crops are pooled",
            OneOf{{"per_partition", "joint"}}, For{"finder", {"cells"}}, Added{});
  }
};

// One list per row of `queries`, in its order: the similar items (rank from 1, best first, equal scores in the
// gallery's order), then the dissimilar ones (rank from 1, least similar first). score is the similarity to the photo,
// higher is more similar (inner product, or minus the squared distance).
//
// Excluded items do not take a place: more are fetched until top_k remain or the gallery is exhausted; where it is, the
// list is shorter and a warning says so. `photos` gives the queries' authors and places; every query must be in it.
// gps_score is not filled here: lmm/place_similarity.h does, which needs the model. Threads: SetIndexThreads. Throws
// InputError (see QueryDescriptors, Exclusion), Interrupted.
//
// keep: where blocks of 1024 queries that were searched are kept, from which the same search goes on after a kill,
// until the caller has made a file of the lists and calls RemoveParts.
std::vector<CandidateList> Search(Gallery& gallery, const FeatureSet& queries, const PhotoTable& photos,
                                  const SearchOptions& options, const KeepParts& keep = {});

// The same for photos of which nothing but the features is known: an exclusion by author or place is an InputError.
std::vector<CandidateList> Search(Gallery& gallery, const FeatureSet& queries, const SearchOptions& options);

}  // namespace dualgeo
