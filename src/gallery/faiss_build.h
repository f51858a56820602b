// How a FAISS index is made from a factory string, whether its vectors stand in memory or are read as they go in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dualgeo/gallery/index.h"

namespace faiss {
struct Index;
struct IndexIVF;
}  // namespace faiss

namespace dualgeo {

class PartialIndex;

// A graph takes long to build, and FAISS's threads would build another one each time.
bool HasGraph(const std::string& factory);

// "gallery.index: 'IVF64,Flat' ", with which messages begin.
std::string IndexInMessages(const std::string& factory);

// Neither trained nor filled. Throws InputError for what is no factory string, does not fit the dimension or the
// metric, or is of a kind whose files cannot be checked.
std::unique_ptr<faiss::Index> NewFaissIndex(std::int64_t columns, const std::string& factory,
                                            const std::string& metric);

// The index below transforms and refinement.
faiss::Index& Innermost(faiss::Index& index);

// IVF: as many lists as VectorIndex::Build promises.
void SetProbes(faiss::Index& index);

// Room for `rows` vectors where they stand one behind the other, which else takes up to three times as much.
void Reserve(faiss::Index& index, std::int64_t rows);

// Adds the vectors that are not in a trained index yet, block by block, of at most `most` vectors.
// read(first, count): their values, until the next call.
void AddVectors(faiss::Index& index, std::int64_t rows,
                const std::function<const float*(std::int64_t first, std::int64_t count)>& read, PartialIndex& partial,
                std::int64_t most = std::int64_t{1} << 16);

// Calls work, on one thread where there is a graph. FAISS's complaints become one line.
void WithFaiss(const std::string& factory, std::int64_t rows, std::int64_t columns, const std::function<void()>& work);

// Lets FAISS's training end between two of its iterations.
class StopsWhenAsked {
 public:
  StopsWhenAsked();
  ~StopsWhenAsked();
  StopsWhenAsked(const StopsWhenAsked&) = delete;
  StopsWhenAsked& operator=(const StopsWhenAsked&) = delete;
};

}  // namespace dualgeo
