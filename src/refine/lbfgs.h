// Limited-memory BFGS (Nocedal 1980) for smooth functions of some dozens of numbers.
//
// Why not liblbfgs, which Debian has: its line search ends in other last digits, and fitted parameters are inputs of
// predictions, so that every run that fits would answer anew. The shipped parameters were fitted by this one.
#pragma once

#include <functional>
#include <vector>

namespace dualgeo {

struct LbfgsResult {
  std::vector<double> x;
  double value = 0;
  int iterations = 0;
  bool converged = false;  // the gradient is small against the value; else max_iterations or no further descent
};

// f(x, gradient) returns the value and fills the gradient (already of x's size). Starts at x.
LbfgsResult MinimizeLbfgs(const std::function<double(const std::vector<double>& x, std::vector<double>& gradient)>& f,
                          std::vector<double> x, int max_iterations = 500, double tolerance = 1e-6);

}  // namespace dualgeo
