// FAISS indexes of more vectors than fit into memory: read in blocks, laid aside in parts, joined in FAISS's own format
// (faiss/impl/index_write.cpp).
#include <faiss/IVFlib.h>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexNSG.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexRefine.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/invlists/OnDiskInvertedLists.h>
#include <faiss/utils/random.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <numeric>
#include <optional>
#include <sstream>

#include "dualgeo/gallery/parts.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "faiss_build.h"
#include "faiss_io.h"
#include "index_backend.h"
#include "partial_index.h"
#include "util/atomic_file.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

// Shares of the memory that a build may take: what the process holds already (libraries, the table of photos) must fit
// into the rest.
constexpr double kTrainingShare = 0.25;
constexpr double kListsShare = 0.125;  // a list that grows has up to twice its size
constexpr double kBlockShare = 0.02;   // a block of vectors, of which some copies are made
constexpr double kFreeShare = 0.45;

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

template <class T>
void WriteValue(std::ostream& stream, T value) {
  stream.write(reinterpret_cast<const char*>(&value), sizeof value);
}

void WriteFloats(std::ostream& stream, std::span<const float> values) {
  stream.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
}

// A trained index of `rows` vectors as FAISS would write it, without them and without `cut` bytes at its end: what
// stands there for none.
std::string WithoutVectors(faiss::Index& index, std::int64_t rows, std::size_t cut) {
  std::vector<faiss::Index*> inner = {&index};
  while (auto* outer = dynamic_cast<faiss::IndexPreTransform*>(inner.back())) inner.push_back(outer->index);
  for (auto* one : inner) one->ntotal = rows;
  std::ostringstream stream;
  WriteFaissIndex(index, stream);
  for (auto* one : inner) one->ntotal = 0;
  std::string text = stream.str();
  text.resize(text.size() - cut);
  return text;
}

// Bytes that a vector takes in an index that is built in memory.
double BytesOfAVector(const faiss::Index& index) {
  if (const auto* outer = dynamic_cast<const faiss::IndexPreTransform*>(&index)) return BytesOfAVector(*outer->index);
  if (const auto* outer = dynamic_cast<const faiss::IndexRefine*>(&index)) {
    return BytesOfAVector(*outer->base_index) + BytesOfAVector(*outer->refine_index);
  }
  if (const auto* graph = dynamic_cast<const faiss::IndexHNSW*>(&index)) {
    return BytesOfAVector(*graph->storage) + 4.0 * 1.1 * graph->hnsw.nb_neighbors(0) + 16;
  }
  if (const auto* graph = dynamic_cast<const faiss::IndexNSG*>(&index)) {
    // All vectors at once, and the neighbours that it is made of.
    return BytesOfAVector(*graph->storage) + 4.0 * index.d + 4.0 * (graph->GK + 64);
  }
  if (const auto* ivf = dynamic_cast<const faiss::IndexIVF*>(&index)) {
    return 2.0 * static_cast<double>(ivf->code_size + sizeof(std::int64_t));
  }
  if (const auto* codes = dynamic_cast<const faiss::IndexFlatCodes*>(&index))
    return static_cast<double>(codes->code_size);
  return 8.0 * index.d;
}

class FaissFileBuilder {
 public:
  FaissFileBuilder(const VectorBlocks& vectors, const std::string& factory, const std::string& metric,
                   const StreamedBuild& build)
      : vectors_(vectors),
        factory_(factory),
        metric_(metric),
        build_(build),
        budget_(build.memory_gb > 0 ? build.memory_gb * 1e9 : 1e15),
        row_bytes_(static_cast<double>(vectors.columns) * sizeof(float)),
        index_(NewFaissIndex(vectors.columns, factory, metric)) {
    // Lists below transforms; not those of a refined index, which holds the vectors beside them.
    faiss::Index* inner = index_.get();
    while (auto* outer = dynamic_cast<faiss::IndexPreTransform*>(inner)) inner = outer->index;
    ivf_ = dynamic_cast<faiss::IndexIVF*>(inner);
    block_ = std::clamp<std::int64_t>(static_cast<std::int64_t>(kBlockShare * budget_ / row_bytes_), 64, 1 << 14);
  }

