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

// Holds out about `fraction` of the rows and not more, but one author at least (nobody for fraction 0). Rows without an
// author are each their own author. Rows keep the table's order on both sides; who is held out depends on the seed and
// the names alone, not on the order of the rows. Throws InputError naming the table when all photos are by one author.
PhotoSplit SplitByAuthor(const PhotoTable& table, double fraction, std::uint64_t seed);

}  // namespace dualgeo
