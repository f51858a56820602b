#include "dualgeo/util/stop.h"

#include <unistd.h>

#include <csignal>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

volatile std::sig_atomic_t g_stop = 0;

void OnSignal(int) {
  if (g_stop != 0) _exit(130);
  g_stop = 1;
}

}  // namespace

void InstallStopHandler() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;  // no SA_RESTART: a wait ends, and whoever waited asks whether to stop
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup = {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup ignores it
  // A write beyond the file size limit, or to a pipe that nobody reads any more, shall fail with a reason, not end the
  // process: training goes on without its log on stderr.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

bool StopRequested() { return g_stop != 0; }

void ThrowIfStopped() {
  if (g_stop != 0) throw Interrupted("interrupted");
}

}  // namespace dualgeo
