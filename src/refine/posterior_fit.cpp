#include "dualgeo/refine/posterior_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "dualgeo/geo/distance.h"
#include "dualgeo/refine/lbfgs.h"
#include "dualgeo/refine/place_posterior.h"
#include "dualgeo/refine/spherical_gaussian.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

constexpr int kFeatures = PlacePosterior::kFeatures;

// Coefficients in the order of PlacePosterior::Features.
constexpr std::vector<double> EvidenceWeights::*kCoefficients[kFeatures] = {&EvidenceWeights::constant,
                                                                            &EvidenceWeights::log_rank,
                                                                            &EvidenceWeights::support,
                                                                            &EvidenceWeights::wider_support,
                                                                            &EvidenceWeights::narrower_support,
                                                                            &EvidenceWeights::answer_support,
                                                                            &EvidenceWeights::wider_answer_support,
                                                                            &EvidenceWeights::narrower_answer_support,
                                                                            &EvidenceWeights::score,
                                                                            &EvidenceWeights::score_gap,
                                                                            &EvidenceWeights::gps_score,
                                                                            &EvidenceWeights::gps_score_gap};

// A free parameter of the fit: a feature of a source (0: list, 1: answers).
struct Block {
  int source;
  int feature;
};

// What the likelihood needs of one example.
struct Prepared {
  std::vector<float> features;     // [components, blocks of the component's source]
  std::vector<float> log_density;  // [components] of the truth
  std::vector<float> offset;       // [components] added to the logit
  std::size_t list_components = 0;
};

// Logits, likelihood and gradient of one set of coefficients, laid out as [block, width].
class Likelihood {
 public:
  Likelihood(const std::vector<const FitExample*>& examples, const PlacePosterior& posterior,
             const std::vector<Block>& blocks, double penalty)
      : blocks_(blocks), widths_(posterior.parameters().widths_km.size()), penalty_(penalty) {
    std::vector<SphericalGaussian> components(posterior.parameters().widths_km.begin(),
                                              posterior.parameters().widths_km.end());
    PlacePosterior::Distribution distribution;
    std::vector<double> features;
    for (const FitExample* example : examples) {
      const PlaceEvidence evidence{example->similar, example->answers};
      posterior.Condition(evidence, distribution);
      posterior.Features(evidence, distribution, features);
      Prepared prepared;
      prepared.list_components = example->similar.size() * widths_;
      const std::size_t places = distribution.places.size();
      for (std::size_t i = 0; i < places; ++i) {
        const bool answer = i >= example->similar.size();
        const LatLon place = answer ? example->answers[i - example->similar.size()] : example->similar[i].location;
        const double km = GreatCircleKm(place, example->truth);
        for (std::size_t j = 0; j < widths_; ++j) {
          prepared.log_density.push_back(static_cast<float>(components[j].LogDensity(km)));
          prepared.offset.push_back(answer ? static_cast<float>(-std::log(static_cast<double>(example->answers.size())))
                                           : 0);
          for (const Block& block : blocks_) {
            if ((block.source == 1) != answer) continue;
            const std::size_t at = (i * widths_ + j) * kFeatures + static_cast<std::size_t>(block.feature);
            prepared.features.push_back(static_cast<float>(features[at]));
          }
        }
      }
      prepared_.push_back(std::move(prepared));
    }
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      blocks_of_[static_cast<std::size_t>(blocks_[b].source)].push_back(b);
    }
  }

  std::size_t size() const { return blocks_.size() * widths_; }

  double operator()(const std::vector<double>& x, std::vector<double>& gradient) const {
    ThrowIfStopped();
    std::fill(gradient.begin(), gradient.end(), 0);
    double loss = 0;
    std::vector<double> logit, joint;
    for (const Prepared& example : prepared_) {
      const std::size_t n = example.log_density.size();
      logit.resize(n);
      joint.resize(n);
      const float* feature = example.features.data();
      // "None of these" has logit 0 and the uniform density.
      double top = 0, joint_top = LogUniformDensity();
      for (std::size_t c = 0; c < n; ++c) {
        double z = example.offset[c];
        for (const std::size_t b : BlocksOf(example, c)) z += x[b * widths_ + c % widths_] * *feature++;
        logit[c] = z;
        joint[c] = z + example.log_density[c];
        top = std::max(top, z);
        joint_top = std::max(joint_top, joint[c]);
      }
      double sum = std::exp(-top), joint_sum = std::exp(LogUniformDensity() - joint_top);
      for (std::size_t c = 0; c < n; ++c) {
        logit[c] = std::exp(logit[c] - top);
        joint[c] = std::exp(joint[c] - joint_top);
        sum += logit[c];
        joint_sum += joint[c];
      }
      loss -= std::log(joint_sum) + joint_top - std::log(sum) - top;
      feature = example.features.data();
      for (std::size_t c = 0; c < n; ++c) {
        const double pull = logit[c] / sum - joint[c] / joint_sum;
        for (const std::size_t b : BlocksOf(example, c)) gradient[b * widths_ + c % widths_] += pull * *feature++;
      }
    }
    const auto count = static_cast<double>(prepared_.size());
    for (double& g : gradient) g /= count;
    double value = loss / count;
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      if (blocks_[b].feature == 0) continue;
      for (std::size_t j = 0; j < widths_; ++j) {
        const double v = x[b * widths_ + j];
        value += penalty_ * v * v;
        gradient[b * widths_ + j] += 2 * penalty_ * v;
      }
    }
    return value;
  }

 private:
  const std::vector<std::size_t>& BlocksOf(const Prepared& example, std::size_t component) const {
    return blocks_of_[component < example.list_components ? 0 : 1];
  }

  std::vector<Block> blocks_;
  std::vector<std::size_t> blocks_of_[2];
  std::size_t widths_;
  double penalty_;
  std::vector<Prepared> prepared_;
};

