#include "k_means.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "dot_products.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "util/parallel.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

constexpr std::int64_t kSamplePerList = 64;
constexpr int kRounds = 10;
constexpr std::int64_t kRowsAtOnce = 48;   // whose products with a panel of means stay in the cache
constexpr std::int64_t kMeansAtOnce = 32;  // a panel

// Half the squared lengths: the nearest mean is that of the greatest x . mean - |mean|^2 / 2.
std::vector<float> HalfNorms(const float* means, std::int64_t lists, std::int64_t stride) {
  std::vector<float> norms;
  for (std::int64_t list = 0; list < lists; ++list) {
    double sum = 0;
    for (std::int64_t d = 0; d < stride; ++d) {
      sum += static_cast<double>(means[list * stride + d]) * means[list * stride + d];
    }
    norms.push_back(static_cast<float>(sum / 2));
  }
  return norms;
}

// Ascending, so that a mapped file is read in order.
std::vector<std::int64_t> SampleRows(std::int64_t rows, std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(rows));
  std::iota(all.begin(), all.end(), 0);
  if (count >= rows) return all;
  Random random(DeriveSeed(seed, "list sample"));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto other = i + static_cast<std::int64_t>(random.Below(static_cast<std::uint64_t>(rows - i)));
    std::swap(all[static_cast<std::size_t>(i)], all[static_cast<std::size_t>(other)]);
  }
  all.resize(static_cast<std::size_t>(count));
  std::sort(all.begin(), all.end());
  return all;
}

// A list that lost all its vectors takes half of the largest one's: both begin at its mean, moved a little apart (as in
// FAISS).
void FillEmptyLists(std::vector<std::int64_t>& sizes, std::int64_t stride, float* means) {
  constexpr float kApart = 1.F / 1024;
  for (std::size_t list = 0; list < sizes.size(); ++list) {
    if (sizes[list] > 0) continue;
    const auto largest = static_cast<std::size_t>(std::max_element(sizes.begin(), sizes.end()) - sizes.begin());
    if (sizes[largest] < 2) return;
    float* const from = means + static_cast<std::int64_t>(largest) * stride;
    float* const to = means + static_cast<std::int64_t>(list) * stride;
    for (std::int64_t d = 0; d < stride; ++d) {
      const float sign = d % 2 == 0 ? kApart : -kApart;
      to[d] = from[d] * (1 + sign);
      from[d] *= 1 - sign;
    }
    sizes[list] = sizes[largest] / 2;
    sizes[largest] -= sizes[list];
  }
}

// The means of the rows of each list, added up in the order of the rows.
void MoveMeans(const RowsView& view, const std::vector<std::int64_t>& sample, const std::vector<std::int32_t>& nearest,
               std::int64_t stride, int threads, std::vector<std::int64_t>& sizes, float* means) {
  std::vector<std::vector<std::int64_t>> members(sizes.size());
  for (std::size_t i = 0; i < sample.size(); ++i) members[static_cast<std::size_t>(nearest[i])].push_back(sample[i]);
  ForEachInParallel(sizes.size(), threads, [&](std::size_t list) {
    sizes[list] = static_cast<std::int64_t>(members[list].size());
    if (members[list].empty()) return;
    std::vector<double> sums(static_cast<std::size_t>(view.columns));
    for (const auto row : members[list]) {
      const float* const x = view.Row(row);
      for (std::size_t d = 0; d < sums.size(); ++d) sums[d] += x[d];
    }
    // A vector that is no number must not take its list with it.
    if (!std::ranges::all_of(sums, [](double sum) { return std::isfinite(sum); })) return;
    float* const mean = means + static_cast<std::int64_t>(list) * stride;
    for (std::size_t d = 0; d < sums.size(); ++d) {
      mean[d] = static_cast<float>(sums[d] / static_cast<double>(sizes[list]));
    }
  });
}

}  // namespace

std::vector<std::int32_t> NearestLists(const RowsView& view, const std::vector<std::int64_t>* rows, const float* means,
                                       std::int64_t lists, std::int64_t stride, int threads) {
  const std::int64_t count = rows != nullptr ? static_cast<std::int64_t>(rows->size()) : view.rows;
  const std::vector<float> norms = HalfNorms(means, lists, stride);
  std::vector<std::int32_t> nearest(static_cast<std::size_t>(count));
  const auto blocks = static_cast<std::size_t>((count + kRowsAtOnce - 1) / kRowsAtOnce);
  ForEachInParallel(blocks, threads, [&](std::size_t block) {
    ThrowIfStopped();
    const std::int64_t first = static_cast<std::int64_t>(block) * kRowsAtOnce;
    const std::int64_t here = std::min(kRowsAtOnce, count - first);
    const AlignedArray<float> padded(here * stride);
    std::vector<const float*> asked;
    for (std::int64_t i = 0; i < here; ++i) {
      const std::int64_t row = rows != nullptr ? (*rows)[static_cast<std::size_t>(first + i)] : first + i;
      std::copy_n(view.Row(row), view.columns, padded.get() + i * stride);
      asked.push_back(padded.get() + i * stride);
    }
    std::vector<float> best(asked.size(), -std::numeric_limits<float>::infinity());
    std::vector<float> products(asked.size() * kMeansAtOnce);
    std::int32_t hits[kMeansAtOnce];
    for (std::int64_t list = 0; list < lists; list += kMeansAtOnce) {
      const std::int64_t panel = std::min(kMeansAtOnce, lists - list);
      DotProducts(means + list * stride, panel, stride, asked, products.data());
      for (std::size_t i = 0; i < asked.size(); ++i) {
        float* const scores = products.data() + static_cast<std::int64_t>(i) * panel;
        const std::int64_t found = SelectScores(scores, panel, {.norms = norms.data() + list}, best[i], hits);
        for (std::int64_t h = 0; h < found; ++h) {
          if (scores[hits[h]] <= best[i]) continue;
          best[i] = scores[hits[h]];
          nearest[static_cast<std::size_t>(first) + i] = static_cast<std::int32_t>(list + hits[h]);
        }
      }
    }
  });
  return nearest;
}

void TrainLists(const RowsView& view, std::int64_t lists, std::int64_t stride, std::uint64_t seed, int threads,
                float* means) {
  const auto sample = SampleRows(view.rows, std::max(lists, lists * kSamplePerList), seed);
  auto first = sample;
  Random random(DeriveSeed(seed, "first means"));
  random.Shuffle(first);
  for (std::int64_t list = 0; list < lists; ++list) {
    std::copy_n(view.Row(first[static_cast<std::size_t>(list)]), view.columns, means + list * stride);
  }
  std::optional<Progress> progress;
  if (view.rows > 1 << 16) progress.emplace("lists", kRounds, "rounds");
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(lists));
  for (int round = 0; round < kRounds; ++round) {
    const auto nearest = NearestLists(view, &sample, means, lists, stride, threads);
    MoveMeans(view, sample, nearest, stride, threads, sizes, means);
    FillEmptyLists(sizes, stride, means);
    if (progress) progress->Update(round + 1);
  }
  if (progress) progress->Finish();
}

}  // namespace dualgeo
