// ablate and robustness through the binary, on a world and a model as small as they get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/candidates.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SlowAblateCommand : public ::testing::Test {
 protected:
  SlowAblateCommand() {
    folder_.Write("base.yaml",
                  "extends: " DUALGEO_SOURCE_DIR
                  "/configs/small.yaml\n"
                  "run: {steps: [world, train_segmenter, segment, train, gallery, search, rerank, predict, "
                  "evaluate]}\n"
                  "threads: 1\n"
                  "world: {out: world, places: 3, views: 4, size: 64, conditions: [night]}\n"
                  "data:\n"
                  "  train: {csv: world/train.csv, images: world/images, masks: world/masks}\n"
                  "  validation: {fraction: 0.2}\n"
                  "  benchmarks: {query: {csv: world/query.csv, images: world/images}}\n"
                  "model: {segmenter: {image_size: 64}}\n"
                  "train_segmenter: {epochs: 1, batch_size: 4}\n"
                  "train: {epochs: 1, batch_size: 8}\n"
                  "evaluate: {bootstrap: 0}\n");
    folder_.Write("ablation.yaml",
                  "base: [base.yaml]\nrun_dir: out\nseeds: [0, 1]\nrounds: 200\njobs: 2\nrows:\n"
                  "  - {name: base}\n"
                  "  - {name: no fusion, set: {model.fusion.type: none}}\n"
                  "  - {name: image gallery, set: {gallery.features: [image]}}\n"
                  "  - {name: dbscan, set: {rerank.method: dbscan}}\n");
    folder_.Write(
        "robustness.yaml",
        "base: [base.yaml]\nrun_dir: robust\nshared: out/shared\nseeds: [0, 1]\nrounds: 200\njobs: 2\n"
        "conditions: [night, jpeg]\nseverities: [2, 5]\n"
        "rendered: {night: {csv: world/conditions/night/query.csv, images: world/conditions/night/images}}\n");
  }

  RunResult Run(std::vector<std::string> arguments) { return RunBinary(arguments, folder_.path()); }
  std::size_t Count(const std::string& stage) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / "out/shared")) {
      count += entry.path().filename().string().starts_with(stage + "-") ? 1 : 0;
    }
    return count;
  }

  TemporaryFolder folder_;
};