ScoreScale Scale(const std::vector<const FitExample*>& examples, std::optional<double> Candidate::*member) {
  std::vector<double> scores;
  double gaps = 0;
  for (const FitExample* example : examples) {
    std::optional<double> best;
    for (const auto& c : example->similar) {
      if (const auto& score = c.*member) best = std::max(best.value_or(*score), *score);
    }
    for (const auto& c : example->similar) {
      if (const auto& score = c.*member) {
        scores.push_back(*score);
        gaps += (*score - *best) * (*score - *best);
      }
    }
  }
  ScoreScale scale;
  if (scores.empty()) return scale;
  const auto n = static_cast<double>(scores.size());
  scale.mean = std::accumulate(scores.begin(), scores.end(), 0.0) / n;
  double squares = 0;
  for (const double score : scores) squares += (score - scale.mean) * (score - scale.mean);
  // Scores that are all the same say nothing; any scale will do.
  if (squares > 0) scale.deviation = std::max(1e-9, std::sqrt(squares / n));
  if (gaps > 0) scale.gap = std::max(1e-9, std::sqrt(gaps / n));
  return scale;
}

bool Any(const std::vector<const FitExample*>& examples, std::optional<double> Candidate::*member) {
  return std::any_of(examples.begin(), examples.end(), [&](const FitExample* example) {
    return std::any_of(example->similar.begin(), example->similar.end(), [&](const Candidate& c) { return c.*member; });
  });
}

}  // namespace

void FitOptions::Validate() const {
  if (penalty < 0 || !std::isfinite(penalty)) throw InputError("penalty is " + FormatDouble(penalty) + "; 0 or more");
  if (top_k < 1) throw InputError("top_k is " + std::to_string(top_k) + "; it must be 1 or more");
  if (max_iterations < 1) throw InputError("max_iterations is " + std::to_string(max_iterations) + "; 1 or more");
}

