#include "dualgeo/gallery/cell_search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "dualgeo/geo/cross_table.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

// Of NaN nothing is best.
void RequireNumbers(const std::vector<std::string>& ids, const std::vector<Matrix>& probabilities) {
  std::size_t bad = 0, first = 0;
  for (std::size_t photo = ids.size(); photo-- > 0;) {
    const bool fine = std::ranges::all_of(probabilities, [&](const Matrix& scores) {
      return std::ranges::all_of(scores.Row(static_cast<std::int64_t>(photo)),
                                 [](float p) { return std::isfinite(p); });
    });
    if (fine) continue;
    ++bad;
    first = photo;
  }
  if (bad == 0) return;
  throw InputError("the scores of " + std::to_string(bad) + " of " + std::to_string(ids.size()) +
                   " photos are not numbers, the first '" + Printable(ids[first]) +
                   "': are the classifier's weights damaged?");
}

std::string TokenOf(const PartitionCell& cell) { return std::ranges::min(cell.area).Token(); }

}  // namespace

CellFinder::CellFinder(std::vector<Partition> partitions, const std::string& rule, const std::vector<LatLon>& photos)
    : partitions_(std::move(partitions)), rule_(rule) {
  const std::size_t count = partitions_.size();
  if (rule == "sum") {
    for (CrossCell& cross : Intersect(partitions_, photos)) {
      Class one{std::move(cross.cells), "", cross.mean};
      for (std::size_t i = 0; i < count; ++i) {
        one.token += (i > 0 ? "+" : "") + TokenOf(partitions_[i].cells()[one.cells[i]]);
      }
      classes_.push_back(std::move(one));
    }
    if (classes_.empty()) throw InputError("search.cells_rule: sum: no training photo is in a cell of each partition");
    return;
  }
  std::vector<std::vector<std::optional<std::size_t>>> parents;
  for (std::size_t i = 0; rule == "product" && i + 1 < count; ++i) {
    parents.push_back(ParentsIn(partitions_[i], partitions_.back()));
  }
  for (std::size_t cell = 0; cell < partitions_.back().cells().size(); ++cell) {
    const PartitionCell& own = partitions_.back().cells()[cell];
    Class one{{}, TokenOf(own), own.mean};
    bool whole = true;
    for (const auto& of : parents) {
      whole = whole && of[cell].has_value();
      one.cells.push_back(of[cell].value_or(0));
    }
    one.cells.push_back(cell);
    if (whole) classes_.push_back(std::move(one));
  }
  if (classes_.empty()) throw InputError("search.cells_rule: product: no cell lies in a cell of each other partition");
}

std::vector<CandidateList> CellFinder::Find(const std::vector<std::string>& ids,
                                            const std::vector<Matrix>& probabilities, int top_k) const {
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    const auto cells = std::ssize(partitions_[i].cells());
    if (i < probabilities.size() && probabilities[i].columns == cells) continue;
    throw InputError("the scores are not of these partitions: partition " + std::to_string(i + 1) + " has " +
                     std::to_string(cells) + " cells");
  }
  RequireNumbers(ids, probabilities);
  // Of the last partition alone where the rule looks at no other.
  const std::size_t first = rule_ == "last" ? partitions_.size() - 1 : 0;
  std::vector<CandidateList> lists;
  std::vector<double> scores(classes_.size());
  std::vector<std::size_t> order(classes_.size());
  for (std::size_t photo = 0; photo < ids.size(); ++photo) {
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      double score = rule_ == "sum" ? 0 : 1;
      for (std::size_t i = 0; i < classes_[c].cells.size(); ++i) {
        const double p = probabilities[first + i].Row(static_cast<std::int64_t>(photo))[classes_[c].cells[i]];
        score = rule_ == "sum" ? score + p / static_cast<double>(partitions_.size()) : score * p;
      }
      scores[c] = score;
    }
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto best = std::min(order.size(), static_cast<std::size_t>(top_k));
    std::ranges::partial_sort(
        order, order.begin() + static_cast<std::ptrdiff_t>(best),
        [&](std::size_t a, std::size_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
    CandidateList& list = lists.emplace_back();
    list.query_id = ids[photo];
    for (std::size_t k = 0; k < best; ++k) {
      Candidate candidate;
      candidate.rank = static_cast<int>(k) + 1;
      candidate.gallery_id = classes_[order[k]].token;
      candidate.location = classes_[order[k]].place;
      candidate.score = scores[order[k]];
      list.candidates.push_back(std::move(candidate));
    }
  }
  return lists;
}

}  // namespace dualgeo