  // Returns what was kept on the way.
  std::filesystem::path Write(const std::filesystem::path& path) {
    const bool flat = dynamic_cast<faiss::IndexFlat*>(index_.get()) != nullptr;
    CheckMemory(flat);
    WithFaiss(factory_, vectors_.rows, vectors_.columns, [&] {
      if (flat) {
        WriteFlat(path);
      } else if (ivf_ != nullptr) {
        WriteLists(path);
      } else {
        WriteWhole(path);
      }
    });
    return kept_;
  }

 private:
  // What must be drawn, and what is: FAISS's own numbers for k-means, as far as they fit.
  std::int64_t LeastSample() const {
    std::int64_t least =
        ivf_ == nullptr ? 1 : static_cast<std::int64_t>(ivf_->nlist) * ivf_->cp.min_points_per_centroid;
    if (const auto* pq = dynamic_cast<const faiss::IndexIVFPQ*>(ivf_)) {
      least = std::max<std::int64_t>(least, static_cast<std::int64_t>(pq->pq.ksub));
    }
    return std::min(vectors_.rows, std::max<std::int64_t>(least, 256));
  }
  std::int64_t Sample() const {
    std::int64_t wanted = 1 << 16;  // enough for PQ, SQ and transforms
    if (ivf_ != nullptr) {
      wanted = static_cast<std::int64_t>(ivf_->nlist) * ivf_->cp.max_points_per_centroid;
      if (dynamic_cast<const faiss::IndexIVFPQ*>(ivf_) != nullptr || ivf_ != index_.get()) {
        wanted = std::max<std::int64_t>(wanted, 1 << 16);
      }
    }
    const auto fits = static_cast<std::int64_t>(kTrainingShare * budget_ / row_bytes_);
    return std::min({vectors_.rows, wanted, std::max(fits, LeastSample())});
  }

  void CheckMemory(bool flat) const {
    const double used = ResidentBytes();
    double least = used / (1 - kFreeShare);
    least = std::max(least, 64 * row_bytes_ / kBlockShare);
    if (!flat && ivf_ != nullptr) {
      least = std::max(least, static_cast<double>(LeastSample()) * row_bytes_ / kTrainingShare);
      // The centroids, once in the quantizer and once where they are found.
      least = std::max(least, (used + 2.0 * static_cast<double>(ivf_->nlist) * row_bytes_) / (1 - kFreeShare));
    } else if (!flat) {
      const double whole = BytesOfAVector(*index_) * static_cast<double>(vectors_.rows);
      least = std::max(least, (used + whole) / (1 - kFreeShare / 2));
    }
    if (budget_ >= least) return;
    const double told = std::ceil(least / 1e9 * 20 + 1) / 20;  // a little more than now: the program's size varies
    throw InputError("gallery.memory_gb: " + FormatDouble(build_.memory_gb) + " is too little for " +
                     std::to_string(vectors_.rows) + " vectors of " + std::to_string(vectors_.columns) +
                     " dimensions in an index " + Printable(factory_) + "; the least that works is " +
                     FormatDouble(told));
  }

  // Calls take(first, block) for all vectors from row `first` on, a block at a time.
  template <class Take>
  void ForEachBlockFrom(std::int64_t first, const std::string& what, const Take& take) const {
    Progress progress(what, vectors_.rows, "vectors");
    for (; first < vectors_.rows; first += block_) {
      ThrowIfStopped();
      const std::int64_t count = std::min(block_, vectors_.rows - first);
      take(first, vectors_.read(first, count));
      progress.Update(first + count);
    }
    progress.Finish();
  }

