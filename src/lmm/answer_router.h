// Whose answer to take, where a photo has a retrieval list and a language model's answers (predict.lmm.choose: router):
// the list's own (bayes without the answers), the model's (the medoid of its answers), or the join of both
// (lmm/answer_join.h). A softmax over the three, linear in what is known of both: how far they lie from each other, how
// sure list and join are (their radius and probabilities), how probable the list finds the model's answer, and how far
// the model's samples spread. Fitted so that the expected mean accuracy of what it takes is greatest, on estimates that
// the posterior was not fitted on.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/refine/posterior_parameters.h"
#include "lmm/answer_join.h"

namespace dualgeo {

enum class AnswerRoute { kJoin, kList, kAnswer };
// "join", "list", "lmm"
const std::string& ToString(AnswerRoute route);

// What there is to choose from for one photo, and what is known about it.
struct RouterCase {
  std::array<PlaceEstimate, 3> options;  // by AnswerRoute; all with the join's confidence
  std::vector<double> features;
};

// Of a photo with candidates and answers; `join` knows answers.
RouterCase LookAt(const BayesJoin& join, std::span<const Candidate> similar, std::span<const LatLon> answers);

struct RouterFitOptions {
  double penalty = 0.01;  // on the squares of all coefficients but the constants
  int max_iterations = 300;
};

// truths: one for each case. Throws InputError without cases.
AnswerRouterParameters FitAnswerRouter(const std::vector<RouterCase>& cases, const std::vector<LatLon>& truths,
                                       const RouterFitOptions& options = {});

// The most probable. Throws InputError where the parameters have no router, or one of other features.
AnswerRoute ChooseRoute(const AnswerRouterParameters& parameters, const std::vector<double>& features);

// What predict.lmm.choose router needs; predictions name the route as their model. Photos without candidates take the
// join. Throws InputError where rerank.parameters have no router.
AnswerJoin MakeRoutedAnswerJoin(const RerankOptions& options);

}  // namespace dualgeo
