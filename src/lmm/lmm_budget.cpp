#include "lmm_budget.h"

#include <algorithm>

#include "dualgeo/util/text.h"

namespace dualgeo {

double LmmBudget::Cost(std::int64_t prompt_tokens, std::int64_t completion_tokens) const {
  return (static_cast<double>(prompt_tokens) * options_.prompt_price +
          static_cast<double>(completion_tokens) * options_.completion_price) /
         1e6;
}

bool LmmBudget::Reserve() {
  std::unique_lock lock(mutex_);
  if (Bounded()) {
    // A request ends within its timeout, so this does, too.
    settled_.wait(lock, [&] { return measured_ || under_way_ == 0 || !spent_.empty(); });
  }
  if (!spent_.empty()) return false;
  const std::int64_t pending = under_way_ + 1;
  if (options_.requests > 0 && spending_.requests + 1 > options_.requests) {
    spent_ = "budget of " + std::to_string(options_.requests) + " requests spent";
  } else if (options_.tokens > 0 &&
             spending_.prompt_tokens + spending_.completion_tokens + pending * std::max<std::int64_t>(most_tokens_, 1) >
                 options_.tokens) {
    spent_ = "budget of " + std::to_string(options_.tokens) + " tokens spent";
  } else if (options_.cost > 0 && spending_.cost + static_cast<double>(pending) * most_cost_ > options_.cost) {
    spent_ = "budget of cost " + FormatDouble(options_.cost) + " spent";
  }
  if (!spent_.empty()) {
    settled_.notify_all();
    return false;
  }
  ++spending_.requests;
  ++under_way_;
  return true;
}

void LmmBudget::Settle(bool answered, bool known, std::int64_t prompt_tokens, std::int64_t completion_tokens) {
  {
    const std::lock_guard lock(mutex_);
    --under_way_;
    if (known) {
      measured_ = true;
      const double cost = Cost(prompt_tokens, completion_tokens);
      spending_.prompt_tokens += prompt_tokens;
      spending_.completion_tokens += completion_tokens;
      spending_.cost += cost;
      most_tokens_ = std::max(most_tokens_, prompt_tokens + completion_tokens);
      most_cost_ = std::max(most_cost_, cost);
    } else if (answered && Bounded() && spent_.empty()) {
      spent_ = "the server does not say how many tokens it used, so a budget of tokens or cost cannot be kept";
    }
  }
  settled_.notify_all();
}

LmmSpending LmmBudget::spending() const {
  const std::lock_guard lock(mutex_);
  return spending_;
}

std::string LmmBudget::spent() const {
  const std::lock_guard lock(mutex_);
  return spent_;
}

}  // namespace dualgeo