  // Vectors drawn without replacement, in the order in which FAISS would draw them.
  Matrix DrawSample() const {
    const std::int64_t count = Sample();
    std::vector<std::int64_t> place(static_cast<std::size_t>(vectors_.rows), -1);
    if (count == vectors_.rows) {
      std::iota(place.begin(), place.end(), 0);
    } else {
      std::vector<int> order(place.size());
      faiss::rand_perm(order.data(), order.size(), faiss::ClusteringParameters().seed);
      for (std::int64_t i = 0; i < count; ++i) place[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = i;
    }
    Matrix sample(count, vectors_.columns);
    ForEachBlockFrom(0, "draw", [&](std::int64_t first, const Matrix& block) {
      for (std::int64_t i = 0; i < block.rows; ++i) {
        const std::int64_t to = place[static_cast<std::size_t>(first + i)];
        if (to >= 0) std::ranges::copy(block.Row(i), sample.Row(to).begin());
      }
    });
    return sample;
  }

  void Train() {
    if (index_->is_trained) return;
    const Matrix sample = DrawSample();
    spdlog::info("gallery: training on {} of {} vectors", sample.rows, vectors_.rows);
    const StopsWhenAsked stops;
    index_->train(sample.rows, sample.values.data());
  }

  void WriteFlat(const std::filesystem::path& path) {
    AtomicFile file(path);
    file.stream() << WithoutVectors(*index_, vectors_.rows, sizeof(std::uint64_t));
    WriteValue(file.stream(), static_cast<std::uint64_t>(vectors_.rows * vectors_.columns));
    ForEachBlockFrom(0, "index", [&](std::int64_t, const Matrix& block) {
      WriteFloats(file.stream(), block.values);
      if (!file.stream()) file.Commit();  // throws
    });
    file.Commit();
  }

  void WriteWhole(const std::filesystem::path& path) {
    PartialIndex partial(build_.keep, [&] { return Sha256(MadeFromText()); });
    auto kept = partial.Load();
    if (kept && kept->d == index_->d && kept->ntotal <= vectors_.rows) index_ = std::move(kept);
    Train();
    Matrix block;
    AddVectors(
        *index_, vectors_.rows,
        [&](std::int64_t first, std::int64_t count) {
          block = vectors_.read(first, count);
          return block.values.data();
        },
        partial, block_);
    SetProbes(*index_);
    WriteFaissIndex(*index_, path);
    kept_ = partial.kept();
  }

  std::string MadeFromText() const {
    return "dualgeo index parts 1\nvectors: " + build_.made_from + "\nindex: " + factory_ + "\nmetric: " + metric_ +
           "\nrows: " + std::to_string(vectors_.rows) + "\ncolumns: " + std::to_string(vectors_.columns) +
           "\ntrained on: " + std::to_string(Sample()) + "\nfaiss: " + std::to_string(FAISS_VERSION_MAJOR) + "." +
           std::to_string(FAISS_VERSION_MINOR) + "\n";
  }

  // Empty lists in memory; the index that it had is trained.
  void EmptyLists() {
    ivf_->replace_invlists(new faiss::ArrayInvertedLists(ivf_->nlist, ivf_->code_size), true);
    ivf_->ntotal = index_->ntotal = 0;
  }

  // Goes on with an index that a killed process trained.
  void TakeTrained(const std::filesystem::path& part) {
    index_ = ReadFaissIndex(part, FaissLists::kMapped);
    ivf_ = faiss::ivflib::extract_index_ivf(index_.get());
    EmptyLists();
  }

  void WriteLists(const std::filesystem::path& path) {
    if (!build_.keep.stem.empty()) kept_ = build_.keep.stem.string() + ".index-parts";
    PartsFolder parts(kept_, MadeFromText());
    if (parts.done() > 0) {
      spdlog::info("gallery: {} of {} vectors were indexed before", parts.done(), vectors_.rows);
      TakeTrained(parts.parts().front().file);
    } else {
      Train();
    }
    SetProbes(*index_);
    const auto most =
        static_cast<std::int64_t>(kListsShare * budget_ / static_cast<double>(ivf_->code_size + sizeof(std::int64_t)));
    auto saved = std::chrono::steady_clock::now();
    const auto save = [&] {
      parts.Add(index_->ntotal, [&](const std::filesystem::path& file) { WriteFaissIndex(*index_, file); });
      EmptyLists();
      saved = std::chrono::steady_clock::now();
    };
    ForEachBlockFrom(parts.done(), "index", [&](std::int64_t first, const Matrix& block) {
      index_->add(block.rows, block.values.data());
      const bool end = first + block.rows == vectors_.rows;
      const bool full = index_->ntotal >= most || std::chrono::steady_clock::now() - saved >= build_.keep.interval;
      if (parts.keeps() && !end && full) save();
    });
    if (parts.done() == 0) {
      WriteFaissIndex(*index_, path);  // all fit
      return;
    }
    if (index_->ntotal > 0) save();
    JoinParts(parts, path);
  }

  void JoinParts(const PartsFolder& parts, const std::filesystem::path& path) {
    struct Shard {
      std::unique_ptr<faiss::Index> index;
      const faiss::OnDiskInvertedLists* lists = nullptr;
      std::int64_t first = 0;
    };
    std::vector<Shard> shards;
    for (const auto& part : parts.parts()) {
      Shard& shard = shards.emplace_back();
      shard.index = ReadFaissIndex(part.file, FaissLists::kMapped);
      shard.first = part.first;
      const auto* ivf = faiss::ivflib::extract_index_ivf(shard.index.get());
      shard.lists = dynamic_cast<const faiss::OnDiskInvertedLists*>(ivf->invlists);
      if (shard.lists == nullptr || ivf->nlist != ivf_->nlist || ivf->code_size != ivf_->code_size) {
        throw Error(part.file.string() + ": is not a part of this index");
      }
    }
    std::vector<std::uint64_t> sizes(ivf_->nlist, 0);
    for (const auto& shard : shards) {
      for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] += shard.lists->list_size(i);
    }
    AtomicFile file(path);
    std::ostream& stream = file.stream();
    // "ilar", lists, code size, "sprs", none
    stream << WithoutVectors(*index_, vectors_.rows, 4 + 8 + 8 + 4 + 8);
    WriteListSizes(stream, sizes);
    Progress progress("join", static_cast<std::int64_t>(sizes.size()), "lists");
    double seen = 0;
    for (std::size_t list = 0; list < sizes.size(); ++list) {
      ThrowIfStopped();
      for (const auto& shard : shards) {
        stream.write(reinterpret_cast<const char*>(shard.lists->get_codes(list)),
                     static_cast<std::streamsize>(shard.lists->list_size(list) * ivf_->code_size));
      }
      for (const auto& shard : shards) {
        const auto* ids = reinterpret_cast<const char*>(shard.lists->get_ids(list));  // not aligned
        for (std::size_t i = 0; i < shard.lists->list_size(list); ++i) {
          std::int64_t id = 0;
          std::memcpy(&id, ids + i * sizeof id, sizeof id);
          WriteValue(stream, id + shard.first);
        }
      }
      if (!stream) file.Commit();  // throws
      progress.Update(static_cast<std::int64_t>(list) + 1);
      // Pages that were read count as this process's memory until they are given back.
      seen += static_cast<double>(sizes[list] * (ivf_->code_size + sizeof(std::int64_t)));
      if (seen < kBlockShare * budget_) continue;
      seen = 0;
      for (const auto& shard : shards) madvise(shard.lists->ptr, shard.lists->totsize, MADV_DONTNEED);
    }
    progress.Finish();
    file.Commit();
  }

