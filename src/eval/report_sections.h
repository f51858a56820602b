// The sections of the report, one file each. Each makes the HTML below its heading, or one line that says what it would
// need.
#pragma once

#include <string>

#include "dualgeo/eval/report.h"

namespace dualgeo {

std::string ScoresSection(const Report& report);
std::string MapSection(const Report& report);
std::string ErrorsSection(const Report& report);
std::string PhotosSection(const Report& report);
std::string CalibrationSection(const Report& report);
std::string TrainingSection(const Report& report);
std::string RobustnessSection(const Report& report);
std::string AblationSection(const Report& report);
std::string ProvenanceSection(const Report& report);

// <h3> of a benchmark, with "(synthetic)" where it is.
std::string BenchmarkHeading(const ReportBenchmark& benchmark);
// An id for elements of the index-th benchmark: "map-1". File names would have to be escaped and made unique.
std::string BenchmarkId(const std::string& section, std::size_t index);
// "1 km" ...
std::string ThresholdName(double km);

}  // namespace dualgeo
