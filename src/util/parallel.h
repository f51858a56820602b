// Work of many independent items on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace dualgeo {

// Calls work(i) for each i in [0, count), each on the next of `threads` threads (0: one for each core) that is free.
// Rethrows the first exception, after all threads have ended; items that none had begun by then are left out. Whether
// to stop is the business of `work` (ThrowIfStopped).
template <class Work>
void ForEachInParallel(std::size_t count, int threads, const Work& work) {
  const std::size_t cores =
      threads > 0 ? static_cast<std::size_t>(threads) : std::max(1U, std::thread::hardware_concurrency());
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto share = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 1; i < std::min(cores, count); ++i) workers.emplace_back(share);
    share();
  }
  if (failure) std::rethrow_exception(failure);
}

// Calls work(begin, end) for consecutive parts of [0, count), each on a thread of its own; at most `threads` of them
// (0: one for each core), and none with fewer than `least` items. Rethrows as ForEachInParallel does.
template <class Work>
void ParallelFor(std::size_t count, int threads, std::size_t least, const Work& work) {
  const std::size_t cores =
      threads > 0 ? static_cast<std::size_t>(threads) : std::max(1U, std::thread::hardware_concurrency());
  const std::size_t parts = std::max<std::size_t>(1, std::min(cores, count / std::max<std::size_t>(least, 1)));
  ForEachInParallel(parts, static_cast<int>(parts),
                    [&](std::size_t i) { work(count * i / parts, count * (i + 1) / parts); });
}

}  // namespace dualgeo
