// A step of a run: done once, skipped while what it was made from is unchanged, redone when it is not.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace dualgeo {

struct Step {
  std::string name;                            // "train"; also the name of its record
  std::vector<std::filesystem::path> inputs;   // files or folders that it reads
  std::string settings;                        // all config that changes its outputs
  std::vector<std::filesystem::path> outputs;  // files or folders that it makes
  // resume: an earlier try with the same inputs and settings was interrupted; what it left may be continued.
  std::function<void(bool resume)> run;
  std::filesystem::path folder = {};  // whose steps/ holds the record; empty: the runner's
};

// Keeps one record a step under run_dir/steps/: settings, and a fingerprint of each input and output.
class StepRunner {
 public:
  explicit StepRunner(std::filesystem::path run_dir) : run_dir_(std::move(run_dir)) {}

  // Runs the step, or does nothing when its record matches. Returns whether it ran. Whatever run() throws passes.
  // Throws Error when an output is missing after the step.
  bool Run(const Step& step);

  // How many steps ran so far.
  int done() const { return done_; }

 private:
  std::string Fingerprint(const std::filesystem::path& path);

  std::filesystem::path run_dir_;
  int done_ = 0;
  std::map<std::filesystem::path, std::string> fingerprints_;
};

// What tells one state of a file or folder from another: a file's SHA-256 (its size and time of change above 256 MB); a
// folder's files by name, size and time of change. "absent" when there is nothing.
std::string FingerprintPath(const std::filesystem::path& path);

}  // namespace dualgeo
