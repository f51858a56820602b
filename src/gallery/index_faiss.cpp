// FAISS (Johnson, Douze, Jegou, Billion-scale similarity search with GPUs, 2017): flat, and what its factory strings
// make.
#include <faiss/AutoTune.h>
#include <faiss/IVFlib.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexNSG.h>
#include <faiss/IndexPQ.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexRefine.h>
#include <faiss/impl/FaissException.h>
#include <faiss/impl/IDSelector.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "exact_scores.h"
#include "faiss_build.h"
#include "faiss_io.h"
#include "index_backend.h"
#include "partial_index.h"
#include "util/parallel.h"

namespace dualgeo {

namespace {

std::string MadeFrom(const Matrix& vectors, const std::string& factory, const std::string& metric) {
  const std::string_view bytes(reinterpret_cast<const char*>(vectors.values.data()),
                               vectors.values.size() * sizeof(float));
  return Sha256(Sha256(bytes) + "\n" + std::to_string(vectors.columns) + "\n" + factory + "\n" + metric + "\n" +
                std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR));
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

// The rows that one query may find.
class RowsOfQuery : public faiss::IDSelector {
 public:
  RowsOfQuery(const RowFilter& takes, std::int64_t query) : takes_(takes), query_(query) {}
  bool is_member(std::int64_t row) const override { return takes_(query_, row); }

 private:
  const RowFilter& takes_;
  std::int64_t query_;
};

// One query where rows are left out: the index whose rows are scanned, and the query as it knows it.
class FilteredQuery {
 public:
  FilteredQuery(const faiss::Index& index, const float* query) : scanned_(&index), query_(query) {
    if (const auto* outer = dynamic_cast<const faiss::IndexPreTransform*>(scanned_)) {
      query_ = outer->apply_chain(1, query);
      if (query_ != query) own_.reset(query_);
      scanned_ = outer->index;
    }
    if (const auto* refined = dynamic_cast<const faiss::IndexRefine*>(scanned_)) scanned_ = refined->refine_index;
    if (const auto* graph = dynamic_cast<const faiss::IndexHNSW*>(scanned_)) scanned_ = graph->storage;
    if (const auto* graph = dynamic_cast<const faiss::IndexNSG*>(scanned_)) scanned_ = graph->storage;
    ivf_ = dynamic_cast<const faiss::IndexIVF*>(scanned_);
    selects_ = dynamic_cast<const faiss::IndexPQ*>(scanned_) == nullptr;
    probes_ = ivf_ == nullptr ? 0 : ivf_->nprobe;
  }

  // Up to `count` rows that are taken (FAISS's scores). Fewer: see Widen.
  std::vector<Neighbor> Fetch(std::int64_t count, const RowsOfQuery& rows) {
    fetch_ = std::min(scanned_->ntotal, selects_ ? count : std::max(fetch_, 4 * count));
    std::vector<float> distances(static_cast<std::size_t>(fetch_));
    std::vector<std::int64_t> labels(static_cast<std::size_t>(fetch_), -1);
    faiss::SearchParametersIVF in_lists;
    faiss::SearchParameters plain;
    faiss::SearchParameters& parameters = ivf_ == nullptr ? plain : in_lists;
    // FAISS only reads it.
    parameters.sel = const_cast<RowsOfQuery*>(&rows);
    if (ivf_ != nullptr) {
      in_lists.nprobe = probes_;
      in_lists.max_codes = ivf_->max_codes;
    }
    try {
      scanned_->search(1, query_, fetch_, distances.data(), labels.data(), selects_ ? &parameters : nullptr);
    } catch (const faiss::FaissException& error) {
      throw Error("searching the index failed: " + FaissReason(error));
    }
    const bool similarity = scanned_->metric_type == faiss::METRIC_INNER_PRODUCT;
    std::vector<Neighbor> found;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < 0 || labels[i] >= scanned_->ntotal) continue;
      if (!selects_ && !rows.is_member(labels[i])) continue;
      found.push_back({labels[i], similarity ? distances[i] : -static_cast<double>(distances[i])});
    }
    return found;
  }

  // Whether there may be more than were found; the next Fetch looks for them.
  bool Widen() {
    if (!selects_) {
      if (fetch_ == scanned_->ntotal) return false;
      fetch_ *= 4;
      return true;
    }
    if (ivf_ == nullptr || probes_ == ivf_->nlist) return false;
    probes_ = std::min(ivf_->nlist, probes_ * 4);
    return true;
  }

