#include "dualgeo/gallery/prototypes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "gallery/cell_search.h"
#include "geo/optics.h"
#include "io/safetensors.h"
#include "util/parallel.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

double SquaredDistance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return sum;
}

// The photos of each cell, by row of the features.
struct CellPhotos {
  std::vector<std::vector<std::int64_t>> rows;  // of each cell
  std::vector<LatLon> places;                   // of each row
  std::int64_t outside = 0;
};

CellPhotos PhotosByCell(const FeatureSet& photos, const PhotoTable& table, const Partition& partition) {
  std::unordered_map<std::string_view, const PhotoRow*> row_of;
  for (const PhotoRow& row : table.rows) row_of.emplace(row.id, &row);
  CellPhotos found;
  found.rows.resize(partition.cells().size());
  for (std::size_t i = 0; i < photos.ids.size(); ++i) {
    const auto row = row_of.find(photos.ids[i]);
    if (row == row_of.end() || !row->second->location) {
      throw InputError("prototypes: the features hold photo '" + Printable(photos.ids[i]) +
                       "', which has no place in " + table.path.string());
    }
    found.places.push_back(*row->second->location);
    const auto hit = partition.Find(found.places.back());
    if (hit) {
      found.rows[hit->cell].push_back(static_cast<std::int64_t>(i));
    } else {
      ++found.outside;
    }
  }
  return found;
}

// The cluster of each photo of a cell.
std::vector<std::int64_t> LabelsOf(const std::vector<std::int64_t>& rows, const std::vector<LatLon>& all,
                                   const PrototypeOptions& options) {
  if (rows.size() < static_cast<std::size_t>(options.min_samples)) return std::vector<std::int64_t>(rows.size(), 0);
  std::vector<LatLon> places;
  for (const std::int64_t row : rows) places.push_back(all[static_cast<std::size_t>(row)]);
  const OpticsResult result = Optics(places, {options.min_samples, options.xi, OpticsMetric::kHaversine});
  return {result.labels.begin(), result.labels.end()};
}

// Of the cells from parts.done() on, in blocks; the labels of all cells.
std::vector<std::vector<std::int64_t>> LabelAll(const CellPhotos& photos, const PrototypeOptions& options,
                                                PartsFolder& parts, const KeepParts& keep) {
  std::vector<std::vector<std::int64_t>> labels(photos.rows.size());
  for (std::size_t p = 0; p < parts.parts().size(); ++p) {
    const auto& part = parts.parts()[p];
    try {
      const torch::Tensor kept = SafetensorsFile(part.file).Get("labels");
      std::int64_t expected = 0;
      for (std::int64_t c = part.first; c < part.first + part.count; ++c) {
        expected += std::ssize(photos.rows.at(static_cast<std::size_t>(c)));
      }
      if (kept.scalar_type() != torch::kInt64 || kept.numel() != expected)
        throw InputError(part.file.string() + ": not labels of these cells");
      const auto* next = kept.data_ptr<std::int64_t>();
      for (std::int64_t c = part.first; c < part.first + part.count; ++c) {
        const std::size_t size = photos.rows[static_cast<std::size_t>(c)].size();
        labels[static_cast<std::size_t>(c)].assign(next, next + size);
        next += size;
      }
    } catch (const InputError& error) {
      spdlog::warn("{}; made again", error.what());
      parts.DropFrom(p);
      break;
    }
  }
  const auto total = static_cast<std::int64_t>(labels.size());
  Progress progress("prototypes", total, "cells");
  auto saved = std::chrono::steady_clock::now();
  constexpr std::int64_t kBlock = 16;
  for (std::int64_t begin = parts.done(); begin < total; begin += kBlock) {
    ThrowIfStopped();
    const std::int64_t end = std::min(total, begin + kBlock);
    ForEachInParallel(static_cast<std::size_t>(end - begin), 0, [&](std::size_t i) {
      const std::size_t cell = static_cast<std::size_t>(begin) + i;
      labels[cell] = LabelsOf(photos.rows[cell], photos.places, options);
    });
    progress.Update(end);
    if (!parts.keeps() || end == total || std::chrono::steady_clock::now() - saved < keep.interval) continue;
    parts.Add(end - parts.done(), [&](const std::filesystem::path& file) {
      std::vector<std::int64_t> joined;
      for (auto c = static_cast<std::size_t>(parts.done()); c < static_cast<std::size_t>(end); ++c) {
        joined.insert(joined.end(), labels[c].begin(), labels[c].end());
      }
      WriteSafetensors(file, {{"labels", torch::tensor(joined, torch::kInt64)}});
    });
    saved = std::chrono::steady_clock::now();
  }
  progress.Finish();
  return labels;
}

