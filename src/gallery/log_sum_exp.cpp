#include "log_sum_exp.h"

#include "dualgeo/io/torch.h"

#include <algorithm>
#include <limits>

#include "dualgeo/util/stop.h"

namespace dualgeo {

std::vector<double> LogSumExp(const Matrix& queries, std::span<const float> vectors, double factor) {
  constexpr std::int64_t kQueries = 256;
  constexpr std::int64_t kVectors = 8192;
  const torch::InferenceMode inference;
  // from_blob takes no const; nothing writes to it.
  const auto borrow = [&](const float* values, std::int64_t rows) {
    return torch::from_blob(const_cast<float*>(values), {rows, queries.columns});
  };
  const std::int64_t total = queries.columns > 0 ? static_cast<std::int64_t>(vectors.size()) / queries.columns : 0;
  std::vector<double> sums;
  for (std::int64_t first = 0; first < queries.rows; first += kQueries) {
    const auto asked = borrow(queries.Row(first).data(), std::min(kQueries, queries.rows - first));
    auto sum = torch::full({asked.size(0)}, -std::numeric_limits<double>::infinity(), torch::kFloat64);
    for (std::int64_t start = 0; start < total; start += kVectors) {
      ThrowIfStopped();
      const auto block = borrow(vectors.data() + start * queries.columns, std::min(kVectors, total - start));
      const auto scores = torch::mm(asked, block.t()).to(torch::kFloat64).mul_(factor);
      sum = torch::logaddexp(sum, torch::logsumexp(scores, {1}));
    }
    sums.insert(sums.end(), sum.data_ptr<double>(), sum.data_ptr<double>() + sum.numel());
  }
  return sums;
}

}  // namespace dualgeo
