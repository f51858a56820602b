// `dualgeo report`: what a run folder holds, gathered for the HTML report.
#pragma once

#include <filesystem>

#include "dualgeo/eval/report.h"

namespace dualgeo {

struct ReportOptions {
  int photos = 6;      // best and worst photos of each benchmark; 0: none
  int candidates = 5;  // of each such photo
};

// Reads what `run` left in the folder (docs/formats.md): every BENCHMARK/errors.csv with its lists, train.jsonl,
// gallery/items.csv, config.yaml, run.json, and robustness.json and ablation.json where those commands wrote them. The
// photos are looked for where config.yaml says, from the current folder; without them the report has no thumbnails.
// Throws InputError when the folder is missing, holds none of these, or one of them is damaged.
Report GatherReport(const std::filesystem::path& run_dir, const ReportOptions& options = {});

// Files that a report of this run would be made from, whether they are there or not; for the step of `run`.
std::vector<std::filesystem::path> ReportInputs(const std::filesystem::path& run_dir);

}  // namespace dualgeo
