// Work of many independent items on several threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace dualgeo {

// Calls work(begin, end) for consecutive parts of [0, count), each on a thread of its own; at most `threads` of them
// (0: one for each core), and none with fewer than `least` items. Rethrows the first exception, after all have ended.
template <class Work>
void ParallelFor(std::size_t count, int threads, std::size_t least, const Work& work) {
  const std::size_t cores = threads > 0 ? static_cast<std::size_t>(threads) : std::thread::hardware_concurrency();
  const std::size_t parts = std::max<std::size_t>(1, std::min(cores, count / std::max<std::size_t>(least, 1)));
  if (parts == 1) {
    work(std::size_t{0}, count);
    return;
  }
  std::exception_ptr failure;
  std::mutex mutex;
  const auto part = [&](std::size_t i) {
    try {
      work(count * i / parts, count * (i + 1) / parts);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 1; i < parts; ++i) workers.emplace_back(part, i);
    part(0);
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace dualgeo
