#include "dot_products.h"

#include <algorithm>
#include <vector>

#include "model/cpu_vectors.h"
#include "model/instruction_set.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define DUALGEO_VNNI \
  __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512vnni,avx2,prefer-vector-width=512")))
#endif

namespace dualgeo {
namespace {

// Sums of a tile must stay in registers: 32 with AVX-512, 16 else.
template <int kLanes>
constexpr int kTileRows = kLanes == 16 ? 4 : 2;
template <int kLanes>
constexpr int kTileQueries = kLanes == 16 ? 6 : 4;

template <int kLanes>
DUALGEO_INLINE float SumOf(const Vector<kLanes>& v) {
  float parts[kLanes];
  std::memcpy(parts, &v, sizeof v);
  if constexpr (kLanes == 4) {
    return (parts[0] + parts[2]) + (parts[1] + parts[3]);
  } else {
    Vector<kLanes / 2> low, high;
    std::memcpy(&low, &v, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
    low += high;
    return SumOf<kLanes / 2>(low);
  }
}

template <int kLanes, int kRows, int kQueries>
DUALGEO_INLINE void DotTile(const float* rows, std::int64_t stride, const float* const* queries, float* out,
                            std::int64_t count) {
  Vector<kLanes> sums[kRows][kQueries] = {};
  for (std::int64_t d = 0; d < stride; d += kLanes) {
    Vector<kLanes> x[kRows];
    DUALGEO_UNROLL
    for (int r = 0; r < kRows; ++r) Load<kLanes>(rows + r * stride + d, x[r]);
    DUALGEO_UNROLL
    for (int q = 0; q < kQueries; ++q) {
      Vector<kLanes> y;
      Load<kLanes>(queries[q] + d, y);
      DUALGEO_UNROLL
      for (int r = 0; r < kRows; ++r) sums[r][q] += x[r] * y;
    }
  }
  DUALGEO_UNROLL
  for (int q = 0; q < kQueries; ++q) {
    DUALGEO_UNROLL
    for (int r = 0; r < kRows; ++r) out[q * count + r] = SumOf<kLanes>(sums[r][q]);
  }
}

// Queries in tiles of kQueries, what is left in smaller ones.
template <int kLanes, int kQueries = kTileQueries<kLanes>>
DUALGEO_INLINE void DotTiles(const float* rows, std::int64_t count, std::int64_t stride,
                             std::span<const float* const> queries, float* out, std::int64_t out_stride) {
  constexpr int kRows = kTileRows<kLanes>;
  while (queries.size() >= kQueries) {
    std::int64_t r = 0;
    for (; r + kRows <= count; r += kRows) {
      DotTile<kLanes, kRows, kQueries>(rows + r * stride, stride, queries.data(), out + r, out_stride);
    }
    for (; r < count; ++r) {
      DotTile<kLanes, 1, kQueries>(rows + r * stride, stride, queries.data(), out + r, out_stride);
    }
    queries = queries.subspan(kQueries);
    out += kQueries * out_stride;
  }
  if constexpr (kQueries > 1) DotTiles<kLanes, kQueries / 2>(rows, count, stride, queries, out, out_stride);
}

// Codes are made floats a tile at a time: wide has room for it.
template <int kLanes, class Widen>
DUALGEO_INLINE void DotTilesOfCodes(const std::uint8_t* codes, std::int64_t count, std::int64_t stride,
                                    std::span<const float* const> queries, float* out, float* wide,
                                    const Widen& widen) {
  constexpr int kRows = kTileRows<kLanes>;
  for (std::int64_t r = 0; r < count; r += kRows) {
    const std::int64_t rows = count - r < kRows ? count - r : kRows;
    widen(codes + r * stride, rows * stride, wide);
    DotTiles<kLanes>(wide, rows, stride, queries, out + r, count);
  }
}

using FloatKernel = void (*)(const float*, std::int64_t, std::int64_t, std::span<const float* const>, float*);
using CodeKernel = void (*)(const std::uint8_t*, std::int64_t, std::int64_t, std::span<const float* const>, float*,
                            float*);
using SelectKernel = std::int64_t (*)(float*, std::int64_t, const ScoreTerms&, float, std::int32_t*);

template <int kLanes>
DUALGEO_INLINE std::int64_t SelectOf(float* scores, std::int64_t count, const ScoreTerms& terms, float bound,
                                     std::int32_t* hits) {
  std::int64_t found = 0;
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Vector<kLanes> s, other;
    Load<kLanes>(scores + i, s);
    if (terms.scales != nullptr) {
      Load<kLanes>(terms.scales + i, other);
      s *= other;
    }
    s = terms.base + terms.factor * s;
    if (terms.gains != nullptr) {
      Load<kLanes>(terms.gains + i, other);
      s *= other;
    }
    if (terms.norms != nullptr) {
      Load<kLanes>(terms.norms + i, other);
      s -= other;
    }
    Store<kLanes>(s, scores + i);
    const auto above = s >= bound;
    std::uint64_t words[kLanes / 2];
    std::memcpy(words, &above, sizeof words);
    std::uint64_t any = 0;
    DUALGEO_UNROLL
    for (const auto word : words) any |= word;
    if (any == 0) continue;
    for (std::int64_t j = i; j < i + kLanes; ++j) {
      hits[found] = static_cast<std::int32_t>(j);
      found += scores[j] >= bound ? 1 : 0;
    }
  }
  for (; i < count; ++i) {
    float s = terms.base + terms.factor * (terms.scales != nullptr ? scores[i] * terms.scales[i] : scores[i]);
    if (terms.gains != nullptr) s *= terms.gains[i];
    if (terms.norms != nullptr) s -= terms.norms[i];
    scores[i] = s;
    hits[found] = static_cast<std::int32_t>(i);
    found += s >= bound ? 1 : 0;
  }
  return found;
}

void DotsPlain(const float* rows, std::int64_t count, std::int64_t stride, std::span<const float* const> queries,
               float* out) {
  DotTiles<4>(rows, count, stride, queries, out, count);
}
void WidenPlain(const std::uint8_t* codes, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(codes[i] - kCodeZero);
}
void CodesInPlain(const std::uint8_t* codes, std::int64_t count, std::int64_t stride,
                  std::span<const float* const> queries, float* out, float* wide) {
  DotTilesOfCodes<4>(codes, count, stride, queries, out, wide, WidenPlain);
}
std::int64_t SelectPlain(float* scores, std::int64_t count, const ScoreTerms& terms, float bound, std::int32_t* hits) {
  return SelectOf<4>(scores, count, terms, bound, hits);
}

#if defined(__x86_64__)
DUALGEO_AVX2 void DotsAvx2(const float* rows, std::int64_t count, std::int64_t stride,
                           std::span<const float* const> queries, float* out) {
  DotTiles<8>(rows, count, stride, queries, out, count);
}
DUALGEO_AVX512 void DotsAvx512(const float* rows, std::int64_t count, std::int64_t stride,
                               std::span<const float* const> queries, float* out) {
  DotTiles<16>(rows, count, stride, queries, out, count);
}
DUALGEO_AVX2 void WidenAvx2(const std::uint8_t* codes, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; i += 8) {
    const __m256i numbers = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + i)));
    _mm256_storeu_ps(to + i, _mm256_cvtepi32_ps(_mm256_sub_epi32(numbers, _mm256_set1_epi32(kCodeZero))));
  }
}
DUALGEO_AVX2 void CodesInAvx2(const std::uint8_t* codes, std::int64_t count, std::int64_t stride,
                              std::span<const float* const> queries, float* out, float* wide) {
  DotTilesOfCodes<8>(codes, count, stride, queries, out, wide, WidenAvx2);
}
DUALGEO_AVX2 std::int64_t SelectAvx2(float* scores, std::int64_t count, const ScoreTerms& terms, float bound,
                                     std::int32_t* hits) {
  return SelectOf<8>(scores, count, terms, bound, hits);
}
DUALGEO_AVX512 void WidenAvx512(const std::uint8_t* codes, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; i += 16) {
    const __m512i numbers =
        _mm512_maskz_cvtepu8_epi32(0xFFFF, _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i)));
    _mm512_storeu_ps(to + i, _mm512_maskz_cvtepi32_ps(0xFFFF, _mm512_sub_epi32(numbers, _mm512_set1_epi32(kCodeZero))));
  }
}
DUALGEO_AVX512 void CodesInAvx512(const std::uint8_t* codes, std::int64_t count, std::int64_t stride,
                                  std::span<const float* const> queries, float* out, float* wide) {
  DotTilesOfCodes<16>(codes, count, stride, queries, out, wide, WidenAvx512);
}
DUALGEO_AVX512 std::int64_t SelectAvx512(float* scores, std::int64_t count, const ScoreTerms& terms, float bound,
                                         std::int32_t* hits) {
  return SelectOf<16>(scores, count, terms, bound, hits);
}

