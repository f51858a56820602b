// Asks a vision language model where each of many photos was taken: unattended, resumable, within a budget.
//
// For each photo one prompt per count of `positives` (counts that show the same candidates are asked once) and
// `samples` answers each. Answers come from the cache where it has them, else from the server, over at most
// `concurrency` connections.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "lmm/answers.h"
#include "lmm/lmm_options.h"
#include "lmm/lmm_prompt.h"

namespace dualgeo {

struct LmmInputs {
  std::filesystem::path images;  // folder or tar; may be empty when offline: then photos are known by the cache
  PromptPlaces places;           // names of candidates' places for the prompt
};

struct LmmUsage {
  std::int64_t questions = 0;                                         // photo, prompt and sample
  std::int64_t cached = 0;                                            // of them answered by the cache
  std::int64_t requests = 0;                                          // sent in this run, retries included
  std::int64_t prompt_tokens = 0, completion_tokens = 0;              // of this run
  double cost = 0;                                                    // of this run
  std::int64_t total_prompt_tokens = 0, total_completion_tokens = 0;  // of all answers used, cached ones included
  double total_cost = 0;
};

struct LmmRun {
  std::vector<LmmAnswer> answers;  // by photo (in the order of the lists), prompt, sample: one per question
  LmmUsage usage;
  std::string stopped;  // why the run ended early; the questions left over have this reason
  bool failed = false;  // it ended early through the server, not through the budget
};

// Throws InputError for options, template or photos folder that are wrong, a key that would travel unencrypted, and
// when an offline run finds nothing at all in the cache; Error when the cache cannot be written; Interrupted (the cache
// has all answers so far). A photo that cannot be read is an answer with its reason.
LmmRun AskAboutPhotos(const LmmOptions& options, const std::vector<CandidateList>& lists, const LmmInputs& inputs);

}  // namespace dualgeo
