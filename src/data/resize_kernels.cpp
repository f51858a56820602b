#include "resize_kernels.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "model/instruction_set.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace dualgeo {
namespace {

constexpr std::int32_t kHalf = 1 << (kResizePrecisionBits - 1);

std::uint8_t Clip8(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kResizePrecisionBits, 0, 255));
}

template <int kChannels>
void ResizeRow(const std::uint8_t* in, std::uint8_t* out, const ResizeTaps& taps) {
  const int n = static_cast<int>(taps.first.size());
  for (int i = 0; i < n; ++i) {
    const std::int32_t* weights = taps.At(i);
    const std::uint8_t* pixel = in + taps.first[static_cast<std::size_t>(i)] * kChannels;
    const int count = taps.count[static_cast<std::size_t>(i)];
    std::array<std::int32_t, kChannels> sums;
    sums.fill(kHalf);
    for (int k = 0; k < count; ++k, pixel += kChannels) {
      for (std::size_t c = 0; c < kChannels; ++c) sums[c] += weights[k] * pixel[c];
    }
    for (const std::int32_t sum : sums) *out++ = Clip8(sum);
  }
}

// For processors and channels that there is no other code for.
void AcrossPlain(const std::uint8_t* in, std::size_t in_step, std::uint8_t* out, std::size_t out_step, int rows,
                 int channels, const ResizeTaps& taps) {
  const auto resize_row = channels == 3 ? ResizeRow<3> : ResizeRow<1>;
  for (int y = 0; y < rows; ++y, in += in_step, out += out_step) resize_row(in, out, taps);
}

void DownPlain(const std::uint8_t* in, std::size_t step, const std::int32_t* weights, int count, std::uint8_t* out,
               int values) {
  // A few hundred values at a time stay in the first cache.
  std::array<std::int32_t, 512> sums;
  for (int begin = 0; begin < values; begin += static_cast<int>(sums.size())) {
    const int n = std::min(values - begin, static_cast<int>(sums.size()));
    std::fill_n(sums.begin(), n, kHalf);
    for (int k = 0; k < count; ++k) {
      const std::uint8_t* row = in + static_cast<std::size_t>(k) * step + begin;
      const std::int32_t weight = weights[k];
      std::int32_t* sum = sums.data();
      for (int x = 0; x < n; ++x) sum[x] += weight * row[x];
    }
    for (int x = 0; x < n; ++x) out[begin + x] = Clip8(sums[static_cast<std::size_t>(x)]);
  }
}

#if defined(__x86_64__)

// AVX2 multiplies 16-bit numbers in pairs, so a weight w is taken as high * 2^15 + low, 0 <= low < 2^15; sums of 32
// bits wrap round as they do without this.
constexpr int kLowBits = 15;
constexpr std::int32_t kLowMask = (1 << kLowBits) - 1;
constexpr int kRowsAtOnce = 4;    // which share the loading of weights
constexpr int kTapsAtOnce = 4;    // 12 bytes of RGB
constexpr int kBytesAtOnce = 16;  // that are loaded for them

// Low and high halves of four taps' weights.
struct PackedWeights {
  std::array<std::int16_t, kTapsAtOnce> low, high;
};

std::vector<PackedWeights> Pack(const ResizeTaps& taps, std::size_t groups) {
  std::vector<PackedWeights> packed(groups * taps.first.size(), PackedWeights{});
  for (std::size_t i = 0; i < taps.first.size(); ++i) {
    for (std::size_t k = 0; k < static_cast<std::size_t>(taps.count[i]); ++k) {
      const std::int32_t weight = taps.At(static_cast<int>(i))[k];
      PackedWeights& group = packed[i * groups + k / kTapsAtOnce];
      group.low[k % kTapsAtOnce] = static_cast<std::int16_t>(weight & kLowMask);
      group.high[k % kTapsAtOnce] = static_cast<std::int16_t>(weight >> kLowBits);
    }
  }
  return packed;
}

// Four rows of RGB. Reads fewer than kBytesAtOnce bytes behind the last pixel that it needs.
__attribute__((target("avx2"))) void AcrossFourRowsAvx2(const std::array<const std::uint8_t*, kRowsAtOnce>& in,
                                                        const std::array<std::uint8_t*, kRowsAtOnce>& out,
                                                        const ResizeTaps& taps,
                                                        const std::vector<PackedWeights>& packed, std::size_t groups) {
  // R0 R1, G0 G1, B0 B1 as 16-bit numbers in the lower half, those of pixels 2 and 3 in the upper.
  const __m256i spread = _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,  //
                                          6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
  const __m256i halves = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
  const std::size_t n = taps.first.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::ptrdiff_t begin = std::ptrdiff_t{3} * taps.first[i];
    const std::size_t used = (static_cast<std::size_t>(taps.count[i]) + kTapsAtOnce - 1) / kTapsAtOnce;
    __m256i low[kRowsAtOnce], high[kRowsAtOnce];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRowsAtOnce; ++r) low[r] = high[r] = _mm256_setzero_si256();
    const PackedWeights* weights = &packed[i * groups];
    for (std::size_t g = 0; g < used; ++g) {
      const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i*>(weights + g));
      const __m256i low_weights = _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(both), halves);
      const __m256i high_weights =
          _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_unpackhi_epi64(both, both)), halves);
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kRowsAtOnce; ++r) {
        const auto* from = in[r] + begin + static_cast<std::ptrdiff_t>(g) * 3 * kTapsAtOnce;
        const __m256i pixels = _mm256_shuffle_epi8(
            _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))), spread);
        low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(pixels, low_weights));
        high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(pixels, high_weights));
      }
    }
    __m128i sums[kRowsAtOnce];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kRowsAtOnce; ++r) {
      const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high[r], kLowBits), low[r]);
      const __m128i whole = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
      sums[r] = _mm_srai_epi32(_mm_add_epi32(whole, _mm_set1_epi32(kHalf)), kResizePrecisionBits);
    }
    alignas(16) std::array<std::uint8_t, 16> bytes;
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes.data()),
                    _mm_packus_epi16(_mm_packs_epi32(sums[0], sums[1]), _mm_packs_epi32(sums[2], sums[3])));
    for (std::size_t r = 0; r < kRowsAtOnce; ++r) std::memcpy(out[r] + 3 * i, &bytes[4 * r], 3);
  }
}

