// The denominator of a softmax over a whole gallery.
#pragma once

#include <span>
#include <vector>

#include "dualgeo/gallery/matrix.h"

namespace dualgeo {

// ln of the sum of exp(factor <q, x>) over all vectors x, of each query q. vectors: row by row, as wide as the queries.
// Products in single precision, all else in double; memory does not grow with either number. Throws Interrupted.
std::vector<double> LogSumExp(const Matrix& queries, std::span<const float> vectors, double factor);

}  // namespace dualgeo
