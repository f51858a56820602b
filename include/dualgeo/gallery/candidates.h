// Retrieval lists: for each query photo, gallery items in order of similarity. CSV with the columns
//
//   query_id,rank,gallery_id,lat,lon,score,author,set[,cluster,rerank_score,retrieval_rank]
//
// rank counts from 1 in each query's similar and dissimilar set; score and author may be empty; set is `similar` or
// `dissimilar`; a table without the columns score, author or set is taken too (all similar). The last three columns are
// there after re-ranking: cluster (-1: noise), rerank_score (greater is better), and the rank before.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/geo/latlon.h"

namespace dualgeo {

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

  bool operator==(const Candidate&) const = default;
};

// The similar candidates by rank, then the dissimilar ones by rank.
struct CandidateList {
  std::string query_id;
  std::vector<Candidate> candidates;

  bool operator==(const CandidateList&) const = default;
};

// Queries in order of first appearance. Throws InputError, naming file and line, for what CsvTable refuses, missing
// columns, an empty query_id, coordinates that are not numbers or out of range, a score that is not a finite number, an
// unknown set, and ranks of a query and set that are not 1..k, each once. A table without rows gives no lists.
std::vector<CandidateList> ReadCandidates(const std::filesystem::path& path);

// Writes the re-ranking columns when any candidate has one of them. Atomic.
void WriteCandidates(const std::filesystem::path& path, const std::vector<CandidateList>& lists);

}  // namespace dualgeo
