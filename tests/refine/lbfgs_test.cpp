#include "refine/lbfgs.h"

#include <gtest/gtest.h>

namespace dualgeo {
namespace {

TEST(Lbfgs, FindsRosenbrocksValley) {
  const auto result = MinimizeLbfgs(
      [](const std::vector<double>& x, std::vector<double>& g) {
        const double a = 1 - x[0], b = x[1] - x[0] * x[0];
        g = {-2 * a - 400 * x[0] * b, 200 * b};
        return a * a + 100 * b * b;
      },
      {-1.2, 1});
  EXPECT_TRUE(result.converged);
  EXPECT_NEAR(result.x[0], 1, 1e-4);
  EXPECT_NEAR(result.x[1], 1, 1e-4);
}

TEST(Lbfgs, StopsAtTheMinimumItStartsAt) {
  const auto result = MinimizeLbfgs(
      [](const std::vector<double>& x, std::vector<double>& g) {
        g[0] = 2 * x[0];
        return x[0] * x[0];
      },
      {0});
  EXPECT_TRUE(result.converged);
  EXPECT_EQ(result.iterations, 0);
}

}  // namespace
}  // namespace dualgeo
