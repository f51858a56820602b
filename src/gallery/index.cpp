#include "dualgeo/gallery/index.h"

#include <algorithm>

#include "dualgeo/gallery/parts.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "index_backend.h"
#include "io/file_kind.h"
#include "io/input_file.h"
#include "runtime/runtime.h"

namespace dualgeo {
namespace {

struct IndexKind {
  const char* name;
  bool (*takes)(const std::string&);
  std::unique_ptr<IndexBackend> (*build)(const Matrix&, const std::string&, const std::string&, const KeepIndex&);
  bool (*takes_file)(const std::string&);
  std::unique_ptr<IndexBackend> (*load)(const std::filesystem::path&);
};
constexpr IndexKind kIndexes[] = {DUALGEO_INDEXES(DUALGEO_KIND_ENTRY)};

const IndexKind& KindOfFile(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) throw InputError(path.string() + ": no such file");
  const std::string head = ReadHead(path);
  if (const auto other = DescribeOtherFile(head, FileUse::kIndex)) throw InputError(path.string() + ": " + *other);
  return *std::ranges::find_if(kIndexes, [&](const IndexKind& one) { return one.takes_file(head); });
}

}  // namespace

void SetIndexThreads(int threads) { SetThreads(threads); }

VectorIndex::VectorIndex(std::unique_ptr<IndexBackend> backend) : backend_(std::move(backend)) {}
VectorIndex::VectorIndex(VectorIndex&&) noexcept = default;
VectorIndex& VectorIndex::operator=(VectorIndex&&) noexcept = default;
VectorIndex::~VectorIndex() = default;

VectorIndex VectorIndex::Build(const Matrix& vectors, const std::string& factory, const std::string& metric,
                               const KeepIndex& keep) {
  if (metric != "inner_product" && metric != "l2") {
    throw InputError("gallery.metric: '" + metric + "' is not inner_product or l2");
  }
  if (vectors.rows == 0 || vectors.columns == 0) throw InputError("gallery: there is nothing to index (0 vectors)");
  const auto& kind = *std::ranges::find_if(kIndexes, [&](const IndexKind& one) { return one.takes(factory); });
  return VectorIndex(kind.build(vectors, factory, metric, keep));
}

std::filesystem::path VectorIndex::BuildFile(const VectorBlocks& vectors, const std::string& factory,
                                             const std::string& metric, const StreamedBuild& build,
                                             const std::filesystem::path& path) {
  if (vectors.rows == 0 || vectors.columns == 0) throw InputError("gallery: there is nothing to index (0 vectors)");
  const auto& kind = *std::ranges::find_if(kIndexes, [&](const IndexKind& one) { return one.takes(factory); });
  if (kind.build != BuildFaissIndex) {
    throw InputError("gallery.memory_gb: the index " + std::string(kind.name) +
                     " is built in memory as a whole; leave it 0, or choose flat or a FAISS factory string");
  }
  return BuildFaissFile(vectors, factory, metric, build, path);
}

void VectorIndex::RemoveKept(const std::filesystem::path& kept) {
  std::error_code ignored;
  if (std::filesystem::is_directory(kept, ignored)) {
    RemovePartsFolder(kept);
  } else if (!kept.empty()) {
    std::filesystem::remove(kept, ignored);
  }
}

VectorIndex VectorIndex::Load(const std::filesystem::path& path) { return VectorIndex(KindOfFile(path).load(path)); }

std::string IndexKindOfFile(const std::filesystem::path& path) { return KindOfFile(path).name; }

void VectorIndex::Write(const std::filesystem::path& path) const { backend_->Write(path); }
void VectorIndex::RemovePartial() const { backend_->RemovePartial(); }
std::int64_t VectorIndex::size() const { return backend_->size(); }
std::int64_t VectorIndex::dimension() const { return backend_->dimension(); }
std::string VectorIndex::metric() const { return backend_->metric(); }
bool VectorIndex::exact() const { return backend_->exact(); }
std::int64_t VectorIndex::batch() const { return backend_->batch(); }
std::span<const float> VectorIndex::vectors() const { return backend_->vectors(); }

void VectorIndex::SetParameters(const std::string& parameters) {
  if (!parameters.empty()) backend_->SetParameters(parameters);
}

void VectorIndex::CheckQueries(const Matrix& queries) const {
  if (queries.rows == 0 || queries.columns == dimension()) return;
  throw InputError("the queries have " + std::to_string(queries.columns) + " dimensions, the index " +
                   std::to_string(dimension()));
}

std::vector<std::vector<Neighbor>> VectorIndex::Search(const Matrix& queries, std::int64_t k) const {
  CheckQueries(queries);
  k = std::min(k, size());
  if (k <= 0) return std::vector<std::vector<Neighbor>>(static_cast<std::size_t>(queries.rows));
  return backend_->Search(queries, k);
}

std::vector<std::vector<Neighbor>> VectorIndex::SearchAmong(const Matrix& queries, std::int64_t k,
                                                            const RowFilter& takes) const {
  CheckQueries(queries);
  k = std::min(k, size());
  if (k <= 0) return std::vector<std::vector<Neighbor>>(static_cast<std::size_t>(queries.rows));
  return backend_->SearchAmong(queries, k, takes);
}

std::vector<std::vector<Neighbor>> IndexBackend::SearchAmong(const Matrix& queries, std::int64_t k,
                                                             const RowFilter& takes) const {
  std::vector<std::vector<Neighbor>> results(static_cast<std::size_t>(queries.rows));
  Matrix one(1, queries.columns);
  for (std::int64_t q = 0; q < queries.rows; ++q) {
    std::ranges::copy(queries.Row(q), one.values.begin());
    auto& list = results[static_cast<std::size_t>(q)];
    for (std::int64_t fetch = std::min(size(), 4 * k);; fetch = std::min(size(), 4 * fetch)) {
      list = Search(one, fetch).front();
      std::erase_if(list, [&](const Neighbor& neighbor) { return !takes(q, neighbor.row); });
      if (static_cast<std::int64_t>(list.size()) >= k || fetch == size()) break;
    }
    list.resize(std::min(list.size(), static_cast<std::size_t>(k)));
  }
  return results;
}

}  // namespace dualgeo
