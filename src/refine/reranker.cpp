#include "refine/reranker.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "config/config.h"
#include "dualgeo/refine/place_posterior.h"
#include "dualgeo/refine/posterior_area.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "rerankers.h"
#include "util/parallel.h"

namespace dualgeo {
namespace {

struct RerankMethod {
  const char* name;
  std::unique_ptr<Reranker> (*make)(const RerankOptions&);
};

constexpr RerankMethod kRerankMethods[] = {DUALGEO_RERANKERS(DUALGEO_KIND_ENTRY)};

// d^-power, as a share of the nearest candidate's. Photos that are the same have a distance of 0, or one that float32's
// rounding of their score makes: below 2^-20 of same_score all count as equal.
std::vector<double> DistanceWeights(const RerankOptions& options, std::span<const Candidate> candidates) {
  const double least = std::ldexp(std::max(1.0, options.same_score), -20);
  std::vector<double> squared;
  for (const Candidate& candidate : candidates) {
    const double rest = options.same_score - *candidate.score;
    if (rest < -1e-3 * std::max(1.0, options.same_score)) {
      throw InputError("candidate '" + Printable(candidate.gallery_id) + "' has the score " +
                       FormatDouble(*candidate.score) + ", above rerank.same_score " +
                       FormatDouble(options.same_score) +
                       ": the score of a photo with itself (the number of gallery.features, or 0 for metric l2)");
    }
    squared.push_back(std::max(least, rest));
  }
  const double nearest = *std::ranges::min_element(squared);
  const double power = options.distance_power * (options.squared_distance ? 1 : 0.5);
  for (double& value : squared) value = std::pow(nearest / value, power);
  return squared;
}

bool IsWhole(double value) { return std::abs(value - std::round(value)) < 1e-9 * value; }

void AddAreas(const PlacePosterior& posterior, CandidateList& list) {
  if (!list.estimate) return;
  list.estimate->areas = MeasureAreas(CellsOf(posterior, list), posterior.conformal(), list.estimate->confidence_km);
}

// Grids that fit the map and each other.
void CheckKdeGrid(const RerankOptions& options) {
  if (options.method != "kde" || options.grid_deg == 0) return;
  if (!IsWhole(180 / options.grid_deg)) {
    throw InputError("rerank.grid_deg: " + FormatDouble(options.grid_deg) + " does not divide 180 degrees");
  }
  if (!IsWhole(options.grid_deg / options.refine_deg)) {
    throw InputError("rerank.refine_deg: " + FormatDouble(options.refine_deg) + " does not divide grid_deg " +
                     FormatDouble(options.grid_deg));
  }
  if (!IsWhole(options.window_deg / options.grid_deg)) {
    throw InputError("rerank.window_deg: " + FormatDouble(options.window_deg) + " is not a multiple of grid_deg " +
                     FormatDouble(options.grid_deg));
  }
}

}  // namespace

const std::vector<std::string>& ClusterChoiceNames() {
  static const std::vector<std::string> names = {"size", "weight", "best_rank"};
  return names;
}

const std::vector<std::string>& ClusterOrderNames() {
  static const std::vector<std::string> names = {"center", "rank"};
  return names;
}

const std::vector<std::string>& CandidateWeightNames() {
  static const std::vector<std::string> names = {"auto", "equal", "rank", "score", "distance"};
  return names;
}

const std::vector<std::string>& AnswerKindNames() {
  static const std::vector<std::string> names = {"point", "candidate"};
  return names;
}

namespace {

const std::vector<std::string> kKnownEvidence = {"score", "gps_score", "gallery"};

}  // namespace

void CheckEvidence(const std::string& key, const std::vector<std::string>& evidence) {
  static const std::vector<std::string> kOthers = {
      "",      "query_id", "rank",         "gallery_id",     "lat",       "lon",       "author",       "set", "rule",
      "model", "cluster",  "rerank_score", "retrieval_rank", "point_lat", "point_lon", "confidence_km"};
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    const std::string& name = evidence[i];
    if (std::ranges::find(kOthers, name) != kOthers.end()) {
      throw InputError(key + ": '" + Printable(name) +
                       "' is no evidence; allowed are score, gps_score, gallery and columns of numbers that the "
                       "candidates have beside their own");
    }
    if (std::find(evidence.begin(), evidence.begin() + static_cast<std::ptrdiff_t>(i), name) !=
        evidence.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw InputError(key + ": '" + Printable(name) + "' is there twice");
    }
  }
}

std::vector<std::string> EvidenceColumns(const std::vector<std::string>& evidence) {
  std::vector<std::string> columns;
  for (const std::string& name : evidence) {
    if (std::ranges::find(kKnownEvidence, name) == kKnownEvidence.end()) columns.push_back(name);
  }
  return columns;
}

const std::vector<std::string>& RerankerNames() {
  static const std::vector<std::string> names = NamesOf(kRerankMethods);
  return names;
}

