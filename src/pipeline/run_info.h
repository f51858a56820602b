// What a run was made with: run.json in the run folder, and what `dualgeo doctor` prints.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/experiment.h"

namespace dualgeo {

// versions, seed, threads, device, precision and the config's SHA-256, as JSON. Atomic.
void WriteRunInfo(const std::filesystem::path& path, const ExperimentOptions& options);

// One check of `doctor`.
struct DoctorLine {
  std::string subject;
  std::string finding;
  bool problem = false;  // something a command needs is missing
};

// What this machine and this build can do: processor, memory, GPU, mixed precision, time-zone table, thread counts.
std::vector<DoctorLine> Examine();

}  // namespace dualgeo