void AcrossAvx2(const std::uint8_t* in, std::size_t in_step, int in_width, std::uint8_t* out, std::size_t out_step,
                int rows, const ResizeTaps& taps) {
  const auto most = static_cast<std::size_t>(*std::max_element(taps.count.begin(), taps.count.end()));
  const std::size_t groups = (most + kTapsAtOnce - 1) / kTapsAtOnce;
  const auto packed = Pack(taps, groups);
  // Rows near the end are read from a copy with room behind them; those that fill up the last four are thrown away.
  const std::size_t width = static_cast<std::size_t>(in_width) * 3;
  std::vector<std::uint8_t> copies, unused;
  for (int y = 0; y < rows; y += kRowsAtOnce) {
    std::array<const std::uint8_t*, kRowsAtOnce> from;
    std::array<std::uint8_t*, kRowsAtOnce> to;
    const int after = rows - y - kRowsAtOnce;  // rows
    const bool near_end = after <= 0 || static_cast<std::size_t>(after) * in_step < kBytesAtOnce;
    if (near_end) {
      copies.resize(kRowsAtOnce * (width + kBytesAtOnce));
      unused.resize(taps.first.size() * 3);
    }
    for (int r = 0; r < kRowsAtOnce; ++r) {
      const auto at = static_cast<std::size_t>(r);
      const auto row = static_cast<std::size_t>(std::min(y + r, rows - 1));
      from[at] = in + row * in_step;
      to[at] = y + r < rows ? out + row * out_step : unused.data();
      if (!near_end) continue;
      std::uint8_t* copy = copies.data() + at * (width + kBytesAtOnce);
      std::memcpy(copy, from[at], width);
      from[at] = copy;
    }
    AcrossFourRowsAvx2(from, to, taps, packed, groups);
  }
}

// 32 bits of the halves of weights k and k + 1.
enum class Half { kLow, kHigh };
std::int32_t WeightPair(const std::int32_t* weights, int k, int count, Half half) {
  const auto of = [&](int i) { return half == Half::kHigh ? weights[i] >> kLowBits : weights[i] & kLowMask; };
  const std::int32_t second = k + 1 < count ? of(k + 1) : 0;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(second) << 16) | (of(k) & 0xFFFF);
}

// 16 values at a time; returns how many it has done.
__attribute__((target("avx2"))) int DownAvx2(const std::uint8_t* in, std::size_t step, const std::int32_t* weights,
                                             int count, std::uint8_t* out, int values) {
  int x = 0;
  for (; x + 16 <= values; x += 16) {
    __m256i low[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    __m256i high[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (int k = 0; k < count; k += 2) {
      const std::uint8_t* row = in + static_cast<std::size_t>(k) * step + x;
      const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
      const __m128i b = k + 1 < count ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + step)) : a;
      const __m256i pixels[2] = {_mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b)),
                                 _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b))};
      const __m256i low_weights = _mm256_set1_epi32(WeightPair(weights, k, count, Half::kLow));
      const __m256i high_weights = _mm256_set1_epi32(WeightPair(weights, k, count, Half::kHigh));
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) {
        low[h] = _mm256_add_epi32(low[h], _mm256_madd_epi16(pixels[h], low_weights));
        high[h] = _mm256_add_epi32(high[h], _mm256_madd_epi16(pixels[h], high_weights));
      }
    }
    __m256i sums[2];
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      const __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high[h], kLowBits), low[h]);
      sums[h] = _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(kHalf)), kResizePrecisionBits);
    }
    // Packing works within halves of 128 bits: 0-3, 8-11, 4-7, 12-15.
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(sums[0], sums[1]), 0xD8);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x),
                     _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
  return x;
}

bool UseAvx2() { return UsedInstructionSet() >= InstructionSet::kAvx2; }

#endif

}  // namespace

void ResizeAcross(const std::uint8_t* in, std::size_t in_step, int in_width, std::uint8_t* out, std::size_t out_step,
                  int rows, int channels, const ResizeTaps& taps) {
#if defined(__x86_64__)
  if (channels == 3 && UseAvx2()) return AcrossAvx2(in, in_step, in_width, out, out_step, rows, taps);
#else
  static_cast<void>(in_width);
#endif
  AcrossPlain(in, in_step, out, out_step, rows, channels, taps);
}

void ResizeDown(const std::uint8_t* in, std::size_t step, const std::int32_t* weights, int count, std::uint8_t* out,
                int values) {
  int done = 0;
#if defined(__x86_64__)
  if (UseAvx2()) done = DownAvx2(in, step, weights, count, out, values);
#endif
  DownPlain(in + done, step, weights, count, out + done, values - done);
}

}  // namespace dualgeo
