// A plain row-major float matrix, so that searching and reading galleries needs no LibTorch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace dualgeo {

// values.size() == rows * columns; row i starts at values[i * columns].
struct Matrix {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::vector<float> values;

  Matrix() = default;
  Matrix(std::int64_t rows_, std::int64_t columns_)
      : rows(rows_), columns(columns_), values(static_cast<std::size_t>(rows_ * columns_)) {}

  std::span<float> Row(std::int64_t i) { return {values.data() + i * columns, static_cast<std::size_t>(columns)}; }
  std::span<const float> Row(std::int64_t i) const {
    return {values.data() + i * columns, static_cast<std::size_t>(columns)};
  }
};

// Divides every row by its L2 norm (taken in double); a row of zeros stays as it is.
void NormalizeRows(Matrix& matrix);
// The same of one row, or of a part of one.
void NormalizeRow(std::span<float> row);

}  // namespace dualgeo
