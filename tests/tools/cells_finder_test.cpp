// A classifier over cells through the binary: partitions, training, cells as candidates, scores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/geo/partition.h"
#include "dualgeo/refine/predictions.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SlowCellsFinder : public ::testing::Test {
 protected:
  SlowCellsFinder() {
    folder_.Write("c.yaml",
                  "name: cells\nseed: 1\nrun_dir: run\n"
                  "run: {steps: [train, search, rerank, predict, evaluate]}\n"
                  "data:\n"
                  "  train: {csv: world/train.csv, images: world/images}\n"
                  "  benchmarks: {query: {csv: world/query.csv, images: world/images}}\n"
                  "model:\n"
                  "  embed_dim: 16\n  views: image\n"
                  "  image_encoder: {preset: vit-tiny, freeze: false, width: 16, layers: 1, heads: 2, image_size: 32}\n"
                  "  heads: [cells]\n  cells: {partitions: [coarse.csv, fine.csv]}\n"
                  "train: {epochs: 2, batch_size: 8, optimizer: sgd, lr: 0.05}\n"
                  "search: {finder: cells, top_k: 3}\nrerank: {method: none}\nevaluate: {bootstrap: 100}\n");
    Ok({"world", "--out", "world", "--places", "8", "--views", "6", "--size", "64"});
    Ok({"cells", "build", "--coordinates", "world/train.csv", "--type", "s2_adaptive", "--min", "0", "--max", "100",
        "--start-level", "0", "--out", "coarse.csv"});
    Ok({"cells", "build", "--coordinates", "world/train.csv", "--type", "s2_adaptive", "--min", "0", "--max", "8",
        "--start-level", "2", "--out", "fine.csv"});
  }
  RunResult Run(const std::vector<std::string>& arguments) const { return RunBinary(arguments, folder_.path()); }
  RunResult Ok(const std::vector<std::string>& arguments) const {
    RunResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }

  TemporaryFolder folder_;
};

TEST_F(SlowCellsFinder, TrainsFindsAndScores) {
  const auto first = Ok({"run", "--config", "c.yaml"});
  EXPECT_THAT(first.out, HasSubstr("query"));
  EXPECT_THAT(ReadFile(folder_ / "run/train.jsonl"), AllOf(HasSubstr("\"cells_0\""), HasSubstr("\"cells_1\"")));
  const Partition fine = Partition::Read(folder_ / "fine.csv");
  std::set<std::string> tokens;
  for (const auto& cell : fine.cells()) tokens.insert(cell.area.front().Token());
  const auto lists = ReadCandidates(folder_ / "run/query/candidates.csv");
  ASSERT_FALSE(lists.empty());
  for (const auto& list : lists) {
    ASSERT_EQ(list.candidates.size(), 3U);
    double before = 1;
    for (const auto& candidate : list.candidates) {
      EXPECT_TRUE(tokens.contains(candidate.gallery_id)) << candidate.gallery_id;
      EXPECT_LE(*candidate.score, before);
      before = *candidate.score;
    }
  }
  const auto metrics = nlohmann::json::parse(ReadFile(folder_ / "run/query/metrics.json"));
  EXPECT_EQ(metrics.at("answered"), metrics.at("count"));

  EXPECT_THAT(Ok({"run", "--config", "c.yaml"}).err,
              AllOf(HasSubstr("train: up to date"), HasSubstr("search-query: up to date")));
  // Another rule searches again and trains not.
  const auto sum = Ok({"run", "--config", "c.yaml", "--set", "search.cells_rule=sum"});
  EXPECT_THAT(sum.err, AllOf(HasSubstr("train: up to date"), Not(HasSubstr("search-query: up to date"))));
  EXPECT_THAT(ReadCandidates(folder_ / "run/query/candidates.csv")[0].candidates[0].gallery_id, HasSubstr("+"));
  // Other crops are looked at without another training.
  const std::vector<std::string> crops = {"run",
                                          "--config",
                                          "c.yaml",
                                          "--set",
                                          "model.image_encoder.crops=five",
                                          "--set",
                                          "model.image_encoder.crops_pooling=max",
                                          "--set",
                                          "model.image_encoder.crops_of=probabilities"};
  const auto cropped = Ok(crops);
  EXPECT_THAT(cropped.err, AllOf(HasSubstr("train: up to date"), Not(HasSubstr("search-query: up to date"))));
  EXPECT_THAT(ReadFeatures(folder_ / "run/query/features.safetensors").Require("place_vector").columns, 5 * 16);
  const double best = *ReadCandidates(folder_ / "run/query/candidates.csv")[0].candidates[0].score;
  auto joint = crops;
  joint.insert(joint.end(), {"--set", "search.cells_softmax=joint"});
  EXPECT_THAT(Ok(joint).err, AllOf(HasSubstr("embed-query: up to date"), Not(HasSubstr("search-query: up to date"))));
  EXPECT_LT(*ReadCandidates(folder_ / "run/query/candidates.csv")[0].candidates[0].score, best);
  // Another partition under the same name trains anew, and the old model is kept.
  Ok({"cells", "build", "--coordinates", "world/train.csv", "--type", "s2_adaptive", "--min", "0", "--max", "4",
      "--start-level", "2", "--out", "fine.csv"});
  EXPECT_THAT(Ok({"run", "--config", "c.yaml"}).err, HasSubstr("checkpoint.old-1"));
  const auto located = Ok(
      {"locate", "world/images/" + ReadCandidates(folder_ / "run/query/candidates.csv")[0].query_id, "--run", "run"});
  EXPECT_FALSE(located.out.empty());
}