// The sums of the sixteen numbers in each of four registers. (GCC 12 warns of its own unmasked intrinsics.)
DUALGEO_VNNI inline __m128i SumsOfFour(const __m512i& a, const __m512i& b, const __m512i& c, const __m512i& d) {
  constexpr __mmask16 kAll = 0xFFFF;
  const __m512i ab = _mm512_add_epi32(_mm512_maskz_unpacklo_epi32(kAll, a, b), _mm512_maskz_unpackhi_epi32(kAll, a, b));
  const __m512i cd = _mm512_add_epi32(_mm512_maskz_unpacklo_epi32(kAll, c, d), _mm512_maskz_unpackhi_epi32(kAll, c, d));
  const __m512i all =
      _mm512_add_epi32(_mm512_maskz_unpacklo_epi64(0xFF, ab, cd), _mm512_maskz_unpackhi_epi64(0xFF, ab, cd));
  __m128i parts[4];
  std::memcpy(parts, &all, sizeof all);
  return _mm_add_epi32(_mm_add_epi32(parts[0], parts[2]), _mm_add_epi32(parts[1], parts[3]));
}

template <int kQueries>
DUALGEO_VNNI inline void CodeTile(const std::uint8_t* codes, std::int64_t stride, const CodedQuery* queries, float* out,
                                  std::int64_t count) {
  __m512i sums[kQueries][4];
  DUALGEO_UNROLL
  for (int q = 0; q < kQueries; ++q) {
    DUALGEO_UNROLL
    for (int r = 0; r < 4; ++r) sums[q][r] = _mm512_setzero_si512();
  }
  for (std::int64_t d = 0; d < stride; d += kCodesPadded) {
    __m512i x[4];
    DUALGEO_UNROLL
    for (int r = 0; r < 4; ++r) x[r] = _mm512_loadu_si512(codes + r * stride + d);
    DUALGEO_UNROLL
    for (int q = 0; q < kQueries; ++q) {
      const __m512i y = _mm512_loadu_si512(queries[q].rounded + d);
      DUALGEO_UNROLL
      for (int r = 0; r < 4; ++r) sums[q][r] = _mm512_dpbusd_epi32(sums[q][r], x[r], y);
    }
  }
  DUALGEO_UNROLL
  for (int q = 0; q < kQueries; ++q) {
    const __m128i zero = _mm_set1_epi32(kCodeZero * queries[q].sum);
    const __m128i four = _mm_sub_epi32(SumsOfFour(sums[q][0], sums[q][1], sums[q][2], sums[q][3]), zero);
    _mm_storeu_ps(out + q * count, _mm_mul_ps(_mm_cvtepi32_ps(four), _mm_set1_ps(queries[q].scale)));
  }
}

