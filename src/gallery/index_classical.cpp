// Classical features (model/classical_blocks.h) compared as IM2GPS does: each block by its own distance (squares,
// chi-squared, absolute), scaled so that the distances between the gallery's photos have the same spread, and summed.
// Every photo is compared. A score is minus the sum.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <span>

#include "dualgeo/gallery/features.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "index_backend.h"
#include "model/classical_blocks.h"
#include "util/atomic_file.h"
#include "util/parallel.h"

namespace dualgeo {
namespace {

// A file: this and the number of photos in a line, a float64 scale for each block, float32 vectors.
const std::string kHead = "dualgeo classical index 1: ";
constexpr std::size_t kClassicalBlockCount = std::size(kClassicalBlocks);
constexpr std::int64_t kPairs = 10000;  // from which the spreads are taken

double BlockDistance(ClassicalBlock::Distance kind, std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    if (kind == ClassicalBlock::Distance::kAbsolute) {
      sum += std::abs(difference);
    } else if (kind == ClassicalBlock::Distance::kSquares) {
      sum += difference * difference;
    } else if (const double both = static_cast<double>(a[i]) + b[i]; both > 0) {
      sum += difference * difference / (2 * both);
    }
  }
  return sum;
}

// Calls take(block, distance) for each block.
template <class Take>
void ForEachBlock(std::span<const float> a, std::span<const float> b, const Take& take) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < kClassicalBlockCount; ++i) {
    const auto size = static_cast<std::size_t>(kClassicalBlocks[i].size);
    take(i, BlockDistance(kClassicalBlocks[i].distance, a.subspan(begin, size), b.subspan(begin, size)));
    begin += size;
  }
}

class ClassicalIndex : public IndexBackend {
 public:
  ClassicalIndex(Matrix vectors, std::vector<double> scales)
      : vectors_(std::move(vectors)), scales_(std::move(scales)) {}

  void Write(const std::filesystem::path& path) const override {
    AtomicFile file(path);
    std::ostream& out = file.stream();
    out << kHead << vectors_.rows << '\n';
    out.write(reinterpret_cast<const char*>(scales_.data()), kClassicalBlockCount * sizeof(double));
    out.write(reinterpret_cast<const char*>(vectors_.values.data()),
              static_cast<std::streamsize>(vectors_.values.size() * sizeof(float)));
    file.Commit();
  }
  std::int64_t size() const override { return vectors_.rows; }
  std::int64_t dimension() const override { return vectors_.columns; }
  std::string metric() const override { return kClassical; }
  bool exact() const override { return true; }
  void SetParameters(const std::string& parameters) override {
    throw InputError("search.index_parameters: '" + parameters + "': the index classical has none");
  }

  std::vector<std::vector<Neighbor>> Search(const Matrix& queries, std::int64_t k) const override {
    std::vector<std::vector<Neighbor>> found(static_cast<std::size_t>(queries.rows));
    ForEachInParallel(found.size(), 0, [&](std::size_t query) {
      ThrowIfStopped();
      std::vector<Neighbor> all;
      for (std::int64_t row = 0; row < vectors_.rows; ++row) {
        all.push_back({row, 0.0 - Distance(queries.Row(static_cast<std::int64_t>(query)), vectors_.Row(row))});
      }
      std::ranges::partial_sort(all, all.begin() + k, [](const Neighbor& a, const Neighbor& b) {
        return a.score != b.score ? a.score > b.score : a.row < b.row;
      });
      all.resize(static_cast<std::size_t>(k));
      found[query] = std::move(all);
    });
    return found;
  }

 private:
  double Distance(std::span<const float> a, std::span<const float> b) const {
    double sum = 0;
    ForEachBlock(a, b, [&](std::size_t block, double distance) { sum += scales_[block] * distance; });
    return sum;
  }

  Matrix vectors_;
  std::vector<double> scales_;
};

// Weight over standard deviation of each block's distances between photos of the gallery: all pairs, or so many drawn
// ones. 0 where all photos are the same.
std::vector<double> ScalesOf(const Matrix& vectors) {
  std::vector<double> sum(kClassicalBlockCount), squares(kClassicalBlockCount);
  double count = 0;
  const auto add = [&](std::int64_t a, std::int64_t b) {
    ForEachBlock(vectors.Row(a), vectors.Row(b), [&](std::size_t block, double distance) {
      sum[block] += distance;
      squares[block] += distance * distance;
    });
    ++count;
  };
  if (vectors.rows * (vectors.rows - 1) / 2 <= kPairs) {
    for (std::int64_t a = 0; a < vectors.rows; ++a) {
      for (std::int64_t b = a + 1; b < vectors.rows; ++b) add(a, b);
    }
  } else {
    Random random(0);
    const auto rows = static_cast<std::uint64_t>(vectors.rows);
    for (std::int64_t i = 0; i < kPairs; ++i) {
      const auto a = random.Below(rows);
      add(static_cast<std::int64_t>(a), static_cast<std::int64_t>((a + 1 + random.Below(rows - 1)) % rows));
    }
  }
  std::vector<double> scales;
  for (std::size_t i = 0; i < kClassicalBlockCount; ++i) {
    const double mean = count > 0 ? sum[i] / count : 0;
    const double variance = count > 0 ? squares[i] / count - mean * mean : 0;
    const bool spread = variance > 1e-12 * mean * mean;
    scales.push_back(spread ? kClassicalBlocks[i].weight / std::sqrt(variance) : 0);
  }
  return scales;
}

}  // namespace

bool TakesForClassical(const std::string& factory) { return factory == kClassical; }

bool IsForClassical(const std::string& head) { return head.starts_with(kHead); }

std::unique_ptr<IndexBackend> BuildClassicalIndex(const Matrix& vectors, const std::string&, const std::string&,
                                                  const KeepIndex&) {
  if (vectors.columns != ClassicalSize()) {
    throw InputError("gallery.index: classical compares the " + std::to_string(ClassicalSize()) +
                     " values of model.image_encoder.type classical, not vectors of " +
                     std::to_string(vectors.columns));
  }
  return std::make_unique<ClassicalIndex>(vectors, ScalesOf(vectors));
}

std::unique_ptr<IndexBackend> LoadClassicalIndex(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  in.ignore(static_cast<std::streamsize>(kHead.size()));
  std::int64_t rows = -1;
  in >> rows;
  in.get();
  std::vector<double> scales(kClassicalBlockCount);
  in.read(reinterpret_cast<char*>(scales.data()), kClassicalBlockCount * sizeof(double));
  const auto left = in ? static_cast<std::int64_t>(std::filesystem::file_size(path)) - in.tellg() : -1;
  const std::int64_t row = ClassicalSize() * static_cast<std::int64_t>(sizeof(float));
  const bool sane = std::ranges::all_of(scales, [](double scale) { return std::isfinite(scale) && scale >= 0; });
  if (rows < 1 || left < 0 || left % row != 0 || left / row != rows || !sane) {
    throw InputError(path.string() + ": damaged: not a whole index of classical features");
  }
  Matrix vectors(rows, ClassicalSize());
  in.read(reinterpret_cast<char*>(vectors.values.data()), left);
  if (!in) throw InputError(path.string() + ": cannot be read");
  return std::make_unique<ClassicalIndex>(std::move(vectors), std::move(scales));
}

}  // namespace dualgeo
