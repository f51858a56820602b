#include "step_numbers.h"

namespace dualgeo {
namespace {

constexpr std::chrono::seconds kReadEvery{1};
constexpr std::size_t kMostUnread = 4096;  // scalars

}  // namespace

void UnreadNumbers::Add(StepNumbers numbers, const torch::Tensor& loss, const torch::Tensor& gradient_norm,
                        NamedTensors details) {
  const auto add = [&](const torch::Tensor& scalar) { scalars_.push_back(scalar.detach().to(torch::kFloat64)); };
  add(loss);
  add(gradient_norm);
  for (const auto& [name, value] : details) {
    numbers.details.emplace_back(name, 0);
    add(value);
  }
  steps_.push_back(std::move(numbers));
}

bool UnreadNumbers::due() const {
  return !late_ || scalars_.size() >= kMostUnread || Clock::now() - last_read_ >= kReadEvery;
}

std::vector<StepNumbers> UnreadNumbers::Read() {
  last_read_ = Clock::now();
  if (steps_.empty()) return {};
  std::vector<torch::Tensor> rows;
  for (const auto& scalar : scalars_) rows.push_back(scalar.reshape({}).to(scalars_.front().device()));
  const auto values = torch::stack(rows).cpu();
  const double* next = values.data_ptr<double>();
  for (auto& step : steps_) {
    step.loss = *next++;
    step.gradient_norm = *next++;
    for (auto& detail : step.details) detail.second = *next++;
  }
  scalars_.clear();
  return std::exchange(steps_, {});
}

}  // namespace dualgeo
