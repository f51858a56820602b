// Scores of class maps.
#pragma once

#include <cstdint>
#include <vector>

namespace dualgeo {

class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(int num_classes);
  // Pixels whose truth is kIgnoreClass are left out. predicted is below num_classes.
  void Add(const std::uint8_t* truth, const std::uint8_t* predicted, std::int64_t pixels);

  // Intersection over union, averaged over the classes that occur in truth or prediction; percent. 0 without pixels.
  double MeanIou() const;
  // Percent.
  double PixelAccuracy() const;

 private:
  int num_classes_;
  std::vector<std::int64_t> counts_;  // [truth][predicted]
};

}  // namespace dualgeo
