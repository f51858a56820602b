// Retrieval lists: for each query photo, gallery items in order of similarity. CSV with the columns
//
//   query_id,rank,gallery_id,lat,lon,score,author,set[,gallery][,gps_score][,rule][,model]
//   [,cluster,rerank_score,retrieval_rank][,point_lat,point_lon,confidence_km,p_1km,p_25km,p_200km,p_750km,p_2500km]
//   [,area_50_km2,area_90_km2,radius_50_km,radius_90_km]
//
// rank counts from 1 in each query's similar and dissimilar set; score and author may be empty; set is `similar` or
// `dissimilar`; a table without the columns gallery_id, score, author or set is taken too (all similar). What pandas
// makes of such a table is read: ranks as 1.0, nan in an empty optional column, further columns. The last three columns
// are there after re-ranking: cluster (-1: noise), rerank_score (greater is better), and the rank before. gps_score is
// the similarity of the photo to the embedding of the candidate's coordinates, where something has computed it. rule:
// of a candidate that is a cell, what its place is (CellAnswer); empty for others. model: which of several models
// answered (refine/router.h), the same in all rows of a query. gallery: which of several galleries it is of. The
// columns from point_lat on are filled in each query's first row only: the place that re-ranking answers with (see
// PlaceEstimate). Other columns of numbers are read by name, where someone asks for them.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

// The accuracies of the field: street, city, region, country, continent.
inline constexpr std::array<double, 5> kAccuracyKm = {1, 25, 200, 750, 2500};

// How large the place may be (rerank.areas).
struct PlaceAreas {
  double half_km2 = 0, most_km2 = 0;  // the smallest areas that hold 50 and 90 % of the posterior
  // Radii that hold half and 90 % of new photos' truths, where they were calibrated (refine/posterior_parameters.h).
  std::optional<double> half_radius_km, most_radius_km;

  bool operator==(const PlaceAreas&) const = default;
};

// What re-ranking makes of a whole list: one place, which need not be a candidate's, and how sure it is.
struct PlaceEstimate {
  LatLon location;
  double confidence_km = 0;        // radius meant to hold the truth with probability one half
  std::array<double, 5> within{};  // stated probabilities that the truth is closer than kAccuracyKm
  std::optional<PlaceAreas> areas = std::nullopt;

  bool operator==(const PlaceEstimate&) const = default;
};

// What stands for a cell: the mean of the photos it was made of, the middle of its area, or one of its training photos.
enum class CellAnswer : std::uint8_t { kNone, kMean, kCentre, kMember };
// "", "mean", "centre", "member".
const std::string& NameOf(CellAnswer answer);

struct Candidate {
  int rank = 0;
  std::string gallery_id;
  LatLon location;
  std::optional<double> score;
  std::string author;
  bool similar = true;
  std::optional<int> cluster;
  std::optional<double> rerank_score;
  std::optional<int> retrieval_rank;
  std::optional<double> gps_score = std::nullopt;
  CellAnswer rule = CellAnswer::kNone;
  std::string gallery = {};                 // of several; empty: there is one
  std::map<std::string, double> more = {};  // other columns that were asked for; without those that are empty

  bool operator==(const Candidate&) const = default;
};

// The similar candidates by rank, then the dissimilar ones by rank.
struct CandidateList {
  std::string query_id;
  std::vector<Candidate> candidates;
  std::optional<PlaceEstimate> estimate = std::nullopt;  // after re-ranking
  std::string model = {};                                // which answered, of several

  bool operator==(const CandidateList&) const = default;
};

// Queries in order of first appearance. Throws InputError, naming file and line, for what CsvTable refuses, missing
// columns, an empty query_id, coordinates that are not numbers or out of range, a score that is not a finite number, an
// unknown set or rule, more models than one for a query, ranks of a query and set that are not 1..k, each once, and
// half an estimate. A table without rows gives no lists.
std::vector<CandidateList> ReadCandidates(const std::filesystem::path& path);
// The same, with Candidate::more of these columns. Throws InputError for one that is not there or is one of the above,
// and for a cell that is neither a number nor empty.
std::vector<CandidateList> ReadCandidates(const std::filesystem::path& path, const std::vector<std::string>& more);

// Writes the re-ranking columns when any candidate has one of them. Atomic.
void WriteCandidates(const std::filesystem::path& path, const std::vector<CandidateList>& lists);

}  // namespace dualgeo