std::string MadeFrom(const FeatureSet& photos, const CellPhotos& by_cell, const std::vector<std::string>& tokens,
                     const Partition& partition, const PrototypeOptions& options) {
  std::string ids, cells;
  for (std::size_t i = 0; i < photos.ids.size(); ++i) {
    ids.append(photos.ids[i]).append("\n");
    ids.append(reinterpret_cast<const char*>(&by_cell.places[i]), sizeof(LatLon));
  }
  for (const PartitionCell& cell : partition.cells()) {
    for (const S2Cell part : cell.area) cells.append(part.Token()).append(" ");
    cells.append("\n");
  }
  const Matrix& features = photos.Require(options.feature);
  const std::string_view values(reinterpret_cast<const char*>(features.values.data()),
                                features.values.size() * sizeof(float));
  return "dualgeo prototypes 1\nmodel: " + photos.model + "\nphotos: " + Sha256(ids) + "\ncells: " + Sha256(cells) +
         " (" + std::to_string(tokens.size()) + ")\nfeature: " + options.feature + " " + Sha256(values) +
         "\nmin_samples: " + std::to_string(options.min_samples) + "\nxi: " + FormatDouble(options.xi) + "\n";
}

torch::Tensor TensorOf(const Matrix& matrix) {
  return torch::from_blob(const_cast<float*>(matrix.values.data()), {matrix.rows, matrix.columns});
}

Matrix FloatMatrix(const SafetensorsFile& file, const char* name) {
  const torch::Tensor tensor = file.View(name);
  if (tensor.scalar_type() != torch::kFloat32 || tensor.dim() != 2) {
    throw InputError(file.path().string() + ": tensor " + name + " is not a float32 matrix");
  }
  Matrix matrix(tensor.size(0), tensor.size(1));
  const torch::Tensor values = tensor.contiguous();
  std::copy_n(values.data_ptr<float>(), matrix.values.size(), matrix.values.begin());
  if (!std::ranges::all_of(matrix.values, [](float value) { return std::isfinite(value); })) {
    throw InputError(file.path().string() + ": tensor " + name + " has a value that is not finite");
  }
  return matrix;
}

std::vector<std::int64_t> Whole(const SafetensorsFile& file, const char* name) {
  const torch::Tensor tensor = file.Get(name);
  if (tensor.scalar_type() != torch::kInt64 || tensor.dim() != 1) {
    throw InputError(file.path().string() + ": tensor " + name + " is not a list of int64");
  }
  return {tensor.data_ptr<std::int64_t>(), tensor.data_ptr<std::int64_t>() + tensor.numel()};
}

// Rising ends from `least` on, the last one `last`.
bool AreEnds(const std::vector<std::int64_t>& ends, std::int64_t last) {
  std::int64_t before = 0;
  for (const std::int64_t end : ends) {
    if (end <= before) return false;
    before = end;
  }
  return before == last;
}

}  // namespace

std::size_t Prototypes::cells_with_prototypes() const {
  std::size_t cells = 0;
  for (std::size_t i = 0; i < cluster_cells_.size(); ++i) {
    cells += i == 0 || cluster_cells_[i] != cluster_cells_[i - 1] ? 1 : 0;
  }
  return cells;
}

