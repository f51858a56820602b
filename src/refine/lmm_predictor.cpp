#include "lmm_predictor.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "dualgeo/util/error.h"

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
  if (!counts.reasons.empty()) spdlog::info("predict: photos without a usable answer: {}", Describe(counts.reasons));
  if (!asked) return;
  const LmmUsage& usage = report.usage;
  spdlog::info("lmm: {} questions, {} from the cache; {} requests sent; {} + {} tokens, cost {:.4f}", usage.questions,
               usage.cached, usage.requests, usage.prompt_tokens, usage.completion_tokens, usage.cost);
  spdlog::info("lmm: all answers used, cached ones included: {} + {} tokens, cost {:.4f}", usage.total_prompt_tokens,
               usage.total_completion_tokens, usage.total_cost);
  if (!report.stopped.empty()) spdlog::warn("lmm: stopped early: {}", report.stopped);
}

}  // namespace

std::vector<Prediction> PredictWithLmm(const LmmOptions& options, const std::vector<CandidateList>& lists,
                                       const PredictInputs& inputs, PredictReport* report) {
  options.Validate();
  const Chooser chooser(options, inputs.choice);  // wrong inputs show before anything is spent
  PredictReport result;
  result.rule = chooser.rule();
  if (inputs.answers) {
    result.answers = *inputs.answers;
  } else {
    LmmRun run = AskAboutPhotos(options, lists, inputs.lmm);
    result.answers = std::move(run.answers);
    result.usage = run.usage;
    result.stopped = std::move(run.stopped);
    result.failed = run.failed;
  }
  std::vector<Prediction> predictions = chooser.Choose(lists, GroupAnswers(result.answers), &result.counts);
  Log(result, !inputs.answers);
  if (report != nullptr) *report = std::move(result);
  return predictions;
}

}  // namespace dualgeo
