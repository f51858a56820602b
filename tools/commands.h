// Every subcommand, one file each: it registers its options, and its callback calls the library and prints.
#pragma once

#include <CLI/CLI.hpp>

namespace dualgeo::tools {

void AddWorld(CLI::App& root);
void AddSegment(CLI::App& root);
void AddTrain(CLI::App& root);
void AddTrainSegmenter(CLI::App& root);
void AddEmbed(CLI::App& root);
void AddGallery(CLI::App& root);
void AddSearch(CLI::App& root);
void AddRerank(CLI::App& root);
void AddPredict(CLI::App& root);
void AddEvaluate(CLI::App& root);
void AddCompare(CLI::App& root);
void AddReport(CLI::App& root);
void AddAblate(CLI::App& root);
void AddRobustness(CLI::App& root);
void AddRun(CLI::App& root);
void AddRuns(CLI::App& root);
void AddLocate(CLI::App& root);
void AddWeights(CLI::App& root);
void AddConfig(CLI::App& root);
void AddDoctor(CLI::App& root);

}  // namespace dualgeo::tools
