#include "dualgeo/gallery/candidates.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <span>
#include <unordered_map>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "util/atomic_file.h"
#include "util/parallel.h"

namespace dualgeo {
namespace {

int Rank(const CsvTable& csv, std::size_t row, std::size_t column) {
  const std::int64_t rank = csv.Integer(row, column);
  if (rank < 1 || rank > std::numeric_limits<int>::max()) {
    throw InputError(csv.At(row, csv.header()[column] + " is " + std::to_string(rank) + "; ranks begin at 1"));
  }
  return static_cast<int>(rank);
}

const char* const kAreaColumns[] = {"area_50_km2", "area_90_km2", "radius_50_km", "radius_90_km"};

struct Columns {
  explicit Columns(const CsvTable& csv, const std::vector<std::string>& names = {})
      : query_id(csv.Require("query_id")),
        rank(csv.Require("rank")),
        gallery_id(csv.Find("gallery_id")),
        lat(csv.Require("lat")),
        lon(csv.Require("lon")),
        score(csv.Find("score")),
        author(csv.Find("author")),
        set(csv.Find("set")),
        cluster(csv.Find("cluster")),
        rerank_score(csv.Find("rerank_score")),
        retrieval_rank(csv.Find("retrieval_rank")),
        gps_score(csv.Find("gps_score")),
        rule(csv.Find("rule")),
        gallery(csv.Find("gallery")),
        model(csv.Find("model")),
        point_lat(csv.Find("point_lat")) {
    for (const auto& name : names) more.emplace_back(name, csv.Require(name));
    if (!point_lat) return;
    point_lon = csv.Require("point_lon");
    confidence_km = csv.Require("confidence_km");
    for (std::size_t i = 0; i < within.size(); ++i) within[i] = csv.Require(WithinColumn(i));
    if (!(half_km2 = csv.Find(kAreaColumns[0]))) return;
    most_km2 = csv.Require(kAreaColumns[1]);
    half_radius_km = csv.Find(kAreaColumns[2]);
    most_radius_km = csv.Find(kAreaColumns[3]);
  }

  static std::string WithinColumn(std::size_t i) { return "p_" + FormatDouble(kAccuracyKm[i]) + "km"; }

