// The stages of a run, in the order in which they are walked: one file each (NAME.cpp), and one line here.
#pragma once

namespace dualgeo {

struct Stage;

enum class Asked {
  kByName,   // run.steps names it
  kByOthers  // it is walked where other stages or the data need it
};

#define DUALGEO_STAGES(STAGE)                            \
  STAGE("world", WorldStage, kByName)                    \
  STAGE("holdout", HoldoutStage, kByOthers)              \
  STAGE("partitions", PartitionsStage, kByOthers)        \
  STAGE("train_segmenter", TrainSegmenterStage, kByName) \
  STAGE("segment", SegmentStage, kByName)                \
  STAGE("train", TrainStage, kByName)                    \
  STAGE("embed", EmbedStage, kByOthers)                  \
  STAGE("gallery", GalleryStage, kByName)                \
  STAGE("fit_rerank", FitRerankStage, kByName)           \
  STAGE("prototypes", PrototypesStage, kByOthers)        \
  STAGE("search", SearchStage, kByName)                  \
  STAGE("rerank", RerankStage, kByName)                  \
  STAGE("predict", PredictStage, kByName)                \
  STAGE("evaluate", EvaluateStage, kByName)              \
  STAGE("untrained", UntrainedStage, kByName)            \
  STAGE("report", ReportStage, kByName)

#define DECLARE(name, make, asked) Stage make();
DUALGEO_STAGES(DECLARE)
#undef DECLARE

struct StageName {
  const char* name;
  Asked asked;
};
#define ENTRY(name, make, asked) {name, Asked::asked},
inline constexpr StageName kStageNames[] = {DUALGEO_STAGES(ENTRY)};
#undef ENTRY

}  // namespace dualgeo
