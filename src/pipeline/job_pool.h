// Work in child processes, a few at a time. Processes, not threads: LibTorch's thread count, its deterministic kernels
// and a run out of memory belong to a whole process.
//
// The calling process must not have used LibTorch or other thread pools yet: a fork copies one thread alone.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace dualgeo {

struct Job {
  std::string key;                 // names the job and its log; a key that is listed twice is one job (the first)
  std::string label;               // for people: "train, gated, seed 1"
  std::vector<std::string> after;  // keys of jobs that must be done first; each is listed earlier
  // In the child. Returns whether there was anything to do. Throws as elsewhere.
  std::function<bool()> work;
};

struct JobPoolOptions {
  std::string what;            // for messages: "ablate"
  int parallel = 1;            // jobs at once
  std::filesystem::path logs;  // what a job says goes to logs / <key>.log
};

struct JobSummary {
  std::size_t done = 0;        // jobs that had something to do
  std::size_t up_to_date = 0;  // jobs that had nothing to do
};

// Runs every job, those listed first earlier. When one fails the others are asked to stop (they leave their files in
// order) and its error is thrown, as InputError where it was one, with the label before it; an end by a signal is an
// Error that names it. Throws Interrupted on Ctrl-C, after all children have stopped.
JobSummary RunJobs(const std::vector<Job>& jobs, const JobPoolOptions& options);

// jobs: as asked for; 0: as many as there are cores for, with `threads` each (0: one each), and one where the runs use
// a GPU (device cuda, or auto on a machine with an NVIDIA driver: asking CUDA itself would break the children).
int ParallelJobs(int jobs, int threads, const std::string& device = "cpu");

}  // namespace dualgeo
