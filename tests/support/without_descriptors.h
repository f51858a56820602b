// Work in a process that may open no further file.
#pragma once

#include <sys/resource.h>

#include <string>

#include "dualgeo/util/error.h"

namespace dualgeo {

struct Failure {
  std::string kind;  // "input": InputError; "run": another Error; "none": the work was done
  std::string message;
};

template <class Work>
Failure WithoutDescriptors(const Work& work) {
  rlimit old = {};
  getrlimit(RLIMIT_NOFILE, &old);
  const rlimit none = {3, old.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  Failure failure{"none", ""};
  try {
    work();
  } catch (const InputError& error) {
    failure = {"input", error.what()};
  } catch (const Error& error) {
    failure = {"run", error.what()};
  }
  setrlimit(RLIMIT_NOFILE, &old);
  return failure;
}

}  // namespace dualgeo
