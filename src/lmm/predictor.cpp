#include "lmm/predictor.h"

#include <unordered_set>

#include "config/config.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "top1_predictor.h"

namespace dualgeo {
namespace {

struct Method {
  const char* name;
  std::unique_ptr<Predictor> (*make)(const PredictOptions&);
};

// lmm asks about all photos at once: PredictWithLmm.
constexpr Method kMethods[] = {
    {"top1", MakeTop1Predictor},
    {"lmm", nullptr},
};

}  // namespace

const std::vector<std::string>& PredictorNames() {
  static const std::vector<std::string> names = NamesOf(kMethods);
  return names;
}

void PredictOptions::Validate() const { CheckFields(*this, "predict"); }

std::unique_ptr<Predictor> MakePredictor(const PredictOptions& options) {
  options.Validate();
  const Method& method = FindKind(kMethods, options.method, "predict.method");
  if (method.make == nullptr) {
    throw InputError("predict.method " + options.method + " asks about all photos at once, not about one list");
  }
  return method.make(options);
}

std::vector<Prediction> PredictEach(const PredictOptions& options, const std::vector<CandidateList>& lists) {
  const std::unique_ptr<Predictor> predictor = MakePredictor(options);
  std::vector<Prediction> predictions;
  predictions.reserve(lists.size());
  for (const auto& list : lists) predictions.push_back(predictor->Predict(list));
  return predictions;
}

void AddUnanswered(const std::vector<std::string>& ids, const std::string& method,
                   std::vector<Prediction>& predictions) {
  std::unordered_set<std::string> answered;
  for (const auto& prediction : predictions) answered.insert(prediction.id);
  for (const auto& id : ids) {
    if (answered.insert(id).second) predictions.push_back({id, std::nullopt, method, std::nullopt, "no candidates"});
  }
}

void ApplyFailureRule(const PredictOptions& options, std::vector<Prediction>& predictions) {
  if (options.failure != "zero") return;
  for (auto& prediction : predictions) {
    if (!prediction.location) prediction.location = LatLon{0, 0};
  }
}

}  // namespace dualgeo
