#include "dualgeo/gallery/index.h"

#include <algorithm>

#include "dualgeo/io/file_kind.h"
#include "dualgeo/io/input_file.h"
#include "dualgeo/runtime/runtime.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "index_backend.h"

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

VectorIndex VectorIndex::Load(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) throw InputError(path.string() + ": no such file");
  const std::string head = ReadHead(path);
  if (const auto other = DescribeOtherFile(head, FileUse::kIndex)) throw InputError(path.string() + ": " + *other);
  const auto& kind = *std::ranges::find_if(kIndexes, [&](const IndexKind& one) { return one.takes_file(head); });
  return VectorIndex(kind.load(path));
}

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

std::vector<std::vector<Neighbor>> VectorIndex::Search(const Matrix& queries, std::int64_t k) const {
  if (queries.rows > 0 && queries.columns != dimension()) {
    throw InputError("the queries have " + std::to_string(queries.columns) + " dimensions, the index " +
                     std::to_string(dimension()));
  }
  k = std::min(k, size());
  if (k <= 0) return std::vector<std::vector<Neighbor>>(static_cast<std::size_t>(queries.rows));
  return backend_->Search(queries, k);
}

}  // namespace dualgeo
