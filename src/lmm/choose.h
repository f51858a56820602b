// One place out of a model's answers and the retrieved candidates.
#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictions.h"
#include "lmm/answers.h"
#include "lmm/lmm_options.h"
#include "lmm/place_similarity.h"

namespace dualgeo {

// What the rules need beyond answers and candidates; empty where there is none.
struct ChoiceInputs {
  PlaceSimilarity similarity;  // verify
  AnswerJoin join;             // bayes
};

struct ChoiceCounts {
  int answered = 0;                    // by the rule, from at least one usable answer
  int fallback = 0;                    // by the fallback rule
  int unanswered = 0;                  // neither
  std::map<std::string, int> reasons;  // of the photos without a usable answer, by kind ("refusal", "out of range")
};

class Chooser {
 public:
  // options.choose and fallback (lmm/lmm_options.h). Throws InputError when the rule lacks its input.
  Chooser(const LmmOptions& options, ChoiceInputs inputs);

  // The rule in force: auto is settled.
  const std::string& rule() const { return rule_; }

  // method: "lmm/<rule>", or "fallback/reranked_first" with the reason why the model gave nothing; no location and the
  // reason when there is no candidate either. Thread-safe.
  Prediction Choose(const CandidateList& list, std::span<const LmmAnswer> answers) const;
  // All lists; a photo without answers counts as failed ("no answer").
  std::vector<Prediction> Choose(const std::vector<CandidateList>& lists,
                                 const std::unordered_map<std::string, std::vector<LmmAnswer>>& answers,
                                 ChoiceCounts* counts = nullptr) const;

  // The places among which `verify` chooses for this photo: usable answers, then the first options.retrieved of the
  // similar candidates.
  static std::vector<LatLon> PlacesToVerify(const LmmOptions& options, const CandidateList& list,
                                            std::span<const LmmAnswer> answers);

 private:
  LmmOptions options_;
  ChoiceInputs inputs_;
  std::string rule_;
};

}  // namespace dualgeo
