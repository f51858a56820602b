// A world map of a partition's cells, as one self-contained SVG file.
#pragma once

#include <string>

#include "dualgeo/geo/partition.h"

namespace dualgeo {

// Equirectangular; one of eight colours a cell, so that neighbours along the S2 curve differ, and the edges of S2 cells
// as they bend. S2 cells of less than half a map unit (of 1000 x 500: level 10 and finer; of a unit, where there are
// more than 20,000) are drawn as the one of level 9 (8) around them, but near the poles, where this map stretches them.
// Readable on light and dark pages.
std::string PartitionMapSvg(const Partition& partition, const std::string& title);

}  // namespace dualgeo
