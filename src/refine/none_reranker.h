// Leaves the order as it is: the baseline that every re-ranker is compared with.
#pragma once

#include <memory>

#include "dualgeo/refine/reranker.h"

namespace dualgeo {

std::unique_ptr<Reranker> MakeNoneReranker(const RerankOptions& options);

}  // namespace dualgeo
