// FAISS's own format, to and from our files.
#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

namespace faiss {
struct Index;
}

namespace dualgeo {

// "Error in void f(...) at ./faiss/x.cpp:12: Error: 'a == b' failed: message" -> "message"
std::string FaissReason(const std::exception& error);

// The file is whole or not there. Throws Error.
void WriteFaissIndex(const faiss::Index& index, const std::filesystem::path& path);
// Its bytes; the stream tells whether all were written.
void WriteFaissIndex(const faiss::Index& index, std::ostream& stream);

// Where an IVF index keeps its lists: in memory, or (for searching alone) in the file, mapped, of which a search reads
// what it visits.
enum class FaissLists { kInMemory, kMapped };

// Checked by CheckIndexFile before FAISS sees it. Throws InputError.
std::unique_ptr<faiss::Index> ReadFaissIndex(const std::filesystem::path& path,
                                             FaissLists lists = FaissLists::kInMemory);

}  // namespace dualgeo