  std::size_t query_id, rank;
  std::optional<std::size_t> gallery_id;
  std::size_t lat, lon;
  std::optional<std::size_t> score, author, set, cluster, rerank_score, retrieval_rank, gps_score, rule, gallery, model,
      point_lat;
  // Where there is point_lat:
  std::size_t point_lon = 0, confidence_km = 0;
  std::array<std::size_t, kAccuracyKm.size()> within{};
  std::optional<std::size_t> half_km2, half_radius_km, most_radius_km;
  std::size_t most_km2 = 0;  // where there is half_km2
  std::vector<std::pair<std::string, std::size_t>> more;
};

LatLon Place(const CsvTable& csv, std::size_t row, std::size_t lat, std::size_t lon) {
  const LatLon place{csv.Number(row, lat), csv.Number(row, lon)};
  if (!IsValid(place)) {
    throw InputError(csv.At(row, csv.header()[lat] + ", " + csv.header()[lon] + " " + FormatDouble(place.lat) + ", " +
                                     FormatDouble(place.lon) +
                                     " is out of range; lat lies in [-90, 90], lon in [-180, 180]"));
  }
  return place;
}

std::optional<PlaceEstimate> ParseEstimate(const CsvTable& csv, std::size_t row, const Columns& columns) {
  if (!columns.point_lat || csv.Missing(row, *columns.point_lat)) return std::nullopt;
  PlaceEstimate estimate;
  estimate.location = Place(csv, row, *columns.point_lat, columns.point_lon);
  const auto at_least_zero = [&](std::size_t column) {
    const double value = csv.Number(row, column);
    if (value < 0) {
      throw InputError(csv.At(row, csv.header()[column] + " is " + FormatDouble(value) + "; it must be 0 or more"));
    }
    return value;
  };
  estimate.confidence_km = at_least_zero(columns.confidence_km);
  for (std::size_t i = 0; i < estimate.within.size(); ++i) estimate.within[i] = at_least_zero(columns.within[i]);
  if (columns.half_km2 && !csv.Missing(row, *columns.half_km2)) {
    const auto radius = [&](std::optional<std::size_t> column) -> std::optional<double> {
      if (!column || csv.Missing(row, *column)) return std::nullopt;
      return at_least_zero(*column);
    };
    estimate.areas = PlaceAreas{at_least_zero(*columns.half_km2), at_least_zero(columns.most_km2),
                                radius(columns.half_radius_km), radius(columns.most_radius_km)};
  }
  return estimate;
}

CellAnswer ParseCellAnswer(const CsvTable& csv, std::size_t row, std::size_t column) {
  const std::string_view text = csv.Text(row, column);
  for (const CellAnswer rule : {CellAnswer::kNone, CellAnswer::kMean, CellAnswer::kCentre, CellAnswer::kMember}) {
    if (NameOf(rule) == text) return rule;
  }
  throw InputError(csv.At(row, "rule is '" + Printable(text) + "'; allowed: mean, centre, member, or empty"));
}

// One for all rows of a query.
void TakeModel(const CsvTable& csv, std::size_t row, const Columns& columns, CandidateList& list) {
  if (!columns.model) return;
  const std::string_view model = csv.Text(row, *columns.model);
  if (list.candidates.size() == 1) list.model = model;
  if (list.model == model) return;
  throw InputError(csv.At(row, "query '" + Printable(list.query_id) + "' has the model '" + Printable(model) +
                                   "' here and '" + Printable(list.model) + "' before"));
}

Candidate ParseCandidate(const CsvTable& csv, std::size_t row, const Columns& columns) {
  const auto filled = [&](std::optional<std::size_t> column) { return column && !csv.Missing(row, *column); };
  if (csv.Cell(row, columns.query_id).empty()) throw InputError(csv.At(row, "query_id is empty"));
  Candidate candidate;
  candidate.rank = Rank(csv, row, columns.rank);
  if (columns.gallery_id) candidate.gallery_id = csv.Cell(row, *columns.gallery_id);
  candidate.location = Place(csv, row, columns.lat, columns.lon);
  if (filled(columns.score)) candidate.score = csv.Number(row, *columns.score);
  if (columns.author) candidate.author = csv.Text(row, *columns.author);
  if (columns.set) {
    const std::string_view set = csv.Cell(row, *columns.set);
    if (set != "similar" && set != "dissimilar") {
      throw InputError(csv.At(row, "set is '" + Printable(set) + "'; allowed: similar, dissimilar"));
    }
    candidate.similar = set == "similar";
  }
  if (filled(columns.cluster)) candidate.cluster = static_cast<int>(csv.Integer(row, *columns.cluster));
  if (filled(columns.rerank_score)) candidate.rerank_score = csv.Number(row, *columns.rerank_score);
  if (filled(columns.gps_score)) candidate.gps_score = csv.Number(row, *columns.gps_score);
  if (columns.gallery) candidate.gallery = csv.Text(row, *columns.gallery);
  if (columns.rule) candidate.rule = ParseCellAnswer(csv, row, *columns.rule);
  for (const auto& [name, column] : columns.more) {
    if (!csv.Missing(row, column)) candidate.more.emplace(name, csv.Number(row, column));
  }
  if (filled(columns.retrieval_rank)) candidate.retrieval_rank = Rank(csv, row, *columns.retrieval_rank);
  return candidate;
}

// The lists that a table holds, still without candidates, and where these are.
struct Outline {
  std::vector<CandidateList> lists;
  std::vector<std::size_t> rows;    // of the table, list by list, in order
  std::vector<std::size_t> begins;  // rows of list i: [begins[i], begins[i + 1])

