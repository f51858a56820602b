// The numbers of the posterior over places (refine/place_posterior.h): fitted by `dualgeo rerank fit`, kept as YAML.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dualgeo/util/field.h"

namespace dualgeo {

// Fitted coefficients are of the order of 1; what lies far beyond is damage.
inline const Range kCoefficientRange{-1e6, 1e6};

// How the logit of a candidate (or of an LMM answer) and a width follows from what is known about it: one coefficient
// for each width of each feature. Empty: the feature is not used. Features that the list at hand lacks (no scores, say)
// count 0, which for scores is their mean.
struct EvidenceWeights {
  std::vector<double> constant;
  std::vector<double> log_rank;          // natural logarithm of the rank
  std::vector<double> support;           // logarithm of the rank-weighted kernel sum of the list at that width,
  std::vector<double> wider_support;     // at the next wider width (the last: at itself),
  std::vector<double> narrower_support;  // and at the next narrower (the first: at itself)
  std::vector<double> answer_support;    // the same of the LMM's answers
  std::vector<double> wider_answer_support;
  std::vector<double> narrower_answer_support;
  std::vector<double> score;      // standardised
  std::vector<double> score_gap;  // score minus the best of the list, over its root mean square
  std::vector<double> gps_score;  // the same for the similarity of the GPS embedding
  std::vector<double> gps_score_gap;
  std::vector<double> other_gallery;  // logarithm of the kernel sum of candidates of other galleries

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("constant", constant, "one for each width; empty: this source of evidence was not there in training",
            kCoefficientRange);
    v.Field("log_rank", log_rank, "of the natural logarithm of the rank", kCoefficientRange);
    v.Field("support", support, "of the log kernel sum of the list at the width", kCoefficientRange);
    v.Field("wider_support", wider_support, "of the same at the next wider width", kCoefficientRange);
    v.Field("narrower_support", narrower_support, "of the same at the next narrower width", kCoefficientRange);
    v.Field("answer_support", answer_support, "of the log kernel mean of the LMM's answers at the width",
            kCoefficientRange);
    v.Field("wider_answer_support", wider_answer_support, "of the same at the next wider width", kCoefficientRange);
    v.Field("narrower_answer_support", narrower_answer_support, "of the same at the next narrower width",
            kCoefficientRange);
    v.Field("score", score, "of the standardised similarity score", kCoefficientRange);
    v.Field("score_gap", score_gap, "of the distance below the list's best score", kCoefficientRange);
    v.Field("gps_score", gps_score, "of the standardised similarity of the coordinates' embedding", kCoefficientRange);
    v.Field("gps_score_gap", gps_score_gap, "of the distance below the list's best", kCoefficientRange);
    v.Field("other_gallery", other_gallery, "of the log kernel sum of candidates of other galleries",
            kCoefficientRange);
  }

  bool operator==(const EvidenceWeights&) const = default;
};

// Of a kind of score in the training lists.
struct ScoreScale {
  double mean = 0;
  double deviation = 1;
  double gap = 1;  // root mean square of the distance below the list's best

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("mean", mean, "mean in the training lists");
    v.Field("deviation", deviation, "standard deviation", Range{1e-12, 1e12});
    v.Field("gap", gap, "root mean square of the distance below the list's best", Range{1e-12, 1e12});
  }

  bool operator==(const ScoreScale&) const = default;
};

// Platt scaling (Platt 1999) of the stated probability at each of kAccuracyKm: the logit becomes offset + slope *
// logit.
struct ProbabilityScale {
  std::vector<double> offset = {0, 0, 0, 0, 0};
  std::vector<double> slope = {1, 1, 1, 1, 1};

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("offset", offset, "added to the logit of the stated probability, for each accuracy threshold",
            kCoefficientRange);
    v.Field("slope", slope, "times the logit of the mixture's probability", Range{0, 100});
  }

  bool operator==(const ProbabilityScale&) const = default;
};

// Evidence in another column of the candidates (Candidate::more), weighed like scores: one coefficient for each width,
// empty where it was not there in training.
struct ColumnEvidence {
  ScoreScale scale;
  std::vector<double> list, list_gap;                            // of the value, and of its distance below the best
  std::vector<double> list_with_answers, list_with_answers_gap;  // where there are LMM answers

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Group("scale", scale, "how its values are standardised");
    v.Field("list", list, "of the standardised value, one for each width", kCoefficientRange);
    v.Field("list_gap", list_gap, "of the distance below the list's best", kCoefficientRange);
    v.Field("list_with_answers", list_with_answers, "of the value where there are LMM answers", kCoefficientRange);
    v.Field("list_with_answers_gap", list_with_answers_gap, "of the distance where there are LMM answers",
            kCoefficientRange);
  }

  bool operator==(const ColumnEvidence&) const = default;
};

// What confidence_km is to be multiplied by to hold half and 90 % of new photos' truths (eval/conformal.h); 0: unknown.
struct ConformalScale {
  double half = 0, most = 0;
  std::string rule;                   // of ConformalRuleNames()
  int photographers = 0, photos = 0;  // that it was calibrated on

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("half", half, "times confidence_km: the radius for 50 %; 0: not calibrated", Range{0, 1e9});
    v.Field("most", most, "times confidence_km: the radius for 90 %; 0: not calibrated", Range{0, 1e9});
    v.Field("rule", rule, "how photos of one photographer count");
    v.Field("photographers", photographers, "calibrated on so many", Range{0, 1e9});
    v.Field("photos", photos, "calibrated on so many", Range{0, 1e9});
  }

  bool operator==(const ConformalScale&) const = default;
};

