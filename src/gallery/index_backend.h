// A kind of vector index behind VectorIndex. A new one is one file in src/gallery/ and one line here: its file says
// which gallery.index strings and which files are its own, builds, and reads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/gallery/index.h"

// takes(gallery.index), build, takes_file(head of a file), load. The first that takes it; FAISS takes all.
#define DUALGEO_INDEXES(KIND)                                                                   \
  KIND("grouped", TakesForGrouped, BuildGroupedIndex, IsForGrouped, LoadGroupedIndex)           \
  KIND("classical", TakesForClassical, BuildClassicalIndex, IsForClassical, LoadClassicalIndex) \
  KIND("faiss", TakesForFaiss, BuildFaissIndex, IsForFaiss, LoadFaissIndex)

namespace dualgeo {

class IndexBackend {
 public:
  virtual ~IndexBackend() = default;
  virtual void Write(const std::filesystem::path& path) const = 0;
  virtual void RemovePartial() const {}
  virtual std::int64_t size() const = 0;
  virtual std::int64_t dimension() const = 0;
  virtual std::string metric() const = 0;
  virtual bool exact() const = 0;
  // How many queries at once suit it.
  virtual std::int64_t batch() const { return 1024; }
  virtual std::span<const float> vectors() const { return {}; }
  virtual void SetParameters(const std::string& parameters) = 0;
  // queries have the dimension; 0 < k <= size().
  virtual std::vector<std::vector<Neighbor>> Search(const Matrix& queries, std::int64_t k) const = 0;
  // The same among the rows that are taken. By itself: more and more are found until k remain.
  virtual std::vector<std::vector<Neighbor>> SearchAmong(const Matrix& queries, std::int64_t k,
                                                         const RowFilter& takes) const;
};

// The name of the kind whose file this is.
std::string IndexKindOfFile(const std::filesystem::path& path);

// VectorIndex::BuildFile, of the kinds that FAISS builds.
std::filesystem::path BuildFaissFile(const VectorBlocks& vectors, const std::string& factory, const std::string& metric,
                                     const StreamedBuild& build, const std::filesystem::path& path);

#define DECLARE(name, takes, build, takes_file, load)                                                               \
  bool takes(const std::string& factory);                                                                           \
  std::unique_ptr<IndexBackend> build(const Matrix& vectors, const std::string& factory, const std::string& metric, \
                                      const KeepIndex& keep);                                                       \
  bool takes_file(const std::string& head);                                                                         \
  std::unique_ptr<IndexBackend> load(const std::filesystem::path& path);
DUALGEO_INDEXES(DECLARE)
#undef DECLARE

}  // namespace dualgeo
