// A run as one HTML file that needs nothing else: no network, no script, pictures and charts inside. A browser reads it
// on a phone, in light and dark, on paper, by keyboard and through a screen reader (docs/report.md).
//
// This header is the data; the library turns it into HTML section by section (src/report/report_*.cpp, one line each in
// src/report/report_sections.h). A section whose data is absent says so in one line.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "dualgeo/eval/provenance.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/geo/latlon.h"
#include "eval/calibration.h"
#include "eval/significance.h"

namespace dualgeo {

struct ReportCandidate {
  Candidate candidate;
  double error_km = 0;    // from the truth
  std::string thumbnail;  // data URL; empty: no photo of it
};

// A photo that the report shows.
struct ReportPhoto {
  PhotoResult result;
  std::optional<double> confidence_km;      // as stated: radius meant to hold the truth with probability one half
  std::vector<ReportCandidate> candidates;  // the first of the final list
  std::string photo, mask;                  // data URLs; empty: not found
  std::string mask_text;                    // the mask in words
};

struct ReportBenchmark {
  std::string name;
  // What was predicted, first; then what to see it against: rank 1, the best of the list, the untrained model.
  std::vector<Evaluation> evaluations;
  std::vector<PairedComparison> against_untrained;
  std::optional<Calibration> calibration;  // where re-ranking states probabilities
  std::vector<SelectiveRow> selective;
  std::vector<ReportPhoto> best, worst;
};

// A log of training (train.jsonl): values by name and step.
struct ReportTraining {
  using Curve = std::vector<std::pair<double, double>>;
  std::string name;  // "Model"
  std::map<std::string, Curve> training, validation;
};

// robustness.json.
struct ReportRobustness {
  struct Point {
    double severity = 0;
    std::map<double, double> accuracy;  // by threshold, percent
    std::map<double, Interval> ci95;
  };
  struct Curve {
    std::string view;   // both | image | segmentation
    std::string masks;  // recomputed | clean | none
    std::vector<Point> points;
  };
  struct Condition {
    std::string name, source, verdict, reason;
    std::vector<Curve> curves;
  };
  std::string benchmark;
  bool synthetic = false;
  std::vector<double> thresholds_km;
  std::vector<Condition> conditions;
};

// ablation.json.
struct ReportAblation {
  struct Value {
    double mean = 0;
    std::optional<double> deviation, difference, p;  // over seeds; against the base row
  };
  struct Row {
    std::string name, settings;
    int seeds = 0;
    bool base = false;
    std::map<double, Value> accuracy;  // by threshold
  };
  std::string benchmark;
  bool synthetic = false;
  std::vector<double> thresholds_km;
  std::vector<Row> rows;
};

struct Report {
  std::string title;
  std::vector<LatLon> gallery;  // what was searched; its points show the land
  std::vector<ReportBenchmark> benchmarks;
  std::vector<ReportTraining> training;
  std::optional<ReportRobustness> robustness;
  std::optional<ReportAblation> ablation;
  std::string config;                                          // YAML
  std::vector<std::pair<std::string, std::string>> made;       // seed, device, versions ...
  std::vector<std::pair<std::string, Provenance>> provenance;  // by file
};

std::string ReportHtml(const Report& report);

// Absent optional fields are taken as not known. Throws InputError, one line that names file, field and what it should
// be, for what is not JSON or of another type.
ReportRobustness ReadRobustness(const std::filesystem::path& path);
ReportAblation ReadAblation(const std::filesystem::path& path);
// One JSON object a line; a last line that was cut off is left out. Throws InputError for any other line that is not
// JSON.
ReportTraining ReadTraining(const std::filesystem::path& path, std::string name);

}  // namespace dualgeo
