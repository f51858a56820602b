#include "faiss_io.h"

#include <faiss/IVFlib.h>
#include <faiss/Index.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <faiss/invlists/OnDiskInvertedLists.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "index_file.h"
#include "io/mapped_file.h"
#include "util/atomic_file.h"

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

std::unique_ptr<faiss::Index> ReadFaissIndex(const std::filesystem::path& path, FaissLists lists) {
  try {
    // Opened once: what is checked is what FAISS reads, whatever becomes of the name meanwhile.
    faiss::FileIOReader reader(path.c_str());
    // Unmapped before FAISS reads, so that a vector is not in memory twice.
    CheckIndexFile(MappedFile("/proc/self/fd/" + std::to_string(fileno(reader.f))).bytes(), path.string());
    auto index = std::unique_ptr<faiss::Index>(
        faiss::read_index(&reader, lists == FaissLists::kMapped ? faiss::IO_FLAG_MMAP : 0));
    if (auto* ivf = faiss::ivflib::try_extract_index_ivf(index.get())) {
      // Its threads read each list ahead of the search, which reads it once more; the kernel reads ahead by itself.
      if (auto* mapped = dynamic_cast<faiss::OnDiskInvertedLists*>(ivf->invlists)) mapped->prefetch_nthread = 0;
    }
    return index;
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {  // also bad_alloc and length_error, which a damaged size leads to
    throw InputError(path.string() + ": not a FAISS index, or damaged: " + FaissReason(error));
  }
}

}  // namespace dualgeo
