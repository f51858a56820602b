#include "dualgeo/gallery/search.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "gallery_writer.h"
#include "io/safetensors.h"
#include "log_sum_exp.h"
#include "model/fingerprint.h"
#include "util/progress.h"

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

// The first `count` neighbours of each query that are not excluded. Most often exclusions take few places, and a batch
// finds some more than asked for quickest; where they take many, or a region leaves few, the index leaves them out.
std::vector<std::vector<Neighbor>> Nearest(const Gallery& gallery, const Matrix& queries,
                                           const std::vector<const PhotoRow*>& photos, const Exclusion& exclusion,
                                           std::int64_t count, double sign) {
  constexpr std::int64_t kFewOf = 16;
  constexpr int kBatches = 2;
  std::vector<std::vector<Neighbor>> kept(photos.size());
  std::vector<std::int64_t> pending(photos.size());
  std::iota(pending.begin(), pending.end(), 0);
  std::int64_t fetch = exclusion.active() ? count + 8 : count;
  int round = exclusion.inside() * kFewOf < gallery.info.count ? kBatches : 0;
  for (; !pending.empty(); ++round) {
    const bool among = round >= kBatches;
    // Near duplicates are known by their scores, so some more are asked for; all else is left out as it is scanned.
    if (among && !exclusion.by_similarity()) fetch = count;
    const RowFilter takes = [&](std::int64_t query, std::int64_t row) {
      return !exclusion.Excludes(*photos[static_cast<std::size_t>(pending[static_cast<std::size_t>(query)])], row);
    };
    const Matrix asked = Rows(queries, pending);
    const auto found = among ? gallery.index.SearchAmong(asked, fetch, takes) : gallery.index.Search(asked, fetch);
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
      const auto seen = static_cast<std::int64_t>(found[i].size());
      const bool exhausted = among ? seen < fetch : !exclusion.active() || seen == gallery.info.count;
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
  const std::string polygons = options.within_polygons.empty() ? "" : Sha256File(options.within_polygons);
  std::string asked;
  for (const auto* row : rows) {
    asked.append(row->id).append("\n").append(row->author).append("\n");
    if (row->location) asked.append(reinterpret_cast<const char*>(&*row->location), sizeof(LatLon));
  }
  const std::string_view values(reinterpret_cast<const char*>(descriptors.values.data()),
                                descriptors.values.size() * sizeof(float));
  return "dualgeo search 1\nindex: " + gallery.info.index_sha256 + "\nitems: " + gallery.info.items_sha256 +
         "\nmodel: " + queries.model + "\nphotos: " + Sha256(asked) + "\ndescriptors: " + Sha256(values) + "\n" +
         (cosine_factor ? "cosine factor: " + FormatDouble(*cosine_factor) + "\n" : "") +
         (polygons.empty() ? "" : "polygons: " + polygons + "\n") + TextOf(options);
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

void WarnOfShortLists(const std::vector<CandidateList>& lists, const SearchOptions& options) {
  std::int64_t short_lists = 0;
  auto shortest = static_cast<std::int64_t>(options.top_k);
  std::string shortest_id;
  for (const auto& list : lists) {
    const std::int64_t similar = std::ranges::count(list.candidates, true, &Candidate::similar);
    const std::int64_t dissimilar = static_cast<std::int64_t>(list.candidates.size()) - similar;
    short_lists += similar < options.top_k;
    short_lists += dissimilar < options.negatives;
    if (similar >= shortest) continue;
    shortest = similar;
    shortest_id = list.query_id;
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

std::vector<CandidateList> SearchOne(Gallery& gallery, const FeatureSet& queries, const PhotoTable& photos,
                                     const SearchOptions& options, const KeepParts& keep,
                                     const std::optional<double>& cosine_factor) {
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
  std::optional<Region> region;
  if (!options.within.empty()) region.emplace(options.within, options.within_polygons);
  const Exclusion exclusion({options.exclude_same_id, options.exclude_same_author, options.exclude_within_km,
                             options.exclude_similarity_above, region ? &*region : nullptr},
                            gallery, photos);
  if (region) {
    spdlog::info("search: {} of the {} items of {} lie within {}", exclusion.inside(), gallery.info.count,
                 gallery.folder.string(), Printable(options.within, 200));
  }
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
  std::vector<CandidateList> lists;
  lists.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) lists.push_back(MakeList(gallery, queries.ids[i], found[i]));
  return lists;
}

}  // namespace

std::vector<CandidateList> Search(Gallery& gallery, const FeatureSet& queries, const PhotoTable& photos,
                                  const SearchOptions& options, const KeepParts& keep,
                                  std::optional<double> cosine_factor) {
  auto lists = SearchOne(gallery, queries, photos, options, keep, cosine_factor);
  WarnOfShortLists(lists, options);
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

namespace {

// Lists of different things cannot be put in one order.
void CheckComparable(const Gallery& first, const Gallery& other) {
  const std::string difference = DifferenceOf(first.info, other.info);
  if (difference.empty()) return;
  throw InputError(other.folder.string() + " cannot be searched together with " + first.folder.string() + ": " +
                   difference);
}

std::vector<std::string> GalleryNames(const std::vector<Gallery>& galleries) {
  std::vector<std::string> names;
  for (const auto& gallery : galleries) {
    const auto& folder = gallery.folder;
    names.push_back((folder.has_filename() ? folder : folder.parent_path()).filename().string());
  }
  const std::set<std::string> distinct(names.begin(), names.end());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (distinct.size() < names.size() || names[i].empty()) names[i] = galleries[i].folder.string();
  }
  return names;
}

// The first `count` of several lists that each are in order; equals in the order of the lists.
std::vector<Candidate> MergeCandidates(std::vector<Candidate> all, bool similar, int count) {
  std::erase_if(all, [&](const Candidate& candidate) { return candidate.similar != similar; });
  std::ranges::stable_sort(
      all, [&](const Candidate& a, const Candidate& b) { return similar ? *a.score > *b.score : *a.score < *b.score; });
  all.resize(std::min(all.size(), static_cast<std::size_t>(count)));
  for (std::size_t i = 0; i < all.size(); ++i) all[i].rank = static_cast<int>(i) + 1;
  return all;
}

}  // namespace

KeepParts KeepPartsOfGallery(const KeepParts& keep, std::size_t gallery) {
  KeepParts own = keep;
  if (gallery > 0 && !keep.folder.empty()) own.folder += "-" + std::to_string(gallery + 1);
  return own;
}

std::vector<CandidateList> SearchAll(std::vector<Gallery>& galleries, const FeatureSet& queries,
                                     const PhotoTable& photos, const SearchOptions& options, const KeepParts& keep,
                                     std::optional<double> cosine_factor) {
  if (galleries.size() == 1) return Search(galleries.front(), queries, photos, options, keep, cosine_factor);
  if (options.scores == "probability") {
    throw InputError("search.scores: probability is over the points of one gallery, and there are " +
                     std::to_string(galleries.size()));
  }
  for (const auto& gallery : galleries) CheckComparable(galleries.front(), gallery);
  const auto names = GalleryNames(galleries);
  std::vector<CandidateList> merged;
  for (std::size_t g = 0; g < galleries.size(); ++g) {
    auto lists = SearchOne(galleries[g], queries, photos, options, KeepPartsOfGallery(keep, g), cosine_factor);
    for (std::size_t i = 0; i < lists.size(); ++i) {
      for (auto& candidate : lists[i].candidates) candidate.gallery = names[g];
      if (g == 0) continue;
      std::ranges::move(lists[i].candidates, std::back_inserter(merged[i].candidates));
    }
    if (g == 0) merged = std::move(lists);
  }
  for (auto& list : merged) {
    auto dissimilar = MergeCandidates(list.candidates, false, options.negatives);
    list.candidates = MergeCandidates(std::move(list.candidates), true, options.top_k);
    std::ranges::move(dissimilar, std::back_inserter(list.candidates));
  }
  WarnOfShortLists(merged, options);
  return merged;
}

}  // namespace dualgeo
