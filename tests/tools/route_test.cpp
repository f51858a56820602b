// The router through the binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/refine/predictions.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class RouteCommand : public ::testing::Test {
 protected:
  RouteCommand() { folder_.Write("s.csv", "IMG_ID,in,out\na,.9,.1\nb,.35,.65\nc,.2,.8\n"); }
  RunResult Run(const std::vector<std::string>& arguments) const { return RunBinary(arguments, folder_.path()); }
  TemporaryFolder folder_;
};

TEST_F(RouteCommand, TakesPredictionsOrCandidates) {
  folder_.Write("in.csv", "IMG_ID,LAT,LON,method\na,1,1,top1\nb,1,1,top1\n");
  folder_.Write("out.csv", "IMG_ID,LAT,LON,method\na,2,2,top1\nb,2,2,top1\n");
  const auto result =
      Run({"route", "--probabilities", "s.csv", "--model", "in=in.csv", "--model", "out=out.csv", "--out", "p.csv"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 photos (in 1, out 1); 1 with probabilities are in none of the files"));
  const auto predictions = ReadPredictions(folder_ / "p.csv");
  ASSERT_EQ(predictions.size(), 2U);
  EXPECT_EQ(predictions[0].location, (LatLon{1, 1}));
  EXPECT_EQ(predictions[1].location, (LatLon{2, 2}));
  EXPECT_EQ(predictions[1].model, "out");

  folder_.Write("ic.csv",
                "query_id,rank,gallery_id,lat,lon,score,author,set\na,1,g,1,1,,,similar\nb,1,g,1,1,,,similar\n");
  folder_.Write("oc.csv",
                "query_id,rank,gallery_id,lat,lon,score,author,set\na,1,g,2,2,,,similar\nb,1,g,2,2,,,similar\n");
  EXPECT_EQ(
      Run({"route", "--probabilities", "s.csv", "--model", "in=ic.csv", "--model", "out=oc.csv", "--out", "c.csv"})
          .exit_code,
      0);
  EXPECT_EQ(ReadCandidates(folder_ / "c.csv").at(1).model, "out");
  // What answered is told to the end.
  EXPECT_EQ(Run({"rerank", "--candidates", "c.csv", "--out", "r.csv", "--method", "none"}).exit_code, 0);
  EXPECT_EQ(Run({"predict", "--candidates", "r.csv", "--out", "q.csv"}).exit_code, 0);
  EXPECT_EQ(ReadPredictions(folder_ / "q.csv").at(0).model, "in");
}

TEST_F(RouteCommand, SplitsATrainingTable) {
  folder_.Write("t.csv", "IMG_ID,LAT,LON,AUTHOR\na,1,2,x\nb,3,4,y\nc,5,6,y\n");
  const auto result =
      Run({"route", "split", "--probabilities", "s.csv", "--classes", "in,out", "--photos", "t.csv", "--out", "split"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("3 photos: in 2, out 2; 1 in several, 0 in none"));
  EXPECT_EQ(ReadPhotoTable(folder_ / "split/in.csv").rows.size(), 2U);
  EXPECT_EQ(ReadPhotoTable(folder_ / "split/out.csv").rows[1].author, "y");
}

TEST_F(RouteCommand, ATableInTheFolderIsNotReplaced) {
  const std::string table = "IMG_ID,LAT,LON\na,1,1\nb,2,2\n";
  folder_.Write("sp/out.csv", table);
  const auto result = Run(
      {"route", "split", "--probabilities", "s.csv", "--photos", "sp/out.csv", "--classes", "in,out", "--out", "sp"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("sp/out.csv"), HasSubstr("an output must not be an input")));
  EXPECT_EQ(ReadFile(folder_ / "sp/out.csv"), table);
}

TEST_F(RouteCommand, MistakesAreOneLine) {
  folder_.Write("in.csv", "IMG_ID,LAT,LON\na,1,1\n");
  const auto refused = [&](std::vector<std::string> more, const std::string& why) {
    std::vector<std::string> arguments = {"route", "--probabilities", "s.csv", "--out", "p.csv"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = Run(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused({}, "--model CLASS=FILE is required");
  refused({"--model", "in"}, "CLASS=FILE is expected");
  refused({"--model", "in=in.csv", "--model", "in=in.csv"}, "'in' is there twice");
  refused({"--model", "in=in.csv", "--model", "rooms=in.csv"}, "no column rooms");
  refused({"--model", "in=in.csv", "--model", "out=no.csv"}, "no.csv");
  folder_.Write("c.csv", "query_id,rank,lat,lon\na,1,1,1\n");
  refused({"--model", "in=in.csv", "--model", "out=c.csv"}, "in.csv holds predictions, c.csv does not");
  folder_.Write("s.csv", "IMG_ID,in,out\na,.9,.3\n");
  refused({"--model", "in=in.csv", "--model", "out=in.csv"}, "s.csv:2: in, out sum to 1.2");
}

// Two runs' candidates, routed by a third run's config.
TEST_F(RouteCommand, IsARunOfItsOwn) {
  for (const auto& [run, lat] : {std::pair("run_in", "1"), std::pair("run_out", "2")}) {
    folder_.Write(std::string(run) + "/query/candidates.csv", std::string("query_id,rank,gallery_id,lat,lon,score\n") +
                                                                  "a,1,g," + lat + ",1,.5\nb,1,g," + lat + ",1,.5\n");
  }
  folder_.Write("photos/a", "");
  folder_.Write("t.csv", "IMG_ID,LAT,LON\na,1,1\nb,2,1\n");
  folder_.Write("query_scenes.csv", ReadFile(folder_ / "s.csv"));
  folder_.Write("c.yaml",
                "name: routed\nrun_dir: routed\nrun: {steps: [search, rerank, predict, evaluate, report]}\n"
                "model: {views: image}\n"
                "data:\n  train: {csv: t.csv, images: photos}\n"
                "  benchmarks: {query: {csv: t.csv, images: photos}}\n"
                "search: {finder: router}\n"
                "router: {probabilities: SET_scenes.csv, models: {in: {run: run_in}, out: {run: run_out}}}\n"
                "rerank: {method: none}\nevaluate: {bootstrap: 100}\n");
  const auto run = Run({"run", "--config", "c.yaml"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const auto predictions = ReadPredictions(folder_ / "routed/query/predictions.csv");
  ASSERT_EQ(predictions.size(), 2U);
  EXPECT_EQ(predictions[0].location, (LatLon{1, 1}));
  EXPECT_EQ(predictions[1].location, (LatLon{2, 1}));
  EXPECT_EQ(predictions[1].model, "out");
  EXPECT_THAT(Run({"run", "--config", "c.yaml"}).err, HasSubstr("search-query: up to date"));
  folder_.Write("query_scenes.csv", "IMG_ID,in,out\na,.1,.9\nb,.1,.9\n");
  EXPECT_EQ(Run({"run", "--config", "c.yaml"}).exit_code, 0);
  EXPECT_EQ(ReadPredictions(folder_ / "routed/query/predictions.csv")[0].model, "out");
  const auto refused = [&](const std::string& set, const std::string& why) {
    const auto result = Run({"run", "--config", "c.yaml", "--set", set});
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(why));
  };
  refused("run.steps=[train, search]", "run.steps holds train, and search.finder is router");
  refused("router.probabilities=", "router.probabilities is empty");
  refused("search.gps_scores=true", "a router has no model of its own");
  const auto located = Run({"locate", "photos/a", "--run", "routed"});
  EXPECT_THAT(located.err, HasSubstr("routed: is a router between other runs"));
}

}  // namespace
}  // namespace dualgeo
