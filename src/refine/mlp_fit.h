// A small network that puts a list's candidates in order (rerank.method mlp): what is known of a candidate (its rank,
// how much of the list agrees with it at each width, how far the others are, its scores) goes through one hidden layer
// of tanh units to one number; the greatest is the answer. Learned by pairs (RankNet, Burges et al. 2005, with a
// margin): of two candidates of a list, the one that is right at more of kAccuracyKm should have the greater number, by
// the margin, and the more so the more it is right at more of them. Some hundred weights, fitted by L-BFGS in seconds.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/refine/place_posterior.h"
#include "refine/posterior_fit.h"

namespace dualgeo {

// Features of the candidates, by name; `posterior` of lists alone gives the widths, and the scales of scores and
// columns. Those that a list lacks are 0.
struct MlpFeatures {
  std::vector<std::string> names;
  std::vector<double> values;  // [candidates, names]
};
MlpFeatures MlpFeaturesOf(const PlacePosterior& posterior, std::span<const Candidate> similar);

// Throws InputError where no list has two candidates of which one is better. The same seed gives the same network.
MlpParameters FitMlp(const std::vector<FitExample>& examples, const PosteriorParameters& parameters,
                     const FitOptions& options);

// The number of each candidate. Throws InputError when there is no network, or one for features that these do not have.
std::vector<double> MlpScores(const MlpParameters& mlp, const MlpFeatures& features);

}  // namespace dualgeo
