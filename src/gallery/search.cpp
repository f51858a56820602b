#include "dualgeo/gallery/search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <numeric>
#include <unordered_map>

#include "dualgeo/io/safetensors.h"
#include "dualgeo/model/fingerprint.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/progress.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "log_sum_exp.h"

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

Matrix BlockOf(const Matrix& matrix, std::int64_t first, std::size_t count) {
  std::vector<std::int64_t> rows(count);
  std::iota(rows.begin(), rows.end(), first);
  return Rows(matrix, rows);
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

// What one query found, its scores told as similarities to the query.
struct Found {
  std::vector<Neighbor> similar;
  std::vector<Neighbor> dissimilar;
};

// Probabilities need every point, and the space in which the model learnt its logit scale.
void CheckProbabilities(const Gallery& gallery, const std::optional<double>& cosine_factor) {
  const std::string what =
      "search.scores: probability is over the points of a GPS gallery by inner product, compared "
      "one and all; ";
  const GalleryInfo& info = gallery.info;
  if (info.kind != "gps") throw InputError(what + gallery.folder.string() + " has kind " + info.kind);
  if (info.metric != "inner_product") throw InputError(what + gallery.folder.string() + " has metric " + info.metric);
  if (gallery.index.vectors().empty()) {
    throw InputError(what + gallery.folder.string() + " has index " + Printable(info.index) + " (allowed: flat)");
  }
  if (!cosine_factor) throw InputError("search.scores: probability needs the model, whose logit scale it is made with");
}

// ln of the sum of exp(factor s) over the gallery, of each query.
std::vector<double> LogSums(const Gallery& gallery, const Matrix& asked, const std::vector<const PhotoRow*>& photos,
                            double factor) {
  std::vector<double> sums = LogSumExp(asked, gallery.index.vectors(), factor);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (std::isfinite(sums[i])) continue;
    throw InputError("search.scores: the similarities of photo '" + Printable(photos[i]->id) + "' with " +
                     gallery.folder.string() + " are not all finite numbers, so there are no probabilities");
  }
  return sums;
}

// Similarities s to exp(factor s) over the sum of that over the gallery.
void ToProbabilities(const std::vector<double>& sums, double factor, std::vector<Found>& found) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (auto* list : {&found[i].similar, &found[i].dissimilar}) {
      for (auto& neighbor : *list) neighbor.score = std::exp(factor * neighbor.score - sums[i]);
    }
  }
}

// The queries `first` to `first + rows.size() - 1`.
std::vector<Found> SearchBlock(const Gallery& gallery, const Matrix& descriptors, std::int64_t first,
                               const std::vector<const PhotoRow*>& rows, const Exclusion& exclusion,
                               const SearchOptions& options) {
  Matrix asked = BlockOf(descriptors, first, rows.size());
  std::vector<Found> found(rows.size());
  auto similar = Nearest(gallery, asked, rows, exclusion, options.top_k, 1);
  for (std::size_t i = 0; i < rows.size(); ++i) found[i].similar = std::move(similar[i]);
  if (options.negatives == 0) return found;

  for (float& value : asked.values) value = -value;
  auto dissimilar = Nearest(gallery, asked, rows, exclusion, options.negatives, -1);
  // |x|^2 of every gallery vector: its parts are unit vectors.
  const double gallery_norm = gallery.info.kind == "gps" ? 1.0 : static_cast<double>(gallery.info.features.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // Asked with -q, told as the similarity to q: |q - x|^2 = 2 (|q|^2 + |x|^2) - |-q - x|^2.
    const double norms = SquaredNorm(asked.Row(static_cast<std::int64_t>(i))) + gallery_norm;
    for (auto& neighbor : dissimilar[i]) {
      neighbor.score = 0.0 - (gallery.info.metric == "inner_product" ? neighbor.score : 2 * norms + neighbor.score);
    }
    found[i].dissimilar = std::move(dissimilar[i]);
  }
  return found;
}

