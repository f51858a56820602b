// The JSON-lines log of a training run, one object a line, flushed line by line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace dualgeo {

class TrainingLog {
 public:
  // Keeps the lines with "step" up to keep_until, and those with "validation" up to keep_validation_until (a resumed
  // run repeats what came after its checkpoint), and appends. Throws Error when the file cannot be written.
  TrainingLog(std::filesystem::path path, std::int64_t keep_until, std::int64_t keep_validation_until);
  ~TrainingLog();
  TrainingLog(const TrainingLog&) = delete;
  TrainingLog& operator=(const TrainingLog&) = delete;
  // Throws Error, with the reason.
  void Write(const nlohmann::ordered_json& line);

 private:
  [[noreturn]] void Fail(int error_number) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace dualgeo
