#include "util/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iostream>

#include "dualgeo/util/error.h"
#include "output_target.h"

namespace dualgeo {

void ReserveStandardStreams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one's. For output, one that can only be read: a write fails as on a closed one.
    open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void FlushStandardOutput() {
  std::cout.flush();
  const bool failed_before = std::ferror(stdout) != 0 || !std::cout;
  errno = 0;
  if (std::fflush(stdout) == 0 && !failed_before) return;
  // What failed within a printf long ago did not keep its reason: the next byte tells it.
  if (errno == 0 && write(STDOUT_FILENO, "\n", 1) == 1) errno = EIO;
  throw Error("standard output cannot be written: " + ErrnoText(errno));
}

}  // namespace dualgeo
