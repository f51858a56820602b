#include "dualgeo/refine/place_posterior.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "refine/rerank_options.h"
#include "refine/reranker.h"
#include "refine/spherical_gaussian.h"

namespace dualgeo {
namespace {

// How many of the best places have their surroundings searched for a better point.
constexpr std::size_t kSearched = 4;
// A list may be of any length, and its pairs are its square.
constexpr std::size_t kRowsBetweenLooks = 64;

double Gaussian(double km, double width_km) { return std::exp(-0.5 * (km / width_km) * (km / width_km)); }

// Kept finite.
double Logit(double p) {
  const double safe = std::clamp(p, 1e-6, 1 - 1e-6);
  return std::log(safe / (1 - safe));
}

// Digits beyond what is known only make files large.
double Rounded(double value, int decimals) {
  const double scale = std::pow(10.0, decimals);
  return std::round(value * scale) / scale;
}

// Share of the Earth within a radius.
double UniformWithin(double radius_km) {
  const double s = std::sin(std::min(radius_km / kEarthRadiusKm, std::numbers::pi) / 2);
  return s * s;
}

double Coefficient(const std::vector<double>& values, int width) {
  return values.empty() ? 0 : values[static_cast<std::size_t>(width)];
}

// A similarity far outside those of the training lists tells no more than one just outside, and must not take weights
// or places out of what a float holds.
double Bounded(double value) {
  constexpr double kFar = 1e6;
  return std::isnan(value) ? 0 : std::clamp(value, -kFar, kFar);
}

// Scores of a kind as the features want them: 0 where there is none.
struct StandardScore {
  double score = 0, gap = 0;
};

// value(candidate): its score of this kind, if it has one.
template <class Value>
std::vector<StandardScore> StandardizeBy(std::span<const Candidate> candidates, const ScoreScale& scale,
                                         const Value& value) {
  std::vector<StandardScore> result(candidates.size());
  std::optional<double> best;
  for (const auto& candidate : candidates) {
    if (const std::optional<double> score = value(candidate)) best = std::max(best.value_or(*score), *score);
  }
  if (!best) return result;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (const std::optional<double> score = value(candidates[i])) {
      result[i] = {Bounded((*score - scale.mean) / scale.deviation), Bounded((*score - *best) / scale.gap)};
    }
  }
  return result;
}

std::vector<StandardScore> Standardize(std::span<const Candidate> candidates, std::optional<double> Candidate::*member,
                                       const ScoreScale& scale) {
  return StandardizeBy(candidates, scale, [member](const Candidate& candidate) { return candidate.*member; });
}

// Of one column, with its coefficients.
struct ColumnScores {
  const ColumnEvidence* column;
  std::vector<StandardScore> scores;
};

std::vector<ColumnScores> StandardizeColumns(std::span<const Candidate> candidates,
                                             const PosteriorParameters& parameters) {
  std::vector<ColumnScores> columns;
  for (const auto& [name, column] : parameters.columns) {
    const auto value = [&key = name](const Candidate& candidate) -> std::optional<double> {
      const auto found = candidate.more.find(key);
      return found == candidate.more.end() ? std::nullopt : std::optional(found->second);
    };
    columns.push_back({&column, StandardizeBy(candidates, column.scale, value)});
  }
  return columns;
}

// What a candidate's own columns add to its logits.
class ListTerms {
 public:
  ListTerms(std::span<const Candidate> candidates, const PosteriorParameters& parameters,
            const EvidenceWeights& weights, bool answered, const std::vector<float>& other_support)
      : weights_(weights),
        answered_(answered),
        widths_((answered ? parameters.answer_widths_km : parameters.widths_km).size()),
        other_(other_support),
        columns_(StandardizeColumns(candidates, parameters)) {
    if (!weights.score.empty() || !weights.score_gap.empty()) {
      scores_ = Standardize(candidates, &Candidate::score, parameters.score);
    }
    if (!weights.gps_score.empty() || !weights.gps_score_gap.empty()) {
      gps_scores_ = Standardize(candidates, &Candidate::gps_score, parameters.gps_score);
    }
  }

  void AddTo(double& z, std::size_t i, int j) const {
    if (!scores_.empty()) {
      z += Coefficient(weights_.score, j) * scores_[i].score + Coefficient(weights_.score_gap, j) * scores_[i].gap;
    }
    if (!gps_scores_.empty()) {
      z += Coefficient(weights_.gps_score, j) * gps_scores_[i].score +
           Coefficient(weights_.gps_score_gap, j) * gps_scores_[i].gap;
    }
    if (!other_.empty()) {
      z += Coefficient(weights_.other_gallery, j) * other_[i * widths_ + static_cast<std::size_t>(j)];
    }
    for (const auto& [column, values] : columns_) {
      z += Coefficient(answered_ ? column->list_with_answers : column->list, j) * values[i].score +
           Coefficient(answered_ ? column->list_with_answers_gap : column->list_gap, j) * values[i].gap;
    }
  }

