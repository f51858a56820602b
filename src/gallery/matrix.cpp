#include "dualgeo/gallery/matrix.h"

#include <cmath>

namespace dualgeo {

void NormalizeRows(Matrix& matrix) {
  for (std::int64_t i = 0; i < matrix.rows; ++i) {
    double squares = 0;
    for (const float value : matrix.Row(i)) squares += static_cast<double>(value) * value;
    if (squares == 0) continue;
    const double norm = std::sqrt(squares);
    for (float& value : matrix.Row(i)) value = static_cast<float>(value / norm);
  }
}

}  // namespace dualgeo
