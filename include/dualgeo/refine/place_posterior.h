// A retrieval list as a probability distribution over the places where the photo may have been taken.
//
//   p(x) = w_0 / area of the Earth + sum over candidates i and widths j of w_ij G(x; place_i, width_j)
//
// G is the Gaussian of the sphere (refine/spherical_gaussian.h); w_0 is left for "none of these". The weights are a
// softmax over logits that are linear in what is known about candidate and width (refine/posterior_parameters.h): rank,
// how much of the list agrees with it within that width, and, where present, similarity score, similarity of the GPS
// embedding, and how near an LMM's answers lie. LMM answers are components of their own, with their own weights and so
// with their own mixture of widths. Many components that agree count more than their number: that is what the
// coefficients of support learn. Fitted by maximum likelihood (refine/posterior_fit.h).
//
// From the distribution follow the answer with the greatest expected score, the radius that holds half of it, and the
// probability of being right at each threshold: kernel estimates of Vo et al. 2017, taken at their word as
// probabilities.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/distance_table.h"
#include "dualgeo/refine/posterior_parameters.h"

namespace dualgeo {

// What is known about one photo. Either may be empty.
struct PlaceEvidence {
  std::span<const Candidate> similar;  // in any order; their ranks in retrieval count
  std::span<const LatLon> answers;     // of an LMM: samples of equal standing
};

// The score whose expected value an answer maximises.
enum class Loss {
  kMeanAccuracy,  // mean of the accuracies at kAccuracyKm
  kThreshold,     // accuracy at one distance
  kGeoScore,      // 5000 exp(-d / 1492.7 km)
  // The median error over photos, which falls when more of them come below it: the accuracy at the median error of the
  // training photos.
  kMedianKm,
};
// Throws InputError naming what is allowed.
Loss ParseLoss(const std::string& name);

class PlacePosterior {
 public:
  // The features of a candidate or answer at one width: in the order of EvidenceWeights' fields, then each of
  // PosteriorParameters::columns and its gap.
  static constexpr int kOwnFeatures = 13;
  int features() const { return kOwnFeatures + 2 * static_cast<int>(parameters_.columns.size()); }

  // Distribution for one photo; a scratch that can be used for one photo after another. Treat as opaque.
  struct Distribution {
    std::vector<UnitVector> places;              // of the list's candidates, then of the answers
    std::vector<float> weights;                  // [places, widths]
    std::vector<float> place_weights;            // [places]: sums over the widths
    double nowhere = 1;                          // w_0
    std::vector<float> support, answer_support;  // [places, widths], logarithms
    std::vector<float> other_support;            // of other galleries, where the parameters weigh it; else empty
  };

  // For lists alone, or for lists with LMM answers. threshold_km: for Loss::kThreshold. Throws InputError for
  // parameters that do not Validate(), and for answers with parameters that were fitted without.
  enum class Sources { kList, kListAndAnswers };
  explicit PlacePosterior(const PosteriorParameters& parameters, Sources sources = Sources::kList,
                          Loss loss = Loss::kMeanAccuracy, double threshold_km = 1);

  const std::vector<double>& widths_km() const;
  bool takes_answers() const { return answered_; }
  const PosteriorParameters& parameters() const { return parameters_; }
  const ConformalScale& conformal() const {
    return answered_ ? parameters_.conformal_with_answers : parameters_.conformal;
  }

  // Answers only for kListAndAnswers (std::invalid_argument).
  void Condition(const PlaceEvidence& evidence, Distribution& distribution) const;

  // Expected score of answering with each of the distribution's places, in [0, 1]. The part that "none of these" adds
  // is the same for all and left out.
  std::vector<double> ExpectedScores(const Distribution& distribution) const;

  // How sure an answer at `place` is.
  PlaceEstimate Estimate(const Distribution& distribution, LatLon place) const;

  struct Choice {
    PlaceEstimate estimate;
    std::optional<std::size_t> place;  // index, when it is one of the distribution's places (take its coordinates)
  };
  // Share of the distribution within a radius of a place.
  double ShareWithin(const Distribution& distribution, LatLon place, double km) const;

  // The answer with the greatest expected score. Tried are the places themselves (`scores`: their ExpectedScores, the
  // first on ties) and, unless only_places, the weighted means of their surroundings at each width for the best few.
  Choice Best(const Distribution& distribution, std::span<const double> scores, bool only_places) const;

  // For fitting: features [places, widths, features()] of the evidence. Needs Condition first.
  void Features(const PlaceEvidence& evidence, const Distribution& distribution, std::vector<double>& features) const;

 private:
  double ExpectedScore(const Distribution& distribution, const UnitVector& place) const;
  // Shares within each of radii_km_.
  std::vector<double> Curve(const Distribution& distribution, const UnitVector& place) const;
  // The radius that holds half, and the probabilities within kAccuracyKm.
  PlaceEstimate Measure(const Distribution& distribution, const UnitVector& place) const;
  void Support(const PlaceEvidence& evidence, Distribution& distribution) const;
  void OtherSupport(const PlaceEvidence& evidence, Distribution& distribution) const;
  const EvidenceWeights& ListWeights() const { return answered_ ? parameters_.list_with_answers : parameters_.list; }

  PosteriorParameters parameters_;
  bool answered_;
  Loss loss_;
  int widths_ = 0;
  DistanceTable kernel_;                      // exp(-d^2 / 2 width^2), for each width
  DistanceTable score_;                       // expected score against a component, for each width
  DistanceTable within_;                      // probability within a radius, for [radius, width]
  std::vector<double> radii_km_;              // rising; kAccuracyKm among them
  std::vector<std::size_t> accuracy_radius_;  // indices of kAccuracyKm
};

// For lists alone, with the parameters that ship, for the mean of the accuracies: made once, at the first call (its
// tables take a twentieth of a second).
const PlacePosterior& DefaultPosterior();

}  // namespace dualgeo
