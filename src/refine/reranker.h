// Re-ranking: a new order for one query's candidates, from their coordinates, ranks and scores alone, and one place as
// the answer, with a radius and probabilities that say how sure it is.
//
//   none        as retrieved
//   dbscan      by distance to the centre of the largest cluster (DualGeo)
//   density     by kernel density with one width (Vo, Jacobs, Hays 2017: the [L]kNN rule)
//   multiscale  by the sum of kernel densities of several widths, weighted by rank
//   mean_shift  by the modes of the candidates' places (IM2GPS: Hays, Efros 2008)
//   kde         by kernel density weighted by distance in feature space; the answer is its maximum (Vo, Jacobs, Hays
//               2017, as their code has it)
//   bayes       by expected score under a fitted posterior over places (refine/place_posterior.h)
//   mlp         by a small network fitted to pairs of candidates (refine/mlp_fit.h)
//
// A new re-ranker is one file that implements Reranker and one line of src/refine/rerankers.h; it is then a value of
// rerank.method and of --method.
//
// What every method does where the question has no plain answer:
//   an empty list               stays empty and has no estimate (`predict` then writes "no candidates")
//   one candidate               stays first
//   all candidates at one place keep their order, and the answer is that place
//   equal candidates            keep the order of retrieval, so the result never depends on anything but the list
//   every candidate noise       dbscan: the centre is that of all candidates; mean_shift: the first candidate
//   the date line and poles     are nothing special: distances and centres are taken on the sphere (but for dbscan's
//                               center: arithmetic_mean and kde's grid_deg, which are there to reproduce published
//                               numbers)
//   coordinates out of range or NaN   never get here: ReadCandidates refuses them
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "refine/rerank_options.h"

namespace dualgeo {

class PlacePosterior;
class PosteriorCells;

class Reranker {
 public:
  virtual ~Reranker() = default;

  // `similar`: the best top_k similar candidates by rank; sets their order, cluster and rerank_score. Ranks are
  // numbered by the caller. Never called with an empty list. Gives the answer when it is not just the first candidate.
  // Its confidence is for `posterior` to tell (EstimateAt). Thread-safe.
  virtual std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar,
                                               const PlacePosterior& posterior) const = 0;
};

// Throws InputError for options that are out of range or a method that does not exist.
std::unique_ptr<Reranker> MakeReranker(const RerankOptions& options);

// Each list with its first top_k similar candidates in their new order (rank 1.. anew, retrieval_rank the one before;
// kept from the first retrieval when a list is re-ranked twice), then its dissimilar candidates as they were. The
// list's estimate: what the re-ranker answers, else the first candidate with the confidence that `posterior` gives it.
CandidateList Rerank(const Reranker& reranker, const PlacePosterior& posterior, CandidateList list, int top_k);
// All lists, on `threads` threads (0: all cores); the result does not depend on how many.
std::vector<CandidateList> Rerank(const RerankOptions& options, std::vector<CandidateList> lists, int threads = 0);

// How sure an answer at `place` is, given the list.
PlaceEstimate EstimateAt(const PlacePosterior& posterior, std::span<const Candidate> similar, LatLon place);

// Where the photo of a list may have been taken (refine/posterior_area.h), by its similar candidates.
PosteriorCells CellsOf(const PlacePosterior& posterior, const CandidateList& list);

// What a candidate counts: its rank in retrieval, whatever its place in a list that was re-ranked before.
int RetrievalRank(const Candidate& candidate);
// Weights by RerankOptions::weight (with `automatic` for auto), rank_scale, score_power, distance_power. Throws
// InputError for weight distance and a score above same_score.
std::vector<double> CandidateWeights(const RerankOptions& options, const char* automatic,
                                     std::span<const Candidate> candidates);
// To a millionth, so that scores that are equal but for the order of summation are equal.
double RoundedScore(double score);
// In the order of retrieval, for sums that do not depend on an earlier re-ranking.
void SortByRetrieval(std::vector<Candidate>& candidates);
// Sorts by rerank_score, greatest first; candidates of equal score keep the order of retrieval.
void SortByRerankScore(std::vector<Candidate>& candidates);

}  // namespace dualgeo
