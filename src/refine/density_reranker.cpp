// Kernel densities of the list at its own candidates.
#include "rerankers.h"

#include <cmath>

#include "dualgeo/refine/distance_table.h"
#include "dualgeo/util/stop.h"

namespace dualgeo {
namespace {

class DensityReranker : public Reranker {
 public:
  DensityReranker(const RerankOptions& options, const std::vector<double>& widths_km, const char* automatic_weight)
      : options_(options), automatic_weight_(automatic_weight), kernel_(1, [&](double km, int) {
          double sum = 0;
          for (const double width : widths_km) sum += std::exp(-0.5 * (km / width) * (km / width));
          return sum;
        }) {}

  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar, const PlacePosterior&) const override {
    const std::size_t n = similar.size();
    const std::vector<double> weights = CandidateWeights(options_, automatic_weight_, similar);
    std::vector<UnitVector> places;
    places.reserve(n);
    for (const auto& candidate : similar) places.push_back(ToUnitVector(candidate.location));
    std::vector<double> sums(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      if (i % 64 == 0) ThrowIfStopped();  // the pairs of a long list take minutes
      sums[i] += weights[i] * kernel_.At({}, 0);
      for (std::size_t k = 0; k < i; ++k) {
        const double kernel = kernel_.At(BinOf(places[i], places[k]), 0);
        sums[i] += weights[k] * kernel;
        sums[k] += weights[i] * kernel;
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      similar[i].cluster.reset();
      similar[i].rerank_score = RoundedScore(sums[i]);
    }
    SortByRerankScore(similar);
    return std::nullopt;
  }

 private:
  RerankOptions options_;
  const char* automatic_weight_;
  DistanceTable kernel_;
};

}  // namespace

// Vo, Jacobs, Hays 2017, "Revisiting IM2GPS in the deep learning era": the density of the neighbours under a Gaussian
// kernel of width density_km, and its greatest value among them is the answer. rerank_score is the weighted sum of the
// kernels; weight auto is equal, as in the paper's [L]kNN rule; weight score with score_power m is its exponent m.
std::unique_ptr<Reranker> MakeDensityReranker(const RerankOptions& options) {
  return std::make_unique<DensityReranker>(options, std::vector<double>{options.density_km}, "equal");
}

// The sum of such densities (each kernel 1 at its centre) over widths_km; weight auto is rank.
std::unique_ptr<Reranker> MakeMultiscaleReranker(const RerankOptions& options) {
  return std::make_unique<DensityReranker>(options, options.widths_km, "rank");
}

}  // namespace dualgeo
