// From a query's candidates to one answer.
//
//   top1  re-ranking's answer; needs nothing else
//   lmm   a vision language model's answers (lmm/lmm_run.h), from a server or a table, and a choice among them and
//         the candidates (lmm/choose.h)
//
// A predictor that needs nothing but one photo's candidates implements Predictor in one file, with an entry in the
// table of predictor.cpp; it is then a value of predict.method and of --method. lmm needs more, and Predict asks for
// it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictions.h"
#include "dualgeo/util/field.h"
#include "lmm/answers.h"
#include "lmm/choose.h"
#include "lmm/lmm_options.h"
#include "lmm/lmm_run.h"

namespace dualgeo {

const std::vector<std::string>& PredictorNames();

struct PredictOptions {
  std::string method = "top1";    // one of PredictorNames()
  std::string failure = "empty";  // empty | zero: what a photo without an answer gets; see ApplyFailureRule
  LmmOptions lmm = {};

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("method", method, "how one answer is made from the candidates", OneOf{PredictorNames()});
    v.Field("failure", failure,
            "a photo without an answer: empty coordinates and a reason, or 0, 0, which scores then take for a place "
            "(as the released code)",
            OneOf{{"empty", "zero"}});
    v.Group("lmm", lmm, "method lmm: the language model, how it is asked, and the choice among its answers");
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

// Throws InputError for a method that does not exist, and for lmm, which asks about all photos at once: use Predict.
std::unique_ptr<Predictor> MakePredictor(const PredictOptions& options);

// What method lmm needs beside the candidates.
struct PredictInputs {
  LmmInputs lmm;                                  // photos, names of places
  std::optional<std::vector<LmmAnswer>> answers;  // from a table: no server is asked
  ChoiceInputs choice;                            // similarities, the bayes rule
};

// What method lmm tells beside the predictions.
struct PredictReport {
  ChoiceCounts counts;
  LmmUsage usage;
  std::vector<LmmAnswer> answers;
  std::string rule;  // the choice in force
  // Photos without an answer of the model because the server failed or was not asked: the same command, given again,
  // asks about them again, so what was made of these predictions is not final.
  int ask_again = 0;
  int without_reply =
      0;                // photos of which the model said nothing: the server failed or refused, the photo is unreadable
  std::string stopped;  // why the run ended early, if it did
  bool failed = false;  // through the server, not through the budget
};

// One prediction per list, in their order, by a method that takes the lists one by one (all but lmm). Reaches neither
// photos nor networks. Throws as MakePredictor does.
std::vector<Prediction> PredictEach(const PredictOptions& options, const std::vector<CandidateList>& lists);

// One prediction per list, in their order. Method lmm is asked about lists without candidates, too. `report`, when
// given, is filled by method lmm. Throws as AskAboutPhotos and Chooser do.
std::vector<Prediction> Predict(const PredictOptions& options, const std::vector<CandidateList>& lists,
                                const PredictInputs& inputs = {}, PredictReport* report = nullptr);

// Appends, in their order, a prediction without an answer ("no candidates") for each of `ids` that has none: a query
// for which retrieval found nothing has no row in a candidates file.
void AddUnanswered(const std::vector<std::string>& ids, const std::string& method,
                   std::vector<Prediction>& predictions);

// failure zero: predictions without a location get 0, 0 and keep their reason. A quirk to reproduce, never a default.
void ApplyFailureRule(const PredictOptions& options, std::vector<Prediction>& predictions);

}  // namespace dualgeo
