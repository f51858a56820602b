#include "lmm/choose.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "geo/center.h"
#include "refine/dbscan.h"

namespace dualgeo {
namespace {

// The medoid of the largest cluster, of the first one on ties; with no cluster the first answer.
LatLon ClusterChoice(const std::vector<LatLon>& places, double cluster_km) {
  const std::vector<int> labels = Dbscan(places, cluster_km, 2);
  std::vector<std::vector<LatLon>> clusters;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (labels[i] == kNoise) continue;
    const auto label = static_cast<std::size_t>(labels[i]);
    if (label >= clusters.size()) clusters.resize(label + 1);
    clusters[label].push_back(places[i]);
  }
  if (clusters.empty()) return places.front();
  return Medoid(*std::max_element(clusters.begin(), clusters.end(),
                                  [](const auto& a, const auto& b) { return a.size() < b.size(); }));
}

LatLon VerifiedChoice(const std::string& id, const std::vector<LatLon>& places, const PlaceSimilarity& similarity) {
  const std::vector<double> similarities = similarity(id, places);
  std::size_t best = 0;
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (similarities[i] > most) {
      best = i;
      most = similarities[i];
    }
  }
  return places[best];
}

// The model spoke, if only to refuse: failed_answer zero takes that for a place.
std::optional<LatLon> PlaceOf(const LmmAnswer& answer, const LmmOptions& options) {
  if (!answer.location && answer.reply == LmmAnswer::Reply::kGiven && options.failed_answer == "zero") {
    return LatLon{0, 0};
  }
  return answer.location;
}

// "out of range: latitude 148" -> "out of range"
std::string Kind(const std::string& reason) { return reason.substr(0, reason.find(':')); }

}  // namespace

Chooser::Chooser(const LmmOptions& options, ChoiceInputs inputs) : options_(options), inputs_(std::move(inputs)) {
  rule_ = options_.choose;
  if (rule_ == "auto") {
    rule_ = inputs_.join ? "bayes" : options_.verify && inputs_.similarity ? "verify" : "medoid";
  }
  if (rule_ == "verify" && !inputs_.similarity) {
    throw InputError(
        "choose verify needs the features of the photos (--photo-features) and the model that made them, or features "
        "of the places (--gps-features)");
  }
  if ((rule_ == "bayes" || rule_ == "router") && !inputs_.join) {
    throw InputError("choose " + rule_ + " needs the parameters of the bayes re-ranker");
  }
}

std::vector<LatLon> Chooser::PlacesToVerify(const LmmOptions& options, const CandidateList& list,
                                            std::span<const LmmAnswer> answers) {
  std::vector<LatLon> places;
  for (const auto& answer : answers) {
    if (const auto place = PlaceOf(answer, options)) places.push_back(*place);
  }
  int retrieved = 0;
  for (const auto& candidate : list.candidates) {
    if (!candidate.similar) continue;
    if (options.retrieved && retrieved++ == *options.retrieved) break;
    places.push_back(candidate.location);
  }
  return places;
}

Prediction Chooser::Choose(const CandidateList& list, std::span<const LmmAnswer> answers) const {
  std::vector<LmmAnswer> usable;
  std::vector<LatLon> places;
  for (const auto& answer : answers) {
    const auto place = PlaceOf(answer, options_);
    if (!place) continue;
    usable.push_back(answer);
    usable.back().location = place;
    places.push_back(*place);
  }
  Prediction prediction;
  if (usable.empty()) {
    prediction.reason = answers.empty() ? "no answer" : answers.front().reason;
    const bool has_first = !list.candidates.empty() && list.candidates.front().similar;
    if (options_.fallback == "reranked_first" && has_first) {
      prediction.method = "fallback/reranked_first";
      // Re-ranking's answer is not always its first candidate.
      if (list.estimate) {
        prediction.location = list.estimate->location;
        prediction.confidence_km = list.estimate->confidence_km;
        prediction.areas = list.estimate->areas;
      } else {
        prediction.location = list.candidates.front().location;
      }
    } else {
      prediction.method = "lmm/" + rule_;
    }
  } else if (rule_ == "bayes" || rule_ == "router") {
    prediction = inputs_.join(list, usable);
    prediction.method = "lmm/" + rule_;
  } else {
    prediction.method = "lmm/" + rule_;
    if (rule_ == "first") {
      prediction.location = places.front();
    } else if (rule_ == "cluster") {
      prediction.location = ClusterChoice(places, options_.cluster_km);
    } else if (rule_ == "verify") {
      prediction.location = VerifiedChoice(list.query_id, PlacesToVerify(options_, list, usable), inputs_.similarity);
    } else {
      prediction.location = Medoid(places);
    }
  }
  prediction.id = list.query_id;
  return prediction;
}

std::vector<Prediction> Chooser::Choose(const std::vector<CandidateList>& lists,
                                        const std::unordered_map<std::string, std::vector<LmmAnswer>>& answers,
                                        ChoiceCounts* counts) const {
  static const std::vector<LmmAnswer> kNone;
  std::vector<Prediction> predictions;
  predictions.reserve(lists.size());
  for (const auto& list : lists) {
    ThrowIfStopped();
    const auto found = answers.find(list.query_id);
    predictions.push_back(Choose(list, found == answers.end() ? kNone : found->second));
    if (counts == nullptr) continue;
    const Prediction& prediction = predictions.back();
    const bool fallback = prediction.is_fallback();
    ++(fallback ? counts->fallback : prediction.location ? counts->answered : counts->unanswered);
    if (fallback || !prediction.location) ++counts->reasons[Kind(prediction.reason)];
  }
  return predictions;
}

}  // namespace dualgeo
