#include "pipeline/stages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "dualgeo/util/error.h"
#include "src/pipeline/stages/stage.h"
#include "tests/support/temporary_folder.h"
#include "util/read_file.h"

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

// What a head learns from stays in the tables that a hold-out makes, and counts for their folder; nothing else does.
TEST(Stages, HoldoutKeepsTheColumnsThatHeadsLearnFrom) {
  const TemporaryFolder folder;
  std::string table = "IMG_ID,LAT,LON,AUTHOR,SCENE,WEATHER\n";
  for (int i = 0; i < 20; ++i) {
    table += "p" + std::to_string(i) + ".jpg,1,2,a" + std::to_string(i) + "," + (i % 2 == 0 ? "indoor" : "urban") +
             ",rain\n";
  }
  const auto csv = folder.Write("t.csv", table);
  const auto options = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"data.train.csv=" + csv.string(), "data.train.images=i", "data.train.masks=m",
                                    "data.holdout.fraction=0.3", "run_dir=" + (folder / "run").string()};
    all.insert(all.end(), more.begin(), more.end());
    return ReadExperiment({}, all);
  };
  const auto plain = options({});
  const auto scene = options({"model.heads=[contrastive_gps, attributes]", "model.attributes.scene.column=SCENE"});
  WriteHoldout(plain);
  const RunPaths paths(plain);
  EXPECT_TRUE(ReadFile(paths.table("train")).starts_with("IMG_ID,LAT,LON,AUTHOR\n"));
  WriteHoldout(scene);
  for (const char* name : {"train", "holdout"}) {
    const PhotoTable part = ReadPhotoTable(paths.table(name), {}, Locations::kRequired, {"SCENE"});
    for (const auto& row : part.rows) {
      const bool even = std::stoi(row.id.substr(1)) % 2 == 0;
      EXPECT_EQ(row.values, std::vector<std::string>{even ? "indoor" : "urban"}) << row.id;
    }
  }
  EXPECT_EQ(ReadFile(paths.table("train")).find("WEATHER"), std::string::npos);
  const Stage& stage = StageNamed("holdout");
  EXPECT_EQ(KeyOf(stage, scene), KeyOf(stage, plain) + "column SCENE\n");
}

TEST(Stages, FieldsAreThoseThatAStageReads) {
  const ExperimentOptions plain = ReadExperiment({}, {});
  EXPECT_THAT(FieldsOf(StageNamed("predict"), plain).result, Not(Contains(::testing::Key("rerank.metric"))));
  const ExperimentOptions joined = ReadExperiment({}, {"predict.method=lmm", "predict.lmm.choose=bayes"});
  EXPECT_THAT(FieldsOf(StageNamed("predict"), joined).result, Contains(::testing::Key("rerank.metric")));
  // An edited prompt, or other parameters under the same name, make other answers.
  const TemporaryFolder folder;
  const ExperimentOptions asked = ReadExperiment({}, {"predict.method=lmm", "predict.lmm.choose=bayes",
                                                      "predict.lmm.prompt=" + folder.Write("p.txt", "p").string(),
                                                      "rerank.parameters=" + folder.Write("fit.yaml", "f").string()});
  const auto files = FieldsOf(StageNamed("predict"), asked).files;
  EXPECT_EQ(files.at("predict.lmm.prompt"), folder / "p.txt");
  EXPECT_EQ(files.at("rerank.parameters"), folder / "fit.yaml");
  const ExperimentOptions seeded = ReadExperiment({}, {"seed=3", "run.segmenter_seed=7"});
  EXPECT_EQ(FieldsOf(StageNamed("train_segmenter"), seeded).result.at("seed"), "7");
  EXPECT_EQ(FieldsOf(StageNamed("train"), seeded).result.at("seed"), "3");
}

// What the segmenter has learned is the start: another segmenter is another model.
TEST(Stages, AnImageEncoderCanStartFromTheSegmenter) {
  const TemporaryFolder folder;
  const auto weights = folder.Write("w.safetensors", "w");
  const std::vector<std::string> start = {"model.image_encoder.type=mit", "model.image_encoder.preset=tiny",
                                          "model.image_encoder.weights=segmenter", "model.views=image",
                                          "run_dir=" + (folder / "run").string()};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = start;
    all.insert(all.end(), more.begin(), more.end());
    return ReadExperiment({}, all);
  };
  const auto trained = with({"run.steps=[train_segmenter, train]"});
  EXPECT_EQ(ModelOf(trained).image_encoder.weights, (folder / "run/segmenter/best").string());
  const auto named = with({"model.segmenter.weights=" + weights.string()});
  EXPECT_EQ(ModelOf(named).image_encoder.weights, weights.string());
  const Stage& train = StageNamed("train");
  EXPECT_NE(KeyOf(train, trained),
            KeyOf(train, with({"run.steps=[train_segmenter, train]", "train_segmenter.epochs=7"})));
  EXPECT_NE(KeyOf(train, named), KeyOf(train, trained));
  EXPECT_THAT([&] { TrainFromConfig(trained, {}, folder / "run", Existing::kRefuse); },
              ThrowsMessage<InputError>(HasSubstr("segmenter/best is not there: set model.segmenter.weights, or add "
                                                  "train_segmenter to run.steps")));
  EXPECT_THAT(
      [] { ReadExperiment({}, {"model.image_encoder.weights=segmenter"}); },
      ThrowsMessage<InputError>("model.image_encoder.weights: segmenter is of model.image_encoder.type mit, and "
                                "type is clip_vit"));
}

// All options are in it, those of other kinds too: nobody wrote them.
TEST(Stages, AKeptConfigIsReadWithoutAWord) {
  const TemporaryFolder folder;
  const auto options = ReadExperiment({}, {"model.fusion.heads=4", "model.fusion.type=none"});
  const auto kept = folder.Write("config.yaml", DumpExperiment(options));
  testing::internal::CaptureStdout();
  const auto read = ReadKeptExperiment(kept);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(DumpExperiment(read), DumpExperiment(options));
  EXPECT_THROW(ReadKeptExperiment(folder.Write("bad.yaml", "model: {fusion: {heads: 0}}\n")), InputError);
}

TEST(Stages, ABenchmarkCannotHaveTheNameOfWhatAStageMakes) {
  for (const std::string name : {"masks", "checkpoint", "untrained", "steps", "train"}) {
    const ExperimentOptions options = ReadExperiment({}, {"data.benchmarks." + name + ".csv=a.csv"});
    EXPECT_THAT([&] { BenchmarkSets(options); }, ThrowsMessage<InputError>(HasSubstr("cannot be a benchmark's name")));
  }
}

}  // namespace
}  // namespace dualgeo
