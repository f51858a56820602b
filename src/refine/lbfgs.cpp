#include "refine/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>

namespace dualgeo {
namespace {

using Vector = std::vector<double>;

double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void Add(Vector& to, double factor, const Vector& v) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * v[i];
}

Vector Difference(const Vector& a, const Vector& b) {
  Vector d = a;
  Add(d, -1, b);
  return d;
}

struct Pair {
  Vector step, change;  // of x, of the gradient
  double inverse_curvature;
};

// The two-loop recursion: minus the inverse Hessian, as the pairs know it, times the gradient.
Vector LbfgsDirection(const std::deque<Pair>& pairs, const Vector& gradient) {
  Vector q = gradient;
  Vector alpha(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    alpha[i] = pairs[i].inverse_curvature * Dot(pairs[i].step, q);
    Add(q, -alpha[i], pairs[i].change);
  }
  if (!pairs.empty()) {
    const Pair& last = pairs.back();
    const double scale = 1 / (last.inverse_curvature * Dot(last.change, last.change));
    for (double& v : q) v *= scale;
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    Add(q, alpha[i] - pairs[i].inverse_curvature * Dot(pairs[i].change, q), pairs[i].step);
  }
  for (double& v : q) v = -v;
  return q;
}

}  // namespace

LbfgsResult MinimizeLbfgs(const std::function<double(const Vector&, Vector&)>& f, Vector x, int max_iterations,
                          double tolerance) {
  constexpr std::size_t kMemory = 12;
  LbfgsResult result;
  Vector gradient(x.size());
  double value = f(x, gradient);
  std::deque<Pair> pairs;
  while (result.iterations < max_iterations) {
    if (std::sqrt(Dot(gradient, gradient)) <= tolerance * (1 + std::abs(value))) {
      result.converged = true;
      break;
    }
    Vector direction = LbfgsDirection(pairs, gradient);
    double slope = Dot(direction, gradient);
    if (!(slope < 0)) {  // rounding has spoilt the memory: start again from steepest descent
      pairs.clear();
      direction = LbfgsDirection(pairs, gradient);
      slope = Dot(direction, gradient);
    }
    double step = pairs.empty() ? std::min(1.0, 1 / std::sqrt(-slope)) : 1;
    Vector next, next_gradient(x.size());
    double next_value = value;
    bool descended = false;
    for (int halving = 0; halving < 40; ++halving, step /= 2) {
      next = x;
      Add(next, step, direction);
      next_value = f(next, next_gradient);
      if (next_value <= value + 1e-4 * step * slope) {
        descended = true;
        break;
      }
    }
    if (!descended) break;
    Pair pair{Difference(next, x), Difference(next_gradient, gradient), 0};
    const double curvature = Dot(pair.step, pair.change);
    if (curvature > 1e-14 * Dot(pair.change, pair.change)) {
      pair.inverse_curvature = 1 / curvature;
      pairs.push_back(std::move(pair));
      if (pairs.size() > kMemory) pairs.pop_front();
    }
    x = std::move(next);
    gradient = std::move(next_gradient);
    value = next_value;
    ++result.iterations;
  }
  result.x = std::move(x);
  result.value = value;
  return result;
}

}  // namespace dualgeo
