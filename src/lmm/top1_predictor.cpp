#include "top1_predictor.h"

namespace dualgeo {
namespace {

class Top1Predictor : public Predictor {
 public:
  Prediction Predict(const CandidateList& list) const override {
    Prediction prediction;
    prediction.id = list.query_id;
    prediction.method = "top1";
    if (list.candidates.empty() || !list.candidates.front().similar) {
      prediction.reason = "no candidates";
    } else if (list.estimate) {
      prediction.location = list.estimate->location;
      prediction.confidence_km = list.estimate->confidence_km;
      prediction.areas = list.estimate->areas;
    } else {
      prediction.location = list.candidates.front().location;
    }
    prediction.model = list.model;
    if (prediction.location && *prediction.location == list.candidates.front().location) {
      prediction.rule = NameOf(list.candidates.front().rule);
    }
    return prediction;
  }
};

}  // namespace

std::unique_ptr<Predictor> MakeTop1Predictor(const PredictOptions&) { return std::make_unique<Top1Predictor>(); }

}  // namespace dualgeo
