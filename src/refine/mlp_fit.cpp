#include "refine/mlp_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "refine/lbfgs.h"
#include "refine/reranker.h"

namespace dualgeo {
namespace {

struct DistanceFeatures {
  double nearest = 0, median = 0, first = 0;  // log(1 + km) to the other candidates, and to the first retrieved
};

std::vector<DistanceFeatures> DistanceFeaturesOf(std::span<const Candidate> similar) {
  const std::size_t n = similar.size();
  std::vector<DistanceFeatures> features(n);
  const auto first = std::ranges::min_element(similar, {}, RetrievalRank);
  std::vector<double> km;
  for (std::size_t i = 0; i < n; ++i) {
    km.clear();
    for (std::size_t k = 0; k < n; ++k) {
      if (k != i) km.push_back(GreatCircleKm(similar[i].location, similar[k].location));
    }
    features[i].first = std::log1p(GreatCircleKm(similar[i].location, first->location));
    if (km.empty()) continue;
    const auto middle = km.begin() + static_cast<std::ptrdiff_t>(km.size() / 2);
    std::ranges::nth_element(km, middle);
    features[i].median = std::log1p(*middle);
    features[i].nearest = std::log1p(*std::min_element(km.begin(), middle + 1));
  }
  return features;
}

// One list, standardised.
struct PairedList {
  std::size_t candidates = 0;
  std::vector<double> x;  // [candidates, inputs]
  struct Pair {
    std::size_t better, worse;
    double weight;
  };
  std::vector<Pair> pairs;
};

std::vector<double> RightAt(const FitExample& example) {
  std::vector<double> right;
  for (const Candidate& candidate : example.similar) right.push_back(AccuracyShare(candidate.location, example.truth));
  return right;
}

// The network's weights as MlpParameters::weights has them.
struct MlpLayout {
  std::size_t inputs, hidden;

  std::size_t size() const { return hidden * (inputs + 2); }
  std::size_t bias(std::size_t h) const { return hidden * inputs + h; }
  std::size_t out(std::size_t h) const { return hidden * (inputs + 1) + h; }
};

// Scores of candidates; `units`: what the hidden units make of each.
void Forward(const MlpLayout& layout, const std::vector<double>& w, const std::vector<double>& x, std::size_t n,
             std::vector<double>& units, std::vector<double>& scores) {
  units.resize(n * layout.hidden);
  scores.assign(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t h = 0; h < layout.hidden; ++h) {
      double z = w[layout.bias(h)];
      for (std::size_t f = 0; f < layout.inputs; ++f) z += w[h * layout.inputs + f] * x[i * layout.inputs + f];
      units[i * layout.hidden + h] = std::tanh(z);
      scores[i] += w[layout.out(h)] * units[i * layout.hidden + h];
    }
  }
}

void Backward(const MlpLayout& layout, const std::vector<double>& w, const std::vector<double>& x,
              const std::vector<double>& units, const std::vector<double>& pull, std::vector<double>& gradient) {
  for (std::size_t i = 0; i < pull.size(); ++i) {
    for (std::size_t h = 0; h < layout.hidden; ++h) {
      const double unit = units[i * layout.hidden + h];
      gradient[layout.out(h)] += pull[i] * unit;
      const double inner = pull[i] * w[layout.out(h)] * (1 - unit * unit);
      gradient[layout.bias(h)] += inner;
      for (std::size_t f = 0; f < layout.inputs; ++f) {
        gradient[h * layout.inputs + f] += inner * x[i * layout.inputs + f];
      }
    }
  }
}

// The mean over the lists of what their pairs lose, and the penalty on the squares of all weights but the biases.
double PairLoss(const MlpLayout& layout, const std::vector<PairedList>& lists, const FitOptions& options,
                const std::vector<double>& w, std::vector<double>& gradient) {
  ThrowIfStopped();
  std::ranges::fill(gradient, 0);
  double loss = 0;
  std::vector<double> units, scores, pull;
  for (const PairedList& list : lists) {
    Forward(layout, w, list.x, list.candidates, units, scores);
    pull.assign(list.candidates, 0);
    for (const auto& [better, worse, weight] : list.pairs) {
      const double z = options.mlp_margin - (scores[better] - scores[worse]);
      loss += weight * (std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))));
      const double slope = weight / (1 + std::exp(-z));
      pull[better] -= slope;
      pull[worse] += slope;
    }
    Backward(layout, w, list.x, units, pull, gradient);
  }
  const auto count = static_cast<double>(lists.size());
  loss /= count;
  for (double& g : gradient) g /= count;
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (i >= layout.bias(0) && i < layout.out(0)) continue;
    loss += options.mlp_penalty * w[i] * w[i] / 2;
    gradient[i] += options.mlp_penalty * w[i];
  }
  return loss;
}

// Mean and deviation of each feature; those that never vary are left out of `inputs`.
void StandardizeInputs(const std::vector<MlpFeatures>& features, MlpParameters& mlp) {
  const auto& names = features.front().names;
  for (std::size_t f = 0; f < names.size(); ++f) {
    double sum = 0, squares = 0, count = 0;
    for (const auto& list : features) {
      for (std::size_t i = f; i < list.values.size(); i += names.size()) {
        sum += list.values[i];
        squares += list.values[i] * list.values[i];
        ++count;
      }
    }
    const double mean = sum / count, deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
    if (deviation < 1e-6 * std::max(1.0, std::abs(mean))) continue;
    mlp.inputs.push_back(names[f]);
    mlp.mean.push_back(std::round(mean * 1e6) / 1e6);
    mlp.deviation.push_back(std::max(1e-6, std::round(deviation * 1e6) / 1e6));
  }
}

