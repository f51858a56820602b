#include "pipeline/job_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>
#include <set>
#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr int kNothingToDo = 10;

fs::path ErrorFile(const JobPoolOptions& options, const Job& job) { return options.logs / (job.key + ".error"); }

// The child: never returns. _exit, since the parent's buffers and exit handlers are not ours.
[[noreturn]] void RunChild(const Job& job, const JobPoolOptions& options, pid_t parent) {
  // Should the parent be killed, stop in good order. It may have gone before the wish was heard.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(130);
  // Ctrl-C reaches the parent alone, which passes it on: two signals would end a child at once.
  setpgid(0, 0);
  const std::string log = (options.logs / (job.key + ".log")).string();
  const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  const int log_error = errno;
  if (file >= 0) {
    dup2(file, STDERR_FILENO);
    dup2(file, STDOUT_FILENO);
  }
  SetupLogging();
  const auto fail = [&](const char* message, int code) {
    std::fprintf(stderr, "%s\n", message);
    try {
      const std::string text = message;
      WriteFileAtomically(ErrorFile(options, job), text.substr(0, text.find('\n')));
    } catch (...) {  // then the exit code has to do
    }
    _exit(code);
  };
  if (file < 0) fail(("cannot write " + log + ": " + std::strerror(log_error)).c_str(), 1);
  try {
    const bool did = job.work();
    std::fflush(nullptr);
    _exit(did ? 0 : kNothingToDo);
  } catch (const Interrupted& error) {
    fail(error.what(), 130);
  } catch (const InputError& error) {
    fail(error.what(), 2);
  } catch (const std::bad_alloc&) {
    fail("out of memory", 1);
  } catch (const std::exception& error) {
    fail(error.what(), 1);
  }
  _exit(1);
}

class Pool {
 public:
  Pool(const std::vector<Job>& jobs, const JobPoolOptions& options) : options_(options) {
    std::set<std::string> seen;
    for (const Job& job : jobs) {
      if (seen.insert(job.key).second) waiting_.push_back(&job);
    }
    total_ = waiting_.size();
    CreateFolder(options_.logs);
  }

  JobSummary Run() {
    try {
      while (!waiting_.empty() || !running_.empty()) {
        ThrowIfStopped();
        Start();
        Reap();
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    } catch (...) {
      StopAll();
      throw;
    }
    return summary_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Running {
    const Job* job;
    pid_t pid;
    Clock::time_point start;
  };

  void Start() {
    for (auto next = waiting_.begin(); next != waiting_.end();) {
      if (running_.size() >= static_cast<std::size_t>(options_.parallel)) return;
      const Job& job = **next;
      const bool ready = std::ranges::all_of(job.after, [&](const std::string& key) { return done_.contains(key); });
      if (!ready) {
        ++next;
        continue;
      }
      fs::remove(ErrorFile(options_, job));
      std::fflush(nullptr);
      const pid_t parent = getpid();
      const pid_t child = fork();
      if (child < 0) throw Error("cannot start a process: " + std::string(std::strerror(errno)));
      if (child == 0) RunChild(job, options_, parent);
      running_.push_back({&job, child, Clock::now()});
      next = waiting_.erase(next);
    }
    if (running_.empty() && !waiting_.empty()) {
      throw Error("job " + waiting_.front()->key + " waits for one that is not there");
    }
  }

  void Reap() {
    for (std::size_t i = 0; i < running_.size();) {
      int status = 0;
      if (waitpid(running_[i].pid, &status, WNOHANG) != running_[i].pid) {
        ++i;
        continue;
      }
      const Running ended = running_[i];
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      Finish(ended, status);
    }
  }

  void Finish(const Running& ended, int status) {
    const Job& job = *ended.job;
    const std::string log = (options_.logs / (job.key + ".log")).string();
    if (WIFSIGNALED(status)) {
      throw Error(job.label + ": ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
                  strsignal(WTERMSIG(status)) + "); its log is " + log);
    }
    const int code = WEXITSTATUS(status);
    if (code != 0 && code != kNothingToDo) {
      std::string message = job.label + ": ";
      const fs::path file = ErrorFile(options_, job);
      message += fs::exists(file) ? ReadFile(file) : "exit code " + std::to_string(code);
      if (code == 130) throw Interrupted(message);
      if (code == 2) throw InputError(message);
      throw Error(message + " (log: " + log + ")");
    }
    done_.insert(job.key);
    if (code == kNothingToDo) {
      ++summary_.up_to_date;
      return;
    }
    ++summary_.done;
    spdlog::info("{}: {}/{} {} ({:.1f} s)", options_.what, done_.size(), total_, job.label,
                 std::chrono::duration<double>(Clock::now() - ended.start).count());
  }

  void StopAll() {
    for (const Running& r : running_) kill(r.pid, SIGINT);
    for (const Running& r : running_) {
      while (waitpid(r.pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    running_.clear();
  }

  const JobPoolOptions& options_;
  std::vector<const Job*> waiting_;
  std::vector<Running> running_;
  std::set<std::string> done_;
  std::size_t total_ = 0;
  JobSummary summary_;
};

}  // namespace

JobSummary RunJobs(const std::vector<Job>& jobs, const JobPoolOptions& options) { return Pool(jobs, options).Run(); }

int ParallelJobs(int jobs, int threads, const std::string& device) {
  if (jobs > 0) return jobs;
  if (device.starts_with("cuda") || (device == "auto" && fs::exists("/dev/nvidiactl"))) return 1;
  const int cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return std::max(1, cores / std::max(1, threads));
}

}  // namespace dualgeo
