#include "gallery/duplicates.h"

#include <algorithm>
#include <map>
#include <set>

#include "dot_products.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

using FirstRows = std::map<Sha256Digest, std::int64_t>;

FirstRows FirstRowsOf(const FeatureSet& set) {
  FirstRows rows;
  for (std::size_t i = 0; i < set.photo_sha256.size(); ++i) {
    rows.try_emplace(set.photo_sha256[i], static_cast<std::int64_t>(i));
  }
  return rows;
}

// Unit rows, padded as DotProducts wants them.
class UnitRows {
 public:
  explicit UnitRows(Matrix matrix) : rows(matrix.rows) {
    NormalizeRows(matrix);
    stride = (matrix.columns + kFloatsPadded - 1) / kFloatsPadded * kFloatsPadded;
    values_.resize(static_cast<std::size_t>(rows * stride));
    for (std::int64_t i = 0; i < rows; ++i) {
      std::ranges::copy(matrix.Row(i), values_.begin() + static_cast<std::ptrdiff_t>(i * stride));
    }
  }
  const float* Row(std::int64_t i) const { return values_.data() + i * stride; }

  std::int64_t rows, stride = 0;

 private:
  std::vector<float> values_;
};

// Each photo against the rows of others from first(photo) on.
template <class First>
std::vector<PhotoPair> PairsAbove(const UnitRows& photos, const UnitRows& others, double above, const First& first) {
  if (photos.stride != others.stride) throw InputError("features of different lengths cannot be compared");
  constexpr std::int64_t kBlock = 256;
  std::vector<float> products(kBlock);
  std::vector<PhotoPair> pairs;
  for (std::int64_t photo = 0; photo < photos.rows; ++photo) {
    ThrowIfStopped();
    const float* const query = photos.Row(photo);
    for (std::int64_t begin = first(photo); begin < others.rows; begin += kBlock) {
      const std::int64_t count = std::min(kBlock, others.rows - begin);
      DotProducts(others.Row(begin), count, others.stride, std::span(&query, 1), products.data());
      for (std::int64_t i = 0; i < count; ++i) {
        const double similarity = products[static_cast<std::size_t>(i)];
        if (similarity > above) pairs.push_back({photo, begin + i, similarity});
      }
    }
  }
  return pairs;
}

}  // namespace

std::vector<PhotoPair> IdenticalPhotos(const FeatureSet& photos) {
  const FirstRows first = FirstRowsOf(photos);
  std::vector<PhotoPair> pairs;
  for (std::size_t i = 0; i < photos.photo_sha256.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i), same = first.at(photos.photo_sha256[i]);
    if (same != row) pairs.push_back({same, row});
  }
  return pairs;
}

std::vector<PhotoPair> IdenticalPhotos(const FeatureSet& photos, const FeatureSet& others) {
  const FirstRows first = FirstRowsOf(others);
  std::vector<PhotoPair> pairs;
  for (std::size_t i = 0; i < photos.photo_sha256.size(); ++i) {
    const auto same = first.find(photos.photo_sha256[i]);
    if (same != first.end()) pairs.push_back({static_cast<std::int64_t>(i), same->second});
  }
  return pairs;
}

std::vector<PhotoPair> SimilarPhotos(const Matrix& photos, double above) {
  const UnitRows rows(photos);
  return PairsAbove(rows, rows, above, [](std::int64_t photo) { return photo + 1; });
}

std::vector<PhotoPair> SimilarPhotos(const Matrix& photos, const Matrix& others, double above) {
  if (photos.columns != others.columns) throw InputError("features of different lengths cannot be compared");
  return PairsAbove(UnitRows(photos), UnitRows(others), above, [](std::int64_t) { return std::int64_t{0}; });
}

std::string TellPairs(const std::vector<PhotoPair>& pairs, const FeatureSet& photos, const FeatureSet& others,
                      const std::string& how) {
  if (pairs.empty()) return "";
  constexpr std::size_t kShown = 3;
  const bool one_set = &photos == &others;
  std::set<std::int64_t> rows;
  std::vector<std::string> examples;
  for (const auto& pair : pairs) {
    rows.insert(pair.photo);
    if (one_set) rows.insert(pair.other);
    if (examples.size() == kShown) continue;
    examples.push_back(Printable(photos.ids[static_cast<std::size_t>(pair.photo)]) + " and " +
                       Printable(others.ids[static_cast<std::size_t>(pair.other)]));
  }
  return std::to_string(rows.size()) + " of " + std::to_string(photos.size()) + " photos are " + how + ": " +
         Join(examples, "; ") + (pairs.size() > kShown ? " ..." : "");
}

}  // namespace dualgeo