// [candidates, inputs]
std::vector<double> InputsOf(const MlpParameters& mlp, const MlpFeatures& features) {
  std::vector<std::size_t> columns;
  for (const std::string& input : mlp.inputs) {
    const auto found = std::ranges::find(features.names, input);
    if (found == features.names.end()) {
      throw InputError("the network of method mlp was fitted with the feature '" + Printable(input) +
                       "', which its parameters do not describe");
    }
    columns.push_back(static_cast<std::size_t>(found - features.names.begin()));
  }
  std::vector<double> x;
  for (std::size_t row = 0; row < features.values.size(); row += features.names.size()) {
    for (std::size_t f = 0; f < columns.size(); ++f) {
      constexpr double kFar = 10;  // deviations: beyond, a feature tells no more
      x.push_back(std::clamp((features.values[row + columns[f]] - mlp.mean[f]) / mlp.deviation[f], -kFar, kFar));
    }
  }
  return x;
}

}  // namespace

MlpFeatures MlpFeaturesOf(const PlacePosterior& posterior, std::span<const Candidate> similar) {
  thread_local PlacePosterior::Distribution distribution;
  thread_local std::vector<double> known;
  posterior.Condition({similar, {}}, distribution);
  posterior.Features({similar, {}}, distribution, known);
  const auto widths = posterior.widths_km().size(), count = static_cast<std::size_t>(posterior.features());
  MlpFeatures features;
  features.names = {"log_rank", "nearest_km", "median_km", "first_km"};
  for (const double km : posterior.widths_km()) features.names.push_back("support_" + FormatDouble(km));
  // Of PlacePosterior::Features, those that are the same at every width.
  std::vector<std::size_t> own = {8, 9, 10, 11};
  features.names.insert(features.names.end(), {"score", "score_gap", "gps_score", "gps_score_gap"});
  std::size_t at = PlacePosterior::kOwnFeatures;
  for (const auto& item : posterior.parameters().columns) {
    own.insert(own.end(), {at, at + 1});
    at += 2;
    features.names.insert(features.names.end(), {"column_" + item.first, "column_" + item.first + "_gap"});
  }
  const auto distances = DistanceFeaturesOf(similar);
  for (std::size_t i = 0; i < similar.size(); ++i) {
    const double* first = known.data() + i * widths * count;
    features.values.insert(features.values.end(),
                           {first[1], distances[i].nearest, distances[i].median, distances[i].first});
    for (std::size_t j = 0; j < widths; ++j) features.values.push_back(first[j * count + 2]);
    for (const std::size_t f : own) features.values.push_back(first[f]);
  }
  return features;
}

MlpParameters FitMlp(const std::vector<FitExample>& examples, const PosteriorParameters& parameters,
                     const FitOptions& options) {
  const PlacePosterior posterior(parameters);
  std::vector<MlpFeatures> features;
  std::vector<PairedList> lists;
  for (const FitExample& example : examples) {
    PairedList list;
    list.candidates = example.similar.size();
    const auto right = RightAt(example);
    double weights = 0;
    for (std::size_t i = 0; i < right.size(); ++i) {
      for (std::size_t k = 0; k < right.size(); ++k) {
        if (right[i] > right[k]) list.pairs.push_back({i, k, right[i] - right[k]});
        weights += std::max(0.0, right[i] - right[k]);
      }
    }
    if (list.pairs.empty()) continue;
    for (auto& pair : list.pairs) pair.weight /= weights;  // every list counts the same
    features.push_back(MlpFeaturesOf(posterior, example.similar));
    lists.push_back(std::move(list));
  }
  if (lists.empty()) throw InputError("no list has a candidate that is better than another: no network can be fitted");
  MlpParameters mlp;
  StandardizeInputs(features, mlp);
  mlp.hidden = options.mlp_hidden;
  for (std::size_t i = 0; i < lists.size(); ++i) lists[i].x = InputsOf(mlp, features[i]);
  const MlpLayout layout{mlp.inputs.size(), static_cast<std::size_t>(mlp.hidden)};
  Random random(DeriveSeed(static_cast<std::uint64_t>(options.mlp_seed), "mlp"));
  std::vector<double> start(layout.size(), 0);
  for (std::size_t i = 0; i < layout.bias(0); ++i) start[i] = random.Normal() / std::sqrt(layout.inputs);
  for (std::size_t h = 0; h < layout.hidden; ++h) start[layout.out(h)] = random.Normal() / std::sqrt(layout.hidden);
  mlp.weights = MinimizeLbfgs([&](const auto& w, auto& g) { return PairLoss(layout, lists, options, w, g); }, start,
                              options.max_iterations)
                    .x;
  for (double& w : mlp.weights) w = std::round(w * 1e4) / 1e4;
  return mlp;
}

std::vector<double> MlpScores(const MlpParameters& mlp, const MlpFeatures& features) {
  if (mlp.inputs.empty()) {
    throw InputError(
        "rerank.method mlp needs parameters with a network: dualgeo rerank fit --network makes them "
        "(rerank.parameters)");
  }
  const MlpLayout layout{mlp.inputs.size(), static_cast<std::size_t>(mlp.hidden)};
  std::vector<double> units, scores;
  Forward(layout, mlp.weights, InputsOf(mlp, features), features.values.size() / features.names.size(), units, scores);
  return scores;
}

}  // namespace dualgeo
