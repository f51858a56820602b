// Vectors of GCC and Clang for kernels that are compiled once for each instruction set
// (dualgeo/model/instruction_set.h): of 16 floats for AVX-512, 8 for AVX2 and 4 for any other processor, one register
// each.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

namespace dualgeo {

// All that is called in a kernel is inlined, since it must be compiled for the kernel's instructions; and it takes
// vectors by reference: how one is passed by value depends on the instruction set.
#define DUALGEO_INLINE inline __attribute__((always_inline))
// Loops over sums that must stay in registers.
#if defined(__clang__)
#define DUALGEO_UNROLL _Pragma("clang loop unroll(full)")
#else
#define DUALGEO_UNROLL _Pragma("GCC unroll 16")
#endif
#if defined(__x86_64__)
#define DUALGEO_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,prefer-vector-width=512")))
#define DUALGEO_AVX2 __attribute__((target("avx2,fma")))
#endif

template <int kLanes>
struct VectorOf {
  typedef float Floats __attribute__((vector_size(4 * kLanes)));
  typedef std::int32_t Integers __attribute__((vector_size(4 * kLanes)));
  typedef std::uint32_t Bits __attribute__((vector_size(4 * kLanes)));
  typedef std::uint16_t Halves __attribute__((vector_size(2 * kLanes)));
};
template <int kLanes>
using Vector = typename VectorOf<kLanes>::Floats;

template <int kLanes>
DUALGEO_INLINE void Load(const float* from, Vector<kLanes>& to) {
  std::memcpy(&to, from, sizeof to);
}
template <int kLanes>
DUALGEO_INLINE void Store(const Vector<kLanes>& from, float* to) {
  std::memcpy(to, &from, sizeof from);
}

// bfloat16 is the upper half of a float32.
template <int kLanes>
DUALGEO_INLINE void Load(const c10::BFloat16* from, Vector<kLanes>& to) {
  typename VectorOf<kLanes>::Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  const auto bits = __builtin_convertvector(halves, typename VectorOf<kLanes>::Integers) << 16;
  std::memcpy(&to, &bits, sizeof to);
}
template <int kLanes>
DUALGEO_INLINE void Store(const Vector<kLanes>& from, c10::BFloat16* to) {
  typename VectorOf<kLanes>::Bits bits;
  std::memcpy(&bits, &from, sizeof bits);
  bits += 0x7FFF + ((bits >> 16) & 1);  // to nearest, ties to even
  const auto halves = __builtin_convertvector(bits >> 16, typename VectorOf<kLanes>::Halves);
  std::memcpy(to, &halves, sizeof halves);
}

// x becomes e^x, for x up to 88 to about one unit in the last place: 2^n e^r with |r| <= ln 2 / 2 and Cephes'
// polynomial.
template <int kLanes>
DUALGEO_INLINE void Exp(Vector<kLanes>& x) {
  using Floats = Vector<kLanes>;
  x = x < -87.F ? Floats{} - 87.F : x;
  x = x > 88.F ? Floats{} + 88.F : x;
  constexpr float kRound = 12582912.F;  // adding 1.5 * 2^23 leaves no room for a fraction
  const Floats n = (x * 1.44269504F + kRound) - kRound;
  const Floats r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
  Floats p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.F;
  const auto power = (__builtin_convertvector(n, typename VectorOf<kLanes>::Integers) + 127) << 23;
  Floats scale;
  std::memcpy(&scale, &power, sizeof scale);
  x = p * scale;
}

}  // namespace dualgeo