// The small network of rerank.method mlp (refine/mlp_fit.h); no inputs: there is none.
struct MlpParameters {
  std::vector<std::string> inputs;      // names of features
  std::vector<double> mean, deviation;  // of each in training
  int hidden = 0;
  // [hidden, inputs] of the hidden units, their [hidden] biases, and their [hidden] shares of the score.
  std::vector<double> weights;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("inputs", inputs, "features of a candidate");
    v.Field("mean", mean, "of each in training");
    v.Field("deviation", deviation, "of each in training", Range{1e-12, 1e12});
    v.Field("hidden", hidden, "hidden units", Range{0, 1024});
    v.Field("weights", weights, "of the hidden units, their biases, and of the score", kCoefficientRange);
  }

  bool operator==(const MlpParameters&) const = default;
};

// Of predict.lmm.choose router (lmm/answer_router.h): logits of the list's and of the LMM's answer against their
// join, linear in standardised features; empty: there is none.
struct AnswerRouterParameters {
  std::vector<double> mean, deviation;  // of each feature but the constant
  std::vector<double> list, answer;     // the constant's coefficient first

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("mean", mean, "of each feature in training");
    v.Field("deviation", deviation, "of each feature in training", Range{1e-12, 1e12});
    v.Field("list", list, "logit of the list's answer: the constant, then one for each feature", kCoefficientRange);
    v.Field("answer", answer, "the same of the LMM's answer", kCoefficientRange);
  }

  bool operator==(const AnswerRouterParameters&) const = default;
};

struct PosteriorParameters {
  std::vector<double> widths_km;         // of components without LMM answers; rising
  std::vector<double> answer_widths_km;  // where there are LMM answers; empty: answers cannot take part
  double rank_scale = 15;                // kernel sums weigh a candidate by exp(-rank / rank_scale)
  double floor = 0.01;                   // added to kernel sums before the logarithm
  ScoreScale score, gps_score;
  EvidenceWeights list;               // of candidates, without LMM answers
  EvidenceWeights list_with_answers;  // of candidates, where there are LMM answers
  EvidenceWeights answers;            // of LMM answers
  // The share of the distribution that confidence_km takes, so that it holds the truth of half of the training photos:
  // 0.5 if the distribution were perfect.
  double half = 0.5;
  double half_with_answers = 0.5;
  ProbabilityScale probability, probability_with_answers;
  double median_km = 200;  // median error of the training photos: what metric median_km aims below
  double median_km_with_answers = 100;
  std::map<std::string, ColumnEvidence> columns;  // by the column's name
  ConformalScale conformal, conformal_with_answers;
  MlpParameters mlp;
  AnswerRouterParameters router;
  // Where they come from; for people, and to notice a test on training data.
  std::string fitted_on;  // fingerprint of the training queries (TrainingFingerprint)
  std::string note;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("widths_km", widths_km, "widths of the kernels, rising", Range{0.01, 10000});
    v.Field("answer_widths_km", answer_widths_km, "the same where there are LMM answers", Range{0.01, 10000});
    v.Field("rank_scale", rank_scale, "kernel sums weigh a candidate by exp(-rank / rank_scale)", Range{1e-3, 1e6});
    v.Field("floor", floor, "added to kernel sums before the logarithm", Range{1e-9, 1});
    v.Group("score", score, "how similarity scores are standardised");
    v.Group("gps_score", gps_score, "how similarities of GPS embeddings are standardised");
    v.Group("list", list, "weights of candidates, without LMM answers");
    v.Group("list_with_answers", list_with_answers, "weights of candidates, where there are LMM answers");
    v.Group("answers", answers, "weights of LMM answers");
    v.Field("half", half, "share of the distribution within confidence_km", Range{0.01, 0.99});
    v.Field("half_with_answers", half_with_answers, "the same where there are LMM answers", Range{0.01, 0.99});
    v.Group("probability", probability, "how the mixture's probabilities become the stated ones");
    v.Group("probability_with_answers", probability_with_answers, "the same where there are LMM answers");
    v.Field("median_km", median_km, "median error of the training photos", Range{0.01, 20100});
    v.Field("median_km_with_answers", median_km_with_answers, "the same where there are LMM answers",
            Range{0.01, 20100});
    v.Map("columns", columns, "evidence in other columns of the candidates");
    v.Group("conformal", conformal, "how confidence_km becomes radii with a guarantee");
    v.Group("conformal_with_answers", conformal_with_answers, "the same where there are LMM answers");
    v.Group("mlp", mlp, "the network of method mlp");
    v.Group("router", router, "of predict.lmm.choose router");
    v.Field("fitted_on", fitted_on, "fingerprint of the training queries");
    v.Field("note", note, "command and data that made them");
  }

  bool has_answers() const { return !answers.constant.empty(); }
  // Names of the columns that candidates need (ReadCandidates).
  std::vector<std::string> MoreColumns() const;

  // Throws InputError: no or falling widths, a coefficient list that is not empty and not one number for each width,
  // list.constant empty, answer widths without weights or the other way round, and parts of a network or router that do
  // not fit together.
  void Validate() const;

  bool operator==(const PosteriorParameters&) const = default;
};

// The ones that ship: fitted on the lists and by the command that docs/reranking.md names.
const PosteriorParameters& DefaultPosteriorParameters();

// Empty path: the default. Throws InputError naming file, line and key.
PosteriorParameters ReadPosteriorParameters(const std::filesystem::path& path);
// Atomic.
void WritePosteriorParameters(const std::filesystem::path& path, PosteriorParameters parameters);

}  // namespace dualgeo
