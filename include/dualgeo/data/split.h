// Holding photos out for validation. Photos of one photographer are often near-copies of one scene, so a split that
// puts them on both sides measures memory: authors go to one side whole.
#pragma once

#include <cstdint>

#include "dualgeo/data/photo_table.h"

namespace dualgeo {

struct PhotoSplit {
  PhotoTable train;
  PhotoTable validation;
};

// Holds out about `fraction` of the rows, at least one (none for fraction 0). Rows without an author are each their own
// author. Rows keep the table's order on both sides; the same seed gives the same split whatever the row order of other
// authors. Throws InputError naming the table when all photos are by one author, or there are fewer than two.
PhotoSplit SplitByAuthor(const PhotoTable& table, double fraction, std::uint64_t seed);

}  // namespace dualgeo
