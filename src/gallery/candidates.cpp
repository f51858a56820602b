#include "dualgeo/gallery/candidates.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "dualgeo/io/csv.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

int Rank(const CsvTable& csv, std::size_t row, std::size_t column) {
  const std::int64_t rank = csv.Integer(row, column);
  if (rank < 1 || rank > std::numeric_limits<int>::max()) {
    throw InputError(csv.At(row, csv.header()[column] + " is " + std::to_string(rank) + "; ranks begin at 1"));
  }
  return static_cast<int>(rank);
}

struct Columns {
  explicit Columns(const CsvTable& csv)
      : query_id(csv.Require("query_id")),
        rank(csv.Require("rank")),
        gallery_id(csv.Require("gallery_id")),
        lat(csv.Require("lat")),
        lon(csv.Require("lon")),
        score(csv.Find("score")),
        author(csv.Find("author")),
        set(csv.Find("set")),
        cluster(csv.Find("cluster")),
        rerank_score(csv.Find("rerank_score")),
        retrieval_rank(csv.Find("retrieval_rank")),
        gps_score(csv.Find("gps_score")),
        point_lat(csv.Find("point_lat")) {
    if (!point_lat) return;
    point_lon = csv.Require("point_lon");
    confidence_km = csv.Require("confidence_km");
    for (std::size_t i = 0; i < within.size(); ++i) within[i] = csv.Require(WithinColumn(i));
  }

  static std::string WithinColumn(std::size_t i) { return "p_" + FormatDouble(kAccuracyKm[i]) + "km"; }

  std::size_t query_id, rank, gallery_id, lat, lon;
  std::optional<std::size_t> score, author, set, cluster, rerank_score, retrieval_rank, gps_score, point_lat;
  // Where there is point_lat:
  std::size_t point_lon = 0, confidence_km = 0;
  std::array<std::size_t, kAccuracyKm.size()> within{};
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
  if (!columns.point_lat || csv.Cell(row, *columns.point_lat).empty()) return std::nullopt;
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
  return estimate;
}

Candidate ParseCandidate(const CsvTable& csv, std::size_t row, const Columns& columns) {
  const auto filled = [&](std::optional<std::size_t> column) { return column && !csv.Cell(row, *column).empty(); };
  Candidate candidate;
  candidate.rank = Rank(csv, row, columns.rank);
  candidate.gallery_id = csv.Cell(row, columns.gallery_id);
  candidate.location = Place(csv, row, columns.lat, columns.lon);
  if (filled(columns.score)) candidate.score = csv.Number(row, *columns.score);
  if (columns.author) candidate.author = csv.Cell(row, *columns.author);
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
  if (filled(columns.retrieval_rank)) candidate.retrieval_rank = Rank(csv, row, *columns.retrieval_rank);
  return candidate;
}

}  // namespace

std::vector<CandidateList> ReadCandidates(const std::filesystem::path& path) {
  const CsvTable csv = CsvTable::Read(path);
  const Columns columns(csv);

  std::vector<CandidateList> lists;
  std::vector<std::vector<std::size_t>> rows;  // of each list's candidates
  std::unordered_map<std::string_view, std::size_t> list_of_query;
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string_view query = csv.Cell(row, columns.query_id);
    if (query.empty()) throw InputError(csv.At(row, "query_id is empty"));
    const auto [found, inserted] = list_of_query.emplace(query, lists.size());
    if (inserted) {
      lists.push_back({std::string(query), {}, std::nullopt});
      rows.emplace_back();
    }
    lists[found->second].candidates.push_back(ParseCandidate(csv, row, columns));
    rows[found->second].push_back(row);
    if (auto estimate = ParseEstimate(csv, row, columns)) lists[found->second].estimate = estimate;
  }

  for (std::size_t i = 0; i < lists.size(); ++i) {
    auto& candidates = lists[i].candidates;
    std::vector<std::size_t> order(candidates.size());
    for (std::size_t j = 0; j < order.size(); ++j) order[j] = j;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      if (candidates[a].similar != candidates[b].similar) return candidates[a].similar;
      return candidates[a].rank < candidates[b].rank;
    });
    std::vector<Candidate> sorted;
    sorted.reserve(order.size());
    int expected = 1;
    for (const std::size_t j : order) {
      if (!sorted.empty() && sorted.back().similar != candidates[j].similar) expected = 1;
      if (candidates[j].rank != expected) {
        throw InputError(csv.At(rows[i][j], "query '" + Printable(lists[i].query_id) + "' has rank " +
                                                std::to_string(candidates[j].rank) + " where " +
                                                std::to_string(expected) +
                                                " comes next; ranks of a query and set are 1, 2, ..."));
      }
      ++expected;
      sorted.push_back(std::move(candidates[j]));
    }
    candidates = std::move(sorted);
  }
  return lists;
}

void WriteCandidates(const std::filesystem::path& path, const std::vector<CandidateList>& lists) {
  bool reranked = false, gps = false, estimated = false;
  for (const auto& list : lists) {
    estimated = estimated || list.estimate;
    for (const auto& c : list.candidates) {
      reranked = reranked || c.cluster || c.rerank_score || c.retrieval_rank;
      gps = gps || c.gps_score;
    }
  }
  std::vector<std::string> header = {"query_id", "rank", "gallery_id", "lat", "lon", "score", "author", "set"};
  if (gps) header.emplace_back("gps_score");
  if (reranked) header.insert(header.end(), {"cluster", "rerank_score", "retrieval_rank"});
  if (estimated) {
    header.insert(header.end(), {"point_lat", "point_lon", "confidence_km"});
    for (std::size_t i = 0; i < kAccuracyKm.size(); ++i) header.push_back(Columns::WithinColumn(i));
  }

  AtomicFile file(path);
  CsvWriter writer(file.stream(), header);
  std::vector<std::string> fields;
  for (const auto& list : lists) {
    for (const auto& c : list.candidates) {
      fields = {list.query_id,
                std::to_string(c.rank),
                c.gallery_id,
                FormatDouble(c.location.lat),
                FormatDouble(c.location.lon),
                c.score ? FormatDouble(*c.score) : "",
                c.author,
                c.similar ? "similar" : "dissimilar"};
      if (gps) fields.push_back(c.gps_score ? FormatDouble(*c.gps_score) : "");
      if (reranked) {
        fields.push_back(c.cluster ? std::to_string(*c.cluster) : "");
        fields.push_back(c.rerank_score ? FormatDouble(*c.rerank_score) : "");
        fields.push_back(c.retrieval_rank ? std::to_string(*c.retrieval_rank) : "");
      }
      if (estimated) {
        const std::size_t end = fields.size() + 3 + kAccuracyKm.size();
        if (list.estimate && &c == &list.candidates.front()) {
          const PlaceEstimate& estimate = *list.estimate;
          for (const double value : {estimate.location.lat, estimate.location.lon, estimate.confidence_km}) {
            fields.push_back(FormatDouble(value));
          }
          for (const double p : estimate.within) fields.push_back(FormatDouble(p));
        }
        fields.resize(end);
      }
      writer.Row(fields);
    }
  }
  file.Commit();
}

}  // namespace dualgeo
