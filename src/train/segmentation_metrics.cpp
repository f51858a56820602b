#include "train/segmentation_metrics.h"

#include "data/mask.h"

namespace dualgeo {

ConfusionMatrix::ConfusionMatrix(int num_classes)
    : num_classes_(num_classes), counts_(static_cast<std::size_t>(num_classes) * num_classes, 0) {}

void ConfusionMatrix::Add(const std::uint8_t* truth, const std::uint8_t* predicted, std::int64_t pixels) {
  for (std::int64_t i = 0; i < pixels; ++i) {
    if (truth[i] == kIgnoreClass) continue;
    ++counts_[static_cast<std::size_t>(truth[i]) * num_classes_ + predicted[i]];
  }
}

double ConfusionMatrix::MeanIou() const {
  double sum = 0;
  int classes = 0;
  for (int c = 0; c < num_classes_; ++c) {
    std::int64_t of_truth = 0;
    std::int64_t of_prediction = 0;
    for (int other = 0; other < num_classes_; ++other) {
      of_truth += counts_[static_cast<std::size_t>(c) * num_classes_ + other];
      of_prediction += counts_[static_cast<std::size_t>(other) * num_classes_ + c];
    }
    const std::int64_t both = counts_[static_cast<std::size_t>(c) * num_classes_ + c];
    const std::int64_t either = of_truth + of_prediction - both;
    if (either == 0) continue;
    sum += static_cast<double>(both) / static_cast<double>(either);
    ++classes;
  }
  return classes == 0 ? 0 : 100 * sum / classes;
}

double ConfusionMatrix::PixelAccuracy() const {
  std::int64_t right = 0;
  std::int64_t all = 0;
  for (int c = 0; c < num_classes_; ++c) {
    right += counts_[static_cast<std::size_t>(c) * num_classes_ + c];
    for (int other = 0; other < num_classes_; ++other)
      all += counts_[static_cast<std::size_t>(c) * num_classes_ + other];
  }
  return all == 0 ? 0 : 100 * static_cast<double>(right) / static_cast<double>(all);
}

}  // namespace dualgeo
