#include "gallery/cell_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/unit_vector.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "geo/cross_table.h"

namespace dualgeo {
namespace {

UnitVector Minus(const UnitVector& a, const UnitVector& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }

// Of the flat quadrangle between its corners: half the cross product of the diagonals.
double FlatArea(S2Cell cell) {
  const auto corners = cell.Vertices();
  const UnitVector a = Minus(ToUnitVector(corners[2]), ToUnitVector(corners[0]));
  const UnitVector b = Minus(ToUnitVector(corners[3]), ToUnitVector(corners[1]));
  return 0.5 * std::hypot(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

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

}  // namespace

std::string CellToken(const PartitionCell& cell) { return std::ranges::min(cell.area).Token(); }

LatLon AreaCentre(const PartitionCell& cell) {
  if (cell.area.size() == 1) return cell.area.front().Center();
  UnitVector sum;
  for (const S2Cell part : cell.area) {
    const UnitVector centre = ToUnitVector(part.Center());
    const double area = FlatArea(part);
    sum = {sum.x + area * centre.x, sum.y + area * centre.y, sum.z + area * centre.z};
  }
  // Areas that are balanced round the globe have no centre.
  return std::hypot(sum.x, sum.y, sum.z) > 1e-12 ? ToLatLon(sum) : cell.mean;
}

CellFinder::CellFinder(std::vector<Partition> partitions, const std::string& rule, const std::vector<LatLon>& photos,
                       const std::string& answer)
    : partitions_(std::move(partitions)), rule_(rule) {
  if (rule == "sum" && answer == "centre") throw std::invalid_argument("CellFinder: combinations have no centre");
  const std::size_t count = partitions_.size();
  if (rule == "sum") {
    for (CrossCell& cross : Intersect(partitions_, photos)) {
      Class one{std::move(cross.cells), "", cross.mean, CellAnswer::kMean};
      for (std::size_t i = 0; i < count; ++i) {
        one.token += (i > 0 ? "+" : "") + CellToken(partitions_[i].cells()[one.cells[i]]);
      }
      classes_.push_back(std::move(one));
    }
    if (classes_.empty()) throw InputError("search.cells_rule: sum: no training photo is in a cell of each partition");
    if (answer == "member") AnswerWithMembers(photos);
    return;
  }
  std::vector<std::vector<std::optional<std::size_t>>> parents;
  for (std::size_t i = 0; rule == "product" && i + 1 < count; ++i) {
    parents.push_back(ParentsIn(partitions_[i], partitions_.back()));
  }
  for (std::size_t cell = 0; cell < partitions_.back().cells().size(); ++cell) {
    const PartitionCell& own = partitions_.back().cells()[cell];
    Class one{{}, CellToken(own), own.mean, CellAnswer::kMean};
    if (answer == "centre") {
      one.place = AreaCentre(own);
      one.rule = CellAnswer::kCentre;
    }
    bool whole = true;
    for (const auto& of : parents) {
      whole = whole && of[cell].has_value();
      one.cells.push_back(of[cell].value_or(0));
    }
    one.cells.push_back(cell);
    if (whole) classes_.push_back(std::move(one));
  }
  if (classes_.empty()) throw InputError("search.cells_rule: product: no cell lies in a cell of each other partition");
  if (answer == "member") AnswerWithMembers(photos);
}

// A photo is in the class of its cells, of which the last one tells those of the others unless they are combined.
void CellFinder::AnswerWithMembers(const std::vector<LatLon>& photos) {
  const std::size_t first = rule_ == "sum" ? 0 : partitions_.size() - 1;
  std::map<std::vector<std::size_t>, std::size_t> class_of;
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    const auto& cells = classes_[c].cells;
    class_of.emplace(rule_ == "sum" ? cells : std::vector{cells.back()}, c);
  }
  std::vector<double> nearest(classes_.size(), std::numeric_limits<double>::infinity());
  std::vector<LatLon> members(classes_.size());
  std::vector<std::size_t> cells;
  for (const LatLon& photo : photos) {
    cells.clear();
    for (std::size_t i = first; i < partitions_.size(); ++i) {
      if (const auto hit = partitions_[i].Find(photo)) cells.push_back(hit->cell);
    }
    const auto found = cells.size() == partitions_.size() - first ? class_of.find(cells) : class_of.end();
    if (found == class_of.end()) continue;
    const double km = GreatCircleKm(photo, classes_[found->second].place);
    if (km >= nearest[found->second]) continue;
    nearest[found->second] = km;
    members[found->second] = photo;
  }
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    if (std::isinf(nearest[c])) continue;
    classes_[c].place = members[c];
    classes_[c].rule = CellAnswer::kMember;
  }
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
      candidate.rule = classes_[order[k]].rule;
      candidate.score = scores[order[k]];
      list.candidates.push_back(std::move(candidate));
    }
  }
  return lists;
}

}  // namespace dualgeo
