// Every subcommand: one file each, and one line here. It registers its options, and its callback calls the library and
// prints.
#pragma once

#include <CLI/CLI.hpp>

// In the order in which a researcher meets them.
#define DUALGEO_COMMANDS(COMMAND) \
  COMMAND(AddRun)                 \
  COMMAND(AddLocate)              \
  COMMAND(AddServe)               \
  COMMAND(AddPhotos)              \
  COMMAND(AddWorld)               \
  COMMAND(AddTrainSegmenter)      \
  COMMAND(AddSegment)             \
  COMMAND(AddTrain)               \
  COMMAND(AddEmbed)               \
  COMMAND(AddGallery)             \
  COMMAND(AddCells)               \
  COMMAND(AddSearch)              \
  COMMAND(AddRoute)               \
  COMMAND(AddRerank)              \
  COMMAND(AddPredict)             \
  COMMAND(AddEvaluate)            \
  COMMAND(AddCompare)             \
  COMMAND(AddAblate)              \
  COMMAND(AddRobustness)          \
  COMMAND(AddReport)              \
  COMMAND(AddWeights)             \
  COMMAND(AddConfig)              \
  COMMAND(AddDoctor)              \
  COMMAND(AddRuns)                \
  COMMAND(AddManual)

namespace dualgeo::tools {

#define DECLARE(add) void add(CLI::App& root);
DUALGEO_COMMANDS(DECLARE)
#undef DECLARE

}  // namespace dualgeo::tools