 private:
  const EvidenceWeights& weights_;
  bool answered_;
  std::size_t widths_;
  const std::vector<float>& other_;
  std::vector<ColumnScores> columns_;
  std::vector<StandardScore> scores_, gps_scores_;
};

}  // namespace

const std::vector<std::string>& LossNames() {
  static const std::vector<std::string> names = {"mean_accuracy", "threshold", "geoscore", "median_km"};
  return names;
}

Loss ParseLoss(const std::string& name) { return static_cast<Loss>(FindName(LossNames(), name, "metric")); }

PlacePosterior::PlacePosterior(const PosteriorParameters& parameters, Sources sources, Loss loss, double threshold_km)
    : parameters_(parameters), answered_(sources == Sources::kListAndAnswers), loss_(loss) {
  parameters_.Validate();
  if (answered_ && !parameters_.has_answers()) {
    throw InputError(
        "the re-ranking parameters were fitted without LMM answers and cannot weigh them; fit with --answers");
  }
  widths_ = static_cast<int>(widths_km().size());
  const std::vector<SphericalGaussian> components(widths_km().begin(), widths_km().end());
  const auto component = [&](int j) -> const SphericalGaussian& { return components[static_cast<std::size_t>(j)]; };
  kernel_ =
      DistanceTable(widths_, [&](double km, int j) { return Gaussian(km, widths_km()[static_cast<std::size_t>(j)]); });
  score_ = DistanceTable(widths_, [&](double km, int j) {
    if (loss_ == Loss::kThreshold) return component(j).ProbabilityWithin(km, threshold_km);
    if (loss_ == Loss::kMedianKm) {
      return component(j).ProbabilityWithin(km, answered_ ? parameters_.median_km_with_answers : parameters_.median_km);
    }
    if (loss_ == Loss::kGeoScore) return component(j).MeanGeoScore(km);
    double sum = 0;
    for (const double threshold : kAccuracyKm) sum += component(j).ProbabilityWithin(km, threshold);
    return sum / static_cast<double>(kAccuracyKm.size());
  });
  // A factor of 1.8 from one radius to the next: what lies between is interpolated.
  for (double radius = 0.05; radius < 20015; radius *= 1.8) radii_km_.push_back(radius);
  radii_km_.insert(radii_km_.end(), kAccuracyKm.begin(), kAccuracyKm.end());
  radii_km_.push_back(20100);
  std::sort(radii_km_.begin(), radii_km_.end());
  for (const double threshold : kAccuracyKm) {
    accuracy_radius_.push_back(
        static_cast<std::size_t>(std::find(radii_km_.begin(), radii_km_.end(), threshold) - radii_km_.begin()));
  }
  within_ = DistanceTable(static_cast<int>(radii_km_.size()) * widths_, [&](double km, int column) {
    return component(column % widths_).ProbabilityWithin(km, radii_km_[static_cast<std::size_t>(column / widths_)]);
  });
}

const std::vector<double>& PlacePosterior::widths_km() const {
  return answered_ ? parameters_.answer_widths_km : parameters_.widths_km;
}

void PlacePosterior::Support(const PlaceEvidence& evidence, Distribution& distribution) const {
  const std::size_t list = evidence.similar.size(), all = distribution.places.size();
  const auto widths = static_cast<std::size_t>(widths_);
  std::vector<float> base(all, evidence.answers.empty() ? 0 : 1 / static_cast<float>(evidence.answers.size()));
  for (std::size_t i = 0; i < list; ++i) {
    base[i] = static_cast<float>(std::exp(-RetrievalRank(evidence.similar[i]) / parameters_.rank_scale));
  }
  const auto floor = static_cast<float>(parameters_.floor);
  distribution.support.assign(all * widths, floor);
  distribution.answer_support.assign(evidence.answers.empty() ? 0 : all * widths, floor);
  const auto add = [&](std::size_t to, std::size_t from, DistanceBin bin) {
    float* sums = (from < list ? distribution.support : distribution.answer_support).data() + to * widths;
    const float* row = kernel_.Row(bin.node);
    for (std::size_t j = 0; j < widths; ++j) sums[j] += base[from] * (row[j] + bin.share * (row[j + widths] - row[j]));
  };
  for (std::size_t i = 0; i < all; ++i) {
    if (i % kRowsBetweenLooks == 0) ThrowIfStopped();
    add(i, i, {});
    for (std::size_t k = 0; k < i; ++k) {
      const DistanceBin bin = BinOf(distribution.places[i], distribution.places[k]);
      add(i, k, bin);
      add(k, i, bin);
    }
  }
  for (auto* sums : {&distribution.support, &distribution.answer_support}) {
    for (float& sum : *sums) sum = std::log(sum);
  }
}

