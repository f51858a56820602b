// The paper's central claim, as something that can fail: under light and weather that training never saw, a second view
// by segmentation keeps a photo placeable where the image alone does not.
//
// For each condition, over its hard severities (the upper half of those tested: 3, 4 and 5 of five; a rendered
// condition has one), with masks recomputed from the degraded photo as in real use:
//
//   margin = accuracy of the dual view - accuracy of the image-only model, in percentage points, at one distance
//
// averaged over seeds and hard severities for each photo. Over photos come a sign-flip permutation test of "the margin
// is 0", corrected by Holm over the conditions, and a 95 % interval (paired bootstrap, but at least 369 / n points to
// either side: what n photos cannot exclude even where not one of them differs). Where the benchmark has photographers
// (evaluate.cluster), test and interval are over them (eval/cluster_statistics.h), and n is the number of independent
// photos that would tell as much.
//
//   supported      corrected p <= 0.05, the margin is above 0, and so it is for every seed
//   contradicted   the interval lies below `negligible` points (1 by default): accuracy has fallen to the image-only
//                  level, or below it
//   undecided      neither: these photos and seeds cannot tell
//
// The rule does not ask where a margin comes from: a dual view that was better on clean photos and stays better is
// supported. The margin on clean photos is therefore given beside it, and so is the margin with masks kept from the
// clean photo, an upper bound that no segmenter reaches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "eval/significance.h"

namespace dualgeo {

struct ClaimRule {
  double threshold_km = 25;
  double negligible = 1.0;  // percentage points
  int rounds = 10000;       // of bootstrap and permutation test
  std::uint64_t seed = 0;
};

// Errors in km of one condition, both lists of the same runs (seed by hard severity), in the same order: [run][photo].
struct ClaimEvidence {
  std::string condition;
  std::vector<std::vector<double>> dual, image;
  std::vector<int> seeds;        // of each run
  double clean_margin = 0;       // points, on the photos as they are
  double clean_mask_margin = 0;  // points, hard severities with masks of the clean photo
  bool has_clean_masks = false;
  std::optional<PhotoClusters> clusters = std::nullopt;  // of the photos
};

struct ClaimVerdict {
  std::string condition;
  std::string verdict;         // supported | contradicted | undecided
  std::string reason;          // one sentence with the numbers
  double dual = 0, image = 0;  // percent, hard severities
  Difference margin;           // points
  double p_value = 1, holm = 1;
};

// One verdict a condition, in their order.
std::vector<ClaimVerdict> JudgeClaim(const std::vector<ClaimEvidence>& conditions, const ClaimRule& rule);

}  // namespace dualgeo
