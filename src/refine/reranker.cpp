#include "dualgeo/refine/reranker.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "dualgeo/config/config.h"
#include "dualgeo/refine/place_posterior.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/parallel.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "rerankers.h"

namespace dualgeo {
namespace {

struct RerankMethod {
  const char* name;
  std::unique_ptr<Reranker> (*make)(const RerankOptions&);
};

constexpr RerankMethod kRerankMethods[] = {DUALGEO_RERANKERS(DUALGEO_KIND_ENTRY)};

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
  static const std::vector<std::string> names = {"auto", "equal", "rank", "score"};
  return names;
}

const std::vector<std::string>& AnswerKindNames() {
  static const std::vector<std::string> names = {"point", "candidate"};
  return names;
}

const std::vector<std::string>& EvidenceNames() {
  static const std::vector<std::string> names = {"score", "gps_score"};
  return names;
}

const std::vector<std::string>& RerankerNames() {
  static const std::vector<std::string> names = NamesOf(kRerankMethods);
  return names;
}

void RerankOptions::Validate() const {
  CheckFields(*this, "rerank");
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
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // Bounded, so that sums stay numbers.
    weights[i] = rule == "score" && scored
                     ? std::min(1e100, std::pow(std::max(0.0, *candidates[i].score), options.score_power))
                     : std::exp(-RetrievalRank(candidates[i]) / options.rank_scale);
  }
  return weights;
}

double RoundedScore(double score) { return std::round(score * 1e6) / 1e6; }

void SortByRerankScore(std::vector<Candidate>& candidates) {
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    if (*a.rerank_score != *b.rerank_score) return *a.rerank_score > *b.rerank_score;
    return RetrievalRank(a) != RetrievalRank(b) ? RetrievalRank(a) < RetrievalRank(b) : a.rank < b.rank;
  });
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
    list.estimate = reranker.Reorder(similar);
    if (!list.estimate) {
      thread_local PlacePosterior::Distribution distribution;
      posterior.Condition({similar, {}}, distribution);
      list.estimate = posterior.Estimate(distribution, similar.front().location);
    }
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
    }
  });
  return lists;
}

}  // namespace dualgeo
