#include "loaded_libraries.h"

#include <dlfcn.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace dualgeo {
namespace {

std::set<std::string> MappedFiles() {
  std::set<std::string> files;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto path = line.find('/');
    if (path != std::string::npos) files.insert(line.substr(path));
  }
  return files;
}

std::string FileOf(const void* address) {
  Dl_info info = {};
  if (address == nullptr || dladdr(address, &info) == 0 || info.dli_fname == nullptr) return "";
  std::error_code code;
  const auto path = std::filesystem::canonical(info.dli_fname, code);
  return code ? std::string(info.dli_fname) : path.string();
}

}  // namespace

LoadedLibraries FindLoadedLibraries() {
  LoadedLibraries found;
  for (const std::string& file : MappedFiles()) {
    const std::string name = std::filesystem::path(file).filename().string();
    if (name.starts_with("libtorch_cpu.so")) found.libtorch = file;
    for (const char* openmp : {"libgomp", "libomp", "libiomp5"}) {
      if (name.starts_with(openmp) && name.find(".so") != std::string::npos) found.openmp.push_back(file);
    }
  }
  void* first = dlsym(RTLD_DEFAULT, "sgemm_");
  found.blas = FileOf(first);
  if (void* libtorch = found.libtorch.empty() ? nullptr : dlopen(found.libtorch.c_str(), RTLD_NOLOAD | RTLD_LAZY)) {
    // Looked up from LibTorch on: in itself, then in what it depends on.
    found.blas_of_libtorch = first != nullptr && dlsym(libtorch, "sgemm_") == first;
    dlclose(libtorch);
  }
  return found;
}

}  // namespace dualgeo
