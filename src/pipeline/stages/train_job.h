// What the trainings of both networks take from a config.
#pragma once

#include <filesystem>

#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/train/trainer.h"

namespace dualgeo {

TrainJob MakeTrainJob(const ExperimentOptions& options, const PhotoSet& photos, const std::filesystem::path& run_dir,
                      Existing existing);

}  // namespace dualgeo
