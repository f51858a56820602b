// How much a candidate list holds, whatever its order: the best a re-ranker could make of its first k.
#pragma once

#include <vector>

#include "dualgeo/eval/evaluate.h"

namespace dualgeo {

struct RecallAtK {
  int k = 0;
  // Share of all photos with a candidate closer than the threshold among their first k (recall@k). The oracle that
  // answers with the candidate nearest to the truth is right for the same photos, so that this is its accuracy too.
  GroupAccuracy recall;
  // Of that oracle's answer; median and mean over the photos that have a candidate.
  std::optional<double> median_km, mean_km;
  double geoscore = 0;
};

// One row for each of options.oracle_k, as far as the longest list reaches, and one for the longest list. Photos of the
// truth without a list, or with an empty one, are misses. Intervals: Wilson; over clusters where there are some.
std::vector<RecallAtK> Recall(const std::vector<CandidateList>& lists, const PhotoTable& truth,
                              const EvaluateOptions& options,
                              const std::optional<PhotoClusters>& clusters = std::nullopt);

}  // namespace dualgeo
