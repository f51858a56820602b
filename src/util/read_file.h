// Input files, pipes and devices, read from start to end. A wait (for whoever writes into a pipe) ends with Ctrl-C.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace dualgeo {

class FileReader {
 public:
  // Throws InputError when `path` is missing, a folder or may not be read, Error when descriptors or memory ran out.
  explicit FileReader(std::filesystem::path path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // The next bytes, at most `size`; 0 at the end. Throws as the constructor does, and Interrupted.
  std::size_t Read(char* to, std::size_t size);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool waits_ = false;  // no regular file: a read may take for ever
};

// The whole file. Throws as FileReader does, and InputError when it is larger than max_bytes.
std::string ReadFile(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 30);

// A descriptor for readers that want one. Opening a pipe does not wait for its writer. Throws as FileReader does.
int OpenToRead(const std::filesystem::path& path);

// "PATH: cannot be read: REASON", an InputError; an Error where the file is not at fault (EMFILE, ENFILE, ENOMEM).
[[noreturn]] void FailReading(const std::filesystem::path& path, int error_number);

}  // namespace dualgeo
