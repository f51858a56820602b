// Accuracies that papers report for the usual benchmarks (configs/published.csv, with where each was read). They were
// not computed here: tables mark them "reported", without intervals.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"

namespace dualgeo {

struct PublishedRow {
  std::string benchmark;    // im2gps, im2gps3k, yfcc4k, yfcc26k
  std::int64_t photos = 0;  // of the benchmark
  std::string system, variant;
  int year = 0;
  std::array<std::optional<double>, kAccuracyKm.size()> percent;  // within kAccuracyKm; those that are told
  std::string source;

  // "G3 (GPT-4V), 2024"
  std::string Name() const;
};

const std::vector<PublishedRow>& PublishedResults();

// Those of one benchmark. Its name may go on after the published one ("im2gps3k_places365" is im2gps3k). Throws
// InputError naming the benchmarks there are.
std::vector<PublishedRow> PublishedFor(const std::string& benchmark);

}  // namespace dualgeo
