// What a router between a list's and a language model's answer reaches on photographers that it has never seen: against
// each alone, their join, and the oracle that always takes the better of the two.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/held_out.h"
#include "eval/significance.h"
#include "lmm/answer_router.h"

namespace dualgeo {

struct RouterRow {
  std::string name;
  Evaluation evaluation;
  std::vector<double> of_oracle = {};             // at each threshold, percent of the two-way oracle's accuracy
  double mean_accuracy = 0;                       // percent
  std::vector<PairedComparison> comparison = {};  // against the join, which is a; empty for itself
};

struct RouterStudy {
  std::vector<RouterRow> rows;           // list, lmm, join, router, two-way oracle
  std::array<std::int64_t, 3> routes{};  // how often each AnswerRoute was taken
  AnswerRouterParameters parameters;     // fitted on all photos' held-out estimates
};

// study: of photos that have both (WithAnswers). Each fold's estimates are by parameters fitted on the others; its
// router is fitted on the others' estimates, and tried on its own (stacking: Wolpert 1992).
RouterStudy StudyRouter(const RerankStudy& study, const RerankOptions& rerank, const FitOptions& fit, int folds,
                        std::uint64_t seed, const EvaluateOptions& evaluate, const RouterFitOptions& options = {});

// Markdown.
std::string FormatRouter(const RouterStudy& study);

}  // namespace dualgeo
