#include "dualgeo/gallery/search.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/progress.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

Matrix Rows(const Matrix& matrix, const std::vector<std::int64_t>& rows) {
  Matrix chosen(static_cast<std::int64_t>(rows.size()), matrix.columns);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = matrix.Row(rows[i]);
    std::copy(row.begin(), row.end(), chosen.Row(static_cast<std::int64_t>(i)).begin());
  }
  return chosen;
}

double SquaredNorm(std::span<const float> row) {
  double sum = 0;
  for (const float value : row) sum += static_cast<double>(value) * value;
  return sum;
}

// The mean cosine similarity of the descriptors' parts, which are unit vectors: |q - x|^2 = 2 parts - 2 <q, x>. sign
// -1: the neighbour was asked for with -q.
double Cosine(const GalleryInfo& info, double score, double sign) {
  const double parts = info.kind == "gps" ? 1.0 : static_cast<double>(info.features.size());
  return sign * (info.metric == "inner_product" ? score / parts : 1 + score / (2 * parts));
}

// The first `count` neighbours of each query that are not excluded; more are fetched where exclusions took places.
std::vector<std::vector<Neighbor>> Nearest(const Gallery& gallery, const Matrix& queries,
                                           const std::vector<const PhotoRow*>& photos, const Exclusion& exclusion,
                                           std::int64_t count, double sign) {
  std::vector<std::vector<Neighbor>> kept(photos.size());
  std::vector<std::int64_t> pending(photos.size());
  std::iota(pending.begin(), pending.end(), 0);
  std::int64_t fetch = exclusion.active() ? count + 8 : count;
  while (!pending.empty()) {
    const auto found = gallery.index.Search(Rows(queries, pending), fetch);
    std::vector<std::int64_t> again;
    for (std::size_t i = 0; i < pending.size(); ++i) {
      const auto query = static_cast<std::size_t>(pending[i]);
      auto& list = kept[query];
      list.clear();
      for (const auto& neighbor : found[i]) {
        if (static_cast<std::int64_t>(list.size()) == count) break;
        if (!exclusion.Excludes(*photos[query], neighbor.row, Cosine(gallery.info, neighbor.score, sign))) {
          list.push_back(neighbor);
        }
      }
      const bool exhausted = static_cast<std::int64_t>(found[i].size()) < fetch;
      if (static_cast<std::int64_t>(list.size()) < count && !exhausted) again.push_back(pending[i]);
    }
    pending = std::move(again);
    fetch *= 4;
  }
  return kept;
}

}  // namespace

std::vector<CandidateList> Search(Gallery& gallery, const FeatureSet& queries, const PhotoTable& photos,
                                  const SearchOptions& options) {
  const Matrix descriptors = QueryDescriptors(gallery.info, queries);
  gallery.index.SetParameters(options.index_parameters);
  const Exclusion exclusion({options.exclude_same_id, options.exclude_same_author, options.exclude_within_km,
                             options.exclude_similarity_above},
                            gallery, photos);
  std::unordered_map<std::string_view, const PhotoRow*> table;
  for (const auto& row : photos.rows) table.emplace(row.id, &row);
  std::vector<const PhotoRow*> rows;
  for (const auto& id : queries.ids) {
    const auto found = table.find(id);
    if (found == table.end()) {
      throw InputError("features hold photo '" + Printable(id) + "', which is not in " + photos.path.string());
    }
    rows.push_back(found->second);
  }

  std::vector<CandidateList> lists(queries.ids.size());
  for (std::size_t i = 0; i < lists.size(); ++i) lists[i].query_id = queries.ids[i];
  std::int64_t short_lists = 0;
  std::int64_t shortest = options.top_k;
  std::string shortest_id;

  constexpr std::int64_t kBatch = 1024;
  const auto total = static_cast<std::int64_t>(rows.size());
  const bool inner_product = gallery.info.metric == "inner_product";
  // |x|^2 of every gallery vector: its parts are unit vectors.
  const double gallery_norm = gallery.info.kind == "gps" ? 1.0 : static_cast<double>(gallery.info.features.size());
  Progress progress("search", total, "photos");
  for (std::int64_t start = 0; start < total; start += kBatch) {
    ThrowIfStopped();
    const auto end = std::min(total, start + kBatch);
    std::vector<std::int64_t> batch(static_cast<std::size_t>(end - start));
    std::iota(batch.begin(), batch.end(), start);
    const std::vector<const PhotoRow*> batch_rows(rows.begin() + start, rows.begin() + end);
    Matrix asked = Rows(descriptors, batch);
    for (const bool similar : {true, false}) {
      const int count = similar ? options.top_k : options.negatives;
      if (count == 0) continue;
      if (!similar) {
        for (float& value : asked.values) value = -value;
      }
      const auto nearest = Nearest(gallery, asked, batch_rows, exclusion, count, similar ? 1 : -1);
      for (std::size_t i = 0; i < nearest.size(); ++i) {
        auto& list = lists[static_cast<std::size_t>(start) + i];
        int rank = 0;
        for (const auto& neighbor : nearest[i]) {
          const auto& item = gallery.items[static_cast<std::size_t>(neighbor.row)];
          Candidate candidate;
          candidate.rank = ++rank;
          candidate.gallery_id = item.id;
          candidate.location = item.location;
          candidate.author = item.author;
          candidate.similar = similar;
          // Asked with -q, told as the similarity to q: |q - x|^2 = 2 (|q|^2 + |x|^2) - |-q - x|^2.
          candidate.score = neighbor.score;
          if (!similar && inner_product) candidate.score = 0.0 - neighbor.score;
          if (!similar && !inner_product) {
            const double norms = SquaredNorm(asked.Row(static_cast<std::int64_t>(i))) + gallery_norm;
            candidate.score = 0.0 - (2 * norms + neighbor.score);
          }
          list.candidates.push_back(std::move(candidate));
        }
        if (rank < count) ++short_lists;
        if (rank < shortest && similar) {
          shortest = rank;
          shortest_id = list.query_id;
        }
      }
    }
    progress.Update(end);
  }
  progress.Finish();
  if (short_lists > 0) {
    spdlog::warn(
        "search: {} lists are shorter than asked for, because the gallery holds no more that may be found (after "
        "exclusions); the shortest has {} of {} similar items: {}",
        short_lists, shortest, options.top_k, Printable(shortest_id));
  }
  return lists;
}

std::vector<CandidateList> Search(Gallery& gallery, const FeatureSet& queries, const SearchOptions& options) {
  PhotoTable photos;
  for (const auto& id : queries.ids) {
    PhotoRow row;
    row.id = id;
    photos.rows.push_back(std::move(row));
  }
  return Search(gallery, queries, photos, options);
}

}  // namespace dualgeo
