// A progress bar with rate and time left on a terminal; elsewhere a line every ten seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace dualgeo {

class Progress {
 public:
  // label: what is being done ("segment"); unit: what is counted ("photos").
  Progress(std::string label, std::int64_t total, std::string unit);
  // Ends the line if Finish was not called (an exception passes).
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // done: how many are done in all. note: shown at the end ("loss 1.23").
  void Update(std::int64_t done, const std::string& note = "");
  void Add(std::int64_t n, const std::string& note = "") { Update(done_ + n, note); }
  // Prints the closing line with the whole time and rate.
  void Finish(const std::string& note = "");

 private:
  std::string Line(const std::string& note) const;

  std::string label_;
  std::int64_t total_;
  std::string unit_;
  std::int64_t done_ = 0;
  std::int64_t start_done_ = -1;  // a resumed run starts above 0: the rate counts from here
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point shown_;
  bool terminal_;
  bool finished_ = false;
};

}  // namespace dualgeo