Prototypes::Span Prototypes::ClustersOf(std::size_t cell) const {
  const auto [begin, end] = std::ranges::equal_range(cluster_cells_, static_cast<std::int64_t>(cell));
  return {begin - cluster_cells_.begin(), end - cluster_cells_.begin()};
}

Prototypes::Span Prototypes::MembersOf(std::int64_t cluster) const {
  const auto i = static_cast<std::size_t>(cluster);
  return {i == 0 ? 0 : member_ends_[i - 1], member_ends_[i]};
}

Prototypes Prototypes::Build(const FeatureSet& photos, const PhotoTable& table, const Partition& partition,
                             const PrototypeOptions& options, const KeepParts& keep) {
  const Matrix& features = photos.Require(options.feature);
  const CellPhotos by_cell = PhotosByCell(photos, table, partition);
  Prototypes made;
  made.model_ = photos.model;
  made.feature_ = options.feature;
  for (const PartitionCell& cell : partition.cells()) made.tokens_.push_back(CellToken(cell));
  made.made_from_ = MadeFrom(photos, by_cell, made.tokens_, partition, options);
  PartsFolder parts(keep.folder, made.made_from_);
  const auto labels = LabelAll(by_cell, options, parts, keep);

  std::vector<std::int64_t> member_rows;
  std::int64_t noise = 0;
  for (std::size_t cell = 0; cell < labels.size(); ++cell) {
    const std::int64_t clusters = labels[cell].empty() ? 0 : *std::ranges::max_element(labels[cell]) + 1;
    noise += std::ranges::count(labels[cell], kNoise);
    for (std::int64_t cluster = 0; cluster < clusters; ++cluster) {
      const std::size_t before = member_rows.size();
      for (std::size_t i = 0; i < labels[cell].size(); ++i) {
        if (labels[cell][i] == cluster) member_rows.push_back(by_cell.rows[cell][i]);
      }
      if (member_rows.size() == before) continue;
      made.cluster_cells_.push_back(static_cast<std::int64_t>(cell));
      made.member_ends_.push_back(std::ssize(member_rows));
    }
  }
  if (member_rows.empty()) {
    throw InputError("prototypes: no cell has a cluster of " + std::to_string(options.min_samples) +
                     " photos (search.prototypes.min_samples), of " + std::to_string(photos.size()) + " photos, " +
                     std::to_string(by_cell.outside) + " of them in no cell");
  }
  made.members_ = Matrix(std::ssize(member_rows), features.columns);
  made.prototypes_ = Matrix(std::ssize(made.cluster_cells_), features.columns);
  for (std::int64_t m = 0; m < made.members_.rows; ++m) {
    const std::int64_t row = member_rows[static_cast<std::size_t>(m)];
    std::ranges::copy(features.Row(row), made.members_.Row(m).begin());
    made.places_.push_back(by_cell.places[static_cast<std::size_t>(row)]);
  }
  for (std::int64_t p = 0; p < made.prototypes_.rows; ++p) {
    const Span span = made.MembersOf(p);
    std::vector<double> sum(static_cast<std::size_t>(features.columns), 0);
    for (std::int64_t m = span.begin; m < span.end; ++m) {
      const auto row = made.members_.Row(m);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += row[i];
    }
    std::ranges::transform(sum, made.prototypes_.Row(p).begin(), [&](double value) {
      return static_cast<float>(value / static_cast<double>(span.end - span.begin));
    });
  }
  made.Check("prototypes");
  for (std::size_t c = 0; c < made.tokens_.size(); ++c) made.cell_of_.emplace(made.tokens_[c], c);
  spdlog::info("prototypes: {} of {} photos in {} of {} cells; {} photos are noise, {} in no cell", made.members(),
               photos.size(), made.cells_with_prototypes(), made.cells(), noise, by_cell.outside);
  return made;
}

