// What a run may spend, shared by its threads.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "lmm/lmm_options.h"

namespace dualgeo {

struct LmmSpending {
  std::int64_t requests = 0;  // sent, retries included
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  double cost = 0;
};

class LmmBudget {
 public:
  explicit LmmBudget(const LmmBudgetOptions& options) : options_(options) {}

  // Leave to send one request; false when it could pass a bound. Where tokens or cost are bounded, the first request
  // goes alone (the others wait here), since nothing is known yet of what one takes.
  bool Reserve();
  // After each reserved request, whatever came of it. known: the server said how many tokens it took.
  void Settle(bool answered, bool known, std::int64_t prompt_tokens, std::int64_t completion_tokens);

  double Cost(std::int64_t prompt_tokens, std::int64_t completion_tokens) const;
  LmmSpending spending() const;
  // Why Reserve said no; empty as long as it did not.
  std::string spent() const;

 private:
  bool Bounded() const { return options_.tokens > 0 || options_.cost > 0; }

  const LmmBudgetOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable settled_;
  LmmSpending spending_;
  std::int64_t under_way_ = 0;
  bool measured_ = false;
  std::int64_t most_tokens_ = 0;  // of one request so far
  double most_cost_ = 0;
  std::string spent_;
};

}  // namespace dualgeo
