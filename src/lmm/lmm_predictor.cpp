#include "lmm_predictor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/other_names.h"

namespace dualgeo {
namespace {

std::string Describe(const std::map<std::string, int>& reasons) {
  std::string text;
  for (const auto& [reason, count] : reasons) {
    text += (text.empty() ? "" : ", ") + reason + " " + std::to_string(count);
  }
  return text;
}

void Log(const PredictReport& report, bool asked) {
  const ChoiceCounts& counts = report.counts;
  spdlog::info("predict: {} photos by lmm/{}, {} by fallback/reranked_first, {} unanswered", counts.answered,
               report.rule, counts.fallback, counts.unanswered);
  if (!counts.reasons.empty()) {
    const auto level = report.without_reply > 0 ? spdlog::level::warn : spdlog::level::info;
    spdlog::log(level, "predict: photos without a usable answer: {}", Describe(counts.reasons));
  }
  if (!asked) return;
  const LmmUsage& usage = report.usage;
  spdlog::info("lmm: {} questions, {} from the cache; {} requests sent; {} + {} tokens, cost {:.4f}", usage.questions,
               usage.cached, usage.requests, usage.prompt_tokens, usage.completion_tokens, usage.cost);
  spdlog::info("lmm: all answers used, cached ones included: {} + {} tokens, cost {:.4f}", usage.total_prompt_tokens,
               usage.total_completion_tokens, usage.total_cost);
  // A run that failed says so in its last line.
  if (!report.stopped.empty() && !report.failed) spdlog::warn("lmm: stopped early: {}", report.stopped);
}

// Photos to none of whose questions the model said anything of use.
void CountWithoutReply(const std::unordered_map<std::string, std::vector<LmmAnswer>>& answers, PredictReport& report) {
  for (const auto& [id, of_photo] : answers) {
    const auto any = [&](LmmAnswer::Reply reply) {
      return std::any_of(of_photo.begin(), of_photo.end(), [&](const LmmAnswer& a) { return a.reply == reply; });
    };
    const bool usable =
        std::any_of(of_photo.begin(), of_photo.end(), [](const LmmAnswer& a) { return a.location.has_value(); });
    if (usable) continue;
    report.ask_again += any(LmmAnswer::Reply::kAskAgain) ? 1 : 0;
    report.without_reply += any(LmmAnswer::Reply::kGiven) ? 0 : 1;
  }
}

// So many candidates that no photo has them are a mistake; that some photos have fewer is not (exclusions).
void CheckRetrieved(const LmmOptions& options, const std::vector<CandidateList>& lists) {
  if (!options.retrieved || lists.empty()) return;
  std::int64_t most = 0;
  for (const auto& list : lists)
    most = std::max<std::int64_t>(most, std::ranges::count_if(list.candidates, &Candidate::similar));
  if (*options.retrieved > most) {
    throw InputError("predict.lmm.retrieved is " + std::to_string(*options.retrieved) +
                     ", but no photo has more than " + std::to_string(most) +
                     " similar candidates (search.top_k, rerank.top_k)");
  }
}

// Answers of photos that are not asked for are left over: some say another set, all of them another spelling of ids.
void CheckAnswersFit(const std::vector<LmmAnswer>& answers, const std::vector<CandidateList>& lists) {
  std::unordered_set<std::string_view> wanted, answered;
  for (const auto& list : lists) wanted.insert(list.query_id);
  std::vector<std::string> strange, without;
  for (const auto& answer : answers) {
    if (answered.insert(answer.query_id).second && !wanted.contains(answer.query_id))
      strange.push_back(answer.query_id);
  }
  if (strange.empty() || lists.empty()) return;
  for (const auto& list : lists) {
    if (!answered.contains(list.query_id)) without.push_back(list.query_id);
  }
  std::string text = std::to_string(strange.size()) + " of " + std::to_string(answered.size()) +
                     " photos with answers are not among those asked for, such as '" + Printable(strange.front(), 80) +
                     "'";
  if (const std::string match = WhatMakesThemMatch(strange, without); !match.empty()) text += " (" + match + ")";
  if (strange.size() == answered.size()) throw InputError("predict: " + text);
  spdlog::warn("predict: {}", text);
}

}  // namespace

std::vector<Prediction> PredictWithLmm(const LmmOptions& options, const std::vector<CandidateList>& lists,
                                       const PredictInputs& inputs, PredictReport* report) {
  options.Validate();
  ChoiceInputs choice = inputs.choice;
  const bool listed = std::any_of(lists.begin(), lists.end(), [](const CandidateList& list) {
    return !list.candidates.empty() && list.candidates.front().similar;
  });
  if (options.choose == "auto" && !listed) choice.join = nullptr;  // answers alone: nothing to join them with
  const Chooser chooser(options, std::move(choice));               // wrong inputs show before anything is spent
  if (chooser.rule() == "verify") CheckRetrieved(options, lists);
  PredictReport result;
  result.rule = chooser.rule();
  if (inputs.answers) {
    CheckAnswersFit(*inputs.answers, lists);
    result.answers = *inputs.answers;
  } else {
    LmmRun run = AskAboutPhotos(options, lists, inputs.lmm);
    result.answers = std::move(run.answers);
    result.usage = run.usage;
    result.stopped = std::move(run.stopped);
    result.failed = run.failed;
  }
  const auto answers = GroupAnswers(result.answers);
  CountWithoutReply(answers, result);
  std::vector<Prediction> predictions = chooser.Choose(lists, answers, &result.counts);
  Log(result, !inputs.answers);
  if (report != nullptr) *report = std::move(result);
  return predictions;
}

}  // namespace dualgeo
