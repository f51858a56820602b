// The index `grouped`: see index_grouped.cpp. Here for who builds one from vectors that lie elsewhere than in a Matrix.
#pragma once

#include <memory>
#include <string>

#include "index_backend.h"
#include "k_means.h"

namespace dualgeo {

// As VectorIndex::Build of a string that TakesForGrouped, from vectors that are read twice, in order, and once more
// list by list: a mapped file will do. Beside what the index itself takes (GroupedBytes), it needs 12 bytes a vector.
std::unique_ptr<IndexBackend> BuildGrouped(const RowsView& vectors, const std::string& factory,
                                           const std::string& metric);

}  // namespace dualgeo
