#include "dualgeo/pipeline/stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "dualgeo/util/error.h"
#include "src/pipeline/stages/stage.h"

namespace dualgeo {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

// Names and order are those of the config's run.steps, which finished runs and users' files rely on.
TEST(Stages, RunStepsAreThoseOfTheTable) {
  EXPECT_THAT(RunStepNames(), ElementsAre("world", "train_segmenter", "segment", "train", "gallery", "fit_rerank",
                                          "search", "rerank", "predict", "evaluate", "untrained", "report"));
  std::set<std::string> names, folders;
  for (const Stage& stage : Stages()) {
    EXPECT_TRUE(names.insert(stage.name).second) << stage.name;
    EXPECT_NE(stage.steps, nullptr) << stage.name;
    EXPECT_TRUE(stage.folder == nullptr || folders.insert(stage.folder).second) << stage.name;
  }
  EXPECT_THROW(StageNamed("dream"), InputError);
}

std::vector<std::string> StepsOf(const std::string& stage, const std::vector<std::string>& overrides) {
  std::vector<std::string> all = {"data.train.csv=t.csv",       "data.train.images=i",
                                  "data.train.masks=m",         "data.benchmarks.a.csv=a.csv",
                                  "data.benchmarks.a.images=i", "data.benchmarks.a.masks=m"};
  all.insert(all.end(), overrides.begin(), overrides.end());
  const ExperimentOptions options = ReadExperiment({}, all);
  const StageRun run(options);
  std::vector<std::string> names;
  if (!IsWanted(StageNamed(stage), options)) return names;
  for (const Step& step : StageNamed(stage).steps(StageNamed(stage), run)) names.push_back(step.name);
  return names;
}

TEST(Stages, StepsFollowWhatTheRunWants) {
  EXPECT_THAT(StepsOf("embed", {}), ElementsAre("embed-train", "embed-a"));
  EXPECT_THAT(StepsOf("embed", {"gallery.kind=gps"}), ElementsAre("embed-a"));
  EXPECT_THAT(StepsOf("embed", {"gallery.kind=gps", "run.steps=[gallery, fit_rerank]"}), ElementsAre("embed-train"));
  EXPECT_THAT(StepsOf("segment", {}), ElementsAre("segment-train", "segment-a"));
  EXPECT_THAT(StepsOf("segment", {"model.views=image"}), ElementsAre());
  EXPECT_THAT(StepsOf("holdout", {}), ElementsAre());
  EXPECT_THAT(StepsOf("search", {"data.holdout.fraction=0.2"}), ElementsAre("search-a", "search-holdout"));
  EXPECT_THAT(StepsOf("untrained", {"run.steps=[gallery, search, untrained]"}),
              ElementsAre("untrained-train", "untrained-embed-train", "untrained-embed-a", "untrained-gallery",
                          "untrained-search-a"));
}

TEST(Stages, FieldsAreThoseThatAStageReads) {
  const ExperimentOptions plain = ReadExperiment({}, {});
  EXPECT_THAT(FieldsOf(StageNamed("predict"), plain).result, Not(Contains(::testing::Key("rerank.metric"))));
  const ExperimentOptions joined = ReadExperiment({}, {"predict.method=lmm", "predict.lmm.choose=bayes"});
  EXPECT_THAT(FieldsOf(StageNamed("predict"), joined).result, Contains(::testing::Key("rerank.metric")));
  const ExperimentOptions seeded = ReadExperiment({}, {"seed=3", "run.segmenter_seed=7"});
  EXPECT_EQ(FieldsOf(StageNamed("train_segmenter"), seeded).result.at("seed"), "7");
  EXPECT_EQ(FieldsOf(StageNamed("train"), seeded).result.at("seed"), "3");
}

TEST(Stages, ABenchmarkCannotHaveTheNameOfWhatAStageMakes) {
  for (const std::string name : {"masks", "checkpoint", "untrained", "steps", "train"}) {
    const ExperimentOptions options = ReadExperiment({}, {"data.benchmarks." + name + ".csv=a.csv"});
    EXPECT_THAT([&] { BenchmarkSets(options); }, ThrowsMessage<InputError>(HasSubstr("cannot be a benchmark's name")));
  }
}

}  // namespace
}  // namespace dualgeo