// Lists that agree with each other, whoever wrote them.
void Prototypes::Check(const std::string& file) const {
  const auto fail = [&](const std::string& what) { throw InputError(file + ": " + what); };
  const std::int64_t count = prototypes_.rows;
  if (count == 0 || std::ssize(cluster_cells_) != count || std::ssize(member_ends_) != count) {
    fail("tensors prototypes, cluster_cells and member_ends are not equally long, or empty");
  }
  if (!std::ranges::is_sorted(cluster_cells_) || cluster_cells_.front() < 0 ||
      cluster_cells_.back() >= std::ssize(tokens_)) {
    fail("tensor cluster_cells does not rise within the " + std::to_string(tokens_.size()) + " cells");
  }
  if (!AreEnds(member_ends_, members_.rows) || members_.columns != prototypes_.columns ||
      std::ssize(places_) != members_.rows) {
    fail("tensors member_ends, members and latlon do not belong together");
  }
  if (!std::ranges::all_of(places_, IsValid)) fail("tensor latlon holds what is no latitude and longitude");
}

Prototypes Prototypes::Read(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  const auto& metadata = file.metadata();
  const auto kind = metadata.find("kind");
  if (kind == metadata.end() || kind->second != "prototypes") {
    throw InputError(path.string() + ": not a file of prototypes (dualgeo cells prototypes makes them)");
  }
  const auto text = [&](const char* key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  Prototypes read;
  read.path_ = path;
  read.model_ = text("model");
  read.feature_ = text("feature");
  read.made_from_ = text("made_from");
  read.prototypes_ = FloatMatrix(file, "prototypes");
  read.members_ = FloatMatrix(file, "members");
  read.cluster_cells_ = Whole(file, "cluster_cells");
  read.member_ends_ = Whole(file, "member_ends");
  const torch::Tensor latlon = file.Get("latlon"), bytes = file.Get("tokens");
  if (latlon.scalar_type() != torch::kFloat64 || latlon.dim() != 2 || latlon.size(1) != 2) {
    throw InputError(path.string() + ": tensor latlon is not float64 [M, 2]");
  }
  for (std::int64_t i = 0; i < latlon.size(0); ++i) {
    const double* row = latlon.data_ptr<double>() + 2 * i;
    read.places_.push_back({row[0], row[1]});
  }
  const auto ends = Whole(file, "token_ends");
  if (bytes.scalar_type() != torch::kUInt8 || !AreEnds(ends, bytes.numel())) {
    throw InputError(path.string() + ": tensors tokens and token_ends do not belong together");
  }
  const auto* letters = reinterpret_cast<const char*>(bytes.data_ptr<std::uint8_t>());
  std::int64_t begin = 0;
  for (const std::int64_t end : ends) {
    read.tokens_.emplace_back(letters + begin, static_cast<std::size_t>(end - begin));
    begin = end;
  }
  read.Check(path.string());
  for (std::size_t c = 0; c < read.tokens_.size(); ++c) read.cell_of_.emplace(read.tokens_[c], c);
  return read;
}

void Prototypes::Write(const std::filesystem::path& path) const {
  std::string letters;
  std::vector<std::int64_t> ends;
  for (const std::string& token : tokens_) {
    letters += token;
    ends.push_back(std::ssize(letters));
  }
  static_assert(sizeof(LatLon) == 2 * sizeof(double));
  const auto whole = [](const std::vector<std::int64_t>& values) { return torch::tensor(values, torch::kInt64); };
  WriteSafetensors(
      path,
      {{"prototypes", TensorOf(prototypes_)},
       {"members", TensorOf(members_)},
       {"cluster_cells", whole(cluster_cells_)},
       {"member_ends", whole(member_ends_)},
       {"latlon", torch::from_blob(const_cast<LatLon*>(places_.data()), {members_.rows, 2}, torch::kFloat64)},
       {"tokens", torch::from_blob(letters.data(), {std::ssize(letters)}, torch::kUInt8)},
       {"token_ends", whole(ends)}},
      {{"kind", "prototypes"}, {"model", model_}, {"feature", feature_}, {"made_from", made_from_}});
}

void Prototypes::RefineOne(CandidateList& list, std::span<const float> query, const PrototypeOptions& options) const {
  if (list.candidates.empty()) return;
  const CandidateList found = list;
  auto& candidates = list.candidates;
  candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(options.cells)));
  constexpr double kNone = std::numeric_limits<double>::infinity();
  std::vector<double> distances(candidates.size(), kNone);
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    Candidate& candidate = candidates[k];
    const auto cell = cell_of_.find(candidate.gallery_id);
    if (cell == cell_of_.end() || !candidate.score || *candidate.score < 0) {
      throw InputError("query '" + Printable(list.query_id) + "': candidate '" + Printable(candidate.gallery_id) +
                       "' " +
                       (cell == cell_of_.end() ? "is no cell of the partition that the prototypes" +
                                                     (path_.empty() ? "" : " of " + path_.string()) + " were made of"
                                               : "has no probability as its score"));
    }
    const Span clusters = ClustersOf(cell->second);
    std::int64_t nearest = -1;
    for (std::int64_t p = clusters.begin; p < clusters.end; ++p) {
      const double distance = std::sqrt(SquaredDistance(query, prototypes_.Row(p)));
      if (distance < distances[k]) {
        distances[k] = distance;
        nearest = p;
      }
    }
    if (nearest < 0) continue;
    const Span members = MembersOf(nearest);
    double best = kNone;
    for (std::int64_t m = members.begin; m < members.end; ++m) {
      const double distance = (options.farthest_member ? -1 : 1) * SquaredDistance(query, members_.Row(m));
      if (distance >= best) continue;
      best = distance;
      candidate.location = places_[static_cast<std::size_t>(m)];
    }
    candidate.rule = CellAnswer::kMember;
  }
  const double least = *std::ranges::min_element(distances);
  if (std::isinf(least)) return;  // none of them has a prototype: nothing to go by
  double sum = 0;
  for (double& distance : distances) sum += distance = std::exp(-(distance - least) / options.temperature);
  for (std::size_t k = 0; k < candidates.size(); ++k) *candidates[k].score *= distances[k] / sum;
  const std::string most_probable = candidates.front().gallery_id;
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) { return *a.score > *b.score; });
  if (GreatCircleKm(candidates.front().location, found.candidates.front().location) > options.max_km) {
    const auto first = std::ranges::find(candidates, most_probable, &Candidate::gallery_id);
    std::rotate(candidates.begin(), first, first + 1);
    if (!options.limit_keeps_prototype) {
      candidates.front().location = found.candidates.front().location;
      candidates.front().rule = found.candidates.front().rule;
    }
  }
  for (std::size_t k = 0; k < candidates.size(); ++k) candidates[k].rank = static_cast<int>(k) + 1;
}

