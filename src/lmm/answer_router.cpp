#include "lmm/answer_router.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "geo/center.h"
#include "refine/lbfgs.h"
#include "refine/posterior_fit.h"

namespace dualgeo {
namespace {

double RouterLogit(double p) {
  const double safe = std::clamp(p, 1e-4, 1 - 1e-4);
  return std::log(safe / (1 - safe));
}

std::vector<double> StandardizedFeatures(const AnswerRouterParameters& parameters,
                                         const std::vector<double>& features) {
  if (features.size() != parameters.mean.size()) {
    throw InputError(parameters.mean.empty()
                         ? "predict.lmm.choose router needs parameters with a router: dualgeo rerank fit --answers "
                           "makes them (rerank.parameters)"
                         : "the router of the re-ranking parameters was fitted with other features");
  }
  std::vector<double> x = {1};
  for (std::size_t f = 0; f < features.size(); ++f) {
    x.push_back(std::clamp((features[f] - parameters.mean[f]) / parameters.deviation[f], -5.0, 5.0));
  }
  return x;
}

// Logits of the routes; the join's is 0.
std::array<double, 3> RouteLogits(const std::vector<double>& list, const std::vector<double>& answer,
                                  const std::vector<double>& x) {
  std::array<double, 3> logits{};
  for (std::size_t f = 0; f < x.size(); ++f) {
    logits[static_cast<std::size_t>(AnswerRoute::kList)] += list[f] * x[f];
    logits[static_cast<std::size_t>(AnswerRoute::kAnswer)] += answer[f] * x[f];
  }
  return logits;
}

void ScaleFeatures(const std::vector<RouterCase>& cases, AnswerRouterParameters& parameters) {
  const std::size_t count = cases.front().features.size();
  for (std::size_t f = 0; f < count; ++f) {
    double sum = 0, squares = 0;
    for (const auto& each : cases) {
      sum += each.features[f];
      squares += each.features[f] * each.features[f];
    }
    const double n = static_cast<double>(cases.size()), mean = sum / n;
    const double deviation = std::sqrt(std::max(0.0, squares / n - mean * mean));
    parameters.mean.push_back(std::round(mean * 1e4) / 1e4);
    // What never varies stays where it is: 0.
    parameters.deviation.push_back(std::max(1e-3, std::round(deviation * 1e4) / 1e4));
  }
}

}  // namespace

const std::string& ToString(AnswerRoute route) {
  static const std::array<std::string, 3> names = {"join", "list", "lmm"};
  return names[static_cast<std::size_t>(route)];
}

RouterCase LookAt(const BayesJoin& join, std::span<const Candidate> similar, std::span<const LatLon> answers) {
  const LatLon answer = Medoid(answers);
  similar = join.TopOf(similar);
  const PlaceEstimate list = *join.Join(similar, {}), joint = *join.Join(similar, answers);
  thread_local PlacePosterior::Distribution distribution;
  const PlacePosterior& of_list = join.PosteriorFor({});
  of_list.Condition({similar, {}}, distribution);
  const PlaceEstimate list_of_answer = of_list.Estimate(distribution, answer);
  const PlacePosterior& of_both = join.PosteriorFor(answers);
  of_both.Condition({similar, answers}, distribution);

  RouterCase found;
  found.options[static_cast<std::size_t>(AnswerRoute::kJoin)] = joint;
  found.options[static_cast<std::size_t>(AnswerRoute::kList)] = of_both.Estimate(distribution, list.location);
  found.options[static_cast<std::size_t>(AnswerRoute::kAnswer)] = of_both.Estimate(distribution, answer);
  auto& features = found.features;
  features = {std::log1p(GreatCircleKm(list.location, answer)),
              std::log1p(GreatCircleKm(list.location, joint.location)),
              std::log1p(GreatCircleKm(answer, joint.location)), std::log1p(list.confidence_km),
              std::log1p(joint.confidence_km)};
  for (const PlaceEstimate* estimate : {&list, &joint, &list_of_answer}) {
    for (const double p : estimate->within) features.push_back(RouterLogit(p));
  }
  for (const AnswerRoute route : {AnswerRoute::kList, AnswerRoute::kAnswer}) {
    for (const double p : found.options[static_cast<std::size_t>(route)].within) features.push_back(RouterLogit(p));
  }
  double spread = 0;
  for (const LatLon& sample : answers) spread += GreatCircleKm(sample, answer) / static_cast<double>(answers.size());
  features.push_back(std::log1p(spread));
  features.push_back(std::log(static_cast<double>(answers.size())));
  return found;
}

AnswerRouterParameters FitAnswerRouter(const std::vector<RouterCase>& cases, const std::vector<LatLon>& truths,
                                       const RouterFitOptions& options) {
  if (cases.empty()) throw InputError("no photo has both candidates and an LMM's answer: no router can be fitted");
  AnswerRouterParameters parameters;
  ScaleFeatures(cases, parameters);
  const std::size_t terms = parameters.mean.size() + 1;
  std::vector<std::vector<double>> x;
  std::vector<std::array<double, 3>> right;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    x.push_back(StandardizedFeatures(parameters, cases[i].features));
    right.emplace_back();
    for (std::size_t r = 0; r < 3; ++r) right[i][r] = AccuracyShare(cases[i].options[r].location, truths.at(i));
  }
  // Minus the mean accuracy of a route drawn by the softmax.
  const auto loss = [&](const std::vector<double>& w, std::vector<double>& gradient) {
    std::ranges::fill(gradient, 0);
    const std::vector<double> list(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(terms));
    const std::vector<double> answer(w.begin() + static_cast<std::ptrdiff_t>(terms), w.end());
    double sum = 0;
    const auto n = static_cast<double>(cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i) {
      auto p = RouteLogits(list, answer, x[i]);
      const double top = *std::ranges::max_element(p);
      double total = 0, expected = 0;
      for (double& z : p) total += z = std::exp(z - top);
      for (std::size_t r = 0; r < 3; ++r) expected += (p[r] /= total) * right[i][r];
      sum -= expected / n;
      for (const std::size_t r : {std::size_t{1}, std::size_t{2}}) {
        const double pull = -p[r] * (right[i][r] - expected) / n;
        for (std::size_t f = 0; f < terms; ++f) gradient[(r - 1) * terms + f] += pull * x[i][f];
      }
    }
    for (std::size_t k = 0; k < w.size(); ++k) {
      if (k % terms == 0) continue;
      sum += options.penalty * w[k] * w[k] / 2;
      gradient[k] += options.penalty * w[k];
    }
    return sum;
  };
  auto fitted = MinimizeLbfgs(loss, std::vector<double>(2 * terms, 0), options.max_iterations).x;
  for (double& w : fitted) w = std::round(w * 1e4) / 1e4;
  parameters.list.assign(fitted.begin(), fitted.begin() + static_cast<std::ptrdiff_t>(terms));
  parameters.answer.assign(fitted.begin() + static_cast<std::ptrdiff_t>(terms), fitted.end());
  return parameters;
}