TEST_F(SlowAblateCommand, SharesWhatIsEqualAndDoesNothingTwice) {
  const auto first = Run({"ablate", "--config", "ablation.yaml"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("base (reference)"), HasSubstr("no fusion"), HasSubstr("synthetic"),
                               HasSubstr("\u00b1"), HasSubstr("not told apart")));
  // 4 rows x 2 seeds, of which two rows differ from the base before the search and one of them in training.
  EXPECT_EQ(Count("segmenter"), 1U);
  EXPECT_EQ(Count("masks"), 1U);
  EXPECT_EQ(Count("model"), 4U);
  EXPECT_EQ(Count("features"), 4U);
  EXPECT_EQ(Count("gallery"), 6U);
  EXPECT_EQ(Count("lists"), 6U);
  const auto json = nlohmann::json::parse(ReadFile(folder_ / "out/ablation.json"));
  EXPECT_TRUE(json["synthetic"]);
  EXPECT_EQ(json["rows"].size(), 4U);
  EXPECT_EQ(json["rows"][1]["settings"]["model.fusion.type"], "none");
  EXPECT_EQ(json["rows"][1]["by_seed"]["1"].size(), 2U);
  EXPECT_TRUE(json["rows"][1]["p"].contains("2500"));
  EXPECT_TRUE(json["provenance"].contains("files"));

  // Again: nothing is made, the same is printed.
  const auto second = Run({"ablate", "--config", "ablation.yaml"});
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(second.out, first.out);
  EXPECT_THAT(second.err, AllOf(HasSubstr("0 stages made"), Not(HasSubstr("train ("))));

  // A row's folder reads like a run's.
  const auto photos = ReadFile(folder_ / "world/query.csv");
  const auto line = photos.substr(photos.find('\n') + 1);
  const auto photo = folder_ / "world/images" / line.substr(0, line.find(','));
  const auto located = Run({"locate", photo.string(), "--run", "out/no-fusion/seed-1"});
  EXPECT_EQ(located.exit_code, 0) << located.err;

  const auto robust = Run({"robustness", "--config", "robustness.yaml", "--set", "keep_photos=false"});
  ASSERT_EQ(robust.exit_code, 0) << robust.err;
  EXPECT_THAT(robust.out, AllOf(HasSubstr("night (rendered)"), HasSubstr("synthetic"), HasSubstr("both views, clean")));
  EXPECT_EQ(Count("segmenter"), 1U) << "the segmenter is the ablation's";
  EXPECT_EQ(Count("model"), 8U) << "both views are the ablation's, image and segmentation are new";
  const auto report = nlohmann::json::parse(ReadFile(folder_ / "robust/robustness.json"));
  ASSERT_EQ(report["conditions"].size(), 3U);
  for (const auto& condition : report["conditions"]) {
    EXPECT_THAT(condition["verdict"], ::testing::AnyOf("supported", "contradicted", "undecided"));
    EXPECT_EQ(condition["curves"].size(), 5U);  // both and segmentation with two kinds of masks, image with none
    const bool rendered = condition["source"] == "rendered";
    EXPECT_EQ(condition["curves"][0]["points"].size(), rendered ? 2U : 3U);
    EXPECT_TRUE(condition["curves"][0]["points"][1]["ci95"].contains("25"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "robust/conditions/jpeg-5/images"));
  const auto again = Run({"robustness", "--config", "robustness.yaml", "--set", "keep_photos=false"});
  EXPECT_EQ(again.out, robust.out);
  EXPECT_THAT(again.err, HasSubstr("0 stages and 0 sets of photos made"));
}

TEST_F(SlowAblateCommand, GoesOnAfterBeingKilled) {
  const auto whole = Run({"ablate", "--config", "ablation.yaml", "--set", "run_dir=whole"});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  // Long enough to be killed in the middle of the trainings. No politeness: SIGKILL to the command alone.
  const pid_t child = fork();
  if (child == 0) {
    if (chdir(folder_.path().c_str()) != 0 || freopen("/dev/null", "w", stderr) == nullptr ||
        freopen("/dev/null", "w", stdout) == nullptr) {
      _exit(126);
    }
    execl(DUALGEO_BINARY, DUALGEO_BINARY, "ablate", "--config", "ablation.yaml", nullptr);
    _exit(127);
  }
  for (int i = 0; i < 3000 && (!fs::exists(folder_ / "out/shared") || Count("model") == 0); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_FALSE(fs::exists(folder_ / "out/ablation.json"));
  const auto next = Run({"ablate", "--config", "ablation.yaml"});
  ASSERT_EQ(next.exit_code, 0) << next.err;
  // Costs are the last table, and what was killed took other times.
  const auto without_costs = [](const std::string& text) { return text.substr(0, text.find("parameters (million)")); };
  EXPECT_EQ(without_costs(next.out), without_costs(whole.out));
}

// Rows that are systems of their own, beside their untrained selves, with what they cost.
TEST_F(SlowAblateCommand, ComparesSystems) {
  folder_.Write("image.yaml",
                "extends: base.yaml\nrun: {steps: [world, train, gallery, search, rerank, predict, evaluate, "
                "untrained]}\nmodel: {views: image}\n");
  folder_.Write("planet.yaml",
                "extends: image.yaml\nrun: {steps: [world, train, search, rerank, predict, evaluate, untrained]}\n"
                "partitions: {fine: {min: 0, max: 3}}\nmodel: {heads: [cells], cells: {partitions: [fine]}}\n"
                "search: {finder: cells}\n");
  folder_.Write("systems.yaml",
                "base: [image.yaml]\nrun_dir: out\nseeds: [0, 1]\nrounds: 200\njobs: 2\nrows:\n"
                "  - {name: retrieval}\n  - {name: PlaNet, base: planet.yaml}\n"
                "  - {name: PlaNet trained no further, base: [planet.yaml], set: {train.epochs: 0}}\n");
  const auto first = Run({"ablate", "--config", "systems.yaml"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.out,
              AllOf(HasSubstr(" trained |  untrained | "), HasSubstr("training (s)"), HasSubstr("sign flips over ")));
  EXPECT_TRUE(fs::exists(folder_ / "out/PlaNet/seed-1/partitions/fine.csv"));
  EXPECT_FALSE(fs::exists(folder_ / "out/PlaNet/seed-1/gallery"));
  const auto rows = nlohmann::json::parse(ReadFile(folder_ / "out/ablation.json")).at("rows");
  EXPECT_EQ(rows[2]["untrained"]["by_seed"], rows[2]["by_seed"]) << "no epochs: the same model";
  EXPECT_EQ(rows[2]["untrained"]["p"]["25"], 1);
  EXPECT_GT(rows[0]["costs"]["gallery_mb"], 0);
  EXPECT_TRUE(rows[1]["costs"]["gallery_mb"].is_null());
  EXPECT_GT(rows[0]["costs"]["parameters"], rows[1]["costs"]["parameters"]) << "the GPS encoder";
  EXPECT_GT(rows[1]["costs"]["train_seconds"], 0);
  EXPECT_GT(rows[1]["costs"]["ms_per_photo"], 0);
  EXPECT_EQ(Run({"ablate", "--config", "systems.yaml"}).out, first.out);

  // A router among the rows takes what those before it found with the same seed.
  std::string table = "IMG_ID,a,b\n";
  const auto photos = ReadPhotoTable(folder_ / "world/query.csv").rows;
  for (std::size_t i = 0; i < photos.size(); ++i) table += photos[i].id + (i % 2 == 0 ? ",1,0\n" : ",0,1\n");
  folder_.Write("scenes.csv", table);
  folder_.Write(
      "routed.yaml",
      "base: [image.yaml]\nrun_dir: out\nseeds: [0, 1]\nrounds: 200\njobs: 2\nrows:\n"
      "  - {name: retrieval}\n  - {name: PlaNet, base: planet.yaml}\n"
      "  - {name: routed, set: {run.steps: [world, search, rerank, predict, evaluate], search.finder: router,\n"
      "     router.probabilities: scenes.csv,\n"
      "     router.models: {a: {run: \"out/retrieval/seed-{seed}\"}, b: {run: \"out/PlaNet/seed-{seed}\"}}}}\n"
      "  - {name: on from PlaNet, base: planet.yaml, set: {train.epochs: 0,\n"
      "     train.start_from: \"out/PlaNet/seed-{seed}/checkpoint/best/model.safetensors\",\n"
      "     model.cells.partitions: [\"out/PlaNet/seed-{seed}/partitions/fine.csv\"]}}\n"
      "  - {name: scenes, part: true, set: {model.heads: [contrastive_gps, attributes],\n"
      "     model.attributes: {near: {column: NEIGHBOUR}}}}\n"
      "  - {name: by scene, set: {run.steps: [search, rerank, predict, evaluate], search.finder: router,\n"
      "     router.probabilities: \"out/scenes/seed-{seed}\", router.attribute: near, router.models: {\n"
      "     base: {run: \"out/retrieval/seed-{seed}\"}, street: {run: \"out/retrieval/seed-{seed}\"},\n"
      "     city: {run: \"out/PlaNet/seed-{seed}\"}, region: {run: \"out/PlaNet/seed-{seed}\"}}}}\n");
  const auto routed = Run({"ablate", "--config", "routed.yaml"});
  ASSERT_EQ(routed.exit_code, 0) << routed.err;
  const auto shown = nlohmann::json::parse(ReadFile(folder_ / "out/ablation.json")).at("rows");
  std::vector<std::string> names;
  for (const auto& row : shown) names.push_back(row.at("name"));
  EXPECT_THAT(names, ::testing::ElementsAre("retrieval", "PlaNet", "routed", "on from PlaNet", "by scene"));
  EXPECT_EQ(shown[3].at("by_seed"), shown[1].at("by_seed")) << "no epochs: PlaNet's own weights";
  EXPECT_EQ(shown[2]["costs"]["parameters"].get<double>(),
            shown[0]["costs"]["parameters"].get<double>() + shown[1]["costs"]["parameters"].get<double>());
  for (const std::string seed : {"seed-0", "seed-1"}) {
    const auto lists = ReadCandidates(folder_ / "out/routed" / seed / "query/candidates.csv");
    const auto planet = ReadCandidates(folder_ / "out/PlaNet" / seed / "query/candidates.csv");
    ASSERT_EQ(lists.size(), photos.size());
    EXPECT_EQ(lists[0].model, "a");
    EXPECT_EQ(lists[1].model, "b");
    EXPECT_EQ(lists[1].candidates[0].gallery_id, planet[1].candidates[0].gallery_id);
    const auto by_scene = ReadCandidates(folder_ / "out/by-scene" / seed / "query/candidates.csv");
    ASSERT_EQ(by_scene.size(), photos.size());
    for (const auto& list : by_scene) {
      EXPECT_THAT(list.model, ::testing::AnyOf("base", "street", "city", "region"));
    }
  }
  const auto wrong = Run({"run", "--config", "image.yaml", "--set", "run_dir=wrong", "--set", "run.steps=[search]",
                          "--set", "search.finder=router", "--set", "router.probabilities=out/scenes/seed-0", "--set",
                          "router.attribute=near", "--set", "router.models.base.run=out/retrieval/seed-0", "--set",
                          "router.models.town.run=out/PlaNet/seed-0"});
  EXPECT_EQ(wrong.exit_code, 2) << wrong.err;
  EXPECT_THAT(wrong.err,
              HasSubstr("router.models names base, town; the attribute near of out/scenes/seed-0 tells apart "
                        "base, city, region, street"));
}

TEST(AblateCommand, MistakesAreOneLine) {
  TemporaryFolder folder;
  folder.Write("base.yaml", "name: x\n");
  const auto config =
      folder.Write("a.yaml", "base: [base.yaml]\nrows:\n  - {name: a}\n  - {name: b, set: {train.lr: -1}}\n");
  const auto range = RunBinary({"ablate", "--config", config.string()}, folder.path());
  EXPECT_EQ(range.exit_code, 2);
  EXPECT_THAT(range.err, AllOf(HasSubstr("a.yaml:4: row 'b'"), HasSubstr("train.lr"), HasSubstr("from 0 to 10")));
  EXPECT_EQ(std::count(range.err.begin(), range.err.end(), '\n'), 1);
  EXPECT_EQ(RunBinary({"ablate"}, folder.path()).exit_code, 2);

  const auto unknown = folder.Write("r.yaml", "base: [base.yaml]\nconditions: [hail]\n");
  const auto hail = RunBinary({"robustness", "--config", unknown.string()}, folder.path());
  EXPECT_EQ(hail.exit_code, 2);
  EXPECT_THAT(hail.err, AllOf(HasSubstr("r.yaml"), HasSubstr("'hail' is not one of night")));
  const auto masks = folder.Write("m.yaml", "base: [base.yaml]\nmasks: [clean]\n");
  EXPECT_THAT(RunBinary({"robustness", "--config", masks.string()}, folder.path()).err, HasSubstr("needs recomputed"));
  EXPECT_FALSE(fs::exists(folder / "runs"));
}

TEST(RobustnessCommand, DrawsAContactSheet) {
  TemporaryFolder folder;
  const std::string photo = DUALGEO_SOURCE_DIR "/tests/data/photos/noise.png";
  const auto sheet = RunBinary({"robustness", "--contact-sheet", "sheet.png", photo}, folder.path());
  EXPECT_EQ(sheet.exit_code, 0) << sheet.err;
  EXPECT_TRUE(fs::exists(folder / "sheet.png"));
}

}  // namespace
}  // namespace dualgeo
