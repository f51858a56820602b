// The program's errors. A message is one line that a user can act on: it names the file, row, key and value, and what
// is allowed. tools/ prints it on stderr and turns the type into the exit code; nothing below tools/ prints or exits.
#pragma once

#include <stdexcept>
#include <string>
#include <system_error>

namespace dualgeo {

// The run failed for a reason that is not the user's input: disk full, out of memory, a server that does not answer.
// Exit code 1.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Usage, config or an input file is wrong. Exit code 2.
class InputError : public Error {
 public:
  using Error::Error;
};

// The user pressed Ctrl-C (or SIGTERM came) and the work stopped at a safe point. Exit code 130.
class Interrupted : public Error {
 public:
  using Error::Error;
};

// The system's words for an errno, to end a message with: "No space left on device".
inline std::string ErrnoText(int error_number) { return std::generic_category().message(error_number); }

}  // namespace dualgeo
