#include "faiss_build.h"

#include <faiss/IVFlib.h>
#include <faiss/Index.h>
#include <faiss/IndexFlatCodes.h>
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
#include <new>
#include <optional>
#include <sstream>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "faiss_io.h"
#include "index_file.h"
#include "partial_index.h"
#include "util/progress.h"

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

// FAISS's codes are a vector, in later versions one that may be a view of a mapped file.
template <class Codes>
void ReserveBytes(Codes& codes, std::size_t bytes) {
  if constexpr (requires { codes.reserve(bytes); }) {
    codes.reserve(bytes);
  } else {
    codes.owned_data.reserve(bytes);
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

}  // namespace

StopsWhenAsked::StopsWhenAsked() { faiss::InterruptCallback::instance = std::make_unique<StopCallback>(); }
StopsWhenAsked::~StopsWhenAsked() { faiss::InterruptCallback::clear_instance(); }

bool HasGraph(const std::string& factory) {
  return factory.find("HNSW") != std::string::npos || factory.find("NSG") != std::string::npos;
}

std::string IndexInMessages(const std::string& factory) { return "gallery.index: '" + Printable(factory) + "' "; }

std::unique_ptr<faiss::Index> NewFaissIndex(std::int64_t columns, const std::string& factory,
                                            const std::string& metric) {
  const auto type = metric == "l2" ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
  const std::string description = factory == "flat" ? "Flat" : factory;
  const std::string what = IndexInMessages(factory);
  std::unique_ptr<faiss::Index> index;
  try {
    index.reset(faiss::index_factory(static_cast<int>(columns), description.c_str(), type));
  } catch (const std::exception& error) {
    throw InputError(what + "is not flat or a FAISS factory string for " + std::to_string(columns) +
                     " dimensions: " + FaissReason(error));
  }
  if (index->metric_type != type) throw InputError(what + "does not support gallery.metric " + metric);
  CheckKind(*index, what);
  return index;
}

faiss::Index& Innermost(faiss::Index& index) {
  if (auto* outer = dynamic_cast<faiss::IndexPreTransform*>(&index)) return Innermost(*outer->index);
  if (auto* outer = dynamic_cast<faiss::IndexRefine*>(&index)) return Innermost(*outer->base_index);
  return index;
}

void SetProbes(faiss::Index& index) {
  if (auto* ivf = faiss::ivflib::try_extract_index_ivf(&index)) {
    ivf->nprobe = std::min<size_t>(ivf->nlist, std::max<size_t>(8, ivf->nlist / 16));
  }
}

void Reserve(faiss::Index& index, std::int64_t rows) {
  if (auto* outer = dynamic_cast<faiss::IndexPreTransform*>(&index)) return Reserve(*outer->index, rows);
  if (auto* outer = dynamic_cast<faiss::IndexRefine*>(&index)) {
    Reserve(*outer->base_index, rows);
    return Reserve(*outer->refine_index, rows);
  }
  if (auto* graph = dynamic_cast<faiss::IndexHNSW*>(&index)) return Reserve(*graph->storage, rows);
  if (auto* graph = dynamic_cast<faiss::IndexNSG*>(&index)) return Reserve(*graph->storage, rows);
  if (auto* codes = dynamic_cast<faiss::IndexFlatCodes*>(&index)) {
    ReserveBytes(codes->codes, static_cast<std::size_t>(rows) * codes->code_size);
  }
}

void AddVectors(faiss::Index& index, std::int64_t rows,
                const std::function<const float*(std::int64_t first, std::int64_t count)>& read, PartialIndex& partial,
                std::int64_t most) {
  Reserve(index, rows);
  // Seconds of work at most, of one thread where it is a graph; an NSG graph is built in one go.
  std::int64_t block = most;
  faiss::Index& inner = Innermost(index);
  if (auto* graph = dynamic_cast<faiss::IndexHNSW*>(&inner)) {
    block = std::min<std::int64_t>(most, 1 << 10);
    // A file does not hold the state of the generator that draws a vector's level; it draws once a vector.
    for (std::int64_t i = 0; i < index.ntotal; ++i) graph->hnsw.random_level();
  } else if (dynamic_cast<faiss::IndexNSG*>(&inner) != nullptr) {
    block = rows;
  }
  std::optional<Progress> progress;
  if (rows > block) progress.emplace("index", rows, "vectors");
  while (index.ntotal < rows) {
    ThrowIfStopped();
    const std::int64_t count = std::min(block, rows - index.ntotal);
    index.add(count, read(index.ntotal, count));
    if (progress) progress->Update(index.ntotal);
    if (index.ntotal < rows) partial.Save(index);
  }
  if (progress) progress->Finish();
}

void WithFaiss(const std::string& factory, std::int64_t rows, std::int64_t columns, const std::function<void()>& work) {
  const std::string what = IndexInMessages(factory);
  try {
    const OneThread deterministic(HasGraph(factory));
    work();
  } catch (const faiss::FaissException& error) {
    ThrowIfStopped();
    throw InputError(what + "cannot be built from " + std::to_string(rows) + " vectors of " + std::to_string(columns) +
                     " dimensions: " + FaissReason(error));
  } catch (const std::bad_alloc&) {
    throw Error(what + "does not fit into memory with " + std::to_string(rows) + " vectors");
  }
}

}  // namespace dualgeo
