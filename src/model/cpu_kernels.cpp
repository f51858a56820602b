#include "cpu_kernels.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace dualgeo {
namespace {

// Vectors of GCC and Clang, compiled three times below, for the instruction sets that differ most in width.
typedef float Vector __attribute__((vector_size(64)));
typedef std::int32_t Integers __attribute__((vector_size(64)));
constexpr std::int64_t kLanes = 16;
#define DUALGEO_INLINE inline __attribute__((always_inline))
// Loops over sums that must stay in registers.
#if defined(__clang__)
#define DUALGEO_UNROLL _Pragma("clang loop unroll(full)")
#else
#define DUALGEO_UNROLL _Pragma("GCC unroll 8")
#endif

DUALGEO_INLINE void Load(const float* from, Vector& to) { std::memcpy(&to, from, sizeof to); }
DUALGEO_INLINE void Store(const Vector& from, float* to) { std::memcpy(to, &from, sizeof from); }

// bfloat16 is the upper half of a float32.
DUALGEO_INLINE void Load(const c10::BFloat16* from, Vector& to) {
  typedef std::uint16_t Halves __attribute__((vector_size(32)));
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  const Integers bits = __builtin_convertvector(halves, Integers) << 16;
  std::memcpy(&to, &bits, sizeof to);
}
DUALGEO_INLINE void Store(const Vector& from, c10::BFloat16* to) {
  typedef std::uint16_t Halves __attribute__((vector_size(32)));
  typedef std::uint32_t Bits __attribute__((vector_size(64)));
  Bits bits;
  std::memcpy(&bits, &from, sizeof bits);
  bits += 0x7FFF + ((bits >> 16) & 1);  // to nearest, ties to even
  const Halves halves = __builtin_convertvector(bits >> 16, Halves);
  std::memcpy(to, &halves, sizeof halves);
}

// x becomes e^x, for x up to 88 to about one unit in the last place: 2^n e^r with |r| <= ln 2 / 2 and Cephes'
// polynomial. By reference, as all here: how a vector is passed by value depends on the instruction set.
DUALGEO_INLINE void Exp(Vector& x) {
  x = x < -87.F ? Vector{} - 87.F : x;
  x = x > 88.F ? Vector{} + 88.F : x;
  constexpr float kRound = 12582912.F;  // adding 1.5 * 2^23 leaves no room for a fraction
  const Vector n = (x * 1.44269504F + kRound) - kRound;
  const Vector r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Vector p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.F;
  const Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
  Vector scale;
  std::memcpy(&scale, &power, sizeof scale);
  x = p * scale;
}

template <class T>
DUALGEO_INLINE void QuickGeluOf16(T* x) {
  Vector v;
  Load(x, v);
  Vector e = v * -1.702F;
  Exp(e);
  Store(v / (e + 1.F), x);
}

template <class T>
DUALGEO_INLINE void QuickGelu(T* x, std::int64_t n) {
  std::int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) QuickGeluOf16(x + i);
  if (i == n) return;
  T rest[kLanes] = {};
  std::copy(x + i, x + n, rest);
  QuickGeluOf16(rest);
  std::copy(rest, rest + (n - i), x + i);
}

// One head of one example, rows [begin, end) of q.
template <class T>
struct Head {
  const T* q;
  const T* k;
  const T* v;
  T* out;
  std::int64_t q_stride, k_stride, v_stride, out_stride;  // from one token to the next
  std::int64_t begin, end, keys, size;
};

constexpr int kRows = 8;  // of q at a time: 8 x 2 sums and what feeds them fit into 32 registers

// sums[r][c] += a[r][i] * b[i][c] over i < n, for kRows rows and `kColumns` vectors.
template <int kColumns>
DUALGEO_INLINE void Multiply(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride,
                             std::int64_t n, Vector (&sums)[kRows][kColumns]) {
  DUALGEO_UNROLL
  for (int r = 0; r < kRows; ++r) {
    DUALGEO_UNROLL
    for (int c = 0; c < kColumns; ++c) sums[r][c] = Vector{};
  }
  for (std::int64_t i = 0; i < n; ++i) {
    Vector column[kColumns];
    DUALGEO_UNROLL
    for (int c = 0; c < kColumns; ++c) Load(b + i * b_stride + c * kLanes, column[c]);
    DUALGEO_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const float value = a[r * a_stride + i];
      DUALGEO_UNROLL
      for (int c = 0; c < kColumns; ++c) sums[r][c] += value * column[c];
    }
  }
}