PosteriorParameters FitPosterior(const std::vector<FitExample>& examples, const FitOptions& options) {
  options.Validate();
  PosteriorParameters parameters;
  parameters.widths_km = options.widths_km;
  parameters.rank_scale = options.rank_scale;
  const std::size_t widths = options.widths_km.size();
  const std::vector<double> zeros(widths, 0.0);
  parameters.list.constant = zeros;

  std::vector<const FitExample*> listed, answered;
  std::vector<std::string> ids;
  for (const auto& example : examples) {
    if (!example.similar.empty()) listed.push_back(&example);
    if (!example.answers.empty()) answered.push_back(&example);
    ids.push_back(example.query_id);
  }
  if (listed.empty()) throw InputError("no photo has both candidates and a true location: nothing to fit");
  parameters.fitted_on = TrainingFingerprint(ids);
  const bool scores = Any(listed, &Candidate::score), gps_scores = Any(listed, &Candidate::gps_score);
  if (scores) parameters.score = Scale(listed, &Candidate::score);
  if (gps_scores) parameters.gps_score = Scale(listed, &Candidate::gps_score);
  if (!answered.empty()) parameters.answers.constant = parameters.list_with_answers.constant = zeros;

  const auto fit = [&](const std::vector<const FitExample*>& on, const std::vector<Block>& blocks,
                       EvidenceWeights& list, EvidenceWeights& answers) {
    const PlacePosterior posterior(parameters);
    const Likelihood likelihood(on, posterior, blocks, options.penalty);
    const LbfgsResult result = MinimizeLbfgs([&](const auto& x, auto& gradient) { return likelihood(x, gradient); },
                                             std::vector<double>(likelihood.size(), 0.0), options.max_iterations);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      auto& values = (blocks[b].source == 0 ? list : answers).*kCoefficients[blocks[b].feature];
      values.assign(result.x.begin() + static_cast<std::ptrdiff_t>(b * widths),
                    result.x.begin() + static_cast<std::ptrdiff_t>((b + 1) * widths));
      // Six digits are more than the data can tell, and read well.
      for (double& v : values) v = std::round(v * 1e6) / 1e6;
    }
  };
  std::vector<Block> list_blocks = {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}};
  if (scores) list_blocks.insert(list_blocks.end(), {{0, 8}, {0, 9}});
  if (gps_scores) list_blocks.insert(list_blocks.end(), {{0, 10}, {0, 11}});
  EvidenceWeights none;
  fit(listed, list_blocks, parameters.list, none);
  if (!answered.empty()) {
    std::vector<Block> blocks = list_blocks;
    blocks.insert(blocks.end(), {{0, 5}, {0, 6}, {0, 7}, {1, 0}, {1, 2}, {1, 3}, {1, 4}});
    // How far samples agree can only be learnt from photos with several.
    const bool samples =
        std::any_of(answered.begin(), answered.end(), [](const auto* e) { return e->answers.size() > 1; });
    if (samples) blocks.insert(blocks.end(), {{1, 5}, {1, 6}, {1, 7}});
    EvidenceWeights list_weights, answer_weights;
    fit(answered, blocks, list_weights, answer_weights);
    parameters.list_with_answers = list_weights;
    parameters.answers = answer_weights;
  }
  return parameters;
}

double MeanNegativeLogLikelihood(const PosteriorParameters& parameters, const std::vector<FitExample>& examples) {
  const PlacePosterior posterior(parameters);
  std::vector<SphericalGaussian> components(parameters.widths_km.begin(), parameters.widths_km.end());
  const std::size_t widths = components.size();
  PlacePosterior::Distribution distribution;
  double sum = 0;
  for (const auto& example : examples) {
    posterior.Condition({example.similar, example.answers}, distribution);
    double density = distribution.nowhere * std::exp(LogUniformDensity());
    for (std::size_t i = 0; i < distribution.places.size(); ++i) {
      const std::size_t list = example.similar.size();
      const LatLon place = i < list ? example.similar[i].location : example.answers[i - list];
      const double km = GreatCircleKm(place, example.truth);
      for (std::size_t j = 0; j < widths; ++j) {
        density += distribution.weights[i * widths + j] * std::exp(components[j].LogDensity(km));
      }
    }
    sum -= std::log(density);
  }
  return sum / static_cast<double>(examples.size());
}

std::string TrainingFingerprint(std::vector<std::string> query_ids) {
  std::sort(query_ids.begin(), query_ids.end());
  return Sha256(Join(query_ids, "\n")).substr(0, 16);
}

}  // namespace dualgeo
