// Lists of similar vectors: k-means by squared distance (Lloyd, Least squares quantization in PCM, 1982) on a sample.
// The same vectors and seed give the same bits on one instruction set, with any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace dualgeo {

// Rows of floats, one behind the other, that somebody else keeps.
struct RowsView {
  const float* values = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  const float* Row(std::int64_t i) const { return values + i * columns; }
};

// Memory that begins at a multiple of 64 bytes, of zeros.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(std::int64_t count)
      : values_(static_cast<T*>(std::aligned_alloc(64, (static_cast<std::size_t>(count) * sizeof(T) + 63) / 64 * 64)),
                std::free) {
    if (!values_) throw std::bad_alloc();
    std::fill_n(values_.get(), count, T());
  }
  T* get() const { return values_.get(); }

 private:
  std::unique_ptr<T, void (*)(void*)> values_{nullptr, std::free};
};

// means: [lists, stride], stride a multiple of kFloatsPadded (dot_products.h), which is filled; 0 < lists <= view.rows.
// Trained in ten rounds on 64 vectors a list, drawn by seed. Throws Interrupted.
void TrainLists(const RowsView& view, std::int64_t lists, std::int64_t stride, std::uint64_t seed, int threads,
                float* means);

// The list whose mean is nearest to each of these rows (null: to all), the first of equal ones. Throws Interrupted.
std::vector<std::int32_t> NearestLists(const RowsView& view, const std::vector<std::int64_t>* rows, const float* means,
                                       std::int64_t lists, std::int64_t stride, int threads);

}  // namespace dualgeo
