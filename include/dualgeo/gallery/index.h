// A vector index: FAISS, or another kind (src/gallery/index_backend.h), behind a small wall, so that nothing else
// compiles against it.
// Johnson, Douze, Jegou, Billion-scale similarity search with GPUs, 2017; factory strings: faiss's wiki, "The index
// factory".
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/gallery/matrix.h"

namespace dualgeo {

// A row of the index and how similar it is to the query: the inner product, or minus the squared L2 distance. Higher is
// always more similar.
struct Neighbor {
  std::int64_t row = 0;
  double score = 0;
};

// Threads that indexes are built and searched with: SetThreads of runtime/runtime.h, for those who know no LibTorch.
void SetIndexThreads(int threads);

// Where an index under construction is kept, so that the same call goes on from there after a kill:
// STEM.HASH.partial-index (HASH: of the vectors, the factory string and the metric), there until RemovePartial.
// Not for indexes that need neither training nor a graph: those are built faster than written.
struct KeepIndex {
  std::filesystem::path stem;         // empty: nowhere
  std::chrono::seconds interval{60};  // between two writes
};

// Whether a query (its row) may find a row of the index. Asked by several threads.
using RowFilter = std::function<bool(std::int64_t query, std::int64_t row)>;

// Vectors that are read a block at a time.
struct VectorBlocks {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  // Rows first to first + count - 1.
  std::function<Matrix(std::int64_t first, std::int64_t count)> read;
};

// How much memory a build may take, and where it goes on after a kill.
struct StreamedBuild {
  double memory_gb = 0;   // of the whole process, 10^9 bytes; 0: no bound
  std::string made_from;  // names the vectors (the file that they are read from, as it is now)
  KeepIndex keep;         // stem: as for Build; blocks of an IVF index are kept in STEM.index-parts/
};

class IndexBackend;

class VectorIndex {
 public:
  // factory: "flat" (exact); "grouped", "grouped256", "grouped,SQ8", "grouped,SQ8,RFlat" (inverted lists for many
  // queries at once: src/gallery/index_grouped.cpp; built anew after a kill, since that takes seconds to minutes); or a
  // FAISS factory string of flat, SQ or PQ vectors, plain, in inverted lists (IVF), or under an HNSW or NSG graph, with
  // PCA, OPQ, RR, L2norm or Pad before and RFlat behind ("IVF256,Flat", "HNSW32", "OPQ16,IVF64,PQ16" ...): the kinds
  // whose files can be checked. metric: "inner_product" | "l2". Indexes that need training are trained on the vectors
  // themselves with FAISS's fixed seed; HNSW and NSG graphs are built on one thread, since theirs would depend on
  // timing. Vectors go in in blocks (of 1024 into an HNSW graph); between two of them, and between two rounds of
  // k-means, a stop is heeded. IVF indexes are left with nprobe = a sixteenth of the lists, at least 8 (FAISS's own
  // default of 1 loses too much). Throws InputError when the string is not a factory string, does not fit the dimension
  // or the metric, or needs more vectors to train than there are.
  static VectorIndex Build(const Matrix& vectors, const std::string& factory, const std::string& metric,
                           const KeepIndex& keep = {});

  // The same into a file, in a process that takes no more memory than it is told (and about a tenth more, in FAISS's
  // own buffers). Flat vectors go from file to file. IVF lists grow in memory up to an eighth of it, are laid aside,
  // and in the end joined list by list; the index is trained on vectors drawn by FAISS's seed, 256 for each list, or as
  // many as fit into a quarter of it: as many as FAISS would draw itself make the file of Build, byte for byte, where
  // the index is IVFn,Flat or all vectors are drawn. All other kinds are built in memory, if they fit. Throws
  // InputError in one line with the least that works where memory_gb is too small, and as Build. Returns what it kept
  // on the way, for RemoveKept once the index stands where it was built for.
  static std::filesystem::path BuildFile(const VectorBlocks& vectors, const std::string& factory,
                                         const std::string& metric, const StreamedBuild& build,
                                         const std::filesystem::path& path);
  static void RemoveKept(const std::filesystem::path& kept);

  // An IVF index's lists stay in the file, which is mapped: a search reads those that it visits. All others are read
  // into memory. Throws InputError when the file is missing, truncated, not a FAISS index of a kind that Build makes,
  // or when a count, row number or graph edge in it does not agree with the rest: whoever wrote it, it cannot make
  // FAISS fail. The caller checks that its size and dimension are what they should be.
  static VectorIndex Load(const std::filesystem::path& path);

  VectorIndex(VectorIndex&&) noexcept;
  VectorIndex& operator=(VectorIndex&&) noexcept;
  ~VectorIndex();

  // Throws Error when the file cannot be written.
  void Write(const std::filesystem::path& path) const;
  // What Build kept, if anything, is no longer wanted: the index stands where it was built for.
  void RemovePartial() const;

  std::int64_t size() const;
  std::int64_t dimension() const;
  std::string metric() const;
  // Whether all rows are compared (so that a search for size() neighbours finds them all).
  bool exact() const;
  // How many queries a caller with more of them had best ask at once.
  std::int64_t batch() const;
  // All vectors, row by row, of an exact index; empty where the index does not hold them as they are.
  std::span<const float> vectors() const;

  // Search-time settings, for example "nprobe=32", "k_factor=8" (grouped with RFlat) or, of FAISS, "efSearch=64".
  // Throws InputError when the index has none such.
  void SetParameters(const std::string& parameters);

  // Up to k neighbours of each query, most similar first, equals by row; fewer when the index finds no more. A flat
  // index's scores are recomputed in double, so that they depend neither on batch nor on threads; so are those of
  // grouped lists that hold vectors, and no score of grouped depends on either. Throws InputError when queries have
  // another dimension.
  std::vector<std::vector<Neighbor>> Search(const Matrix& queries, std::int64_t k) const;

  // Up to k neighbours of each query among the rows that it may find, fewer only where there are no more of them. Flat,
  // SQ and IVF indexes pass over the others as they scan (FAISS's IDSelector), IVF in more and more lists until k are
  // found; a graph's and a refined index's stored vectors are scanned likewise; all others (PQ) are asked for more
  // until k remain. One query at a time on each thread: for filters that leave few rows, or queries that found too few.
  std::vector<std::vector<Neighbor>> SearchAmong(const Matrix& queries, std::int64_t k, const RowFilter& takes) const;

 private:
  explicit VectorIndex(std::unique_ptr<IndexBackend> backend);
  void CheckQueries(const Matrix& queries) const;
  std::unique_ptr<IndexBackend> backend_;
};

}  // namespace dualgeo
