#include "refine/posterior_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "config/config.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/refine/place_posterior.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "refine/lbfgs.h"
#include "refine/mlp_fit.h"
#include "refine/rerank_options.h"
#include "refine/spherical_gaussian.h"

namespace dualgeo {
namespace {

constexpr int kFeatures = PlacePosterior::kOwnFeatures;

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
                                                                            &EvidenceWeights::gps_score_gap,
                                                                            &EvidenceWeights::other_gallery};

// A free parameter of the fit: a feature of a source (0: list, 1: answers).
struct Block {
  int source;
  int feature;  // of PlacePosterior::Features
};

// Where a block's coefficients stand: of the parameters of lists, or of lists with answers.
std::vector<double>& CoefficientsOf(PosteriorParameters& parameters, const Block& block, bool answered) {
  const auto own = static_cast<std::size_t>(block.feature);
  if (block.feature < kFeatures) {
    EvidenceWeights& list = answered ? parameters.list_with_answers : parameters.list;
    return (block.source == 0 ? list : parameters.answers).*kCoefficients[own];
  }
  const std::size_t column = (own - kFeatures) / 2;
  ColumnEvidence& evidence = std::next(parameters.columns.begin(), static_cast<std::ptrdiff_t>(column))->second;
  const bool gap = (own - kFeatures) % 2 == 1;
  if (answered) return gap ? evidence.list_with_answers_gap : evidence.list_with_answers;
  return gap ? evidence.list_gap : evidence.list;
}

PlaceEvidence EvidenceOf(const FitExample& example, const PlacePosterior& posterior) {
  if (!posterior.takes_answers()) return {example.similar, {}};
  return {example.similar, example.answers};
}

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
      : blocks_(blocks), widths_(posterior.widths_km().size()), penalty_(penalty) {
    const std::vector<SphericalGaussian> components(posterior.widths_km().begin(), posterior.widths_km().end());
    PlacePosterior::Distribution distribution;
    std::vector<double> features;
    for (const FitExample* example : examples) {
      const PlaceEvidence evidence = EvidenceOf(*example, posterior);
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
            const std::size_t at = (i * widths_ + j) * static_cast<std::size_t>(posterior.features()) +
                                   static_cast<std::size_t>(block.feature);
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

// value(candidate): its score of a kind, if it has one.
template <class Value>
ScoreScale Scale(const std::vector<const FitExample*>& examples, const Value& value) {
  std::vector<double> scores;
  double gaps = 0;
  for (const FitExample* example : examples) {
    std::optional<double> best;
    for (const auto& c : example->similar) {
      if (const std::optional<double> score = value(c)) best = std::max(best.value_or(*score), *score);
    }
    for (const auto& c : example->similar) {
      if (const std::optional<double> score = value(c)) {
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
  constexpr double kWidest = 1e12;  // of what parameters files hold
  if (!(std::sqrt(squares / n) <= kWidest && std::sqrt(gaps / n) <= kWidest)) {
    throw InputError("similarity scores of the training lists differ by more than " + FormatDouble(kWidest) +
                     "; they cannot be similarities");
  }
  // Scores that are all the same say nothing; any scale will do.
  if (squares > 0) scale.deviation = std::max(1e-9, std::sqrt(squares / n));
  if (gaps > 0) scale.gap = std::max(1e-9, std::sqrt(gaps / n));
  return scale;
}

// Whether any candidate is one of which that holds.
template <class Holds>
bool Any(const std::vector<const FitExample*>& examples, const Holds& holds) {
  return std::any_of(examples.begin(), examples.end(), [&](const FitExample* example) {
    return std::any_of(example->similar.begin(), example->similar.end(), holds);
  });
}

// Whether any list has candidates of several galleries.
bool HasGalleries(const std::vector<const FitExample*>& examples) {
  return std::any_of(examples.begin(), examples.end(), [](const FitExample* example) {
    return std::any_of(example->similar.begin(), example->similar.end(),
                       [&](const Candidate& c) { return c.gallery != example->similar.front().gallery; });
  });
}

// Fits the blocks' coefficients into the parameters, by which `posterior` was made.
void FitWeights(const std::vector<const FitExample*>& examples, const PlacePosterior& posterior,
                const std::vector<Block>& blocks, double penalty, int max_iterations, PosteriorParameters& parameters) {
  const Likelihood likelihood(examples, posterior, blocks, penalty);
  const LbfgsResult result = MinimizeLbfgs([&](const auto& x, auto& gradient) { return likelihood(x, gradient); },
                                           std::vector<double>(likelihood.size(), 0.0), max_iterations);
  const auto widths = static_cast<std::ptrdiff_t>(posterior.widths_km().size());
  auto from = result.x.begin();
  for (const Block& block : blocks) {
    auto& values = CoefficientsOf(parameters, block, posterior.takes_answers());
    values.assign(from, from + widths);
    from += widths;
    // Four digits are more than the data can tell, and read well.
    for (double& v : values) v = std::round(v * 1e4) / 1e4;
  }
}

// Makes what is stated about the answers agree with what was true of the training photos: the share that confidence_km
// takes, and the probabilities at kAccuracyKm.
void Calibrate(const std::vector<const FitExample*>& examples, const PosteriorParameters& parameters,
               PlacePosterior::Sources sources, double& half, double& median_km, ProbabilityScale& scale) {
  const PlacePosterior posterior(parameters, sources);  // its scale is still the identity
  PlacePosterior::Distribution distribution;
  std::vector<double> shares;
  std::vector<PlaceEstimate> estimates;
  std::vector<double> errors;
  for (const FitExample* example : examples) {
    posterior.Condition(EvidenceOf(*example, posterior), distribution);
    estimates.push_back(posterior.Best(distribution, posterior.ExpectedScores(distribution), false).estimate);
    errors.push_back(GreatCircleKm(estimates.back().location, example->truth));
    shares.push_back(posterior.ShareWithin(distribution, estimates.back().location, errors.back()));
  }
  const auto middle = shares.begin() + static_cast<std::ptrdiff_t>(shares.size() / 2);
  std::nth_element(shares.begin(), middle, shares.end());
  half = std::clamp(std::round(*middle * 1e4) / 1e4, 0.01, 0.99);
  std::vector<double> sorted = errors;
  const auto median = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), median, sorted.end());
  median_km = std::clamp(std::round(*median * 10) / 10, 0.1, 20000.0);

  for (std::size_t t = 0; t < kAccuracyKm.size(); ++t) {
    // Logistic regression; Platt's own smoothing of the outcomes keeps it finite when all are alike.
    double right = 0;
    for (const double error : errors) right += error < kAccuracyKm[t] ? 1 : 0;
    const double yes = (right + 1) / (right + 2), no = 1 / (static_cast<double>(errors.size()) - right + 2);
    const auto loss = [&](const std::vector<double>& x, std::vector<double>& gradient) {
      gradient = {0, 0};
      double sum = 0;
      for (std::size_t i = 0; i < errors.size(); ++i) {
        const double p = std::clamp(estimates[i].within[t], 1e-6, 1 - 1e-6), logit = std::log(p / (1 - p));
        const double outcome = errors[i] < kAccuracyKm[t] ? yes : no, z = x[0] + x[1] * logit;
        sum += std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))) - outcome * z;
        const double pull = 1 / (1 + std::exp(-z)) - outcome;
        gradient[0] += pull;
        gradient[1] += pull * logit;
      }
      for (double& g : gradient) g /= static_cast<double>(errors.size());
      return sum / static_cast<double>(errors.size());
    };
    const auto fitted = MinimizeLbfgs(loss, {0, 1}).x;
    scale.offset[t] = std::round(fitted[0] * 1e4) / 1e4;
    scale.slope[t] = std::clamp(std::round(fitted[1] * 1e4) / 1e4, 0.0, 100.0);
  }
}

}  // namespace