// Partitions that the run makes itself: as the command does, once, and again where their options change.
TEST_F(SlowCellsFinder, MakesItsPartitions) {
  const std::vector<std::string> run = {"run",
                                        "--config",
                                        "c.yaml",
                                        "--set",
                                        "partitions.large.min=0",
                                        "--set",
                                        "partitions.large.max=100",
                                        "--set",
                                        "partitions.large.start_level=0",
                                        "--set",
                                        "partitions.small.min=0",
                                        "--set",
                                        "partitions.small.max=8",
                                        "--set",
                                        "model.cells.partitions=[large,small]"};
  Ok(run);
  EXPECT_EQ(ReadFile(folder_ / "run/partitions/large.csv"), ReadFile(folder_ / "coarse.csv"));
  EXPECT_EQ(ReadFile(folder_ / "run/partitions/small.csv"), ReadFile(folder_ / "fine.csv"));
  EXPECT_THAT(Ok(run).err, AllOf(HasSubstr("partitions-large: up to date"), HasSubstr("partitions-small: up to date"),
                                 HasSubstr("train: up to date")));
  auto other = run;
  other.insert(other.end(), {"--set", "partitions.small.max=4"});
  EXPECT_THAT(Ok(other).err, AllOf(HasSubstr("partitions-large: up to date"), HasSubstr("small.csv.old-1"),
                                   HasSubstr("checkpoint.old-1")));
  std::filesystem::rename(folder_ / "run", folder_ / "moved");
  const auto located =
      Ok({"locate", "world/images/" + ReadCandidates(folder_ / "moved/query/candidates.csv")[0].query_id, "--run",
          "moved"});
  EXPECT_FALSE(located.out.empty());
}

