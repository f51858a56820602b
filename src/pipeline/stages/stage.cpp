#include "stage.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"

namespace dualgeo {
namespace fs = std::filesystem;

const std::vector<Stage>& Stages() {
  static const std::vector<Stage> stages = [] {
    std::vector<Stage> made;
    const auto add = [&](const char* name, Stage stage) {
      stage.name = name;
      made.push_back(std::move(stage));
    };
#define ENTRY(name, make, asked) add(name, make());
    DUALGEO_STAGES(ENTRY)
#undef ENTRY
    return made;
  }();
  return stages;
}

const Stage& StageNamed(const std::string& name) { return FindKind(Stages(), name, "stage"); }

bool IsWanted(const Stage& stage, const ExperimentOptions& options) {
  return stage.wanted != nullptr ? stage.wanted(options) : HasStep(options, stage.name);
}

void AddGalleries(std::vector<Artifact>& inputs, const ExperimentOptions& options, const fs::path& gallery,
                  const std::string& role) {
  const SearchOptions& search = options.search;
  inputs.push_back(GalleryArtifact(role + "gallery", gallery));
  for (std::size_t i = 0; i < search.galleries.size(); ++i) {
    inputs.push_back(GalleryArtifact(role + "gallery " + std::to_string(i + 2), search.galleries[i]));
  }
  if (!search.within_polygons.empty()) inputs.push_back(FileArtifact(role + "polygons", search.within_polygons));
}

namespace {

bool Within(const std::string& key, const std::vector<std::string>& sections) {
  return std::ranges::any_of(sections, [&](const std::string& section) {
    return key == section || (key.starts_with(section) && key[section.size()] == '.');
  });
}

// A field that is named by itself beats an exclusion.
bool Reads(const ConfigReads& reads, const std::string& key) {
  if (std::ranges::find(reads.sections, key) != reads.sections.end()) return true;
  return Within(key, reads.sections) && !Within(key, reads.without);
}

}  // namespace

StepFields FieldsOf(const Stage& stage, const ExperimentOptions& options) {
  StepFields fields;
  ConfigReads reads = stage.reads;
  if (reads.sections.empty()) return fields;
  if (stage.adjust != nullptr) stage.adjust(options, reads);
  ExperimentOptions copy = stage.sees != nullptr ? stage.sees(options) : options;
  ForEachField(OptionTree(copy), "", [&](const std::string& key, const OptionNode& node) {
    const std::string value = ValueText(node);
    if (key == "device" || key == "threads") fields.others[key] = value;
    if (!Reads(reads, key)) return;
    const bool counts = node.affects == Affects::kResult ||
                        (node.affects == Affects::kTraining && reads.counts == ConfigReads::kTrains);
    if (counts) {
      fields.result[key] = value;
      return;
    }
    fields.others[key] = value;
    if (node.affects != Affects::kContent || reads.counts == ConfigReads::kComputes) return;
    const auto add = [&](const std::string& name, const std::string& file) {
      // A name that is no file (prompt: geo) counts as the name that it is.
      if (fs::exists(file)) {
        fields.files[name] = file;
      } else if (!file.empty() && file != "null") {
        fields.result[name] = file;
      }
    };
    if (const auto* list = std::get_if<std::vector<std::string>*>(&node.value)) {
      for (std::size_t i = 0; i < (*list)->size(); ++i) add(key + "." + std::to_string(i), (**list)[i]);
    } else {
      add(key, value);
    }
  });
  ExperimentOptions defaults;
  ForEachField(OptionTree(defaults), "", [&](const std::string& key, const OptionNode& node) {
    if (fields.result.contains(key)) fields.defaults[key] = ValueText(node);
  });
  return fields;
}

std::string KeyOf(const Stage& stage, const ExperimentOptions& options) {
  if (stage.key != nullptr) return stage.key(stage, options);
  std::string key = stage.after != nullptr ? KeyOf(StageNamed(stage.after), options) : "";
  for (const auto& section : stage.data) key += SectionKey(section, options);
  return key + FieldsKey(stage, options);
}

std::string FieldsKey(const Stage& stage, const ExperimentOptions& options) {
  const StepFields fields = FieldsOf(stage, options);
  std::string text = stage.name + std::string("\n");
  for (const auto& [key, value] : fields.result) text += key + ": " + value + "\n";
  for (const auto& [key, file] : fields.files) text += key + ": " + Spelled(file.string()) + "\n";
  return text;
}

std::string SectionKey(const std::string& section, const ExperimentOptions& options) {
  ExperimentOptions copy = options;
  std::string text;
  ForEachField(OptionTree(copy), "", [&](const std::string& key, const OptionNode& node) {
    if (!key.starts_with(section + ".")) return;
    const std::string name = key.substr(key.rfind('.') + 1);
    const bool path = name == "csv" || name == "images" || name == "masks";
    text += key + ": " + (path ? Spelled(ValueText(node)) : ValueText(node)) + "\n";
  });
  return text;
}

// "./a/", "a" and the absolute name of it are one.
std::string Spelled(const std::string& path) {
  if (path.empty()) return path;
  std::error_code code;
  const fs::path canonical = fs::weakly_canonical(path, code);
  const std::string text = (code ? fs::path(path) : canonical.lexically_proximate(fs::current_path())).string();
  return text.size() > 1 && text.back() == '/' ? text.substr(0, text.size() - 1) : text;
}

Step NewStep(const Stage& stage, const StageRun& run, const std::string& set) {
  Step step;
  step.name = (run.untrained ? "untrained-" : "") + std::string(stage.name) + (set.empty() ? "" : "-" + set);
  step.fields = FieldsOf(stage, run.options);
  step.shared = stage.shared;
  if (stage.folder != nullptr) step.folder = run.paths.In(stage.folder);
  return step;
}

ExperimentOptions SegmenterOptionsOf(const ExperimentOptions& options) {
  ExperimentOptions own = options;
  if (options.run.segmenter_seed) own.runtime.seed = *options.run.segmenter_seed;
  return own;
}

std::vector<Artifact> ArtifactsOf(const PhotoSet& set, TablePart part, const std::string& prefix,
                                  const std::vector<std::string>& further) {
  std::vector<Artifact> artifacts = {TableArtifact(prefix + "table", set.csv, set.columns, part, further),
                                     PhotosArtifact(prefix + "photos", set.images, set.csv, set.columns)};
  if (!set.masks.empty()) artifacts.push_back(MasksArtifact(prefix + "masks", set.masks, set.csv, set.columns));
  return artifacts;
}

void AddValidation(std::vector<Artifact>& inputs, const ExperimentOptions& options, const PhotoSet& trained,
                   const std::vector<std::string>& further) {
  const auto set = ValidationSet(options, trained);
  if (!set) return;
  for (auto& artifact : ArtifactsOf(*set, TablePart::kRows, "validation ", further)) {
    inputs.push_back(std::move(artifact));
  }
}

void AddPartitions(std::vector<Artifact>& inputs, const ExperimentOptions& options) {
  for (const std::string& name : options.model.cells.partitions) {
    if (!options.partitions.contains(name)) continue;
    inputs.push_back(FileArtifact("partition " + name, RunPaths(options).partition(name)));
  }
}

Found JudgeTraining(const std::function<std::optional<TrainedSoFar>()>& inspect) {
  try {
    const auto so_far = inspect();
    if (!so_far) return Found::kNothing;
    if (!so_far->differences.empty()) return Found::kOther;
    return so_far->step > so_far->total ? Found::kBeyond : so_far->step == so_far->total ? Found::kWhole : Found::kPart;
  } catch (const InputError& error) {
    spdlog::warn("{}", error.what());
    return Found::kOther;
  }
}

}  // namespace dualgeo
