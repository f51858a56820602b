#include "gallery/advise.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// Ids, places and authors beside each vector, as LoadGallery keeps them.
constexpr double kItemBytes = 120;
// Flat, a second, on two threads: for 100,000 vectors of 1536 dimensions.
constexpr double kFlatQueries = 560;
constexpr double kEnoughQueries = 1000;

// Measured on 100,000 clustered vectors of 1536 dimensions (docs/performance.md): speed over that of the flat index of
// Debian's FAISS.
struct MeasuredIndex {
  const char* index;
  double value_bytes;   // a dimension, in memory
  double vector_bytes;  // beside them
  double disk_value_bytes;
  double recall;
  double plain;  // with a FAISS for any processor
  double wide;   // with a FAISS for AVX2 or AVX-512
  bool lists;    // the advantage over flat grows with the root of the count, as the number of lists does
};
constexpr MeasuredIndex kMeasuredIndexes[] = {
    {"flat", 4, 0, 4, 1, 1, 1.2, false},
    {"grouped", 4, 16, 4, 1, 16, 16, true},
    {"grouped,SQ8", 1, 24, 1, 0.993, 19, 19, true},
    {"grouped,SQ8,RFlat", 1, 24, 5, 1, 13, 13, true},
    {"SQ8", 1, 0, 1, 0.969, 0.012, 0.12, false},
    {"IVF{lists},Flat", 4, 8, 4, 1, 1.5, 3.7, true},
    {"IVF{lists},SQ8", 1, 8, 1, 0.984, 1.1, 8.7, true},
    {"HNSW32", 4, 272, 4, 0.94, 2.6, 8.4, true},
};

std::string ListsFor(std::string text, std::int64_t count) {
  const auto at = text.find("{lists}");
  if (at == std::string::npos) return text;
  // A power of two near 4 sqrt(count), as FAISS's guidelines have it, with 39 vectors to train each.
  const double lists = std::min(4 * std::sqrt(static_cast<double>(count)), static_cast<double>(count) / 39);
  const auto power = static_cast<std::int64_t>(std::exp2(std::floor(std::log2(std::max(1.0, lists)))));
  return text.replace(at, 7, std::to_string(power));
}

int RecallClass(double recall) { return recall >= 0.999 ? 2 : recall >= 0.99 ? 1 : 0; }

std::string Rounded(double value, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string RemarkOf(const IndexAdvice& one, double flat) {
  if (!one.fits) return "does not fit";
  const double ratio = one.queries_a_second / flat;
  if (one.index == "flat") return "exact";
  if (ratio < 1) return "slower than flat" + std::string(ratio < 0.5 ? ": this FAISS is built for any processor" : "");
  return Rounded(ratio, ratio < 10 ? "%.1f" : "%.0f") + " times flat's speed";
}

}  // namespace

std::vector<IndexAdvice> AdviseIndex(std::int64_t count, std::int64_t dimension, double memory_gb,
                                     InstructionSet faiss) {
  if (count < 1) throw InputError("--count: " + std::to_string(count) + " vectors; at least 1");
  if (dimension < 1) throw InputError("--dimension: " + std::to_string(dimension) + "; at least 1");
  const auto n = static_cast<double>(count), d = static_cast<double>(dimension);
  const double flat = kFlatQueries * (1e5 / n) * (1536 / d);
  std::vector<IndexAdvice> all;
  for (const MeasuredIndex& kind : kMeasuredIndexes) {
    const double speed = faiss == InstructionSet::kPlain ? kind.plain : kind.wide;
    IndexAdvice one;
    one.index = ListsFor(kind.index, count);
    one.bytes_a_vector = kind.value_bytes * d + kind.vector_bytes;
    one.memory_gb = n * (one.bytes_a_vector + kItemBytes) / 1e9;
    one.disk_gb = n * (kind.disk_value_bytes * d + kind.vector_bytes) / 1e9;
    one.recall = kind.recall;
    one.queries_a_second = flat * speed * (kind.lists ? std::sqrt(n / 1e5) : 1);
    one.fits = one.memory_gb <= memory_gb;
    one.remark = RemarkOf(one, flat);
    all.push_back(std::move(one));
  }
  const auto least = std::ranges::min_element(all, {}, &IndexAdvice::memory_gb);
  if (!least->fits) {
    throw InputError("--memory: " + Rounded(memory_gb, "%g") + " GB hold no index of " + std::to_string(count) +
                     " vectors of " + std::to_string(dimension) + " dimensions; the least is " +
                     Rounded(std::ceil(least->memory_gb * 100) / 100, "%.2f") + " GB, with " + least->index);
  }
  const auto rank = [&](const IndexAdvice& one) {
    const bool exact_will_do = one.index == "flat" && flat >= kEnoughQueries;
    return std::make_tuple(!one.fits, !exact_will_do, one.queries_a_second < flat, -RecallClass(one.recall),
                           -one.queries_a_second);
  };
  std::ranges::sort(all, {}, rank);
  std::sort(all.begin() + 1, all.end(), [](const IndexAdvice& a, const IndexAdvice& b) {
    return a.fits != b.fits ? a.fits : a.queries_a_second > b.queries_a_second;
  });
  return all;
}

}  // namespace dualgeo
