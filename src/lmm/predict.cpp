#include "lmm/predictor.h"
#include "lmm_predictor.h"

namespace dualgeo {

std::vector<Prediction> Predict(const PredictOptions& options, const std::vector<CandidateList>& lists,
                                const PredictInputs& inputs, PredictReport* report) {
  options.Validate();
  if (options.method == "lmm") return PredictWithLmm(options.lmm, lists, inputs, report);
  return PredictEach(options, lists);
}

}  // namespace dualgeo
