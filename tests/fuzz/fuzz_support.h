// Shared by the fuzzers of file readers: bad bytes are an InputError of one line, and nothing else.
#pragma once

#include <cstdlib>
#include <string>

#include "dualgeo/util/error.h"

namespace dualgeo {

template <class Action>
void ExpectInputErrorOrNone(const Action& action) {
  try {
    action();
  } catch (const InputError& error) {
    const std::string message = error.what();
    if (message.empty() || message.find('\n') != std::string::npos || message.size() > 4000) std::abort();
  }
}

inline void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace dualgeo