void PlacePosterior::OtherSupport(const PlaceEvidence& evidence, Distribution& distribution) const {
  distribution.other_support.clear();
  if (ListWeights().other_gallery.empty()) return;
  const std::size_t list = evidence.similar.size();
  const auto widths = static_cast<std::size_t>(widths_);
  distribution.other_support.assign(list * widths, static_cast<float>(parameters_.floor));
  for (std::size_t i = 0; i < list; ++i) {
    if (i % kRowsBetweenLooks == 0) ThrowIfStopped();
    float* sums = distribution.other_support.data() + i * widths;
    for (std::size_t k = 0; k < list; ++k) {
      if (evidence.similar[i].gallery == evidence.similar[k].gallery) continue;
      const auto base = static_cast<float>(std::exp(-RetrievalRank(evidence.similar[k]) / parameters_.rank_scale));
      const DistanceBin bin = BinOf(distribution.places[i], distribution.places[k]);
      const float* row = kernel_.Row(bin.node);
      for (std::size_t j = 0; j < widths; ++j) sums[j] += base * (row[j] + bin.share * (row[j + widths] - row[j]));
    }
  }
  for (float& sum : distribution.other_support) sum = std::log(sum);
}

void PlacePosterior::Condition(const PlaceEvidence& evidence, Distribution& distribution) const {
  if (!evidence.answers.empty() && !answered_) throw std::invalid_argument("a posterior of lists alone got answers");
  const std::size_t list = evidence.similar.size(), all = list + evidence.answers.size();
  const auto widths = static_cast<std::size_t>(widths_);
  distribution.places.clear();
  for (const auto& candidate : evidence.similar) distribution.places.push_back(ToUnitVector(candidate.location));
  for (const auto& answer : evidence.answers) distribution.places.push_back(ToUnitVector(answer));
  Support(evidence, distribution);
  OtherSupport(evidence, distribution);

  const bool answered = !evidence.answers.empty();
  const EvidenceWeights& weights = ListWeights();
  const ListTerms terms(evidence.similar, parameters_, weights, answered_, distribution.other_support);

  auto& logits = distribution.weights;
  logits.assign(all * widths, 0);
  // Samples share the weight of one answer.
  const double share = answered ? -std::log(static_cast<double>(evidence.answers.size())) : 0;
  float greatest = 0;
  for (std::size_t i = 0; i < all; ++i) {
    const EvidenceWeights& own = i < list ? weights : parameters_.answers;
    const double log_rank = i < list ? std::log(static_cast<double>(RetrievalRank(evidence.similar[i]))) : 0;
    const float* support = distribution.support.data() + i * widths;
    const float* answer_support = answered ? distribution.answer_support.data() + i * widths : nullptr;
    for (int j = 0; j < widths_; ++j) {
      const int wider = std::min(j + 1, widths_ - 1), narrower = std::max(j - 1, 0);
      double z = Coefficient(own.constant, j) + Coefficient(own.log_rank, j) * log_rank +
                 Coefficient(own.support, j) * support[j] + Coefficient(own.wider_support, j) * support[wider] +
                 Coefficient(own.narrower_support, j) * support[narrower];
      if (answered) {
        z += Coefficient(own.answer_support, j) * answer_support[j] +
             Coefficient(own.wider_answer_support, j) * answer_support[wider] +
             Coefficient(own.narrower_answer_support, j) * answer_support[narrower];
      }
      if (i >= list) z += share;
      if (i < list) terms.AddTo(z, i, j);
      const auto logit = static_cast<float>(Bounded(z));
      logits[i * widths + static_cast<std::size_t>(j)] = logit;
      greatest = std::max(greatest, logit);
    }
  }
  double sum = std::exp(-greatest);
  for (float& z : logits) {
    z = std::exp(z - greatest);
    sum += z;
  }
  distribution.nowhere = std::exp(-greatest) / sum;
  distribution.place_weights.assign(all, 0);
  for (std::size_t i = 0; i < all; ++i) {
    for (std::size_t j = 0; j < widths; ++j) {
      logits[i * widths + j] = static_cast<float>(logits[i * widths + j] / sum);
      distribution.place_weights[i] += logits[i * widths + j];
    }
  }
}

