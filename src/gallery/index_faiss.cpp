// FAISS (Johnson, Douze, Jegou, Billion-scale similarity search with GPUs, 2017): flat, and what its factory strings
// make.
#include <faiss/AutoTune.h>
#include <faiss/IVFlib.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexNSG.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexRefine.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/FaissException.h>
#include <faiss/index_factory.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>
#include <optional>
#include <sstream>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/progress.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "exact_scores.h"
#include "faiss_io.h"
#include "index_backend.h"
#include "index_file.h"
#include "partial_index.h"

namespace dualgeo {

namespace {

// Whether CheckIndexFile would take what is built: asked before the work.
void CheckKind(const faiss::Index& index, const std::string& what) {
  std::ostringstream empty;
  try {
    WriteFaissIndex(index, empty);
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

// Lets FAISS's training end between two of its iterations.
class StopCallback : public faiss::InterruptCallback {
 public:
  bool want_interrupt() override { return StopRequested(); }
};

class StopsWhenAsked {
 public:
  StopsWhenAsked() { faiss::InterruptCallback::instance = std::make_unique<StopCallback>(); }
  ~StopsWhenAsked() { faiss::InterruptCallback::clear_instance(); }
};

std::string MadeFrom(const Matrix& vectors, const std::string& factory, const std::string& metric) {
  const std::string_view bytes(reinterpret_cast<const char*>(vectors.values.data()),
                               vectors.values.size() * sizeof(float));
  return Sha256(Sha256(bytes) + "\n" + std::to_string(vectors.columns) + "\n" + factory + "\n" + metric + "\n" +
                std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR));
}

// The index below transforms and refinement.
faiss::Index& Innermost(faiss::Index& index) {
  if (auto* outer = dynamic_cast<faiss::IndexPreTransform*>(&index)) return Innermost(*outer->index);
  if (auto* outer = dynamic_cast<faiss::IndexRefine*>(&index)) return Innermost(*outer->base_index);
  return index;
}

// Trains the index and adds the vectors that are not in it yet, block by block.
void Grow(faiss::Index& index, const Matrix& vectors, PartialIndex& partial) {
  if (!index.is_trained) {
    const StopsWhenAsked stops;
    index.train(vectors.rows, vectors.values.data());
  }
  // Seconds of work at most, of one thread where it is a graph; an NSG graph is built in one go.
  std::int64_t block = 1 << 16;
  faiss::Index& inner = Innermost(index);
  if (auto* graph = dynamic_cast<faiss::IndexHNSW*>(&inner)) {
    block = 1 << 10;
    // A file does not hold the state of the generator that draws a vector's level; it draws once a vector.
    for (std::int64_t i = 0; i < index.ntotal; ++i) graph->hnsw.random_level();
  } else if (dynamic_cast<faiss::IndexNSG*>(&inner) != nullptr) {
    block = vectors.rows;
  }
  std::optional<Progress> progress;
  if (vectors.rows > block) progress.emplace("index", vectors.rows, "vectors");
  while (index.ntotal < vectors.rows) {
    ThrowIfStopped();
    const std::int64_t count = std::min(block, vectors.rows - index.ntotal);
    index.add(count, vectors.Row(index.ntotal).data());
    if (progress) progress->Update(index.ntotal);
    if (index.ntotal < vectors.rows) partial.Save(index);
  }
  if (progress) progress->Finish();
}

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
    throw Error("searching the index failed: " + FaissReason(error));
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

class FaissIndex : public IndexBackend {
 public:
  explicit FaissIndex(std::unique_ptr<faiss::Index> index, std::filesystem::path partial = {})
      : index_(std::move(index)),
        flat_(dynamic_cast<const faiss::IndexFlat*>(index_.get())),
        partial_(std::move(partial)) {}

  void Write(const std::filesystem::path& path) const override { WriteFaissIndex(*index_, path); }
  void RemovePartial() const override {
    std::error_code ignored;
    if (!partial_.empty()) std::filesystem::remove(partial_, ignored);
  }
  std::int64_t size() const override { return index_->ntotal; }
  std::int64_t dimension() const override { return index_->d; }
  std::string metric() const override {
    return index_->metric_type == faiss::METRIC_INNER_PRODUCT ? "inner_product" : "l2";
  }
  bool exact() const override { return flat_ != nullptr; }
  std::span<const float> vectors() const override {
    if (!exact()) return {};
    return {flat_->get_xb(), static_cast<std::size_t>(flat_->ntotal * flat_->d)};
  }
  void SetParameters(const std::string& parameters) override;
  std::vector<std::vector<Neighbor>> Search(const Matrix& queries, std::int64_t k) const override;

 private:
  std::unique_ptr<faiss::Index> index_;
  const faiss::IndexFlat* flat_;   // the same index, when it is exact
  std::filesystem::path partial_;  // where a part of it was kept; empty: nowhere
};

}  // namespace

bool TakesForFaiss(const std::string&) { return true; }
bool IsForFaiss(const std::string&) { return true; }

std::unique_ptr<IndexBackend> BuildFaissIndex(const Matrix& vectors, const std::string& factory,
                                              const std::string& metric, const KeepIndex& keep) {
  const auto type = metric == "l2" ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
  const std::string description = factory == "flat" ? "Flat" : factory;
  const std::string what = "gallery.index: '" + Printable(factory) + "' ";
  std::unique_ptr<faiss::Index> index;
  try {
    index.reset(faiss::index_factory(static_cast<int>(vectors.columns), description.c_str(), type));
  } catch (const std::exception& error) {
    throw InputError(what + "is not flat or a FAISS factory string for " + std::to_string(vectors.columns) +
                     " dimensions: " + FaissReason(error));
  }
  if (index->metric_type != type) throw InputError(what + "does not support gallery.metric " + metric);
  CheckKind(*index, what);
  const bool graph = description.find("HNSW") != std::string::npos || description.find("NSG") != std::string::npos;
  PartialIndex partial(index->is_trained && !graph ? KeepIndex{} : keep,
                       [&] { return MadeFrom(vectors, description, metric); });
  try {
    const OneThread deterministic(graph);
    auto kept = partial.Load();
    if (kept && kept->d == index->d && kept->ntotal <= vectors.rows) index = std::move(kept);
    Grow(*index, vectors, partial);
  } catch (const faiss::FaissException& error) {
    ThrowIfStopped();
    throw InputError(what + "cannot be built from " + std::to_string(vectors.rows) + " vectors of " +
                     std::to_string(vectors.columns) + " dimensions: " + FaissReason(error));
  } catch (const std::bad_alloc&) {
    throw Error(what + "does not fit into memory with " + std::to_string(vectors.rows) + " vectors");
  }
  if (auto* ivf = faiss::ivflib::try_extract_index_ivf(index.get())) {
    ivf->nprobe = std::min<size_t>(ivf->nlist, std::max<size_t>(8, ivf->nlist / 16));
  }
  return std::make_unique<FaissIndex>(std::move(index), partial.kept());
}

std::unique_ptr<IndexBackend> LoadFaissIndex(const std::filesystem::path& path) {
  auto index = ReadFaissIndex(path);
  const auto type = index->metric_type;
  if (type != faiss::METRIC_INNER_PRODUCT && type != faiss::METRIC_L2) {
    throw InputError(path.string() + ": the index compares by another metric than inner product or L2");
  }
  return std::make_unique<FaissIndex>(std::move(index));
}

void FaissIndex::SetParameters(const std::string& parameters) {
  try {
    faiss::ParameterSpace().set_index_parameters(index_.get(), parameters.c_str());
  } catch (const std::exception& error) {
    throw InputError("search.index_parameters: '" + Printable(parameters) +
                     "' does not fit the gallery's index: " + FaissReason(error));
  }
}

std::vector<std::vector<Neighbor>> FaissIndex::Search(const Matrix& queries, std::int64_t k) const {
  std::vector<std::vector<Neighbor>> results(static_cast<std::size_t>(queries.rows));
  faiss::Index& index = *index_;
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
            const float* row = flat_->get_xb() + neighbor.row * index.d;
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
