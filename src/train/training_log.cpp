#include "dualgeo/train/training_log.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"

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
  errno = 0;
  stream_.open(path_, std::ios::binary | std::ios::app);
  if (!stream_) throw Error("cannot write " + path_.string() + ": " + std::generic_category().message(errno));
}

void TrainingLog::Write(const nlohmann::ordered_json& line) {
  errno = 0;
  stream_ << line.dump() << '\n' << std::flush;
  if (!stream_) {
    throw Error("cannot write " + path_.string() + ": " +
                (errno != 0 ? std::generic_category().message(errno) : "write failed"));
  }
}

}  // namespace dualgeo
