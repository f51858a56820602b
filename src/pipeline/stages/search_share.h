// A search of several processes: each its share of the queries, whose lists rank 0 joins.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/gallery/parts.h"

namespace dualgeo {

// The lists of those queries; what is done of them is kept in `keep`.
using SearchFor = std::function<std::vector<CandidateList>(const FeatureSet& queries, const KeepParts& keep)>;

// Writes the lists of all queries to `out`, the same bytes as one process. what: that all ranks search alike, as lines.
// remove_parts: those kept beside a file.
void SearchInShares(const std::filesystem::path& out, const FeatureSet& queries, const std::string& what,
                    const SearchFor& search, const std::function<void(const std::filesystem::path& out)>& remove_parts);

}  // namespace dualgeo
