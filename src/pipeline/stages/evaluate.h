// The scores of a run's predictions.
#pragma once

#include <string>

#include "dualgeo/eval/evaluate.h"
#include "stage.h"

namespace dualgeo {

// "synthetic" for a set of the synthetic world: a table made from it says so, whoever forgets to.
std::string NoteOf(const PhotoSet& set);

Evaluation ScorePredictions(const StageRun& run, const PhotoSet& set);

}  // namespace dualgeo