AnswerRoute ChooseRoute(const AnswerRouterParameters& parameters, const std::vector<double>& features) {
  const auto logits = RouteLogits(parameters.list, parameters.answer, StandardizedFeatures(parameters, features));
  return static_cast<AnswerRoute>(std::ranges::max_element(logits) - logits.begin());  // the join among equals
}

AnswerJoin MakeRoutedAnswerJoin(const RerankOptions& options) {
  const PosteriorParameters parameters = ReadPosteriorParameters(options.parameters);
  if (parameters.router.mean.empty()) StandardizedFeatures({}, {0});  // says what is missing
  const auto join = std::make_shared<const BayesJoin>(options, parameters);
  return [join, router = parameters.router](const CandidateList& list, std::span<const LmmAnswer> answers) {
    std::vector<LatLon> places;
    for (const LmmAnswer& answer : answers) {
      if (answer.location) places.push_back(*answer.location);
    }
    const auto similar = SimilarOf(list);
    AnswerRoute route = AnswerRoute::kJoin;
    std::optional<PlaceEstimate> estimate;
    if (similar.empty() || places.empty()) {
      estimate = join->Join(similar, places);
    } else {
      const RouterCase found = LookAt(*join, similar, places);
      route = ChooseRoute(router, found.features);
      estimate = found.options[static_cast<std::size_t>(route)];
    }
    Prediction prediction;
    prediction.id = list.query_id;
    prediction.method = "router";
    prediction.model = ToString(route);
    if (estimate) {
      prediction.location = estimate->location;
      prediction.confidence_km = estimate->confidence_km;
      prediction.areas = estimate->areas;
    } else {
      prediction.reason = "no candidates and no answers";
    }
    return prediction;
  };
}

}  // namespace dualgeo
