// An environment variable within a scope, for the test and the programs that it starts.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace dualgeo {

class EnvironmentScope {
 public:
  EnvironmentScope(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~EnvironmentScope() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }
  EnvironmentScope(const EnvironmentScope&) = delete;
  EnvironmentScope& operator=(const EnvironmentScope&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace dualgeo
