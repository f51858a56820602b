// Any bytes give either members that lie within the archive, or one line.
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "fuzz_support.h"
#include "io/tar.h"

using dualgeo::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spdlog::set_level(spdlog::level::off);
  // A file in memory: the reader takes a path.
  static const int descriptor = memfd_create("x.tar", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  Require(ftruncate(descriptor, 0) == 0 && pwrite(descriptor, data, size, 0) == static_cast<ssize_t>(size));
  dualgeo::ExpectInputErrorOrNone([&] {
    const dualgeo::TarFile file(path);
    for (std::size_t i = 0; i < file.size(); ++i) {
      const dualgeo::TarMember member = file.At(i);
      Require(member.offset <= size && member.size <= size - member.offset);
      Require(file.Read(member).size() == member.size);
      Require(file.Find(member.name).has_value());
    }
  });
  return 0;
}
