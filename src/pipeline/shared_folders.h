// Runs that share what their equal inputs make. Every stage that declares a folder (Stage::folder: world, holdout
// tables, segmenter, masks, model, features, gallery, candidate lists) gets one whose name is a fingerprint of all
// settings that it depends on, those of the stages before it included. So two runs that differ only in re-ranking have
// one model and one search, and two that differ in gallery.features have one model; what follows the search is each
// run's own.
//
// Paths count as they lead from the working folder, however they are spelled. A folder of an earlier version, whose
// name was made in another way, is known by its config.yaml.
//
// The folder's name says which stage it is; whether its content is still right (a photo table may change under the same
// name) is the business of the step's record in it, as in any run (pipeline/step.h).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/experiment.h"

namespace dualgeo {

// Sets options.layout: stages in folders below `shared`. The seed of the segmenter becomes `segmenter_seed` unless the
// config names one: runs that differ in seed then share their masks.
void ShareStages(ExperimentOptions& options, const std::filesystem::path& shared, int segmenter_seed);

// Links in run_dir to the shared stages, so that the folder reads like that of `dualgeo run` (report, locate).
void LinkStages(const ExperimentOptions& options);

// Throws InputError when two of the runs write different worlds into one folder.
void CheckWorlds(const std::vector<ExperimentOptions>& runs);

}  // namespace dualgeo
