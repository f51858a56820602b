#include "dualgeo/gallery/index.h"

#include <faiss/AutoTune.h>
#include <faiss/IVFlib.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexIVF.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/io.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <numeric>
#include <sstream>
#include <stdexcept>

#include "dualgeo/io/file_kind.h"
#include "dualgeo/io/input_file.h"
#include "dualgeo/io/mapped_file.h"
#include "dualgeo/train/runtime.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "index_file.h"

namespace dualgeo {

struct VectorIndex::State {
  std::unique_ptr<faiss::Index> index;
  const faiss::IndexFlat* flat = nullptr;  // the same index, when it is exact
};

namespace {

// "Error in void f(...) at ./faiss/x.cpp:12: Error: 'a == b' failed: message" -> "message"
std::string Reason(const std::exception& error) {
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

faiss::MetricType MetricOf(const std::string& metric) {
  if (metric == "inner_product") return faiss::METRIC_INNER_PRODUCT;
  if (metric == "l2") return faiss::METRIC_L2;
  throw InputError("gallery.metric: '" + metric + "' is not inner_product or l2");
}

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

// Whether CheckIndexFile would take what is built: asked before the work.
void CheckKind(const faiss::Index& index, const std::string& what) {
  std::ostringstream empty;
  StreamWriter writer(empty);
  try {
    faiss::write_index(&index, &writer);
    CheckIndexFile(empty.str(), "", /*built=*/false);
  } catch (const std::exception&) {
    throw InputError(what + "is of a kind that galleries are not made of; allowed are " + std::string(kIndexKinds));
  }
}

class OneThread {
 public:
  explicit OneThread(bool on) : threads_(omp_get_max_threads()), on_(on) {
    if (on_) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (on_) omp_set_num_threads(threads_);
  }

 private:
  int threads_;
  bool on_;
};

class RestoreProbes {
 public:
  explicit RestoreProbes(faiss::IndexIVF* ivf) : ivf_(ivf), nprobe_(ivf == nullptr ? 0 : ivf->nprobe) {}
  ~RestoreProbes() {
    if (ivf_ != nullptr) ivf_->nprobe = nprobe_;
  }

 private:
  faiss::IndexIVF* ivf_;
  size_t nprobe_;
};

double Dot(const float* a, const float* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double SquaredDistance(const float* a, const float* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    sum += d * d;
  }
  return sum;
}

bool Before(const Neighbor& a, const Neighbor& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; }

// One FAISS call for the queries `which`; fewer than k rows where FAISS pads with -1.
std::vector<std::vector<Neighbor>> Fetch(const faiss::Index& index, const Matrix& queries,
                                         const std::vector<std::int64_t>& which, std::int64_t k) {
  const auto n = static_cast<std::int64_t>(which.size());
  std::vector<float> asked(static_cast<std::size_t>(n * queries.columns));
  for (std::int64_t i = 0; i < n; ++i) {
    const auto row = queries.Row(which[static_cast<std::size_t>(i)]);
    std::copy(row.begin(), row.end(), asked.begin() + i * queries.columns);
  }
  std::vector<float> distances(static_cast<std::size_t>(n * k));
  std::vector<std::int64_t> labels(static_cast<std::size_t>(n * k), -1);
  try {
    index.search(n, asked.data(), k, distances.data(), labels.data());
  } catch (const faiss::FaissException& error) {
    throw Error("searching the index failed: " + Reason(error));
  }
  const bool similarity = index.metric_type == faiss::METRIC_INNER_PRODUCT;
  std::vector<std::vector<Neighbor>> found(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < k; ++j) {
      const auto at = static_cast<std::size_t>(i * k + j);
      if (labels[at] < 0) continue;
      if (labels[at] >= index.ntotal) throw InputError("the index is damaged: it holds a row number beyond its size");
      const double d = distances[at];
      found[static_cast<std::size_t>(i)].push_back({labels[at], similarity ? d : -d});
    }
  }
  return found;
}

}  // namespace

void SetIndexThreads(int threads) { SetThreads(threads); }

VectorIndex::VectorIndex(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->flat = dynamic_cast<const faiss::IndexFlat*>(state_->index.get());
}
VectorIndex::VectorIndex(VectorIndex&&) noexcept = default;
VectorIndex& VectorIndex::operator=(VectorIndex&&) noexcept = default;
VectorIndex::~VectorIndex() = default;

VectorIndex VectorIndex::Build(const Matrix& vectors, const std::string& factory, const std::string& metric) {
  const auto type = MetricOf(metric);
  if (vectors.rows == 0 || vectors.columns == 0) throw InputError("gallery: there is nothing to index (0 vectors)");
  const std::string description = factory == "flat" ? "Flat" : factory;
  const std::string what = "gallery.index: '" + Printable(factory) + "' ";
  auto state = std::make_unique<State>();
  try {
    state->index.reset(faiss::index_factory(static_cast<int>(vectors.columns), description.c_str(), type));
  } catch (const std::exception& error) {
    throw InputError(what + "is not flat or a FAISS factory string for " + std::to_string(vectors.columns) +
                     " dimensions: " + Reason(error));
  }
  faiss::Index& index = *state->index;
  if (index.metric_type != type) throw InputError(what + "does not support gallery.metric " + metric);
  CheckKind(index, what);
  try {
    const bool graph = description.find("HNSW") != std::string::npos || description.find("NSG") != std::string::npos;
    const OneThread deterministic(graph);
    if (!index.is_trained) index.train(vectors.rows, vectors.values.data());
    ThrowIfStopped();
    index.add(vectors.rows, vectors.values.data());
  } catch (const faiss::FaissException& error) {
    throw InputError(what + "cannot be built from " + std::to_string(vectors.rows) + " vectors of " +
                     std::to_string(vectors.columns) + " dimensions: " + Reason(error));
  } catch (const std::bad_alloc&) {
    throw Error(what + "does not fit into memory with " + std::to_string(vectors.rows) + " vectors");
  }
  if (auto* ivf = faiss::ivflib::try_extract_index_ivf(&index)) {
    ivf->nprobe = std::min<size_t>(ivf->nlist, std::max<size_t>(8, ivf->nlist / 16));
  }
  return VectorIndex(std::move(state));
}

VectorIndex VectorIndex::Load(const std::filesystem::path& path) {
  auto state = std::make_unique<State>();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) throw InputError(path.string() + ": no such file");
  if (const auto other = DescribeOtherFile(ReadHead(path), FileUse::kIndex)) {
    throw InputError(path.string() + ": " + *other);
  }
  try {
    // FAISS reads the very bytes that were checked.
    const MappedFile file(path);
    CheckIndexFile(file.bytes(), path.string());
    BytesReader reader(file.bytes());
    state->index.reset(faiss::read_index(&reader));
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {  // also bad_alloc and length_error, which a damaged size leads to
    throw InputError(path.string() + ": not a FAISS index, or damaged: " + Reason(error));
  }
  const auto type = state->index->metric_type;
  if (type != faiss::METRIC_INNER_PRODUCT && type != faiss::METRIC_L2) {
    throw InputError(path.string() + ": the index compares by another metric than inner product or L2");
  }
  return VectorIndex(std::move(state));
}

void VectorIndex::Write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  try {
    StreamWriter writer(file.stream());
    faiss::write_index(state_->index.get(), &writer);
  } catch (const faiss::FaissException& error) {
    if (file.stream()) throw Error(path.string() + ": cannot be written: " + Reason(error));
  }
  file.Commit();
}

