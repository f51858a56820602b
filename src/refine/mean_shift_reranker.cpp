// The modes of the candidates' places.
#include "rerankers.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "dualgeo/geo/distance.h"
#include "geo/cluster_label.h"

namespace dualgeo {
namespace {

// Where a window that begins at `place` comes to rest, and how many places it holds there. Each step is to the mean
// of the places within the window, brought back to the sphere. It raises the sum of max(0, reach^2 - chord^2), so no
// set of places comes twice, and the walk ends. (Rounding might make two sets take turns: hence the limit.)
struct Rest {
  UnitVector place;
  std::size_t held = 0;
};

Rest Shift(UnitVector place, const std::vector<UnitVector>& places, double squared_reach) {
  constexpr int kMostSteps = 1000;
  Rest rest{place};
  for (int step = 0; step < kMostSteps; ++step) {
    UnitVector sum;
    rest.held = 0;
    for (const UnitVector& other : places) {
      if (SquaredChord(rest.place, other) > squared_reach) continue;
      sum = {sum.x + other.x, sum.y + other.y, sum.z + other.z};
      ++rest.held;
    }
    const double length = std::sqrt(sum.x * sum.x + sum.y * sum.y + sum.z * sum.z);
    if (length < 1e-9) break;  // balanced round the globe
    const UnitVector mean{sum.x / length, sum.y / length, sum.z / length};
    const bool rests = SquaredChord(mean, rest.place) < 1e-22;
    rest.place = mean;
    if (rests) break;
  }
  return rest;
}

class MeanShiftReranker : public Reranker {
 public:
  explicit MeanShiftReranker(const RerankOptions& options)
      : min_members_(static_cast<std::size_t>(options.min_members)),
        squared_reach_(SquaredChordOf(options.bandwidth_km)),
        squared_same_(SquaredChordOf(options.bandwidth_km / 2)) {}

  std::optional<PlaceEstimate> Reorder(std::vector<Candidate>& similar,
                                       const PlacePosterior& posterior) const override {
    SortByRetrieval(similar);
    const std::vector<Mode> modes = ModesOf(similar);
    const Mode* first = modes.empty() || modes.front().members.size() < min_members_ ? nullptr : &modes.front();
    std::vector<Candidate> ordered;
    ordered.reserve(similar.size());
    std::vector<bool> taken(similar.size(), false);
    for (std::size_t m = 0; m < modes.size() && modes[m].members.size() >= min_members_; ++m) {
      for (const std::size_t i : modes[m].members) {
        taken[i] = true;
        similar[i].cluster = static_cast<int>(m);
        similar[i].rerank_score = static_cast<double>(modes[m].members.size());
        ordered.push_back(similar[i]);
      }
    }
    std::optional<LatLon> answer;
    if (first != nullptr) answer = Exact(first->place, similar);
    for (std::size_t i = 0; i < similar.size(); ++i) {
      if (taken[i]) continue;
      similar[i].cluster = kNoise;
      similar[i].rerank_score = 0;
      ordered.push_back(similar[i]);
    }
    similar = std::move(ordered);
    if (!answer) return std::nullopt;
    return EstimateAt(posterior, similar, *answer);
  }

 private:
  struct Mode {
    UnitVector place;
    std::vector<std::size_t> members;  // by rank
  };

  static double SquaredChordOf(double km) {
    const double half = std::sin(std::min(km / kEarthRadiusKm, std::numbers::pi) / 2);
    return 4 * half * half;
  }

  // By members; of as many, the one with the best candidate first.
  std::vector<Mode> ModesOf(const std::vector<Candidate>& similar) const {
    std::vector<UnitVector> places;
    for (const Candidate& candidate : similar) places.push_back(ToUnitVector(candidate.location));
    std::vector<Rest> rests;
    for (const UnitVector& place : places) rests.push_back(Shift(place, places, squared_reach_));
    // Rests close by are one mode: that which holds most.
    std::vector<std::size_t> order(rests.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return rests[a].held > rests[b].held; });
    std::vector<Mode> modes;
    for (const std::size_t i : order) {
      const auto near = std::ranges::find_if(
          modes, [&](const Mode& mode) { return SquaredChord(mode.place, rests[i].place) <= squared_same_; });
      if (near != modes.end()) {
        near->members.push_back(i);
      } else {
        modes.push_back({rests[i].place, {i}});
      }
    }
    for (Mode& mode : modes) std::ranges::sort(mode.members);
    std::ranges::sort(modes, [](const Mode& a, const Mode& b) {
      return a.members.size() != b.members.size() ? a.members.size() > b.members.size()
                                                  : a.members.front() < b.members.front();
    });
    return modes;
  }

  // The mode of candidates at one place is that place, to the digit.
  static LatLon Exact(const UnitVector& mode, const std::vector<Candidate>& similar) {
    for (const Candidate& candidate : similar) {
      if (SquaredChord(mode, ToUnitVector(candidate.location)) < 1e-18) return candidate.location;
    }
    return ToLatLon(mode);
  }

  std::size_t min_members_;
  double squared_reach_, squared_same_;
};

}  // namespace

// Hays, Efros 2008, "IM2GPS: estimating geographic information from a single image": mean shift over the places of the
// neighbours (120 there: top_k); from each candidate a window of radius bandwidth_km moves to the mean of the places
// that it holds until it rests. Rests within half a bandwidth of one that holds more are one mode, whose members are
// the candidates that came to it. Modes with fewer than min_members are dropped, the others ranked by members, and of
// as many that with the best-ranked candidate first. The answer is the first mode's place; without any, the first
// candidate. (The bandwidth, the 4 members and the ranking are from memory of the paper, which does not tell the
// kernel: not verified.)
//
// Order: the modes' members, mode by mode, by rank; then the others by rank. rerank_score is the number of members (0:
// in no mode), cluster the mode's place in the ranking (-1: none).
std::unique_ptr<Reranker> MakeMeanShiftReranker(const RerankOptions& options) {
  return std::make_unique<MeanShiftReranker>(options);
}

}  // namespace dualgeo
