#include "dualgeo/gallery/matrix.h"

#include <cmath>

namespace dualgeo {

void NormalizeRow(std::span<float> row) {
  double squares = 0;
  for (const float value : row) squares += static_cast<double>(value) * value;
  if (squares == 0) return;
  const double norm = std::sqrt(squares);
  for (float& value : row) value = static_cast<float>(value / norm);
}

void NormalizeRows(Matrix& matrix) {
  for (std::int64_t i = 0; i < matrix.rows; ++i) NormalizeRow(matrix.Row(i));
}

}  // namespace dualgeo
