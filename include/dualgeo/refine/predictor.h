// From a query's candidates to one answer.
//
// A new predictor is one file that implements Predictor and one line in the table of predictor.cpp; it is then a value
// of predict.method and of --method.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

const std::vector<std::string>& PredictorNames();

struct PredictOptions {
  std::string method = "top1";  // one of PredictorNames()

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("method", method, "how one answer is made from the candidates", OneOf{PredictorNames()});
  }

  // Throws InputError naming field, value and what is allowed.
  void Validate() const;
};

class Predictor {
 public:
  virtual ~Predictor() = default;
  // The answer for one query; without an answer, no location and a reason. Thread-safe.
  virtual Prediction Predict(const CandidateList& list) const = 0;
};

// Throws InputError for a method that does not exist.
std::unique_ptr<Predictor> MakePredictor(const PredictOptions& options);

std::vector<Prediction> Predict(const PredictOptions& options, const std::vector<CandidateList>& lists);

// Appends, in their order, a prediction without an answer ("no candidates") for each of `ids` that has none: a query
// for which retrieval found nothing has no row in a candidates file.
void AddUnanswered(const std::vector<std::string>& ids, const std::string& method,
                   std::vector<Prediction>& predictions);

}  // namespace dualgeo
