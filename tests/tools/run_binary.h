// Runs the dualgeo binary as a user would and keeps what it said.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace dualgeo {

struct RunResult {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

// No shell in between, so no quoting. `folder`: working folder.
inline RunResult RunProgram(std::string program, const std::vector<std::string>& arguments,
                            const std::filesystem::path& folder = {}) {
  TemporaryFolder temporary;
  const std::string out_path = (temporary / "out").string();
  const std::string err_path = (temporary / "err").string();
  const std::string folder_path = folder.string();
  std::vector<char*> argv;
  argv.push_back(program.data());
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    // Files, not pipes: a full pipe would block the child.
    const int out = open(out_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err = open(err_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int in = open("/dev/null", O_RDONLY);
    dup2(in, 0);
    dup2(out, 1);
    dup2(err, 2);
    if (!folder_path.empty() && chdir(folder_path.c_str()) != 0) _exit(126);
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);

  const auto read = [](const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
  };
  RunResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = read(out_path);
  result.err = read(err_path);
  return result;
}

// RunBinary({"evaluate", "--predictions", path.string()}).
inline RunResult RunBinary(const std::vector<std::string>& arguments, const std::filesystem::path& folder = {}) {
  return RunProgram(DUALGEO_BINARY, arguments, folder);
}

}  // namespace dualgeo
