#include "train/training_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "dualgeo/util/error.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

// A line cut off by a kill, or written by somebody else, has no step that could be kept.
bool Keep(const std::string& line, std::int64_t keep_until, std::int64_t keep_validation_until) {
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return false;
  const auto step = json.find("step");
  if (step == json.end() || !step->is_number_integer()) return false;
  return step->get<std::int64_t>() <= (json.contains("validation") ? keep_validation_until : keep_until);
}

}  // namespace

TrainingLog::TrainingLog(std::filesystem::path path, std::int64_t keep_until, std::int64_t keep_validation_until)
    : path_(std::move(path)) {
  AtomicFile kept(path_);
  std::ifstream old(path_, std::ios::binary);
  for (std::string line; std::getline(old, line);) {
    if (Keep(line, keep_until, keep_validation_until)) kept.stream() << line << '\n';
  }
  kept.Commit();
  descriptor_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) Fail(errno);
}

TrainingLog::~TrainingLog() { close(descriptor_); }

void TrainingLog::Fail(int error_number) const {
  throw Error("cannot write " + path_.string() + ": " + ErrnoText(error_number));
}

void TrainingLog::Write(const nlohmann::ordered_json& line) {
  const std::string text = line.dump() + '\n';
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t n = write(descriptor_, text.data() + at, text.size() - at);
    if (n < 0 && errno != EINTR) Fail(errno);
    if (n > 0) at += static_cast<std::size_t>(n);
  }
}

}  // namespace dualgeo