void PlacePosterior::Features(const PlaceEvidence& evidence, const Distribution& distribution,
                              std::vector<double>& features) const {
  const std::size_t list = evidence.similar.size(), all = distribution.places.size();
  const auto widths = static_cast<std::size_t>(widths_);
  const bool answered = !evidence.answers.empty();
  const auto scores = Standardize(evidence.similar, &Candidate::score, parameters_.score);
  const auto gps_scores = Standardize(evidence.similar, &Candidate::gps_score, parameters_.gps_score);
  const auto columns = StandardizeColumns(evidence.similar, parameters_);
  const auto count = static_cast<std::size_t>(this->features());
  features.assign(all * widths * count, 0);
  double* out = features.data();
  for (std::size_t i = 0; i < all; ++i) {
    const float* support = distribution.support.data() + i * widths;
    const float* answer_support = answered ? distribution.answer_support.data() + i * widths : nullptr;
    for (std::size_t j = 0; j < widths; ++j, out += count) {
      const std::size_t wider = std::min(j + 1, widths - 1), narrower = j == 0 ? 0 : j - 1;
      out[0] = 1;
      out[1] = i < list ? std::log(static_cast<double>(RetrievalRank(evidence.similar[i]))) : 0;
      out[2] = support[j];
      out[3] = support[wider];
      out[4] = support[narrower];
      if (answered) {
        out[5] = answer_support[j];
        out[6] = answer_support[wider];
        out[7] = answer_support[narrower];
      }
      if (i < list) {
        out[8] = scores[i].score;
        out[9] = scores[i].gap;
        out[10] = gps_scores[i].score;
        out[11] = gps_scores[i].gap;
        if (!distribution.other_support.empty()) out[12] = distribution.other_support[i * widths + j];
        for (std::size_t c = 0; c < columns.size(); ++c) {
          out[kOwnFeatures + 2 * c] = columns[c].scores[i].score;
          out[kOwnFeatures + 2 * c + 1] = columns[c].scores[i].gap;
        }
      }
    }
  }
}

std::vector<double> PlacePosterior::ExpectedScores(const Distribution& distribution) const {
  const std::size_t n = distribution.places.size();
  const auto widths = static_cast<std::size_t>(widths_);
  std::vector<double> scores(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    if (i % kRowsBetweenLooks == 0) ThrowIfStopped();
    const float* own = distribution.weights.data() + i * widths;
    for (std::size_t k = 0; k <= i; ++k) {
      const DistanceBin bin = k == i ? DistanceBin{} : BinOf(distribution.places[i], distribution.places[k]);
      const float* other = distribution.weights.data() + k * widths;
      const float* row = score_.Row(bin.node);
      float to_own = 0, to_other = 0;
      for (std::size_t j = 0; j < widths; ++j) {
        const float value = row[j] + bin.share * (row[j + widths] - row[j]);
        to_own += other[j] * value;
        to_other += own[j] * value;
      }
      scores[i] += to_own;
      if (k != i) scores[k] += to_other;
    }
  }
  return scores;
}

double PlacePosterior::ExpectedScore(const Distribution& distribution, const UnitVector& place) const {
  const auto widths = static_cast<std::size_t>(widths_);
  double score = 0;
  for (std::size_t i = 0; i < distribution.places.size(); ++i) {
    const DistanceBin bin = BinOf(place, distribution.places[i]);
    const float* weights = distribution.weights.data() + i * widths;
    const float* row = score_.Row(bin.node);
    float sum = 0;
    for (std::size_t j = 0; j < widths; ++j) sum += weights[j] * (row[j] + bin.share * (row[j + widths] - row[j]));
    score += sum;
  }
  return score;
}

std::vector<double> PlacePosterior::Curve(const Distribution& distribution, const UnitVector& place) const {
  const auto widths = static_cast<std::size_t>(widths_);
  std::vector<double> within(radii_km_.size());
  for (std::size_t r = 0; r < radii_km_.size(); ++r) within[r] = distribution.nowhere * UniformWithin(radii_km_[r]);
  for (std::size_t i = 0; i < distribution.places.size(); ++i) {
    const DistanceBin bin = BinOf(place, distribution.places[i]);
    const float* weights = distribution.weights.data() + i * widths;
    const float* row = within_.Row(bin.node);
    const float* next = row + within_.columns();
    for (std::size_t r = 0; r < radii_km_.size(); ++r, row += widths, next += widths) {
      float sum = 0;
      for (std::size_t j = 0; j < widths; ++j) sum += weights[j] * (row[j] + bin.share * (next[j] - row[j]));
      within[r] += sum;
    }
  }
  return within;
}