std::vector<CandidateList> Prototypes::Refine(std::vector<CandidateList> lists, const FeatureSet& queries,
                                              const PrototypeOptions& options, int threads) const {
  const std::string where = path_.empty() ? "the prototypes" : path_.string();
  if (!model_.empty() && !queries.model.empty() && model_ != queries.model) {
    throw InputError(where + ": made by another model than the photos' features");
  }
  if (feature_ != options.feature) {
    throw InputError(where + ": made of the feature " + feature_ + ", and search.prototypes.feature is " +
                     options.feature);
  }
  const Matrix& features = queries.Require(feature_);
  if (features.columns != prototypes_.columns) {
    throw InputError(where + ": has " + std::to_string(prototypes_.columns) +
                     " numbers a photo, the photos' features " + std::to_string(features.columns));
  }
  std::unordered_map<std::string_view, std::int64_t> row_of;
  for (std::size_t i = 0; i < queries.ids.size(); ++i) row_of.emplace(queries.ids[i], static_cast<std::int64_t>(i));
  ForEachInParallel(lists.size(), threads, [&](std::size_t i) {
    ThrowIfStopped();
    const auto row = row_of.find(lists[i].query_id);
    if (row == row_of.end()) {
      throw InputError("the features have no photo '" + Printable(lists[i].query_id) + "', which the candidates have");
    }
    RefineOne(lists[i], features.Row(row->second), options);
  });
  return lists;
}

}  // namespace dualgeo
