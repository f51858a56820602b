// What a checkpoint remembers of the options, to refuse a resume that would not give what an uninterrupted run gives:
// those that affect the weights (config/option_values.h), "train.lr" -> "4e-05".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/option_values.h"
#include "dualgeo/runtime/options.h"
#include "train/options.h"

namespace dualgeo {

using Settings = OptionValues;

// Every field of `options` that affects what is computed or trained, under "section.". Files of weights do not count:
// their content is in the checkpoint.
template <class Options>
void AddSettings(Settings& settings, const std::string& section, Options options) {
  settings.merge(ValuesThat({Affects::kResult, Affects::kTraining}, OptionTree(options), section + "."));
}

// The same; the number of epochs counts only where the schedule depends on it, so that a finished run can be continued.
void AddTrainSettings(Settings& settings, const std::string& section, const SegmenterTrainOptions& options);
void AddTrainSettings(Settings& settings, const std::string& section, const TrainOptions& options);

// With what auto and 0 stand for here: device and threads are remembered too, since they move the last digits.
void AddRuntimeSettings(Settings& settings, const RuntimeOptions& options);

// What a checkpoint that does not know a field yet was trained with.
Settings DefaultSettings();

// One JSON object, keys sorted.
std::string SettingsText(const Settings& settings);
// Throws InputError beginning with `source`.
Settings ParseSettings(const std::string& text, const std::string& source);

}  // namespace dualgeo