  std::span<const std::size_t> RowsOf(std::size_t list) const {
    return std::span(rows).subspan(begins[list], begins[list + 1] - begins[list]);
  }
};

Outline FindLists(const CsvTable& csv, const Columns& columns) {
  Outline outline;
  std::vector<std::size_t> list_of_row(csv.rows());
  std::vector<std::size_t> sizes;
  std::unordered_map<std::string_view, std::size_t> list_of_query;
  std::string_view last;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string_view query = csv.Cell(row, columns.query_id);
    // Most often a query's rows follow each other.
    if (row == 0 || query != last) {
      const auto [found, inserted] = list_of_query.emplace(query, outline.lists.size());
      if (inserted) {
        outline.lists.push_back({std::string(query), {}, std::nullopt});
        sizes.push_back(0);
      }
      list_of_row[row] = found->second;
      last = query;
    } else {
      list_of_row[row] = list_of_row[row - 1];
    }
    ++sizes[list_of_row[row]];
  }
  outline.begins.resize(sizes.size() + 1, 0);
  std::partial_sum(sizes.begin(), sizes.end(), outline.begins.begin() + 1);
  std::vector<std::size_t> next(outline.begins.begin(), outline.begins.end() - 1);
  outline.rows.resize(csv.rows());
  for (std::size_t row = 0; row < csv.rows(); ++row) outline.rows[next[list_of_row[row]]++] = row;
  return outline;
}

// The exception of the lowest place among several threads', so that the message is the one that reading from top to
// bottom gives.
class FirstError {
 public:
  void Keep(std::size_t place) {
    const std::lock_guard lock(mutex_);
    if (error_ && place >= place_) return;
    error_ = std::current_exception();
    place_ = place;
  }
  void Rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
  std::size_t place_ = 0;
};

// Similar candidates by rank, then dissimilar ones by rank; ranks are 1, 2, ... in both.
void SortByRank(const CsvTable& csv, std::span<const std::size_t> rows, CandidateList& list) {
  auto& candidates = list.candidates;
  const auto before = [&](std::size_t a, std::size_t b) {
    if (candidates[a].similar != candidates[b].similar) return candidates[a].similar;
    return candidates[a].rank < candidates[b].rank;
  };
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const bool sorted = std::is_sorted(order.begin(), order.end(), before);
  if (!sorted) std::stable_sort(order.begin(), order.end(), before);
  int expected = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Candidate& candidate = candidates[order[i]];
    if (i > 0 && candidate.similar != candidates[order[i - 1]].similar) expected = 1;
    if (candidate.rank != expected) {
      throw InputError(csv.At(rows[order[i]], "query '" + Printable(list.query_id) + "' has rank " +
                                                  std::to_string(candidate.rank) + " where " +
                                                  std::to_string(expected) +
                                                  " comes next; ranks of a query and set are 1, 2, ..."));
    }
    ++expected;
  }
  if (sorted) return;
  std::vector<Candidate> in_order;
  in_order.reserve(order.size());
  for (const std::size_t j : order) in_order.push_back(std::move(candidates[j]));
  candidates = std::move(in_order);
}

// Which optional columns any candidate needs.
struct WrittenColumns {
  explicit WrittenColumns(const std::vector<CandidateList>& lists) {
    for (const auto& list : lists) {
      estimated = estimated || list.estimate;
      areas = areas || (list.estimate && list.estimate->areas);
      model = model || !list.model.empty();
      for (const auto& c : list.candidates) {
        reranked = reranked || c.cluster || c.rerank_score || c.retrieval_rank;
        gps = gps || c.gps_score;
        rule = rule || c.rule != CellAnswer::kNone;
        gallery = gallery || !c.gallery.empty();
        for (const auto& item : c.more) more.insert(item.first);
      }
    }
  }
  bool reranked = false, gps = false, rule = false, gallery = false, model = false, estimated = false, areas = false;
  std::set<std::string> more;
};

template <class Value>
void AddOptional(CsvRows& csv, const std::optional<Value>& value) {
  if (!value) {
    csv.Field("");
  } else if constexpr (std::is_same_v<Value, double>) {
    csv.Number(*value);
  } else {
    csv.Number(std::int64_t{*value});
  }
}

void AddRow(CsvRows& csv, const CandidateList& list, const Candidate& c, const WrittenColumns& columns) {
  csv.Field(list.query_id);
  csv.Number(std::int64_t{c.rank});
  csv.Field(c.gallery_id);
  csv.Number(c.location.lat);
  csv.Number(c.location.lon);
  AddOptional(csv, c.score);
  csv.Field(c.author);
  csv.Field(c.similar ? "similar" : "dissimilar");
  if (columns.gallery) csv.Field(c.gallery);
  if (columns.gps) AddOptional(csv, c.gps_score);
  if (columns.rule) csv.Field(NameOf(c.rule));
  if (columns.model) csv.Field(list.model);
  for (const std::string& name : columns.more) {
    const auto found = c.more.find(name);
    AddOptional(csv, found == c.more.end() ? std::nullopt : std::optional(found->second));
  }
  if (columns.reranked) {
    AddOptional(csv, c.cluster);
    AddOptional(csv, c.rerank_score);
    AddOptional(csv, c.retrieval_rank);
  }
  if (columns.estimated) {
    if (list.estimate && &c == &list.candidates.front()) {
      const PlaceEstimate& estimate = *list.estimate;
      for (const double v : {estimate.location.lat, estimate.location.lon, estimate.confidence_km}) csv.Number(v);
      for (const double p : estimate.within) csv.Number(p);
    } else {
      for (std::size_t i = 0; i < 3 + kAccuracyKm.size(); ++i) csv.Field("");
    }
  }
  if (columns.areas) {
    std::optional<PlaceAreas> areas;
    if (list.estimate && &c == &list.candidates.front()) areas = list.estimate->areas;
    AddOptional(csv, areas ? std::optional(areas->half_km2) : std::nullopt);
    AddOptional(csv, areas ? std::optional(areas->most_km2) : std::nullopt);
    AddOptional(csv, areas ? areas->half_radius_km : std::nullopt);
    AddOptional(csv, areas ? areas->most_radius_km : std::nullopt);
  }
  csv.EndRow();
}

}  // namespace

