#include "study_table.h"

#include <cstdio>

#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

void AddSyntheticNote(const StudyResult& result, std::vector<std::string>& notes) {
  if (result.synthetic) notes.emplace_back("Synthetic world: a laboratory, not evidence about real photos.");
}

}  // namespace

std::string SignedText(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%+.1f", value);
  return text;
}

std::string SignedText(const Interval& interval) {
  return "[" + SignedText(interval.low) + ", " + SignedText(interval.high) + "]";
}

std::string PText(double p) { return p < 0.001 ? "<0.001" : Fixed(p, 3); }

nlohmann::ordered_json StudyJson(const StudyResult& result) {
  nlohmann::ordered_json json;
  json["name"] = result.name;
  json["benchmark"] = result.benchmark;
  json["synthetic"] = result.synthetic;
  json["photos"] = result.photos;
  json["seeds"] = result.seeds;
  json["thresholds_km"] = result.thresholds_km;
  json["cluster"] = result.clusters ? result.clusters->column : "none";
  if (result.clusters) json["clusters"] = result.clusters->count;
  return json;
}

std::string EndedStudyJson(nlohmann::ordered_json json, const StudyResult& result, std::vector<std::string> notes) {
  AddSyntheticNote(result, notes);
  json["notes"] = notes;
  json["provenance"] = ToJson(result.provenance);
  return json.dump(2) + "\n";
}

std::string StudyText(const StudyResult& result, const std::string& tables, std::vector<std::string> notes,
                      TableFormat format) {
  const std::string comment = format == TableFormat::kLatex ? "% " : "";
  std::vector<std::string> seeds;
  for (const int seed : result.seeds) seeds.push_back(std::to_string(seed));
  std::string text = comment + result.name + ": benchmark " + result.benchmark;
  text += (result.synthetic ? " (synthetic), " : ", ") + std::to_string(result.photos) + " photos" +
          (result.clusters ? " of " + OverWhat(result.clusters) : "") + ", seeds ";
  text += Join(seeds) + "\n\n" + tables + "\n";
  AddSyntheticNote(result, notes);
  for (const auto& note : notes) text.append(comment).append(note).append("\n");
  return text;
}

}  // namespace dualgeo
