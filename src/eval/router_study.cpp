#include "eval/router_study.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "dualgeo/eval/clusters.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "eval/author_folds.h"

namespace dualgeo {
namespace {

// Of each photo, by parameters fitted on the other folds.
std::vector<RouterCase> CasesHeldOut(const std::vector<FitExample>& examples, const std::vector<int>& fold_of,
                                     int folds, const RerankOptions& rerank, const FitOptions& fit) {
  std::vector<RouterCase> cases(examples.size());
  for (int fold = 0; fold < folds; ++fold) {
    std::vector<FitExample> training;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      if (fold_of[i] != fold) training.push_back(examples[i]);
    }
    const BayesJoin join(rerank, FitPosterior(training, fit));
    for (std::size_t i = 0; i < examples.size(); ++i) {
      ThrowIfStopped();
      if (fold_of[i] == fold) cases[i] = LookAt(join, examples[i].similar, examples[i].answers);
    }
  }
  return cases;
}

// The route of each photo, by a router fitted on the other folds' cases.
std::vector<AnswerRoute> RoutesHeldOut(const std::vector<RouterCase>& cases, const std::vector<LatLon>& truths,
                                       const std::vector<int>& fold_of, int folds, const RouterFitOptions& options) {
  std::vector<AnswerRoute> routes(cases.size(), AnswerRoute::kJoin);
  for (int fold = 0; fold < folds; ++fold) {
    std::vector<RouterCase> training;
    std::vector<LatLon> training_truths;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (fold_of[i] == fold) continue;
      training.push_back(cases[i]);
      training_truths.push_back(truths[i]);
    }
    const auto parameters = FitAnswerRouter(training, training_truths, options);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (fold_of[i] == fold) routes[i] = ChooseRoute(parameters, cases[i].features);
    }
  }
  return routes;
}

}  // namespace

RouterStudy StudyRouter(const RerankStudy& study, const RerankOptions& rerank, const FitOptions& fit, int folds,
                        std::uint64_t seed, const EvaluateOptions& evaluate, const RouterFitOptions& options) {
  const auto examples = study.Examples(std::max(rerank.top_k, fit.top_k), true);
  const auto fold_of = AuthorFolds(study.truth, folds, seed);
  const auto cases = CasesHeldOut(examples, fold_of, folds, rerank, fit);
  std::vector<LatLon> truths;
  for (const auto& example : examples) truths.push_back(example.truth);
  const auto routes = RoutesHeldOut(cases, truths, fold_of, folds, options);

  RouterStudy result;
  const DistanceKind distance = ParseDistanceKind(evaluate.distance);
  // pick(i): the place of photo i.
  const auto add = [&](const std::string& name, const auto& pick) {
    std::vector<Prediction> predictions;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      predictions.push_back({study.truth.rows[i].id, pick(i), name, std::nullopt, ""});
    }
    RouterRow row{name, Evaluate(study.truth, predictions, evaluate, {"", name, "", "", ""})};
    for (const auto& accuracy : row.evaluation.all.accuracy) {
      row.mean_accuracy += accuracy.percent / static_cast<double>(row.evaluation.all.accuracy.size());
    }
    result.rows.push_back(std::move(row));
  };
  const auto of = [&](std::size_t i, AnswerRoute route) {
    return cases[i].options[static_cast<std::size_t>(route)].location;
  };
  add("list", [&](std::size_t i) { return of(i, AnswerRoute::kList); });
  add("lmm", [&](std::size_t i) { return of(i, AnswerRoute::kAnswer); });
  add("join", [&](std::size_t i) { return of(i, AnswerRoute::kJoin); });
  add("router", [&](std::size_t i) { return of(i, routes[i]); });
  add("two-way oracle", [&](std::size_t i) {
    const LatLon list = of(i, AnswerRoute::kList), answer = of(i, AnswerRoute::kAnswer);
    return DistanceKm(list, truths[i], distance) < DistanceKm(answer, truths[i], distance) ? list : answer;
  });
  for (auto& row : result.rows) {
    for (std::size_t t = 0; t < row.evaluation.all.accuracy.size(); ++t) {
      const double oracle = result.rows.back().evaluation.all.accuracy[t].percent;
      row.of_oracle.push_back(oracle == 0 ? 0 : 100 * row.evaluation.all.accuracy[t].percent / oracle);
    }
    if (row.name != "join") row.comparison = Compare(result.rows[2].evaluation, row.evaluation);
  }
  for (const AnswerRoute route : routes) ++result.routes[static_cast<std::size_t>(route)];
  result.parameters = FitAnswerRouter(cases, truths, options);
  return result;
}

std::string FormatRouter(const RouterStudy& study) {
  std::string text = "| answer |", rule = "|---|";
  for (const auto& accuracy : study.rows.front().evaluation.all.accuracy) {
    text += fmt::format(" < {} km % (of the oracle) |", FormatDouble(accuracy.threshold_km));
    rule += "---|";
  }
  text += " mean |\n" + rule + "---|\n";
  for (const auto& row : study.rows) {
    text += "| " + row.name + " |";
    for (std::size_t t = 0; t < row.of_oracle.size(); ++t) {
      text += fmt::format(" {:.2f} ({:.1f})", row.evaluation.all.accuracy[t].percent, row.of_oracle[t]);
      if (!row.comparison.empty()) text += fmt::format(" p={:.2g}", row.comparison[t].p_value);
      text += " |";
    }
    text += fmt::format(" {:.2f} |\n", row.mean_accuracy);
  }
  const auto& clusters = study.rows.front().evaluation.subject.clusters;
  text += fmt::format(
      "\n{} photos with list and answer; each fold's posterior and router are fitted on the other photographers. In "
      "brackets: percent of the accuracy of the oracle that takes the better of list and lmm. p: against the join, "
      "{}. The router took the join {} times, the list {}, the lmm {}.\n",
      study.rows.front().evaluation.count,
      clusters ? "sign flips over " + OverWhat(clusters) : "exact McNemar test over photos", study.routes[0],
      study.routes[1], study.routes[2]);
  return text;
}

}  // namespace dualgeo
