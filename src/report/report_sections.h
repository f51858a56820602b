// The sections of the report: one file each (report_NAME.cpp), and one line here. Each makes the HTML below its
// heading, or one line that says what it would need.
#pragma once

#include <string>

#include "report/report.h"

#define DUALGEO_REPORT_SECTIONS(KIND)                    \
  KIND("scores", "Accuracy", ScoresSection)              \
  KIND("map", "World map", MapSection)                   \
  KIND("errors", "Errors", ErrorsSection)                \
  KIND("photos", "Best and worst photos", PhotosSection) \
  KIND("calibration", "Calibration", CalibrationSection) \
  KIND("training", "Training", TrainingSection)          \
  KIND("robustness", "Robustness", RobustnessSection)    \
  KIND("ablation", "Ablation", AblationSection)          \
  KIND("provenance", "Config and versions", ProvenanceSection)

namespace dualgeo {

#define DECLARE(id, title, html) std::string html(const Report& report);
DUALGEO_REPORT_SECTIONS(DECLARE)
#undef DECLARE

// <h3> of a benchmark, with "(synthetic)" where it is.
std::string BenchmarkHeading(const ReportBenchmark& benchmark);
// An id for elements of the index-th benchmark: "map-1". File names would have to be escaped and made unique.
std::string BenchmarkId(const std::string& section, std::size_t index);
// "1 km" ...
std::string ThresholdName(double km);

}  // namespace dualgeo
