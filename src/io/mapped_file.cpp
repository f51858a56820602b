#include "io/mapped_file.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "dualgeo/util/error.h"
#include "util/read_file.h"

namespace dualgeo {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int file = OpenToRead(path);
  struct stat info {};
  if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(file);
    throw InputError(path.string() + ": not a regular file");
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
  if (size_ > 0) {
    void* const memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
    const int reason = errno;
    close(file);
    if (memory == MAP_FAILED) throw Error(path.string() + ": cannot map the file: " + std::strerror(reason));
    data_ = static_cast<char*>(memory);
  } else {
    close(file);
  }
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace dualgeo
