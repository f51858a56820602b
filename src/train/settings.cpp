#include "train/settings.h"

#include <ATen/Parallel.h>

#include <nlohmann/json.hpp>

#include "dualgeo/model/options.h"
#include "dualgeo/util/error.h"
#include "runtime/runtime.h"
#include "train/schedule.h"

namespace dualgeo {
namespace {

template <class Options>
void AddTraining(Settings& settings, const std::string& section, const Options& options) {
  AddSettings(settings, section, options);
  if (!DependsOnLength(options.schedule)) settings.erase(section + ".epochs");
}

}  // namespace

void AddTrainSettings(Settings& settings, const std::string& section, const TrainOptions& options) {
  AddTraining(settings, section, options);
}

void AddTrainSettings(Settings& settings, const std::string& section, const SegmenterTrainOptions& options) {
  AddTraining(settings, section, options);
}

void AddRuntimeSettings(Settings& settings, const RuntimeOptions& options) {
  settings["seed"] = std::to_string(options.seed);
  settings["precision"] = options.precision;
  if (options.tf32) settings["tf32"] = "true";
  // With what auto and 0 stand for here.
  settings["device"] = SelectDevice(options.device).str();
  settings["threads"] = std::to_string(at::get_num_threads());
}

Settings DefaultSettings() {
  Settings settings;
  AddSettings(settings, "model", ModelOptions{});
  AddSettings(settings, "loss", LossOptions{});
  AddSettings(settings, "train", TrainOptions{});
  AddSettings(settings, "train_segmenter", SegmenterTrainOptions{});
  return settings;
}

std::string SettingsText(const Settings& settings) { return nlohmann::json(settings).dump(); }

Settings ParseSettings(const std::string& text, const std::string& source) {
  try {
    return nlohmann::json::parse(text).get<Settings>();
  } catch (const nlohmann::json::exception&) {
    throw InputError(source + ": its settings cannot be read");
  }
}

}  // namespace dualgeo