// scratch: of ScratchSize floats.
template <class T>
DUALGEO_INLINE void Attend(const Head<T>& head, float* scratch) {
  const std::int64_t size = head.size;
  const std::int64_t padded = (head.keys + 2 * kLanes - 1) / (2 * kLanes) * (2 * kLanes);
  float* const keys = scratch;                 // [size, padded]: k transposed
  float* const values = keys + size * padded;  // [padded, size]
  float* const queries = values + padded * size;
  float* const mixed = queries + kRows * size;  // [kRows, size]: the values' weighted sums
  float* const scores = mixed + kRows * size;   // [kRows, padded]
  Vector x;
  std::memset(keys, 0, static_cast<std::size_t>(size * padded) * sizeof(float));
  for (std::int64_t j = 0; j < head.keys; ++j) {
    for (std::int64_t d = 0; d < size; d += kLanes) {
      Load(head.k + j * head.k_stride + d, x);
      float lanes[kLanes];
      Store(x, lanes);
      for (std::int64_t i = 0; i < kLanes; ++i) keys[(d + i) * padded + j] = lanes[i];
      Load(head.v + j * head.v_stride + d, x);
      Store(x, values + j * size + d);
    }
  }
  const float scale = 1.F / std::sqrt(static_cast<float>(size));
  for (std::int64_t row = head.begin; row < head.end; row += kRows) {
    const auto rows = std::min<std::int64_t>(kRows, head.end - row);
    for (std::int64_t r = 0; r < kRows; ++r) {
      const T* from = head.q + std::min(row + r, head.end - 1) * head.q_stride;
      for (std::int64_t d = 0; d < size; d += kLanes) {
        Load(from + d, x);
        Store(x * scale, queries + r * size + d);
      }
    }
    for (std::int64_t j = 0; j < padded; j += 2 * kLanes) {
      Vector sums[kRows][2];
      Multiply<2>(queries, size, keys + j, padded, size, sums);
      DUALGEO_UNROLL
      for (int r = 0; r < kRows; ++r) {
        DUALGEO_UNROLL
        for (int c = 0; c < 2; ++c) Store(sums[r][c], scores + r * padded + j + c * kLanes);
      }
    }
    float inverse[kRows];
    for (std::int64_t r = 0; r < rows; ++r) {
      float* const score = scores + r * padded;
      std::fill(score + head.keys, score + padded, -std::numeric_limits<float>::infinity());
      Vector most;
      Load(score, most);
      for (std::int64_t j = kLanes; j < padded; j += kLanes) {
        Load(score + j, x);
        most = x > most ? x : most;
      }
      float greatest = most[0];
      for (std::int64_t i = 1; i < kLanes; ++i) greatest = std::max(greatest, most[i]);
      Vector sums = {};
      for (std::int64_t j = 0; j < padded; j += kLanes) {
        Load(score + j, x);
        x -= greatest;
        Exp(x);
        sums += x;
        Store(x, score + j);
      }
      // What e^-87 adds for the padding is far below a float's precision.
      float sum = 0;
      for (std::int64_t i = 0; i < kLanes; ++i) sum += sums[i];
      inverse[r] = 1.F / sum;
    }
    for (std::int64_t d = 0; d < size; d += 2 * kLanes) {
      const std::int64_t width = std::min(size - d, 2 * kLanes);
      if (width == 2 * kLanes) {
        Vector sums[kRows][2];
        Multiply<2>(scores, padded, values + d, size, head.keys, sums);
        DUALGEO_UNROLL
        for (int r = 0; r < kRows; ++r) {
          DUALGEO_UNROLL
          for (int c = 0; c < 2; ++c) Store(sums[r][c], mixed + r * size + d + c * kLanes);
        }
      } else {
        Vector sums[kRows][1];
        Multiply<1>(scores, padded, values + d, size, head.keys, sums);
        DUALGEO_UNROLL
        for (int r = 0; r < kRows; ++r) Store(sums[r][0], mixed + r * size + d);
      }
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      T* const to = head.out + (row + r) * head.out_stride;
      for (std::int64_t d = 0; d < size; d += kLanes) {
        Load(mixed + r * size + d, x);
        Store(x * inverse[r], to + d);
      }
    }
  }
}

std::int64_t ScratchSize(std::int64_t keys, std::int64_t size) {
  const std::int64_t padded = (keys + 2 * kLanes - 1) / (2 * kLanes) * (2 * kLanes);
  return 2 * size * padded + kRows * (2 * size + padded);
}

#if defined(__x86_64__)
#define DUALGEO_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,prefer-vector-width=512")))
#define DUALGEO_AVX2 __attribute__((target("avx2,fma")))
template <class T>
DUALGEO_AVX512 void QuickGeluAvx512(T* x, std::int64_t n) {
  QuickGelu(x, n);
}
template <class T>
DUALGEO_AVX2 void QuickGeluAvx2(T* x, std::int64_t n) {
  QuickGelu(x, n);
}
template <class T>
DUALGEO_AVX512 void AttendAvx512(const Head<T>& head, float* scratch) {
  Attend(head, scratch);
}
template <class T>
DUALGEO_AVX2 void AttendAvx2(const Head<T>& head, float* scratch) {
  Attend(head, scratch);
}

