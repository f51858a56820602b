#include "runtime/process_place.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <optional>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

struct Launcher {
  const char* rank;
  const char* size;
  const char* local_rank;
};
constexpr Launcher kLaunchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_RANK"},
    {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
};

std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

int Number(const char* name, int lowest, int highest) {
  const auto text = Variable(name);
  if (!text) throw InputError(std::string(name) + ": is not set, and the launcher started several processes");
  const auto number = ParseInteger(*text);
  if (!number || *number < lowest || *number > highest) {
    throw InputError(std::string(name) + ": " + Printable(*text) + ": must be a whole number from " +
                     std::to_string(lowest) + " to " + std::to_string(highest));
  }
  return static_cast<int>(*number);
}

bool IsBatchScript(const Launcher& launcher) {
  return std::string(launcher.size) == "SLURM_NTASKS" && Variable("SLURM_JOB_ID") && !Variable("SLURM_STEP_ID");
}

}  // namespace

ProcessPlace PlaceFromEnvironment() {
  ProcessPlace place;
  for (const Launcher& launcher : kLaunchers) {
    if (!Variable(launcher.size)) continue;
    if (IsBatchScript(launcher)) continue;
    place.size = Number(launcher.size, 1, 1 << 20);
    if (place.size == 1) return place;
    place.rank = Number(launcher.rank, 0, place.size - 1);
    place.local_rank = Number(launcher.local_rank, 0, place.size - 1);
    const auto address = Variable("MASTER_ADDR");
    if (!address) {
      throw InputError(std::string("MASTER_ADDR: is not set, and ") + launcher.size + " is " +
                       std::to_string(place.size) + ": name the machine of rank 0");
    }
    place.address = *address;
    place.port = Number("MASTER_PORT", 1, 65535);
    // torchrun's own store has the port; ours is the next.
    if (Variable("TORCHELASTIC_USE_AGENT_STORE") == "True") ++place.port;
    if (Variable("DUALGEO_RANK_TIMEOUT")) {
      place.timeout = std::chrono::seconds(Number("DUALGEO_RANK_TIMEOUT", 2, std::numeric_limits<int>::max()));
    }
    return place;
  }
  return place;
}

Share ShareOf(std::int64_t count, std::int64_t unit, int rank, int ranks) {
  const std::int64_t units = (count + unit - 1) / unit;
  const auto at = [&](std::int64_t r) { return std::min(count, units * r / ranks * unit); };
  return {at(rank), at(rank + 1)};
}

}  // namespace dualgeo
