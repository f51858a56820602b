// Changes of a FAISS index that is in memory whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace faiss {
struct Index;
}

namespace dualgeo {

// The vectors of `other` behind those of `index`. Throws InputError, beginning with `what`, for graphs and where the
// two were not trained alike.
void AppendIndex(faiss::Index& index, faiss::Index& other, const std::string& what);

// Without the rows that are marked; the others keep their order. Throws InputError, beginning with `what`, for graphs.
void RemoveRows(faiss::Index& index, const std::vector<char>& marked, const std::string& what);

}  // namespace dualgeo