void FitOptions::Validate() const {
  CheckFields(*this, "fit");
  CheckEvidence("fit.evidence", evidence);
}

PosteriorParameters FitPosterior(const std::vector<FitExample>& examples, const FitOptions& options) {
  options.Validate();
  PosteriorParameters parameters;
  parameters.widths_km = options.widths_km;
  parameters.rank_scale = options.rank_scale;
  parameters.list.constant.assign(options.widths_km.size(), 0);

  std::vector<const FitExample*> listed, answered;
  std::vector<std::string> ids;
  for (const auto& example : examples) {
    if (!example.similar.empty()) listed.push_back(&example);
    if (!example.answers.empty()) answered.push_back(&example);
    ids.push_back(example.query_id);
  }
  if (listed.empty()) throw InputError("no photo has both candidates and a true location: nothing to fit");
  parameters.fitted_on = TrainingFingerprint(ids);
  const auto asked = [&](const char* name) {
    return std::ranges::find(options.evidence, name) != options.evidence.end();
  };
  const auto score = [](const Candidate& c) { return c.score; };
  const auto gps_score = [](const Candidate& c) { return c.gps_score; };
  const bool scores = asked("score") && Any(listed, score), gps_scores = asked("gps_score") && Any(listed, gps_score);
  if (scores) parameters.score = Scale(listed, score);
  if (gps_scores) parameters.gps_score = Scale(listed, gps_score);
  for (const std::string& name : EvidenceColumns(options.evidence)) {
    const auto value = [&](const Candidate& c) -> std::optional<double> {
      const auto found = c.more.find(name);
      return found == c.more.end() ? std::nullopt : std::optional(found->second);
    };
    if (!Any(listed, [&](const Candidate& c) { return value(c).has_value(); })) {
      throw InputError("evidence '" + Printable(name) + "': no candidate has a value of that column");
    }
    parameters.columns[name].scale = Scale(listed, value);
  }

  std::vector<Block> blocks = {{0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}};
  if (scores) blocks.insert(blocks.end(), {{0, 8}, {0, 9}});
  if (gps_scores) blocks.insert(blocks.end(), {{0, 10}, {0, 11}});
  if (asked("gallery") && HasGalleries(listed)) {
    blocks.push_back({0, 12});
    parameters.list.other_gallery.assign(options.widths_km.size(), 0);  // so that it is computed
  }
  const int features = PlacePosterior(parameters).features();
  for (int column = kFeatures; column < features; ++column) blocks.push_back({0, column});
  FitWeights(listed, PlacePosterior(parameters), blocks, options.penalty, options.max_iterations, parameters);
  Calibrate(listed, parameters, PlacePosterior::Sources::kList, parameters.half, parameters.median_km,
            parameters.probability);
  if (options.network) parameters.mlp = FitMlp(examples, parameters, options);
  if (answered.empty()) return parameters;

  parameters.answer_widths_km = options.answer_widths_km;
  parameters.answers.constant.assign(options.answer_widths_km.size(), 0);
  parameters.list_with_answers.constant = parameters.answers.constant;
  blocks.insert(blocks.end(), {{0, 5}, {0, 6}, {0, 7}, {1, 0}, {1, 2}, {1, 3}, {1, 4}});
  // How far samples agree can only be learnt from photos with several.
  if (std::any_of(answered.begin(), answered.end(), [](const auto* e) { return e->answers.size() > 1; })) {
    blocks.insert(blocks.end(), {{1, 5}, {1, 6}, {1, 7}});
  }
  if (!parameters.list.other_gallery.empty()) {
    parameters.list_with_answers.other_gallery.assign(options.answer_widths_km.size(), 0);
  }
  constexpr auto kBoth = PlacePosterior::Sources::kListAndAnswers;
  FitWeights(answered, PlacePosterior(parameters, kBoth), blocks, options.answer_penalty, options.max_iterations,
             parameters);
  Calibrate(answered, parameters, kBoth, parameters.half_with_answers, parameters.median_km_with_answers,
            parameters.probability_with_answers);
  return parameters;
}

double AccuracyShare(LatLon place, LatLon truth) {
  const double km = GreatCircleKm(place, truth);
  return static_cast<double>(std::ranges::count_if(kAccuracyKm, [km](double t) { return km < t; })) /
         static_cast<double>(kAccuracyKm.size());
}

std::string TrainingFingerprint(std::vector<std::string> query_ids) {
  std::sort(query_ids.begin(), query_ids.end());
  return Sha256(Join(query_ids, "\n")).substr(0, 16);
}

}  // namespace dualgeo