void RerankOptions::Validate() const {
  CheckFields(*this, "rerank");
  CheckEvidence("rerank.evidence", evidence);
  CheckKdeGrid(*this);
  if (widths_km.empty()) throw InputError("rerank.widths_km is empty; give at least one width");
}

std::unique_ptr<Reranker> MakeReranker(const RerankOptions& options) {
  options.Validate();
  return FindKind(kRerankMethods, options.method, "rerank.method").make(options);
}

int RetrievalRank(const Candidate& candidate) { return candidate.retrieval_rank.value_or(candidate.rank); }

std::vector<double> CandidateWeights(const RerankOptions& options, const char* automatic,
                                     std::span<const Candidate> candidates) {
  const std::string rule = options.weight == "auto" ? automatic : options.weight;
  std::vector<double> weights(candidates.size(), 1);
  if (rule == "equal") return weights;
  const bool scored = std::all_of(candidates.begin(), candidates.end(), [](const auto& c) { return c.score; });
  if (rule == "distance" && scored) return DistanceWeights(options, candidates);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // Bounded, so that sums stay numbers.
    weights[i] = rule == "score" && scored
                     ? std::min(1e100, std::pow(std::max(0.0, *candidates[i].score), options.score_power))
                     : std::exp(-RetrievalRank(candidates[i]) / options.rank_scale);
  }
  return weights;
}

PlaceEstimate EstimateAt(const PlacePosterior& posterior, std::span<const Candidate> similar, LatLon place) {
  thread_local PlacePosterior::Distribution distribution;
  posterior.Condition({similar, {}}, distribution);
  return posterior.Estimate(distribution, place);
}

double RoundedScore(double score) { return std::round(score * 1e6) / 1e6; }

void SortByRetrieval(std::vector<Candidate>& candidates) {
  std::ranges::sort(candidates, [](const Candidate& a, const Candidate& b) {
    return RetrievalRank(a) != RetrievalRank(b) ? RetrievalRank(a) < RetrievalRank(b) : a.rank < b.rank;
  });
}

void SortByRerankScore(std::vector<Candidate>& candidates) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (*a.rerank_score != *b.rerank_score) return *a.rerank_score > *b.rerank_score;
    return RetrievalRank(a) != RetrievalRank(b) ? RetrievalRank(a) < RetrievalRank(b) : a.rank < b.rank;
  });
}

PosteriorCells CellsOf(const PlacePosterior& posterior, const CandidateList& list) {
  const auto first_dissimilar = std::ranges::find_if(list.candidates, [](const Candidate& c) { return !c.similar; });
  thread_local PlacePosterior::Distribution distribution;
  posterior.Condition({{list.candidates.begin(), first_dissimilar}, {}}, distribution);
  return PosteriorCells(posterior, distribution);
}

CandidateList Rerank(const Reranker& reranker, const PlacePosterior& posterior, CandidateList list, int top_k) {
  auto& candidates = list.candidates;
  const auto first_dissimilar =
      std::find_if(candidates.begin(), candidates.end(), [](const Candidate& c) { return !c.similar; });
  std::vector<Candidate> similar(std::make_move_iterator(candidates.begin()),
                                 std::make_move_iterator(first_dissimilar));
  if (similar.size() > static_cast<std::size_t>(top_k)) similar.resize(static_cast<std::size_t>(top_k));
  for (auto& candidate : similar) {
    if (!candidate.retrieval_rank) candidate.retrieval_rank = candidate.rank;
  }
  list.estimate.reset();
  if (!similar.empty()) {
    list.estimate = reranker.Reorder(similar, posterior);
    if (!list.estimate) list.estimate = EstimateAt(posterior, similar, similar.front().location);
  }
  for (std::size_t i = 0; i < similar.size(); ++i) similar[i].rank = static_cast<int>(i) + 1;
  similar.insert(similar.end(), std::make_move_iterator(first_dissimilar), std::make_move_iterator(candidates.end()));
  candidates = std::move(similar);
  return list;
}

std::vector<CandidateList> Rerank(const RerankOptions& options, std::vector<CandidateList> lists, int threads) {
  const std::unique_ptr<Reranker> reranker = MakeReranker(options);
  std::optional<PlacePosterior> own;
  if (!options.parameters.empty()) own.emplace(ReadPosteriorParameters(options.parameters));
  const PlacePosterior& posterior = own ? *own : DefaultPosterior();
  constexpr std::size_t kBlock = 256;
  ForEachInParallel((lists.size() + kBlock - 1) / kBlock, threads, [&](std::size_t block) {
    ThrowIfStopped();
    const std::size_t end = std::min(lists.size(), (block + 1) * kBlock);
    for (std::size_t i = block * kBlock; i < end; ++i) {
      lists[i] = Rerank(*reranker, posterior, std::move(lists[i]), options.top_k);
      if (options.areas) AddAreas(posterior, lists[i]);
    }
  });
  return lists;
}

}  // namespace dualgeo
