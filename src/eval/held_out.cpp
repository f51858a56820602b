#include "eval/held_out.h"

#include <algorithm>
#include <unordered_set>

#include "dualgeo/refine/place_posterior.h"
#include "dualgeo/util/error.h"
#include "eval/author_folds.h"
#include "lmm/answer_join.h"
#include "refine/reranker.h"

namespace dualgeo {
namespace {

PlaceEstimate EstimateOne(const FitExample& example, const RerankOptions& options, const Reranker* reranker,
                          const PlacePosterior& posterior, const BayesJoin& join) {
  if (reranker == nullptr) return *join.Join(example.similar, example.answers);
  return *Rerank(*reranker, posterior, {example.query_id, example.similar, std::nullopt}, options.top_k).estimate;
}

void EstimateInto(const std::vector<FitExample>& examples, const std::vector<std::size_t>& which,
                  const RerankOptions& options, const PosteriorParameters& parameters, Estimates& estimates) {
  const PlacePosterior posterior(parameters);
  const BayesJoin join(options, parameters);
  const auto reranker = options.method == "bayes" ? nullptr : MakeReranker(options);
  for (const std::size_t i : which) {
    const FitExample& example = examples[i];
    if (example.similar.empty() && (reranker || example.answers.empty())) continue;
    estimates[i] = EstimateOne(example, options, reranker.get(), posterior, join);
  }
}

}  // namespace

std::vector<FitExample> RerankStudy::Examples(int top_k, bool with_answers) const {
  std::unordered_map<std::string_view, const CandidateList*> list_of;
  for (const auto& list : lists) list_of.emplace(list.query_id, &list);
  std::vector<FitExample> examples;
  for (const auto& row : truth.rows) {
    FitExample example;
    example.query_id = row.id;
    example.truth = row.location.value();
    if (const auto found = list_of.find(row.id); found != list_of.end()) {
      for (const auto& candidate : found->second->candidates) {
        if (!candidate.similar || candidate.rank > top_k) break;
        example.similar.push_back(candidate);
      }
    }
    if (with_answers) {
      if (const auto found = answers.find(row.id); found != answers.end()) example.answers = found->second;
    }
    examples.push_back(std::move(example));
  }
  return examples;
}

void CheckStudy(const RerankStudy& study) {
  std::unordered_set<std::string_view> listed;
  for (const auto& list : study.lists) listed.insert(list.query_id);
  for (const auto& row : study.truth.rows) {
    if (listed.contains(row.id)) return;
  }
  throw InputError(study.truth.path.string() + ": none of its photos has a list of candidates");
}

RerankStudy WithAnswers(const RerankStudy& study) {
  std::unordered_set<std::string_view> listed;
  for (const auto& list : study.lists) listed.insert(list.query_id);
  RerankStudy both{study.truth, study.lists, study.answers};
  std::erase_if(both.truth.rows,
                [&](const PhotoRow& row) { return !listed.contains(row.id) || !study.answers.contains(row.id); });
  if (both.truth.rows.empty()) throw InputError(study.truth.path.string() + ": no photo has a list and an LMM answer");
  return both;
}

Estimates EstimateAll(const RerankStudy& study, const RerankOptions& options, const PosteriorParameters& parameters,
                      bool with_answers) {
  const auto examples = study.Examples(options.top_k, with_answers);
  std::vector<std::size_t> all(examples.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  Estimates estimates(examples.size());
  EstimateInto(examples, all, options, parameters, estimates);
  return estimates;
}

void ForEachFold(
    const RerankStudy& study, const std::vector<FitExample>& examples, const FitOptions& fit, int folds,
    std::uint64_t seed,
    const std::function<void(const PosteriorParameters& parameters, const std::vector<std::size_t>& held_out)>& score) {
  const auto fold_of = AuthorFolds(study.truth, folds, seed);
  for (int fold = 0; fold < folds; ++fold) {
    std::vector<FitExample> training;
    std::vector<std::size_t> held_out;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (fold_of[i] == fold) {
        held_out.push_back(i);
      } else {
        training.push_back(examples[i]);
      }
    }
    score(FitPosterior(training, fit), held_out);
  }
}

Estimates EstimateHeldOut(const RerankStudy& study, const RerankOptions& options, const FitOptions& fit, int folds,
                          std::uint64_t seed, bool with_answers) {
  const auto examples = study.Examples(std::max(options.top_k, fit.top_k), with_answers);
  Estimates estimates(examples.size());
  ForEachFold(study, examples, fit, folds, seed,
              [&](const PosteriorParameters& parameters, const std::vector<std::size_t>& held_out) {
                EstimateInto(examples, held_out, options, parameters, estimates);
              });
  return estimates;
}

std::vector<Prediction> ToPredictions(const RerankStudy& study, const Estimates& estimates, const std::string& method) {
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    Prediction prediction;
    prediction.id = study.truth.rows[i].id;
    prediction.method = method;
    if (estimates[i]) {
      prediction.location = estimates[i]->location;
      prediction.confidence_km = estimates[i]->confidence_km;
    } else {
      prediction.reason = "no candidates";
    }
    predictions.push_back(std::move(prediction));
  }
  return predictions;
}

}  // namespace dualgeo
