#include "pipeline/ablation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "pipeline/robustness.h"
#include "src/pipeline/shared_folders.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

class AblationFile : public ::testing::Test {
 protected:
  AblationFile() { folder_.Write("base.yaml", "name: base\n"); }
  Ablation Read(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return ReadAblationFile(folder_.Write("a.yaml", text), overrides);
  }
  void ExpectError(const std::string& text, const std::string& message) {
    EXPECT_THAT([&] { Read(text); }, ThrowsMessage<InputError>(AllOf(HasSubstr("a.yaml"), HasSubstr(message)))) << text;
  }
  TemporaryFolder folder_;
};

TEST_F(AblationFile, RowsKeepTheirOrderAndFlattenTheirKeys) {
  const auto a = Read(
      "base: [base.yaml]\n"
      "rows:\n"
      "  - {name: z}\n"
      "  - {name: a, set: {model: {fusion.type: none, embed_dim: 8}, gallery.features: [image, segmentation]}}\n");
  ASSERT_EQ(a.rows.size(), 2U);
  EXPECT_EQ(a.rows[0].name, "z");
  EXPECT_EQ(a.rows[1].line, 4);
  EXPECT_THAT(a.rows[1].settings, ElementsAre(Pair("model.fusion.type", "none"), Pair("model.embed_dim", "8"),
                                              Pair("gallery.features", "[image, segmentation]")));
  EXPECT_EQ(a.options.base.front(), (folder_ / "base.yaml").string());
  EXPECT_EQ(Read("base: [base.yaml]\nrows: [{name: a}, {name: b}]\n", {"seeds=[4]"}).options.seeds,
            std::vector<int>{4});
}

TEST_F(AblationFile, ARowMayHaveABaseOfItsOwn) {
  folder_.Write("other.yaml", "name: other\n");
  const auto a = Read(
      "base: [base.yaml]\nrows: [{name: a}, {name: b, base: other.yaml}, {name: c, base: [far.yaml, other.yaml]}]\n");
  EXPECT_THAT(a.rows[0].base, ElementsAre());
  EXPECT_THAT(a.rows[1].base, ElementsAre((folder_ / "other.yaml").string()));
  EXPECT_THAT(a.rows[2].base, ElementsAre("far.yaml", (folder_ / "other.yaml").string()));
  ExpectError("base: [base.yaml]\nrows: [{name: a}, {name: b, base: {x: 1}}]\n",
              "a row's base must be an experiment file");
  ExpectError("base: [base.yaml]\nrows: [{name: a}, {name: b, bse: x}]\n", "known here: name, set, base, part");
  ExpectError("base: [base.yaml]\nrows: [{name: a}, {name: b, part: some}]\n", "part must be true or false");
  ExpectError("base: [base.yaml]\nrows: [{name: a}, {name: b, part: true}]\n", "1 row(s): there is nothing to compare");
}

TEST_F(AblationFile, AxesOneAtATimeOrAsAGrid) {
  const std::string text =
      "base: [base.yaml]\naxes: {model.fusion: {type: [none, gated]}, loss.segmentation_gps: [0, 2]}\n";
  const auto one = Read(text);
  std::vector<std::string> names;
  for (const auto& row : one.rows) names.push_back(row.name);
  EXPECT_THAT(names, ElementsAre("base", "fusion.type=none", "fusion.type=gated", "loss.segmentation_gps=0",
                                 "loss.segmentation_gps=2"));
  const auto grid = Read(text + "combine: grid\n");
  ASSERT_EQ(grid.rows.size(), 4U);
  EXPECT_EQ(grid.rows[1].name, "fusion.type=none, loss.segmentation_gps=2");
  EXPECT_EQ(grid.rows[3].settings.size(), 2U);
}

TEST_F(AblationFile, MistakesAreOneLineThatNamesThem) {
  ExpectError("rows: [{name: a}, {name: b}]\n", "base: names no experiment file");
  ExpectError("base: [base.yaml]\n", "nothing to compare");
  ExpectError("base: [base.yaml]\nrows: {a: b}\n", ":2: rows must be a list");
  ExpectError("base: [base.yaml]\nrows:\n  - {name: a}\n  - {set: {}}\n", ":4: a row has no name");
  ExpectError("base: [base.yaml]\nrows: [{name: a, sett: {}}, {name: b}]\n", "unknown key 'sett' of a row");
  ExpectError("base: [base.yaml]\nrows: [{name: a}, {name: a}]\n", "two rows are called 'a'");
  ExpectError("base: [base.yaml]\nrows: [{name: a}, {name: b}]\nreference: c\n", "reference 'c' is not one of");
  ExpectError("base: [base.yaml]\naxes: {train.lr: 3}\n", ":2: axes: train.lr must be a list");
  ExpectError("base: [base.yaml]\nseeds: [1, 1]\nrows: [{name: a}, {name: b}]\n", "seeds: one is given twice");
  ExpectError("base: [base.yaml]\nrow: []\n", "unknown key 'row'");
  EXPECT_THAT(
      [&] { RunAblation(Read("base: [base.yaml]\nrows:\n - {name: a}\n - {name: b, set: {model.fusoin: 1}}\n")); },
      ThrowsMessage<InputError>(AllOf(HasSubstr("a.yaml:4: row 'b'"), HasSubstr("did you mean 'model.fusion'"))));
  EXPECT_THAT([&] { RunAblation(Read("base: [base.yaml]\nrows: [{name: a b}, {name: a-b}]\n")); },
              ThrowsMessage<InputError>(HasSubstr("would share the folder a-b")));
}