TEST_F(SlowCellsFinder, SaysItsRuleAndRefinesByPrototypes) {
  Ok({"run", "--config", "c.yaml"});
  EXPECT_EQ(ReadPredictions(folder_ / "run/query/predictions.csv")[0].rule, "mean");
  Ok({"run", "--config", "c.yaml", "--set", "search.cells_answer=centre"});
  EXPECT_EQ(ReadPredictions(folder_ / "run/query/predictions.csv")[0].rule, "centre");
  Ok({"run", "--config", "c.yaml", "--set", "search.cells_answer=member"});
  EXPECT_EQ(ReadPredictions(folder_ / "run/query/predictions.csv")[0].rule, "member");

  const std::vector<std::string> refined = {
      "run", "--config", "c.yaml", "--set", "search.refine=prototypes", "--set", "search.prototypes.min_samples=10"};
  const auto first = Ok(refined);
  EXPECT_THAT(first.err, HasSubstr("train: up to date"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/prototypes.safetensors"));
  const auto lists = ReadCandidates(folder_ / "run/query/candidates.csv");
  EXPECT_EQ(lists[0].candidates.size(), 3U);
  EXPECT_EQ(lists[0].candidates[0].rule, CellAnswer::kMember);
  std::set<std::pair<double, double>> places;
  for (const auto& row : ReadPhotoTable(folder_ / "world/train.csv").rows) {
    places.emplace(row.location->lat, row.location->lon);
  }
  for (const auto& list : lists) {
    const LatLon place = list.candidates[0].location;
    EXPECT_TRUE(places.contains({place.lat, place.lon}));
  }
  EXPECT_THAT(Ok(refined).err, AllOf(HasSubstr("prototypes: up to date"), HasSubstr("search-query: up to date")));
  // What only asking depends on does not make them again.
  auto warmer = refined;
  warmer.insert(warmer.end(), {"--set", "search.prototypes.temperature=5"});
  EXPECT_THAT(Ok(warmer).err, AllOf(HasSubstr("prototypes: up to date"), Not(HasSubstr("search-query: up to date"))));
  // Command by command, the same.
  Ok(refined);
  const std::vector<std::string> set = {
      "--config", "c.yaml", "--set", "search.refine=prototypes", "--set", "search.prototypes.min_samples=10"};
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), set.begin(), set.end());
    return Ok(arguments);
  };
  with({"cells", "prototypes", "--photos", "world/train.csv", "--features", "run/features/train.safetensors", "--out",
        "p.safetensors"});
  EXPECT_EQ(ReadFile(folder_ / "p.safetensors"), ReadFile(folder_ / "run/prototypes.safetensors"));
  with({"search", "--photos", "world/query.csv", "--features", "run/query/features.safetensors", "--prototypes",
        "p.safetensors", "--out", "c.csv"});
  EXPECT_EQ(ReadFile(folder_ / "c.csv"), ReadFile(folder_ / "run/query/candidates.csv"));
  EXPECT_FALSE(Ok({"locate", "world/images/" + lists[0].query_id, "--run", "run"}).out.empty());
}

TEST_F(SlowCellsFinder, MistakesAreOneLine) {
  const auto refused = [&](std::vector<std::string> more, const std::string& why) {
    std::vector<std::string> arguments = {"run", "--config", "c.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = Run(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused({"--set", "model.heads=[contrastive_gps]"}, "search.finder: cells needs the head cells");
  refused({"--set", "run.steps=[train, fit_rerank, search]"}, "fit_rerank, which needs a gallery");
  refused({"--set", "search.cells_rule=sum", "--set", "search.cells_answer=centre"}, "centre is of single cells");
  refused({"--set", "search.cells_rule=sum", "--set", "search.refine=prototypes"}, "prototypes are of single cells");
  refused({"--set", "search.exclude_within_km=1"}, "excludes nothing");
  refused({"--set", "model.cells.partitions=[]"}, "model.cells.partitions: the list is empty");
  refused({"--set", "model.cells.partitions=[nowhere.csv]"}, "nowhere.csv");
  refused({"--set", "partitions.large.min=0", "--set", "model.cells.partitions=[lage]"},
          "'lage' is neither a file nor one of partitions: large");
  refused({"--set", "partitions.a/b.min=0"}, "'a/b' cannot be a partition's name");
  refused({"--set", "partitions.a.max=0"}, "partitions.a.max");
  std::vector<PartitionCell> polar;
  for (const double lon : {10.0, 100.0}) {
    const S2Cell cell = S2Cell::Leaf({-85, lon}).Parent(5);
    polar.push_back({std::ssize(polar), {cell}, 1, cell.Center()});
  }
  Partition(polar).Write(folder_ / "far.csv");
  refused({"--set", "model.cells.partitions=[far.csv]"}, "none of the training photos is in a cell of it");
}

}  // namespace
}  // namespace dualgeo
