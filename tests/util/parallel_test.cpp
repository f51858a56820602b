#include "util/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace dualgeo {
namespace {

TEST(ForEachInParallel, DoesEachItemOnce) {
  for (const int threads : {0, 1, 3, 50}) {
    for (const std::size_t count : {0U, 1U, 7U, 1000U}) {
      std::vector<std::atomic<int>> done(count);
      ForEachInParallel(count, threads, [&](std::size_t i) { ++done[i]; });
      for (const auto& times : done) EXPECT_EQ(times, 1);
    }
  }
}

TEST(ForEachInParallel, RethrowsAndBeginsNothingMore) {
  for (const int threads : {1, 4}) {
    std::atomic<int> begun{0};
    const auto work = [&](std::size_t) {
      ++begun;
      throw std::runtime_error("no");
    };
    EXPECT_THROW(ForEachInParallel(1000, threads, work), std::runtime_error);
    EXPECT_GE(begun, 1);
    EXPECT_LE(begun, threads);  // a thread ends with what it threw
  }
}

TEST(ParallelFor, PartsAreConsecutiveAndNotTooSmall) {
  for (const std::size_t count : {0U, 1U, 9U, 10U, 1001U}) {
    std::vector<std::atomic<int>> done(count);
    std::atomic<int> parts{0};
    ParallelFor(count, 4, 5, [&](std::size_t begin, std::size_t end) {
      ++parts;
      EXPECT_TRUE(parts == 1 || end - begin >= 5);
      for (std::size_t i = begin; i < end; ++i) ++done[i];
    });
    for (const auto& times : done) EXPECT_EQ(times, 1);
    EXPECT_LE(parts, 4);
  }
}

}  // namespace
}  // namespace dualgeo