  void WriteListSizes(std::ostream& stream, const std::vector<std::uint64_t>& sizes) const {
    stream << "ilar";
    WriteValue(stream, static_cast<std::uint64_t>(ivf_->nlist));
    WriteValue(stream, static_cast<std::uint64_t>(ivf_->code_size));
    std::vector<std::uint64_t> told = sizes;
    const auto filled = static_cast<std::size_t>(std::ranges::count_if(sizes, [](std::uint64_t n) { return n > 0; }));
    const bool full = filled > sizes.size() / 2;
    if (!full) {
      told.clear();
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (sizes[i] > 0) told.insert(told.end(), {i, sizes[i]});
      }
    }
    stream << (full ? "full" : "sprs");
    WriteValue(stream, static_cast<std::uint64_t>(told.size()));
    for (const std::uint64_t value : told) WriteValue(stream, value);
  }

  const VectorBlocks& vectors_;
  std::string factory_, metric_;
  const StreamedBuild& build_;
  std::filesystem::path kept_;
  double budget_, row_bytes_;
  std::unique_ptr<faiss::Index> index_;
  faiss::IndexIVF* ivf_ = nullptr;  // of index_; null: no lists, or not at its bottom
  std::int64_t block_ = 0;
};

}  // namespace

std::filesystem::path BuildFaissFile(const VectorBlocks& vectors, const std::string& factory, const std::string& metric,
                                     const StreamedBuild& build, const std::filesystem::path& path) {
  return FaissFileBuilder(vectors, factory, metric, build).Write(path);
}

}  // namespace dualgeo