// A block on the disk: counts int64 [Q, 2] of similar and dissimilar neighbours, then rows int64 and scores float64 of
// all of them.
void WriteBlock(const std::filesystem::path& path, const std::vector<Found>& block) {
  std::vector<std::int64_t> counts, rows;
  std::vector<double> scores;
  for (const auto& found : block) {
    for (const auto* list : {&found.similar, &found.dissimilar}) {
      counts.push_back(static_cast<std::int64_t>(list->size()));
      for (const auto& neighbor : *list) {
        rows.push_back(neighbor.row);
        scores.push_back(neighbor.score);
      }
    }
  }
  WriteSafetensors(path, {{"counts", torch::tensor(counts, torch::kInt64)},
                          {"rows", torch::tensor(rows, torch::kInt64)},
                          {"scores", torch::tensor(scores, torch::kFloat64)}});
}

std::vector<Found> ReadBlock(const PartsFolder::Part& part, std::int64_t gallery_size) {
  const SafetensorsFile file(part.file);
  const auto counts = file.Get("counts"), rows = file.Get("rows"), scores = file.Get("scores");
  const auto damaged = [&] { return InputError(part.file.string() + ": not a block of this search"); };
  if (counts.scalar_type() != torch::kInt64 || rows.scalar_type() != torch::kInt64 ||
      scores.scalar_type() != torch::kFloat64 || counts.numel() != 2 * part.count || rows.numel() != scores.numel()) {
    throw damaged();
  }
  std::vector<Found> block(static_cast<std::size_t>(part.count));
  const auto* count = counts.data_ptr<std::int64_t>();
  const auto* row = rows.data_ptr<std::int64_t>();
  const auto* score = scores.data_ptr<double>();
  std::int64_t left = rows.numel();
  for (auto& found : block) {
    for (auto* list : {&found.similar, &found.dissimilar}) {
      if (*count < 0 || *count > left) throw damaged();
      left -= *count;
      for (std::int64_t i = 0; i < *count; ++i, ++row, ++score) {
        if (*row < 0 || *row >= gallery_size) throw damaged();
        list->push_back({*row, *score});
      }
      ++count;
    }
  }
  return block;
}

// All that the lists depend on.
std::string SearchedWith(const Gallery& gallery, const FeatureSet& queries, const Matrix& descriptors,
                         const std::vector<const PhotoRow*>& rows, const SearchOptions& options,
                         const std::optional<double>& cosine_factor) {
  std::string asked;
  for (const auto* row : rows) {
    asked.append(row->id).append("\n").append(row->author).append("\n");
    if (row->location) asked.append(reinterpret_cast<const char*>(&*row->location), sizeof(LatLon));
  }
  const std::string_view values(reinterpret_cast<const char*>(descriptors.values.data()),
                                descriptors.values.size() * sizeof(float));
  return "dualgeo search 1\nindex: " + gallery.info.index_sha256 + "\nitems: " + gallery.info.items_sha256 +
         "\nmodel: " + queries.model + "\nphotos: " + Sha256(asked) + "\ndescriptors: " + Sha256(values) + "\n" +
         (cosine_factor ? "cosine factor: " + FormatDouble(*cosine_factor) + "\n" : "") + TextOf(options);
}

CandidateList MakeList(const Gallery& gallery, const std::string& query, const Found& found) {
  CandidateList list{query, {}, std::nullopt};
  for (const bool similar : {true, false}) {
    int rank = 0;
    for (const auto& neighbor : similar ? found.similar : found.dissimilar) {
      const auto& item = gallery.items[static_cast<std::size_t>(neighbor.row)];
      Candidate candidate;
      candidate.rank = ++rank;
      candidate.gallery_id = item.id;
      candidate.location = item.location;
      candidate.author = item.author;
      candidate.similar = similar;
      candidate.score = neighbor.score;
      list.candidates.push_back(std::move(candidate));
    }
  }
  return list;
}