const std::string& NameOf(CellAnswer answer) {
  static const std::string names[] = {"", "mean", "centre", "member"};
  return names[static_cast<std::size_t>(answer)];
}

std::vector<CandidateList> ReadCandidates(const std::filesystem::path& path) { return ReadCandidates(path, {}); }

std::vector<CandidateList> ReadCandidates(const std::filesystem::path& path, const std::vector<std::string>& more) {
  const CsvTable csv = CsvTable::Read(path);
  const Columns columns(csv, more);
  Outline outline = FindLists(csv, columns);
  auto& lists = outline.lists;
  constexpr std::size_t kListsOfAThread = 500;

  FirstError bad_cell;  // by row
  ParallelFor(lists.size(), 0, kListsOfAThread, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const auto rows = outline.RowsOf(i);
      lists[i].candidates.reserve(rows.size());
      for (const std::size_t row : rows) {
        try {
          lists[i].candidates.push_back(ParseCandidate(csv, row, columns));
          TakeModel(csv, row, columns, lists[i]);
          if (auto estimate = ParseEstimate(csv, row, columns)) lists[i].estimate = estimate;
        } catch (const InputError&) {
          bad_cell.Keep(row);
          break;
        }
      }
    }
  });
  bad_cell.Rethrow();

  FirstError bad_rank;  // by list
  ParallelFor(lists.size(), 0, kListsOfAThread, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      try {
        SortByRank(csv, outline.RowsOf(i), lists[i]);
      } catch (const InputError&) {
        bad_rank.Keep(i);
        return;
      }
    }
  });
  bad_rank.Rethrow();
  return std::move(outline.lists);
}

void WriteCandidates(const std::filesystem::path& path, const std::vector<CandidateList>& lists) {
  const WrittenColumns columns(lists);
  std::vector<std::string> header = {"query_id", "rank", "gallery_id", "lat", "lon", "score", "author", "set"};
  if (columns.gallery) header.emplace_back("gallery");
  if (columns.gps) header.emplace_back("gps_score");
  if (columns.rule) header.emplace_back("rule");
  if (columns.model) header.emplace_back("model");
  header.insert(header.end(), columns.more.begin(), columns.more.end());
  if (columns.reranked) header.insert(header.end(), {"cluster", "rerank_score", "retrieval_rank"});
  if (columns.estimated) {
    header.insert(header.end(), {"point_lat", "point_lon", "confidence_km"});
    for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) header.push_back(Columns::WithinColumn(i));
  }
  if (columns.areas) header.insert(header.end(), std::begin(kAreaColumns), std::end(kAreaColumns));

  AtomicFile file(path);
  CsvWriter writer(file.stream(), header);
  // Threads turn blocks of lists into text, some blocks at a time, which is written in order.
  constexpr std::size_t kListsOfABlock = 1000, kBlocks = 64;
  for (std::size_t done = 0; done < lists.size(); done += kBlocks * kListsOfABlock) {
    const std::size_t count = std::min(kBlocks * kListsOfABlock, lists.size() - done);
    std::vector<CsvRows> blocks((count + kListsOfABlock - 1) / kListsOfABlock);
    ParallelFor(blocks.size(), 0, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t block = begin; block < end; ++block) {
        const std::size_t first = done + block * kListsOfABlock;
        for (std::size_t i = first; i < std::min(first + kListsOfABlock, done + count); ++i) {
          for (const auto& c : lists[i].candidates) AddRow(blocks[block], lists[i], c, columns);
        }
      }
    });
    for (const auto& block : blocks) file.stream() << block.text;
  }
  file.Commit();
}

}  // namespace dualgeo
