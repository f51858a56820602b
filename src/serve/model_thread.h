// One thread that does what is asked of it in turn: networks keep buffers and OpenMP threads for each thread that calls
// them, and a server has many.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace dualgeo {

class ModelThread {
 public:
  ModelThread() : thread_([this](const std::stop_token& stop) { Work(stop); }) {}

  // Waits for its turn and for the result; rethrows.
  template <class Function>
  auto Do(Function function) {
    // Shared: the caller may have its result, and be gone, before the worker is out of the task.
    const auto task = std::make_shared<std::packaged_task<decltype(function())()>>(std::move(function));
    auto result = task->get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.emplace_back([task] { (*task)(); });
    }
    wake_.notify_one();
    return result.get();
  }

 private:
  void Work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (wake_.wait(lock, stop, [this] { return !tasks_.empty(); })) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::function<void()>> tasks_;
  std::jthread thread_;  // last: it starts with all else there
};

}  // namespace dualgeo
