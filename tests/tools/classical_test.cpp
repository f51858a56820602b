// IM2GPS's kind of system through the binary: features that no network makes, from photos to scores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/features.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(SlowClassical, FromPhotosToScores) {
  const TemporaryFolder folder;
  const auto run = [&](const std::vector<std::string>& arguments) { return RunBinary(arguments, folder.path()); };
  folder.Write("c.yaml",
               "name: classical\nseed: 1\nrun_dir: run\n"
               "run: {steps: [train, gallery, search, rerank, predict, evaluate]}\n"
               "data:\n"
               "  train: {csv: world/train.csv, images: world/images, masks: world/masks}\n"
               "  benchmarks: {query: {csv: world/query.csv, images: world/images, masks: world/masks}}\n"
               "model:\n"
               "  embed_dim: 3021\n  views: image\n  heads: []\n"
               "  image_encoder: {type: classical, image_size: 128}\n"
               "train: {epochs: 0}\n"
               "gallery: {features: [classical], index: classical}\n"
               "search: {top_k: 5}\nrerank: {method: none}\nevaluate: {bootstrap: 100}\n");
  ASSERT_EQ(run({"world", "--out", "world", "--places", "6", "--views", "6", "--size", "96"}).exit_code, 0);
  const auto first = run({"run", "--config", "c.yaml"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("512 textons"));
  EXPECT_THAT(first.out, HasSubstr("query"));
  EXPECT_EQ(ReadFeatures(folder / "run/query/features.safetensors").Require("classical").columns, 3021);
  const auto lists = ReadCandidates(folder / "run/query/candidates.csv");
  ASSERT_FALSE(lists.empty());
  for (const auto& list : lists) {
    ASSERT_EQ(list.candidates.size(), 5U);
    double before = 0;
    for (const auto& candidate : list.candidates) {
      EXPECT_LE(*candidate.score, before);
      before = *candidate.score;
    }
  }
  EXPECT_THAT(run({"run", "--config", "c.yaml"}).err,
              AllOf(HasSubstr("train: up to date"), HasSubstr("search-query: up to date")));
  // By the single commands, and a photo is its own nearest.
  const auto embedded =
      run({"embed", "photos", "--config", "c.yaml", "--checkpoint", "run/checkpoint/best", "--photos",
           "world/query.csv", "--images", "world/images", "--masks", "world/masks", "--out", "f.safetensors"});
  ASSERT_EQ(embedded.exit_code, 0) << embedded.err;
  EXPECT_EQ(ReadFile(folder / "f.safetensors"), ReadFile(folder / "run/query/features.safetensors"));

  const auto learning = run({"run", "--config", "c.yaml", "--set", "train.epochs=1"});
  EXPECT_EQ(learning.exit_code, 2);
  EXPECT_THAT(learning.err, HasSubstr("train.epochs: 1, and model.heads is empty"));
}

}  // namespace
}  // namespace dualgeo
