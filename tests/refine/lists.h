// Shared by the tests of this folder.
#pragma once

#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"

namespace dualgeo {

// One query's candidates, called by their ranks, with scores where there are some.
inline CandidateList ListOf(const std::vector<LatLon>& places, const std::vector<double>& scores = {}) {
  CandidateList list{"q", {}, std::nullopt};
  for (std::size_t i = 0; i < places.size(); ++i) {
    Candidate c;
    c.rank = static_cast<int>(i) + 1;
    c.gallery_id = std::to_string(i + 1);
    c.location = places[i];
    if (!scores.empty()) c.score = scores[i];
    list.candidates.push_back(c);
  }
  return list;
}

inline std::vector<std::string> IdsOf(const CandidateList& list) {
  std::vector<std::string> ids;
  for (const auto& candidate : list.candidates) ids.push_back(candidate.gallery_id);
  return ids;
}

}  // namespace dualgeo
