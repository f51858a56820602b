// Which index for how many vectors in how much memory: by what was measured on 100,000 vectors (docs/performance.md,
// scripts/bench/index.sh) with a FAISS for such instructions as the program's. For other counts that is scaled, not
// measured: flat's time by the count, that of lists by its root.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/instruction_set.h"

namespace dualgeo {

struct IndexAdvice {
  std::string index;            // gallery.index
  double bytes_a_vector = 0;    // in memory while it is searched
  double memory_gb = 0;         // 10^9 bytes, all vectors and their rows of items.csv
  double disk_gb = 0;           // index.faiss
  double recall = 0;            // @20, on the benchmark's vectors: an expectation, to be measured on one's own
  double queries_a_second = 0;  // a batch of 4,000 on two threads: an order of magnitude
  bool fits = false;
  std::string remark;  // why it is, or is not, the one
};

// All kinds, the recommended first, then those that fit, fastest first. Recommended is flat where it answers 1,000
// queries a second; else the fastest that fits of those with the highest class of recall (0.999, 0.99, less). What is
// slower than flat is recommended only where nothing else fits. Throws InputError: count or dimension below 1, or no
// kind fits (the line tells the least that works).
std::vector<IndexAdvice> AdviseIndex(std::int64_t count, std::int64_t dimension, double memory_gb,
                                     InstructionSet faiss);

}  // namespace dualgeo