// Photos 0 .. n-1, of which the first `right` are near.
std::vector<double> Photos(int right, int photos = 100) {
  std::vector<double> errors(static_cast<std::size_t>(photos), 3000.0);
  std::fill(errors.begin(), errors.begin() + right, 0.5);
  return errors;
}

TEST(ScoreAblation, MeansDeviationsAndTests) {
  AblationResult result;
  result.seeds = {0, 1, 2};
  result.thresholds_km = {1, 25};
  result.tested_km = {1};
  result.rows.resize(3);
  result.rows[0].row.name = "reference";
  ScoreAblation({{Photos(40), Photos(44), Photos(42)},
                 {Photos(60), Photos(66), Photos(63)},
                 {Photos(41), Photos(44), Photos(42)}},
                0, 2000, result);
  EXPECT_TRUE(result.rows[0].reference);
  EXPECT_TRUE(result.rows[0].tests.empty());
  EXPECT_NEAR(result.rows[0].accuracy[0].mean, 42, 1e-9);
  EXPECT_NEAR(*result.rows[0].accuracy[0].deviation, 2, 1e-9);
  const AblationTest& better = result.rows[1].tests.front();
  EXPECT_NEAR(better.difference.value, 21, 1e-9);
  // Differences 20, 22, 21: mean 21, sd 1, t = 21 sqrt(3) = 36.37 with 2 degrees of freedom. For df = 2 the two-sided p
  // is 1 - t / sqrt(2 + t^2) = 7.5500e-4; over two seeds' tests, Holm doubles the smaller.
  ASSERT_TRUE(better.p_seeds.has_value());
  EXPECT_NEAR(*better.p_seeds, 7.55002e-4, 1e-7);
  EXPECT_NEAR(*better.holm_seeds, 2 * 7.55002e-4, 2e-7);
  EXPECT_EQ(better.verdict, "better");
  const AblationTest& same = result.rows[2].tests.front();
  EXPECT_EQ(same.verdict, "not told apart");
  EXPECT_EQ(same.p_photos, 1);  // one photo differs: either sign is as likely

  const std::string table = FormatAblation(result, TableFormat::kMarkdown);
  EXPECT_THAT(table, AllOf(HasSubstr("reference (reference)"), HasSubstr("42.0 \u00b1 2.0"), HasSubstr("+21.0")));
  EXPECT_THAT(FormatAblation(result, TableFormat::kLatex), AllOf(HasSubstr("\\toprule"), HasSubstr("42.0 $\\pm$ 2.0")));
}

TEST(ScoreAblation, TestsAreOverPhotographersWhereThereAreSome) {
  const auto scored = [](std::optional<PhotoClusters> clusters) {
    AblationResult result;
    result.seeds = {0};
    result.thresholds_km = result.tested_km = {1};
    result.rows.resize(2);
    result.clusters = std::move(clusters);
    ScoreAblation({{Photos(40)}, {Photos(70)}}, 0, 1000, result);
    return result;
  };
  PhotoClusters clusters{"AUTHOR", {}, 0};
  const auto photos = static_cast<std::uint32_t>(Photos(0).size());
  for (std::uint32_t i = 0; i < photos; ++i) clusters.of_photo.push_back(i / 10);
  clusters.count = (photos + 9) / 10;
  const AblationResult over_photos = scored(std::nullopt), over = scored(clusters);
  EXPECT_THAT(FormatAblation(over_photos, TableFormat::kMarkdown), HasSubstr("| 95 % over photos | p photos |"));
  EXPECT_THAT(FormatAblation(over, TableFormat::kMarkdown),
              AllOf(HasSubstr("95 % over photographers | p photographers |"),
                    HasSubstr("sign-flip permutation test over photographers, all photos of one together"),
                    HasSubstr("photos of " + std::to_string(clusters.count) + " photographers")));
  // Three photographers are all the difference: of eight patterns of signs two are as far off.
  EXPECT_NEAR(over.rows[1].tests[0].p_photos, 2.0 / 8, 1e-12);
  EXPECT_LT(over_photos.rows[1].tests[0].p_photos, 0.01);
  EXPECT_LT(over.rows[1].tests[0].difference.ci95.low, over_photos.rows[1].tests[0].difference.ci95.low);
}

TEST(ScoreAblation, OneSeedSaysNothingAboutSeeds) {
  AblationResult result;
  result.seeds = {5};
  result.thresholds_km = result.tested_km = {1};
  result.rows.resize(2);
  ScoreAblation({{Photos(40)}, {Photos(70)}}, 0, 1000, result);
  EXPECT_EQ(result.rows[1].tests.front().verdict, "better (seeds?)");
  EXPECT_FALSE(result.rows[1].tests.front().p_seeds.has_value());
  EXPECT_FALSE(result.rows[0].accuracy[0].deviation.has_value());
}

