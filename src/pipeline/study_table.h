// What the tables of all studies share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dualgeo/eval/evaluate.h"
#include "eval/text_table.h"
#include "pipeline/study.h"

namespace dualgeo {

std::string SignedText(double value);  // "+1.0"
std::string SignedText(const Interval& interval);
std::string PText(double p);

// name, benchmark, synthetic, photos, seeds, thresholds_km
nlohmann::ordered_json StudyJson(const StudyResult& result);
// With the notes and the provenance, which end it.
std::string EndedStudyJson(nlohmann::ordered_json json, const StudyResult& result, std::vector<std::string> notes);

// For people: a title, the tables, the notes; words are comments in LaTeX.
std::string StudyText(const StudyResult& result, const std::string& tables, std::vector<std::string> notes,
                      TableFormat format);

}  // namespace dualgeo
