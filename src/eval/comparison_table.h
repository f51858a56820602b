// Comparisons of methods as text: Markdown or LaTeX (booktabs) for people, CSV and JSON for programs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/eval/provenance.h"
#include "eval/compare.h"
#include "eval/significance.h"
#include "eval/text_table.h"

namespace dualgeo {

// Markdown: one row per threshold, with the p-value. over: what the tests are over (OverWhat).
std::string FormatComparison(const std::string& name_a, const std::string& name_b,
                             const std::vector<PairedComparison>& comparisons, const std::string& over = "photos");

// Scores of each method, every test, the verdicts in words, and the photos that not every file has (in markdown and
// LaTeX the first twenty). CSV: the tests. kJson: all of it. provenance: nullptr: none.
std::string FormatComparison(const MethodComparison& comparison, TableFormat format,
                             const Provenance* provenance = nullptr);

// IMG_ID and one column a file, 1 where it has the photo, 0 where not; only photos in which files differ. Atomic.
void WriteUnmatched(const std::filesystem::path& path, const MethodComparison& comparison);

}  // namespace dualgeo
