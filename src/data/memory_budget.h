// Memory that threads share: who wants more than is left waits until others have given back.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>

namespace dualgeo {

class MemoryBudget {
 public:
  void SetLimit(std::int64_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      limit_ = bytes;
    }
    freed_.notify_all();
  }
  // The most that was held at once.
  std::int64_t peak() const {
    const std::lock_guard lock(mutex_);
    return peak_;
  }

  // Holds `bytes` for its life. What is larger than the budget waits until nobody holds anything.
  class Share {
   public:
    Share(MemoryBudget& budget, std::int64_t bytes) : budget_(budget), bytes_(bytes) {
      std::unique_lock lock(budget_.mutex_);
      budget_.freed_.wait(lock, [&] { return budget_.used_ == 0 || budget_.used_ + bytes_ <= budget_.limit_; });
      budget_.used_ += bytes_;
      budget_.peak_ = std::max(budget_.peak_, budget_.used_);
    }
    ~Share() {
      {
        const std::lock_guard lock(budget_.mutex_);
        budget_.used_ -= bytes_;
      }
      budget_.freed_.notify_all();
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    MemoryBudget& budget_;
    const std::int64_t bytes_;
  };

 private:
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  std::int64_t limit_ = std::numeric_limits<std::int64_t>::max() / 2;
  std::int64_t used_ = 0;
  std::int64_t peak_ = 0;
};

}  // namespace dualgeo
