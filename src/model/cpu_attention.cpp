#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cpu_kernels.h"
#include "model/cpu_vectors.h"
#include "model/instruction_set.h"

namespace dualgeo {
namespace {

// One head of one example, rows [begin, end) of q.
template <class T>
struct AttentionHead {
  const T* q;
  const T* k;
  const T* v;
  T* out;
  std::int64_t q_stride, k_stride, v_stride, out_stride;  // from one token to the next
  std::int64_t begin, end, keys, size;
};

// The piece of a product whose sums stay in registers: kRows rows by kColumns vectors of kLanes floats. What feeds them
// (a row of vectors and one value) must fit beside them.
template <int kLanes_, int kRows_, int kColumns_>
struct AttentionTile {
  static constexpr int kLanes = kLanes_;
  static constexpr int kRows = kRows_;
  static constexpr int kColumns = kColumns_;
  static constexpr std::int64_t kWidth = kLanes * kColumns;
  using Floats = Vector<kLanes>;

  static std::int64_t Padded(std::int64_t keys) { return (keys + kWidth - 1) / kWidth * kWidth; }
  static std::int64_t ScratchSize(std::int64_t keys, std::int64_t size) {
    return 2 * size * Padded(keys) + kRows * (2 * size + Padded(keys));
  }
};
using Avx512Tile = AttentionTile<16, 12, 2>;  // of 32 registers
using Avx2Tile = AttentionTile<8, 6, 2>;      // of 16
using PlainTile = AttentionTile<4, 6, 2>;     // of 16 (SSE) or 32 (Neon)

// to[r][c] = sum of a[r][i] * b[i][c] over i < n, for the tile's rows and kColumns vectors.
template <class Tile, int kColumns>
DUALGEO_INLINE void MultiplyTile(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride,
                                 std::int64_t n, float* to, std::int64_t to_stride) {
  typename Tile::Floats sums[Tile::kRows][kColumns];
  DUALGEO_UNROLL
  for (int r = 0; r < Tile::kRows; ++r) {
    DUALGEO_UNROLL
    for (int c = 0; c < kColumns; ++c) sums[r][c] = typename Tile::Floats{};
  }
  for (std::int64_t i = 0; i < n; ++i) {
    typename Tile::Floats column[kColumns];
    DUALGEO_UNROLL
    for (int c = 0; c < kColumns; ++c) Load<Tile::kLanes>(b + i * b_stride + c * Tile::kLanes, column[c]);
    DUALGEO_UNROLL
    for (int r = 0; r < Tile::kRows; ++r) {
      const float value = a[r * a_stride + i];
      DUALGEO_UNROLL
      for (int c = 0; c < kColumns; ++c) sums[r][c] += value * column[c];
    }
  }
  DUALGEO_UNROLL
  for (int r = 0; r < Tile::kRows; ++r) {
    DUALGEO_UNROLL
    for (int c = 0; c < kColumns; ++c) Store<Tile::kLanes>(sums[r][c], to + r * to_stride + c * Tile::kLanes);
  }
}

// k transposed in panels of the tile's width, [padded / width, size, width], and v as it is, [keys, size].
template <class Tile, class T>
DUALGEO_INLINE void PackKeysAndValues(const AttentionHead<T>& head, std::int64_t padded, float* keys, float* values) {
  constexpr std::int64_t kWidth = Tile::kWidth;
  std::fill(keys + (padded - kWidth) * head.size, keys + padded * head.size, 0.F);
  typename Tile::Floats x;
  for (std::int64_t j = 0; j < head.keys; ++j) {
    float* const to = keys + j / kWidth * kWidth * head.size + j % kWidth;
    for (std::int64_t d = 0; d < head.size; ++d) to[d * kWidth] = static_cast<float>(head.k[j * head.k_stride + d]);
    for (std::int64_t d = 0; d < head.size; d += Tile::kLanes) {
      Load<Tile::kLanes>(head.v + j * head.v_stride + d, x);
      Store<Tile::kLanes>(x, values + j * head.size + d);
    }
  }
}

// scores[0, padded) become e^(score - greatest), those from `keys` on nothing that counts; gives one over their sum.
template <class Tile>
DUALGEO_INLINE float ExpOfScores(float* scores, std::int64_t keys, std::int64_t padded) {
  constexpr int kLanes = Tile::kLanes;
  // What e^-87 adds for the padding is far below a float's precision.
  std::fill(scores + keys, scores + padded, -std::numeric_limits<float>::infinity());
  typename Tile::Floats most;
  typename Tile::Floats x;
  Load<kLanes>(scores, most);
  for (std::int64_t j = kLanes; j < padded; j += kLanes) {
    Load<kLanes>(scores + j, x);
    most = x > most ? x : most;
  }
  float greatest = most[0];
  for (int i = 1; i < kLanes; ++i) greatest = std::max(greatest, most[i]);
  typename Tile::Floats sums = {};
  for (std::int64_t j = 0; j < padded; j += kLanes) {
    Load<kLanes>(scores + j, x);
    x -= greatest;
    Exp<kLanes>(x);
    sums += x;
    Store<kLanes>(x, scores + j);
  }
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += sums[i];
  return 1.F / sum;
}

// scratch: of the tile's ScratchSize.
template <class Tile, class T>
DUALGEO_INLINE void Attend(const AttentionHead<T>& head, float* scratch) {
  constexpr int kLanes = Tile::kLanes;
  constexpr int kRows = Tile::kRows;
  constexpr std::int64_t kWidth = Tile::kWidth;
  const std::int64_t size = head.size;
  const std::int64_t padded = Tile::Padded(head.keys);
  float* const keys = scratch;
  float* const values = keys + size * padded;
  float* const queries = values + size * padded;  // [kRows, size]
  float* const mixed = queries + kRows * size;    // [kRows, size]: the values' weighted sums
  float* const scores = mixed + kRows * size;     // [kRows, padded]
  PackKeysAndValues<Tile>(head, padded, keys, values);
  const float scale = 1.F / std::sqrt(static_cast<float>(size));
  typename Tile::Floats x;
  for (std::int64_t row = head.begin; row < head.end; row += kRows) {
    const auto rows = std::min<std::int64_t>(kRows, head.end - row);
    for (std::int64_t r = 0; r < kRows; ++r) {
      const T* from = head.q + std::min(row + r, head.end - 1) * head.q_stride;
      for (std::int64_t d = 0; d < size; d += kLanes) {
        Load<kLanes>(from + d, x);
        x *= scale;
        Store<kLanes>(x, queries + r * size + d);
      }
    }
    for (std::int64_t j = 0; j < padded; j += kWidth) {
      MultiplyTile<Tile, Tile::kColumns>(queries, size, keys + j * size, kWidth, size, scores + j, padded);
    }
    float inverse[kRows];
    for (std::int64_t r = 0; r < rows; ++r) inverse[r] = ExpOfScores<Tile>(scores + r * padded, head.keys, padded);
    std::int64_t column = 0;
    for (; column + kWidth <= size; column += kWidth) {
      MultiplyTile<Tile, Tile::kColumns>(scores, padded, values + column, size, head.keys, mixed + column, size);
    }
    for (; column < size; column += kLanes) {
      MultiplyTile<Tile, 1>(scores, padded, values + column, size, head.keys, mixed + column, size);
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      T* const to = head.out + (row + r) * head.out_stride;
      for (std::int64_t d = 0; d < size; d += kLanes) {
        Load<kLanes>(mixed + r * size + d, x);
        x *= inverse[r];
        Store<kLanes>(x, to + d);
      }
    }
  }
}

#if defined(__x86_64__)
template <class T>
DUALGEO_AVX512 void AttendAvx512(const AttentionHead<T>& head, float* scratch) {
  Attend<Avx512Tile>(head, scratch);
}
template <class T>
DUALGEO_AVX2 void AttendAvx2(const AttentionHead<T>& head, float* scratch) {
  Attend<Avx2Tile>(head, scratch);
}
#endif
template <class T>
void AttendPlain(const AttentionHead<T>& head, float* scratch) {
  Attend<PlainTile>(head, scratch);
}

template <class T>
struct AttentionKernel {
  void (*attend)(const AttentionHead<T>&, float*);
  std::int64_t (*scratch_size)(std::int64_t keys, std::int64_t size);
};

template <class T>
AttentionKernel<T> ChooseAttention() {
#if defined(__x86_64__)
  if (UsedInstructionSet() == InstructionSet::kAvx512) return {AttendAvx512<T>, Avx512Tile::ScratchSize};
  if (UsedInstructionSet() == InstructionSet::kAvx2) return {AttendAvx2<T>, Avx2Tile::ScratchSize};
#endif
  return {AttendPlain<T>, PlainTile::ScratchSize};
}

template <class T>
void AttendAll(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, torch::Tensor& out) {
  const AttentionKernel<T> kernel = ChooseAttention<T>();
  const std::int64_t heads = q.size(1);
  const std::int64_t queries = q.size(2);
  // Pieces of many queries, whole tiles: each packs keys and values anew.
  constexpr std::int64_t kPiece = 504;
  const std::int64_t pieces = (queries + kPiece - 1) / kPiece;
  at::parallel_for(0, q.size(0) * heads * pieces, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>(kernel.scratch_size(k.size(2), q.size(3))));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t piece = i % pieces;
      const std::int64_t head = i / pieces % heads;
      const std::int64_t n = i / pieces / heads;
      const auto at = [&](const torch::Tensor& x) { return x.data_ptr<T>() + n * x.stride(0) + head * x.stride(1); };
      kernel.attend({at(q), at(k), at(v), at(out), q.stride(2), k.stride(2), v.stride(2), out.stride(2), piece * kPiece,
                     std::min(queries, (piece + 1) * kPiece), k.size(2), q.size(3)},
                    scratch.data());
    }
  });
}

}  // namespace

bool PrefersAttentionOnCpu(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
#if TORCH_VERSION_MAJOR >= 2
  // scaled_dot_product_attention is as fast there, and slower with AVX-512 and without either.
  if (UsedInstructionSet() == InstructionSet::kAvx2) return false;
#endif
  return q.size(3) % Avx512Tile::kLanes == 0 && q.stride(3) == 1 && k.stride(3) == 1 && v.stride(3) == 1 &&
         q.scalar_type() == k.scalar_type() && q.scalar_type() == v.scalar_type() && q.numel() > 0 && k.size(2) > 0;
}

torch::Tensor AttentionOnCpu(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  auto out = torch::empty({q.size(0), q.size(2), q.size(1), q.size(3)}, q.options()).transpose(1, 2);
  q.scalar_type() == torch::kFloat32 ? AttendAll<float>(q, k, v, out) : AttendAll<c10::BFloat16>(q, k, v, out);
  return out;
}

}  // namespace dualgeo
