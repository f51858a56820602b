#include "faiss_io.h"

#include <faiss/Index.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "dualgeo/io/mapped_file.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "index_file.h"

namespace dualgeo {
namespace {

class StreamWriter : public faiss::IOWriter {
 public:
  explicit StreamWriter(std::ostream& stream) : stream_(stream) {}
  size_t operator()(const void* data, size_t size, size_t count) override {
    stream_.write(static_cast<const char*>(data), static_cast<std::streamsize>(size * count));
    return stream_ ? count : 0;
  }

 private:
  std::ostream& stream_;
};

// Bytes in memory, which were checked.
class BytesReader : public faiss::IOReader {
 public:
  explicit BytesReader(std::string_view bytes) : bytes_(bytes) {}
  size_t operator()(void* data, size_t size, size_t count) override {
    count = std::min(count, bytes_.size() / size);
    if (count > 0) std::memcpy(data, bytes_.data(), size * count);
    bytes_.remove_prefix(size * count);
    return count;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

std::string FaissReason(const std::exception& error) {
  std::string text = error.what();
  std::replace(text.begin(), text.end(), '\n', ' ');
  for (const char* mark : {"failed: ", ".cpp:", ".h:"}) {
    auto at = text.rfind(mark);
    if (at == std::string::npos) continue;
    at = *mark == '.' ? text.find(": ", at) + 2 : at + std::string_view(mark).size();
    if (at < text.size()) return Printable(text.substr(at), 200);
  }
  return Printable(text, 200);
}

void WriteFaissIndex(const faiss::Index& index, std::ostream& stream) {
  StreamWriter writer(stream);
  faiss::write_index(&index, &writer);
}

void WriteFaissIndex(const faiss::Index& index, const std::filesystem::path& path) {
  AtomicFile file(path);
  try {
    WriteFaissIndex(index, file.stream());
  } catch (const faiss::FaissException& error) {
    if (file.stream()) throw Error(path.string() + ": cannot be written: " + FaissReason(error));
  }
  file.Commit();
}

std::unique_ptr<faiss::Index> ReadFaissIndex(const std::filesystem::path& path) {
  try {
    // FAISS reads the very bytes that were checked.
    const MappedFile file(path);
    CheckIndexFile(file.bytes(), path.string());
    BytesReader reader(file.bytes());
    return std::unique_ptr<faiss::Index>(faiss::read_index(&reader));
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {  // also bad_alloc and length_error, which a damaged size leads to
    throw InputError(path.string() + ": not a FAISS index, or damaged: " + FaissReason(error));
  }
}

}  // namespace dualgeo
