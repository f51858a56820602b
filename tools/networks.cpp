#include "networks.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "util/blas_kernels.h"
#include "util/command_line.h"

namespace dualgeo::tools {

std::filesystem::path NetworksProgram() {
  std::error_code code;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) throw Error("cannot find dualgeo-networks, which holds the networks: /proc/self/exe: " + code.message());
  return self.parent_path() / "dualgeo-networks";
}

void BecomeNetworks() {
  const auto program = NetworksProgram();
  std::vector<std::string> arguments = ArgumentsAsTyped();
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  // What c10d would log beside the line that we say ourselves (glog's setting, and that of LibTorch without glog).
  setenv("GLOG_minloglevel", "3", 0);
  setenv("TORCH_CPP_LOG_LEVEL", "FATAL", 0);
  ChooseBlasKernels();
  ThrowIfStopped();  // a signal that came until now would be forgotten
  execv(program.c_str(), argv.data());
  throw Error("cannot start " + program.string() + ", which holds the networks: " + ErrnoText(errno));
}

}  // namespace dualgeo::tools