int Level() {
  static const int level = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
                               ? 2
                           : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 1
                                                                                             : 0;
  return level;
}
#else
int Level() { return 0; }
#endif

template <class T>
void QuickGeluPlain(T* x, std::int64_t n) {
  QuickGelu(x, n);
}
template <class T>
void AttendPlain(const Head<T>& head, float* scratch) {
  Attend(head, scratch);
}

template <class T>
void RunQuickGelu(T* x, std::int64_t n) {
#if defined(__x86_64__)
  if (Level() == 2) return QuickGeluAvx512(x, n);
  if (Level() == 1) return QuickGeluAvx2(x, n);
#endif
  QuickGeluPlain(x, n);
}

template <class T>
void RunAttend(const Head<T>& head, float* scratch) {
#if defined(__x86_64__)
  if (Level() == 2) return AttendAvx512(head, scratch);
  if (Level() == 1) return AttendAvx2(head, scratch);
#endif
  AttendPlain(head, scratch);
}

template <class T>
void AttendAll(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, torch::Tensor& out) {
  const std::int64_t heads = q.size(1);
  const std::int64_t queries = q.size(2);
  // Pieces of many queries: each packs keys and values anew.
  constexpr std::int64_t kPiece = 512;
  const std::int64_t pieces = (queries + kPiece - 1) / kPiece;
  at::parallel_for(0, q.size(0) * heads * pieces, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>(ScratchSize(k.size(2), q.size(3))));
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t piece = i % pieces;
      const std::int64_t head = i / pieces % heads;
      const std::int64_t n = i / pieces / heads;
      const auto at = [&](const torch::Tensor& x) { return x.data_ptr<T>() + n * x.stride(0) + head * x.stride(1); };
      RunAttend<T>({at(q), at(k), at(v), at(out), q.stride(2), k.stride(2), v.stride(2), out.stride(2), piece * kPiece,
                    std::min(queries, (piece + 1) * kPiece), k.size(2), q.size(3)},
                   scratch.data());
    }
  });
}

}  // namespace

bool UseCpuKernels(const torch::Tensor& x) {
  return !torch::GradMode::is_enabled() && x.device().is_cpu() &&
         (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16) && at::hasMKLDNN() &&
         at::globalContext().userEnabledMkldnn();
}

torch::Dtype ComputeType(const torch::Tensor& x) {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  if (at::autocast::is_autocast_enabled(at::kCPU)) return at::autocast::get_autocast_dtype(at::kCPU);
#else
  if (at::autocast::is_cpu_enabled()) return at::autocast::get_autocast_cpu_dtype();
#endif
  return x.scalar_type();
}

torch::Tensor LinearOnCpu(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  // A convolution by 1 x 1 over one image of all rows, channels last: oneDNN's, whatever BLAS LibTorch was built with.
  const std::int64_t in = weight.size(1);
  const std::int64_t out = weight.size(0);
  const auto rows = x.contiguous().view({1, 1, -1, in}).permute({0, 3, 1, 2});
  const auto result =
      at::mkldnn_convolution(rows, weight.contiguous().view({out, in, 1, 1}), bias, {0, 0}, {1, 1}, {1, 1}, 1);
  auto sizes = x.sizes().vec();
  sizes.back() = out;
  return result.permute({0, 2, 3, 1}).contiguous().view(sizes);
}

void QuickGeluOnCpu(torch::Tensor& x) {
  const auto run = [&](auto* data) {
    at::parallel_for(0, x.numel(), 1 << 15,
                     [&](std::int64_t begin, std::int64_t end) { RunQuickGelu(data + begin, end - begin); });
  };
  x.scalar_type() == torch::kFloat32 ? run(x.data_ptr<float>()) : run(x.data_ptr<c10::BFloat16>());
}

bool AttentionFits(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  return q.size(3) % kLanes == 0 && q.stride(3) == 1 && k.stride(3) == 1 && v.stride(3) == 1 &&
         q.scalar_type() == k.scalar_type() && q.scalar_type() == v.scalar_type() && q.numel() > 0 && k.size(2) > 0;
}

torch::Tensor AttentionOnCpu(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  auto out = torch::empty({q.size(0), q.size(2), q.size(1), q.size(3)}, q.options()).transpose(1, 2);
  q.scalar_type() == torch::kFloat32 ? AttendAll<float>(q, k, v, out) : AttendAll<c10::BFloat16>(q, k, v, out);
  return out;
}

}  // namespace dualgeo
