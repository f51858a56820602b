// Folds for cross-validation that keep a photographer's photos together: their photos look alike, stand in the same
// places and would give the truth away.
#pragma once

#include <cstdint>
#include <vector>

#include "dualgeo/data/photo_table.h"

namespace dualgeo {

// The fold, 0 .. folds - 1, of each row. Authors are dealt out, those with most photos first (at random among equals),
// each to the fold with fewest photos; a photo without an author is its own. The same seed gives the same folds.
// Throws InputError when there are fewer authors than folds or folds < 2.
std::vector<int> AuthorFolds(const PhotoTable& table, int folds, std::uint64_t seed);

}  // namespace dualgeo
