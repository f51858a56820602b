// What a reader says of a file that it refuses.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "dualgeo/util/error.h"

namespace dualgeo {

// The message, which must be one line; "read" when nothing is refused.
template <class Read>
std::string RefusalOf(const Read& read) {
  try {
    read();
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "read";
}

}  // namespace dualgeo
