#include "util/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <spdlog/spdlog.h>

namespace dualgeo {
namespace {

using Clock = std::chrono::steady_clock;

std::string Duration(double seconds) {
  const auto total = std::llround(seconds);
  char text[48];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%lldh%02lldm", total / 3600, total / 60 % 60);
  } else if (total >= 60) {
    std::snprintf(text, sizeof text, "%lldm%02llds", total / 60, total % 60);
  } else {
    std::snprintf(text, sizeof text, "%.1fs", seconds);
  }
  return text;
}

}  // namespace

Progress::Progress(std::string label, std::int64_t total, std::string unit)
    : label_(std::move(label)),
      total_(total),
      unit_(std::move(unit)),
      start_(Clock::now()),
      shown_(start_),
      terminal_(isatty(STDERR_FILENO) == 1 && spdlog::should_log(spdlog::level::info)) {}

Progress::~Progress() {
  if (!finished_ && terminal_ && done_ > 0) std::fputc('\n', stderr);
}

std::string Progress::Line(const std::string& note) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_ - std::max<std::int64_t>(start_done_, 0)) / seconds : 0;
  char text[160];
  std::snprintf(text, sizeof text, "%s %lld/%lld %s, %.*f/s", label_.c_str(), static_cast<long long>(done_),
                static_cast<long long>(total_), unit_.c_str(), rate < 10 ? 1 : 0, rate);
  std::string line = text;
  if (done_ >= total_) {
    line += ", " + Duration(seconds);
  } else if (rate > 0) {
    line += ", " + Duration(static_cast<double>(total_ - done_) / rate) + " left";
  }
  if (!note.empty()) line += ", " + note;
  return line;
}

void Progress::Update(std::int64_t done, const std::string& note) {
  // What was there before the first step of this process (a resumed run) does not count towards the rate.
  if (start_done_ < 0) start_done_ = done > 1 && done_ == 0 ? 0 : done_;
  done_ = done;
  const auto now = Clock::now();
  if (now - shown_ < (terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000))) return;
  shown_ = now;
  if (!terminal_) {
    spdlog::info("{}", Line(note));
    return;
  }
  constexpr int kWidth = 24;
  const int filled = total_ > 0 ? static_cast<int>(kWidth * std::min(done_, total_) / total_) : kWidth;
  std::fprintf(stderr, "\r\033[K[%s%s] %s", std::string(filled, '#').c_str(), std::string(kWidth - filled, '.').c_str(),
               Line(note).c_str());
  std::fflush(stderr);
}

void Progress::Finish(const std::string& note) {
  if (finished_) return;
  finished_ = true;
  if (terminal_) std::fputs("\r\033[K", stderr);
  spdlog::info("{}", Line(note));
}

}  // namespace dualgeo
