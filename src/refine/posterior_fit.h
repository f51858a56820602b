// Fitting the posterior over places to lists whose truth is known: the parameters under which the true places are most
// likely, with a penalty on the squares of all coefficients but the constants.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/posterior_parameters.h"
#include "dualgeo/util/field.h"
#include "refine/rerank_options.h"

namespace dualgeo {

struct FitOptions {
  std::vector<double> widths_km = {0.7, 10, 100, 1000};
  std::vector<double> answer_widths_km = {0.4, 1.5, 10, 50, 250, 1000};  // where there are LMM answers
  double rank_scale = 15;
  double penalty = 0.003;  // 0: pure likelihood; larger: coefficients nearer to 0
  double answer_penalty = 0.01;
  int top_k = 20;  // similar candidates of a list that take part, as in re-ranking
  int max_iterations = 500;
  // What may be used beyond ranks and coordinates (and answers), where the lists have it (RerankOptions::evidence).
  std::vector<std::string> evidence = {"score", "gps_score"};
  bool network = false;  // fit that of method mlp as well (refine/mlp_fit.h)
  int mlp_hidden = 16;
  double mlp_penalty = 0.001;  // on the squares of its weights
  double mlp_margin = 1;       // by which a better candidate's number should be greater
  std::int64_t mlp_seed = 0;   // of its first weights

  template <class Visitor>
  void Visit(Visitor& v) {
    const Range widths{1e-3, 20100}, penalties{0, 1e9};
    v.Field("widths_km", widths_km, "widths of the kernels", widths);
    v.Field("answer_widths_km", answer_widths_km, "the same for an LMM's answers", widths);
    v.Field("rank_scale", rank_scale, "kernel sums weigh a candidate by exp(-rank / rank_scale)", Range{1e-3, 1e6});
    v.Field("penalty", penalty, "on squared coefficients; more: nearer to no effect", penalties);
    v.Field("answer_penalty", answer_penalty, "the same for answers", penalties);
    v.Field("top_k", top_k, "similar candidates that take part", Range{1, 1e6});
    v.Field("max_iterations", max_iterations, "of the optimiser", Range{1, 1e6}, Affects::kSpeed);
    v.Field("network", network, "fit the network of method mlp as well");
    v.Field("mlp_hidden", mlp_hidden, "mlp: hidden units", Range{1, 1024});
    v.Field("mlp_penalty", mlp_penalty, "mlp: on the squares of its weights", penalties);
    v.Field("mlp_margin", mlp_margin, "mlp: by which a better candidate's number should be greater", Range{0, 100});
    v.Field("mlp_seed", mlp_seed, "mlp: of its first weights");
    v.Field("evidence", evidence, "what counts beyond ranks and coordinates, where the lists have it");
  }

  // Throws InputError naming field, value and what is allowed.
  void Validate() const;
};

// One photo.
struct FitExample {
  std::string query_id;
  std::vector<Candidate> similar;
  std::vector<LatLon> answers;  // of an LMM; may be empty
  LatLon truth;
};

// The weights of lists come from all examples that have candidates. Where there are answers, a second set comes from
// the examples that have them. Coefficients of scores are fitted where there are scores. Throws InputError when no
// example has a candidate. `fitted_on` is TrainingFingerprint of the examples.
PosteriorParameters FitPosterior(const std::vector<FitExample>& examples, const FitOptions& options);

// What answering with `place` scores: the share of kAccuracyKm within which the truth lies (great circle).
double AccuracyShare(LatLon place, LatLon truth);

// Of the ids of a set of queries, whatever their order.
std::string TrainingFingerprint(std::vector<std::string> query_ids);

}  // namespace dualgeo