 private:
  const faiss::Index* scanned_;
  const faiss::IndexIVF* ivf_ = nullptr;
  bool selects_ = true;  // whether it can leave rows out as it scans
  size_t probes_ = 0;
  std::int64_t fetch_ = 0;
  const float* query_;
  std::unique_ptr<const float[]> own_;
};

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
  std::vector<std::vector<Neighbor>> SearchAmong(const Matrix& queries, std::int64_t k,
                                                 const RowFilter& takes) const override;

 private:
  // Of an exact index: scores in double, equals by row. Whether rows that FAISS left out may still be among the first
  // k.
  bool Rescore(const float* query, std::int64_t k, std::vector<Neighbor>& list) const;

  std::unique_ptr<faiss::Index> index_;
  const faiss::IndexFlat* flat_;   // the same index, when it is exact
  std::filesystem::path partial_;  // where a part of it was kept; empty: nowhere
};

}  // namespace

bool TakesForFaiss(const std::string&) { return true; }
bool IsForFaiss(const std::string&) { return true; }

std::unique_ptr<IndexBackend> BuildFaissIndex(const Matrix& vectors, const std::string& factory,
                                              const std::string& metric, const KeepIndex& keep) {
  auto index = NewFaissIndex(vectors.columns, factory, metric);
  PartialIndex partial(index->is_trained && !HasGraph(factory) ? KeepIndex{} : keep,
                       [&] { return MadeFrom(vectors, factory == "flat" ? "Flat" : factory, metric); });
  WithFaiss(factory, vectors.rows, vectors.columns, [&] {
    auto kept = partial.Load();
    if (kept && kept->d == index->d && kept->ntotal <= vectors.rows) index = std::move(kept);
    if (!index->is_trained) {
      const StopsWhenAsked stops;
      index->train(vectors.rows, vectors.values.data());
    }
    AddVectors(
        *index, vectors.rows, [&](std::int64_t first, std::int64_t) { return vectors.Row(first).data(); }, partial);
  });
  SetProbes(*index);
  return std::make_unique<FaissIndex>(std::move(index), partial.kept());
}

std::unique_ptr<IndexBackend> LoadFaissIndex(const std::filesystem::path& path) {
  auto index = ReadFaissIndex(path, FaissLists::kMapped);
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

bool FaissIndex::Rescore(const float* query, std::int64_t k, std::vector<Neighbor>& list) const {
  const bool inner_product = flat_->metric_type == faiss::METRIC_INNER_PRODUCT;
  const double worst = list.empty() ? 0 : list.back().score;  // FAISS's own order: best first
  double scale = Dot(query, query, flat_->d);
  for (auto& neighbor : list) {
    const float* row = flat_->get_xb() + neighbor.row * flat_->d;
    neighbor.score = inner_product ? Dot(query, row, flat_->d) : 0.0 - SquaredDistance(query, row, flat_->d);
    scale = std::max(scale, Dot(row, row, flat_->d));
  }
  std::sort(list.begin(), list.end(), Before);
  // FAISS compares in single precision: rows beyond the list may equal the k-th as long as the last row is within
  // rounding of it.
  const auto kth = static_cast<std::size_t>(k - 1);
  return list.size() > kth && worst >= list[kth].score - 2e-6 * scale;
}

std::vector<std::vector<Neighbor>> FaissIndex::SearchAmong(const Matrix& queries, std::int64_t k,
                                                           const RowFilter& takes) const {
  std::vector<std::vector<Neighbor>> results(static_cast<std::size_t>(queries.rows));
  ForEachInParallel(results.size(), omp_get_max_threads(), [&](std::size_t q) {
    ThrowIfStopped();
    const float* values = queries.Row(static_cast<std::int64_t>(q)).data();
    const RowsOfQuery rows(takes, static_cast<std::int64_t>(q));
    FilteredQuery query(*index_, values);
    auto& list = results[q];
    std::int64_t fetch = exact() ? std::min(size(), k + 8) : k;
    while (true) {
      list = query.Fetch(fetch, rows);
      const bool all = exact() && static_cast<std::int64_t>(list.size()) < fetch;
      if (exact() && Rescore(values, k, list) && !all && fetch < size()) {
        fetch = std::min(size(), fetch * 4);
        continue;
      }
      if (static_cast<std::int64_t>(list.size()) >= k || !query.Widen()) break;
    }
    if (!exact()) std::sort(list.begin(), list.end(), Before);
    if (static_cast<std::int64_t>(list.size()) > k) list.resize(static_cast<std::size_t>(k));
  });
  return results;
}

std::vector<std::vector<Neighbor>> FaissIndex::Search(const Matrix& queries, std::int64_t k) const {
  std::vector<std::vector<Neighbor>> results(static_cast<std::size_t>(queries.rows));
  faiss::Index& index = *index_;
  auto* ivf = faiss::ivflib::try_extract_index_ivf(&index);
  const RestoreProbes restore(ivf);

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
          const bool open = Rescore(queries.Row(which[i]).data(), k, list);
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