TEST(ShareStages, FoldersFollowWhatAStageDependsOn) {
  const auto layout = [](const std::vector<std::string>& overrides) {
    ExperimentOptions o = ReadExperiment({}, overrides);
    ShareStages(o, "shared", 0);
    return o.layout;
  };
  const RunLayout base = layout({});
  const auto rerank = layout({"rerank.method=dbscan"});
  EXPECT_EQ(rerank.at("lists"), base.at("lists"));
  const auto gallery = layout({"gallery.features=[image]"});
  EXPECT_EQ(gallery.at("features"), base.at("features"));
  EXPECT_NE(gallery.at("gallery"), base.at("gallery"));
  EXPECT_NE(gallery.at("lists"), base.at("lists"));
  const auto search = layout({"search.top_k=5"});
  EXPECT_EQ(search.at("gallery"), base.at("gallery"));
  EXPECT_NE(search.at("lists"), base.at("lists"));
  const auto model = layout({"model.fusion.type=none"});
  EXPECT_EQ(model.at("masks"), base.at("masks"));
  EXPECT_NE(model.at("model"), base.at("model"));
  EXPECT_NE(model.at("gallery"), base.at("gallery"));
  const auto seed = layout({"seed=1"});
  EXPECT_EQ(seed.at("masks"), base.at("masks")) << "the masks are shared among seeds";
  EXPECT_NE(seed.at("model"), base.at("model"));
  const auto segmenter = layout({"model.segmenter.preset=b0"});
  EXPECT_NE(segmenter.at("masks"), base.at("masks"));
  EXPECT_NE(segmenter.at("model"), base.at("model"));
  const auto data = layout({"data.train.csv=other.csv"});
  EXPECT_NE(data.at("model"), base.at("model"));
  EXPECT_NE(data.at("segmenter"), base.at("segmenter"));
}

// Finished studies are found again: by name while the options are the same, by their config where a later version has
// more of them.
TEST(ShareStages, AFolderOfAnEarlierNameIsKnownByItsConfig) {
  const TemporaryFolder folder;
  const auto shared = folder / "shared";
  ExperimentOptions o = ReadExperiment({}, {"train.epochs=3"});
  ShareStages(o, shared, 0);
  const std::string named = o.layout.at("model");
  folder.Write("shared/model-earlier/config.yaml", DumpExperiment(o));
  folder.Write("shared/model-other/config.yaml", DumpExperiment(ReadExperiment({}, {})));
  folder.Write("shared/model-unknown/config.yaml", "nonsense: 1\n");
  ShareStages(o, shared, 0);
  EXPECT_EQ(o.layout.at("model"), shared / "model-earlier");
  folder.Write(std::filesystem::path(named).lexically_relative(folder.path()) / "config.yaml", "");
  ShareStages(o, shared, 0);
  EXPECT_EQ(o.layout.at("model"), named);
}

TEST(CheckWorlds, RefusesTwoWorldsInOneFolder) {
  const std::string steps = "run.steps=[world, train]";
  EXPECT_NO_THROW(CheckWorlds({ReadExperiment({}, {steps}), ReadExperiment({}, {steps, "train.lr=1e-3"})}));
  EXPECT_THAT(
      [&] {
        CheckWorlds({ReadExperiment({}, {steps}), ReadExperiment({}, {steps, "world.places=5"})});
      },
      ThrowsMessage<InputError>(HasSubstr("different worlds into runs/world")));
}

TEST(Documentation, ListsEveryKey) {
  EXPECT_THAT(ReadFile(DUALGEO_SOURCE_DIR "/docs/ablation.md"), HasSubstr(DocumentAblation()));
  EXPECT_THAT(ReadFile(DUALGEO_SOURCE_DIR "/docs/robustness.md"), HasSubstr(DocumentRobustness()));
}

TEST(Configs, OfTheRepositoryAreRight) {
  const std::filesystem::path configs = DUALGEO_SOURCE_DIR "/configs";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(configs / "ablations")) {
    if (entry.path().filename() == "base.yaml") continue;
    const Ablation a = ReadAblationFile(entry.path(), {});
    for (const auto& row : a.rows) {
      std::vector<std::string> overrides = a.options.overrides;
      for (const auto& [key, value] : row.settings) overrides.push_back(key + "=" + value);
      EXPECT_NO_THROW(ReadExperiment({a.options.base.front()}, overrides)) << entry.path() << ": " << row.name;
    }
    ++files;
  }
  EXPECT_EQ(files, 9);
  EXPECT_EQ(ReadRobustnessFile(configs / "robustness_trained.yaml", {}).options.rendered.size(), 7);
  const Robustness robustness = ReadRobustnessFile(configs / "robustness.yaml", {});
  EXPECT_NO_THROW(ReadExperiment({robustness.options.base.front()}, {}));
}

}  // namespace
}  // namespace dualgeo