double PlacePosterior::ShareWithin(const Distribution& distribution, LatLon place, double km) const {
  const std::vector<double> within = Curve(distribution, ToUnitVector(place));
  const auto after =
      static_cast<std::size_t>(std::lower_bound(radii_km_.begin(), radii_km_.end(), km) - radii_km_.begin());
  if (after == 0) return within.front();
  if (after == radii_km_.size()) return 1;
  const double share = std::log(km / radii_km_[after - 1]) / std::log(radii_km_[after] / radii_km_[after - 1]);
  return within[after - 1] * (1 - share) + within[after] * share;
}

PlaceEstimate PlacePosterior::Measure(const Distribution& distribution, const UnitVector& place) const {
  const std::vector<double> within = Curve(distribution, place);
  PlaceEstimate estimate;
  const ProbabilityScale& scale = answered_ ? parameters_.probability_with_answers : parameters_.probability;
  double narrower = 0;  // a wider circle is never less likely
  for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) {
    const double logit = scale.offset[i] + scale.slope[i] * Logit(within[accuracy_radius_[i]]);
    estimate.within[i] = narrower = std::max(narrower, Rounded(1 / (1 + std::exp(-logit)), 4));
  }
  // Where the curve crosses one half (as training corrected it), straight in the logarithm of the radius.
  const double half = answered_ ? parameters_.half_with_answers : parameters_.half;
  const auto after = static_cast<std::size_t>(
      std::find_if(within.begin(), within.end(), [half](double p) { return p >= half; }) - within.begin());
  if (after == 0) {
    estimate.confidence_km = radii_km_.front();
  } else if (after == radii_km_.size()) {
    estimate.confidence_km = radii_km_.back();
  } else {
    const double share = (half - within[after - 1]) / (within[after] - within[after - 1]);
    estimate.confidence_km =
        std::exp(std::log(radii_km_[after - 1]) * (1 - share) + std::log(radii_km_[after]) * share);
  }
  estimate.confidence_km = Rounded(estimate.confidence_km, 3);
  return estimate;
}

PlaceEstimate PlacePosterior::Estimate(const Distribution& distribution, LatLon place) const {
  PlaceEstimate estimate = Measure(distribution, ToUnitVector(place));
  estimate.location = place;
  return estimate;
}

PlacePosterior::Choice PlacePosterior::Best(const Distribution& distribution, std::span<const double> scores,
                                            bool only_places) const {
  const std::size_t n = distribution.places.size();
  const auto widths = static_cast<std::size_t>(widths_);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t searched = std::min(kSearched, n);
  std::partial_sort(
      order.begin(), order.begin() + static_cast<std::ptrdiff_t>(searched), order.end(),
      [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });

  Choice choice;
  choice.place = order[0];
  UnitVector best = distribution.places[order[0]];
  double best_score = scores[order[0]];
  if (!only_places) {
    std::vector<UnitVector> means(widths);
    for (std::size_t s = 0; s < searched; ++s) {
      const UnitVector& from = distribution.places[order[s]];
      std::fill(means.begin(), means.end(), UnitVector{});
      for (std::size_t i = 0; i < n; ++i) {
        const UnitVector& p = distribution.places[i];
        const DistanceBin bin = BinOf(from, p);
        const float* row = kernel_.Row(bin.node);
        for (std::size_t j = 0; j < widths; ++j) {
          const double w = distribution.place_weights[i] * (row[j] + bin.share * (row[j + widths] - row[j]));
          means[j].x += w * p.x;
          means[j].y += w * p.y;
          means[j].z += w * p.z;
        }
      }
      for (const UnitVector& mean : means) {
        const double length = std::sqrt(mean.x * mean.x + mean.y * mean.y + mean.z * mean.z);
        if (length < 1e-9) continue;  // places balanced round the globe have no mean
        const UnitVector place{mean.x / length, mean.y / length, mean.z / length};
        if (SquaredChord(place, from) < 1e-13) continue;  // 2 m: the place itself
        // By more than rounding, so that an answer on a candidate stays there.
        const double score = ExpectedScore(distribution, place);
        if (score <= best_score + 1e-6 * std::abs(best_score)) continue;
        best = place;
        best_score = score;
        choice.place.reset();
      }
    }
  }
  choice.estimate = Measure(distribution, best);
  const LatLon place = ToLatLon(best);
  choice.estimate.location = {Rounded(place.lat, 6), Rounded(place.lon, 6)};  // 0.1 m
  return choice;
}

const PlacePosterior& DefaultPosterior() {
  static const PlacePosterior posterior(DefaultPosteriorParameters());
  return posterior;
}

}  // namespace dualgeo
