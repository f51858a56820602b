// The label of a place that belongs to no cluster, as scikit-learn writes it; clusters are 0, 1, ...
#pragma once

namespace dualgeo {

inline constexpr int kNoise = -1;

}  // namespace dualgeo
