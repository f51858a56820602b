// FAISS trusts the files it reads: a count that is not true makes it allocate, read and search out of bounds. So files
// are walked first, as FAISS's reader will walk them, and every count, size, row number and graph edge is checked.
// Format: faiss/impl/index_write.cpp (1.7.3; unchanged for these kinds up to 2026).
#pragma once

#include <string>
#include <string_view>

namespace dualgeo {

// The kinds of index that a gallery may have: Flat, SQ4, SQ6, SQ8, SQfp16, PQ; IVF of flat, SQ and PQ vectors with a
// flat or HNSW quantizer; HNSW and NSG graphs over flat, PQ and SQ vectors; all of these behind PCA, OPQ, random
// rotation, L2norm and padding, and with RFlat.
inline constexpr const char* kIndexKinds = "flat, SQ, PQ, IVF, HNSW or NSG, with PCA, OPQ, RR, L2norm, Pad or RFlat";

// built: trained, with all its vectors; else as index_factory makes it, before either. Throws InputError that begins
// with `name` for another kind, or when something in the file does not agree.
void CheckIndexFile(std::string_view bytes, const std::string& name, bool built = true);

}  // namespace dualgeo
