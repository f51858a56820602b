#include "dualgeo/refine/predictor.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
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

const Method* FindMethod(const std::string& name) {
  const auto* found =
      std::find_if(std::begin(kMethods), std::end(kMethods), [&](const Method& method) { return name == method.name; });
  return found == std::end(kMethods) ? nullptr : found;
}

}  // namespace

const std::vector<std::string>& PredictorNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& method : kMethods) all.emplace_back(method.name);
    return all;
  }();
  return names;
}

void PredictOptions::Validate() const {
  if (FindMethod(method) == nullptr) {
    throw InputError("predict.method is " + Printable(method) + "; allowed: " + Join(PredictorNames()));
  }
  if (failure != "empty" && failure != "zero") {
    throw InputError("predict.failure is " + Printable(failure) + "; allowed: empty, zero");
  }
}

std::unique_ptr<Predictor> MakePredictor(const PredictOptions& options) {
  options.Validate();
  const Method* method = FindMethod(options.method);
  if (method->make == nullptr) {
    throw InputError("predict.method " + options.method + " asks about all photos at once, not about one list");
  }
  return method->make(options);
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
