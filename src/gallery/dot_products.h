// Inner products of a few stored vectors with a few queries, in the processor's widest instructions
// (dualgeo/model/instruction_set.h). A product's bits depend on the two vectors and on the instruction set alone, not
// on what else is asked at once.
#pragma once

#include <cstdint>
#include <span>

namespace dualgeo {

// Vectors are padded with zeros (codes: with anything, beside queries with zeros) to a multiple of so many values, and
// best begin at a multiple of 64 bytes: else every second load touches two lines of the cache.
constexpr std::int64_t kFloatsPadded = 16;
constexpr std::int64_t kCodesPadded = 64;
// A code is its value, in [-127, 127], plus this.
constexpr int kCodeZero = 128;

// A query as it is, and in 8 bits: scale * rounded[i], rounded in [-127, 127].
struct CodedQuery {
  const float* exact = nullptr;
  const std::int8_t* rounded = nullptr;
  std::int32_t sum = 0;  // of rounded
  float scale = 0;
};

// out[q * count + r] = rows[r] . queries[q]; rows: [count, stride], stride a multiple of kFloatsPadded.
void DotProducts(const float* rows, std::int64_t count, std::int64_t stride, std::span<const float* const> queries,
                 float* out);

// The same of codes: sums of (code - 128) * query, over up to 32768 values, a multiple of kCodesPadded. Where the
// processor multiplies whole numbers (AVX-512 with VNNI), with the rounded query, else, or when so asked, with the
// exact one.
void DotProducts(const std::uint8_t* codes, std::int64_t count, std::int64_t stride,
                 std::span<const CodedQuery> queries, float* out, bool exact = false);

// Of products with one query, the scores: scores[i] becomes
//   (base + factor * scores[i] * scales[i]) * gains[i] - norms[i]
// (null: 1, 1 and 0). Writes to `hits` the places, ascending, where that is at least `bound`, and never where it is no
// number. -> how many; there is room for count.
struct ScoreTerms {
  float factor = 1;
  float base = 0;
  const float* scales = nullptr;
  const float* gains = nullptr;
  const float* norms = nullptr;
};
std::int64_t SelectScores(float* scores, std::int64_t count, const ScoreTerms& terms, float bound, std::int32_t* hits);

}  // namespace dualgeo