void WarnOfShortLists(const std::vector<std::string>& ids, const std::vector<Found>& found,
                      const SearchOptions& options) {
  std::int64_t short_lists = 0;
  auto shortest = static_cast<std::size_t>(options.top_k);
  std::string shortest_id;
  for (std::size_t i = 0; i < found.size(); ++i) {
    short_lists += found[i].similar.size() < static_cast<std::size_t>(options.top_k);
    short_lists += found[i].dissimilar.size() < static_cast<std::size_t>(options.negatives);
    if (found[i].similar.size() >= shortest) continue;
    shortest = found[i].similar.size();
    shortest_id = ids[i];
  }
  if (short_lists == 0) return;
  spdlog::warn(
      "search: {} lists are shorter than asked for, because the gallery holds no more that may be found (after "
      "exclusions); the shortest has {} of {} similar items: {}",
      short_lists, shortest, options.top_k, Printable(shortest_id));
}

std::vector<Found> ReadBlocks(PartsFolder& parts, std::int64_t gallery_size) {
  std::vector<Found> found;
  for (std::size_t i = 0; i < parts.parts().size(); ++i) {
    try {
      auto block = ReadBlock(parts.parts()[i], gallery_size);
      std::move(block.begin(), block.end(), std::back_inserter(found));
    } catch (const InputError& error) {
      spdlog::warn("{}; made again", error.what());
      parts.DropFrom(i);
    }
  }
  return found;
}

}  // namespace

std::vector<CandidateList> Search(Gallery& gallery, const FeatureSet& queries, const PhotoTable& photos,
                                  const SearchOptions& options, const KeepParts& keep,
                                  std::optional<double> cosine_factor) {
  const bool probabilities = options.scores == "probability";
  if (probabilities) CheckProbabilities(gallery, cosine_factor);
  if (options.exclude_similarity_above && !gallery.info.normalize) {
    throw InputError("search.exclude_similarity_above goes by cosines, and this gallery's vectors are not normalised");
  }
  if (gallery.info.metric == "classical" && (options.negatives > 0 || options.exclude_similarity_above)) {
    throw InputError(
        "search.negatives and search.exclude_similarity_above: a gallery of classical features knows distances, "
        "neither opposites nor cosines");
  }
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

  PartsFolder parts(keep.folder, keep.folder.empty()
                                     ? ""
                                     : SearchedWith(gallery, queries, descriptors, rows, options, cosine_factor));
  std::vector<Found> found = ReadBlocks(parts, gallery.info.count);
  const std::int64_t block_size = probabilities ? 1024 : gallery.index.batch();
  const auto total = static_cast<std::int64_t>(rows.size());
  if (!found.empty()) spdlog::info("search: {} of {} photos were searched before", found.size(), total);
  Progress progress("search", total, "photos");
  progress.Update(static_cast<std::int64_t>(found.size()));
  auto saved = std::chrono::steady_clock::now();
  for (auto start = static_cast<std::int64_t>(found.size()); start < total; start += block_size) {
    ThrowIfStopped();
    const auto end = std::min(total, start + block_size);
    const std::vector<const PhotoRow*> asked(rows.begin() + start, rows.begin() + end);
    std::vector<double> sums;
    if (probabilities) sums = LogSums(gallery, BlockOf(descriptors, start, asked.size()), asked, *cosine_factor);
    auto block = SearchBlock(gallery, descriptors, start, asked, exclusion, options);
    if (probabilities) ToProbabilities(sums, *cosine_factor, block);
    std::move(block.begin(), block.end(), std::back_inserter(found));
    progress.Update(end);
    if (!parts.keeps() || end == total || std::chrono::steady_clock::now() - saved < keep.interval) continue;
    parts.Add(end - parts.done(), [&](const std::filesystem::path& file) {
      WriteBlock(file, {found.begin() + parts.done(), found.end()});
    });
    saved = std::chrono::steady_clock::now();
  }
  progress.Finish();
  WarnOfShortLists(queries.ids, found, options);
  std::vector<CandidateList> lists;
  lists.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) lists.push_back(MakeList(gallery, queries.ids[i], found[i]));
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
