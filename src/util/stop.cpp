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
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A write beyond the file size limit shall fail with a reason, not end the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

bool StopRequested() { return g_stop != 0; }

void ThrowIfStopped() {
  if (g_stop != 0) throw Interrupted("interrupted");
}

}  // namespace dualgeo