DUALGEO_VNNI inline float CodeDot(const std::uint8_t* codes, std::int64_t stride, const CodedQuery& query) {
  __m512i sum = _mm512_setzero_si512();
  for (std::int64_t d = 0; d < stride; d += kCodesPadded) {
    sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(codes + d), _mm512_loadu_si512(query.rounded + d));
  }
  const __m512i none = _mm512_setzero_si512();
  return query.scale * static_cast<float>(_mm_cvtsi128_si32(SumsOfFour(sum, none, none, none)) - kCodeZero * query.sum);
}

template <int kQueries>
DUALGEO_VNNI inline void CodeTiles(const std::uint8_t* codes, std::int64_t count, std::int64_t stride,
                                   std::span<const CodedQuery> queries, float* out) {
  while (queries.size() >= kQueries) {
    std::int64_t r = 0;
    for (; r + 4 <= count; r += 4) CodeTile<kQueries>(codes + r * stride, stride, queries.data(), out + r, count);
    for (; r < count; ++r) {
      for (int q = 0; q < kQueries; ++q) {
        out[q * count + r] = CodeDot(codes + r * stride, stride, queries[static_cast<std::size_t>(q)]);
      }
    }
    queries = queries.subspan(kQueries);
    out += kQueries * count;
  }
  if constexpr (kQueries > 1) CodeTiles<kQueries / 2>(codes, count, stride, queries, out);
}

DUALGEO_VNNI void DotsVnni(const std::uint8_t* codes, std::int64_t count, std::int64_t stride,
                           std::span<const CodedQuery> queries, float* out) {
  CodeTiles<6>(codes, count, stride, queries, out);
}
#endif

FloatKernel ChooseDots() {
#if defined(__x86_64__)
  if (UsedInstructionSet() == InstructionSet::kAvx512) return DotsAvx512;
  if (UsedInstructionSet() == InstructionSet::kAvx2) return DotsAvx2;
#endif
  return DotsPlain;
}

CodeKernel ChooseCodesInFloat() {
#if defined(__x86_64__)
  if (UsedInstructionSet() == InstructionSet::kAvx512) return CodesInAvx512;
  if (UsedInstructionSet() == InstructionSet::kAvx2) return CodesInAvx2;
#endif
  return CodesInPlain;
}

SelectKernel ChooseSelect() {
#if defined(__x86_64__)
  if (UsedInstructionSet() == InstructionSet::kAvx512) return SelectAvx512;
  if (UsedInstructionSet() == InstructionSet::kAvx2) return SelectAvx2;
#endif
  return SelectPlain;
}

}  // namespace

void DotProducts(const float* rows, std::int64_t count, std::int64_t stride, std::span<const float* const> queries,
                 float* out) {
  ChooseDots()(rows, count, stride, queries, out);
}

void DotProducts(const std::uint8_t* codes, std::int64_t count, std::int64_t stride,
                 std::span<const CodedQuery> queries, float* out, bool exact) {
#if defined(__x86_64__)
  static const bool vnni = __builtin_cpu_supports("avx512vnni");
  if (!exact && vnni && UsedInstructionSet() == InstructionSet::kAvx512) {
    return DotsVnni(codes, count, stride, queries, out);
  }
#endif
  thread_local std::vector<float> wide;
  wide.resize(static_cast<std::size_t>(stride) * 4);
  std::vector<const float*> asked;
  for (const auto& query : queries) asked.push_back(query.exact);
  ChooseCodesInFloat()(codes, count, stride, asked, out, wide.data());
}

std::int64_t SelectScores(float* scores, std::int64_t count, const ScoreTerms& terms, float bound, std::int32_t* hits) {
  return ChooseSelect()(scores, count, terms, bound, hits);
}

}  // namespace dualgeo