std::int64_t VectorIndex::size() const { return state_->index->ntotal; }
std::int64_t VectorIndex::dimension() const { return state_->index->d; }
std::string VectorIndex::metric() const {
  return state_->index->metric_type == faiss::METRIC_INNER_PRODUCT ? "inner_product" : "l2";
}
bool VectorIndex::exact() const { return state_->flat != nullptr; }

void VectorIndex::SetParameters(const std::string& parameters) {
  if (parameters.empty()) return;
  try {
    faiss::ParameterSpace().set_index_parameters(state_->index.get(), parameters.c_str());
  } catch (const std::exception& error) {
    throw InputError("search.index_parameters: '" + Printable(parameters) +
                     "' does not fit the gallery's index: " + Reason(error));
  }
}

std::vector<std::vector<Neighbor>> VectorIndex::Search(const Matrix& queries, std::int64_t k) const {
  if (queries.rows > 0 && queries.columns != dimension()) {
    throw InputError("the queries have " + std::to_string(queries.columns) + " dimensions, the index " +
                     std::to_string(dimension()));
  }
  k = std::min(k, size());
  std::vector<std::vector<Neighbor>> results(static_cast<std::size_t>(queries.rows));
  if (k <= 0) return results;

  faiss::Index& index = *state_->index;
  auto* ivf = faiss::ivflib::try_extract_index_ivf(&index);
  const RestoreProbes restore(ivf);
  const bool inner_product = index.metric_type == faiss::METRIC_INNER_PRODUCT;

  std::vector<std::int64_t> pending(static_cast<std::size_t>(queries.rows));
  std::iota(pending.begin(), pending.end(), 0);
  // A few more than asked for, since equals at the end of a flat index's list are then put in order of their rows.
  std::int64_t fetch = exact() ? std::min(size(), k + 8) : k;
  while (!pending.empty()) {
    std::vector<std::int64_t> again;
    const std::size_t batch = static_cast<std::size_t>(std::clamp<std::int64_t>((1 << 21) / fetch, 1, 1024));
    for (std::size_t start = 0; start < pending.size(); start += batch) {
      ThrowIfStopped();
      const std::vector<std::int64_t> which(
          pending.begin() + static_cast<std::ptrdiff_t>(start),
          pending.begin() + static_cast<std::ptrdiff_t>(std::min(pending.size(), start + batch)));
      auto found = Fetch(index, queries, which, fetch);
      for (std::size_t i = 0; i < which.size(); ++i) {
        auto& list = found[i];
        if (exact()) {
          const float* query = queries.Row(which[i]).data();
          const double worst = list.empty() ? 0 : list.back().score;  // FAISS's own order: best first
          double scale = Dot(query, query, queries.columns);
          for (auto& neighbor : list) {
            const float* row = state_->flat->get_xb() + neighbor.row * index.d;
            neighbor.score = inner_product ? Dot(query, row, index.d) : 0.0 - SquaredDistance(query, row, index.d);
            scale = std::max(scale, Dot(row, row, index.d));
          }
          std::sort(list.begin(), list.end(), Before);
          // FAISS compares in single precision: rows beyond the list may equal the k-th as long as the last row is
          // within rounding of it.
          const auto kth = static_cast<std::size_t>(k - 1);
          const bool open = list.size() > kth && worst >= list[kth].score - 2e-6 * scale;
          if (fetch < size() && open) {
            again.push_back(which[i]);
            continue;
          }
        } else {
          std::sort(list.begin(), list.end(), Before);
          if (static_cast<std::int64_t>(list.size()) < k && ivf != nullptr && ivf->nprobe < ivf->nlist) {
            again.push_back(which[i]);  // the lists looked into did not hold k rows
            continue;
          }
        }
        if (static_cast<std::int64_t>(list.size()) > k) list.resize(static_cast<std::size_t>(k));
        results[static_cast<std::size_t>(which[i])] = std::move(list);
      }
    }
    pending = std::move(again);
    if (exact()) {
      fetch = std::min(size(), fetch * 4);
    } else if (ivf != nullptr) {
      ivf->nprobe = std::min(ivf->nlist, ivf->nprobe * 4);
    }
  }
  return results;
}

}  // namespace dualgeo
