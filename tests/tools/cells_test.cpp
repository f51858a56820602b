#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/geo/partition.h"
#include "tests/tools/run_binary.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CellsTool : public ::testing::Test {
 protected:
  CellsTool() {
    std::string table = "LAT,LON,COUNTRY,REGION,CITY\n";
    for (int i = 0; i < 30; ++i) {
      const std::string digit = std::to_string(i % 10);
      table += (i < 20 ? "48.8" + digit + ",2.3" + digit + ",F,I,P\n" : "40.7" + digit + ",-74.0" + digit + ",U,N,Y\n");
    }
    table += "-60,0,A,A,A\n";
    places_ = folder_.Write("x.csv", table).string();
    partition_ = (folder_ / "p.csv").string();
  }

  RunResult Build(std::vector<std::string> more, const std::string& coordinates = "") {
    std::vector<std::string> arguments = {
        "cells", "build", "--coordinates", coordinates.empty() ? places_ : coordinates, "--out", partition_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunBinary(arguments);
  }

  TemporaryFolder folder_;
  std::string places_, partition_;
};

TEST_F(CellsTool, BuildsAssignsInformsAndShows) {
  const RunResult built = Build({"--type", "s2_adaptive", "--min", "5", "--max", "500", "--start-level", "2"});
  ASSERT_EQ(built.exit_code, 0) << built.err;
  EXPECT_THAT(built.err, HasSubstr("2 cells of 30 places, 1 places in no cell"));
  EXPECT_THAT(ReadFile(partition_),
              StartsWith("class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean\n0,47,20,48.8"));
  const std::string labels = (folder_ / "l.csv").string();
  const RunResult assigned =
      RunBinary({"cells", "assign", "--partition", partition_, "--coordinates", places_, "--out", labels});
  ASSERT_EQ(assigned.exit_code, 0) << assigned.err;
  EXPECT_THAT(assigned.err, HasSubstr("31 places, 1 in no cell"));
  EXPECT_THAT(ReadFile(labels), AllOf(StartsWith("LAT,LON,label,token\n48.8,2.3,0,47\n"), HasSubstr("\n-60,0,,\n"),
                                      HasSubstr("\n40.7,-74,1,89\n")));
  const RunResult info = RunBinary({"cells", "info", partition_, partition_});
  ASSERT_EQ(info.exit_code, 0) << info.err;
  EXPECT_THAT(info.out, AllOf(HasSubstr("cells      2, labels 0 to 1"), HasSubstr("2 of level 2"),
                              HasSubstr("overlaps   0 S2 cells"), HasSubstr("hierarchy  2 of 2 cells lie in one of")));
  const std::string map = (folder_ / "m.svg").string();
  const RunResult shown = RunBinary({"cells", "show", partition_, "--out", map});
  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_THAT(ReadFile(map), AllOf(StartsWith("<svg"), HasSubstr("2 cells, level 2, 30 photos")));
  const std::string table = (folder_ / "t.csv").string();
  const RunResult crossed =
      RunBinary({"cells", "cross", partition_, partition_, "--coordinates", places_, "--out", table});
  ASSERT_EQ(crossed.exit_code, 0) << crossed.err;
  EXPECT_THAT(ReadFile(table), StartsWith("label_1,label_2,imgs_per_cell,latitude_mean,longitude_mean\n0,0,20,48.8"));
}

TEST_F(CellsTool, BuildsTheOtherKinds) {
  EXPECT_EQ(Build({"--type", "merged_regions", "--base-level", "10", "--classes", "2"}).exit_code, 0);
  EXPECT_EQ(Partition::Read(partition_).cells().size(), 2U);
  const RunResult semantic = Build({"--type", "semantic", "--resolution", "5"});
  EXPECT_EQ(semantic.exit_code, 0) << semantic.err;
  EXPECT_EQ(Partition::Read(partition_).cells().at(0).name, "F/I/P");
}

TEST_F(CellsTool, SaysInOneLineWhatIsWrong) {
  const auto refused = [&](const RunResult& result, const std::string& what) {
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr(what));
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(partition_));
  };
  refused(Build({"--min", "100"}), "the 31 places make 0 cells of type s2_adaptive");
  refused(Build({"--min", "100", "--max", "50"}), "cells.min 100 is not below cells.max 50");
  refused(Build({"--type", "squares"}), "s2_adaptive, merged_regions, semantic");
  refused(Build({"--start-level", "31"}), "--start-level 31");
  refused(Build({"--classes", "7"}), "cells.classes is no option of cells.type s2_adaptive; its options are min, max");
  refused(Build({"--type", "semantic", "--columns", "LAND"}), "x.csv:1: no column LAND");
  refused(Build({}, folder_.Write("n.csv", "LAT,LON\n1,2\nnan,3\n").string()), "n.csv:3: LAT is 'nan'");
  refused(Build({}, folder_.Write("n.csv", "LAT,LON\n1,2\n91,3\n").string()), "n.csv:3: LAT, LON are 91, 3; allowed");
  refused(Build({}, folder_.Write("n.csv", "").string()), "n.csv: is empty");
  refused(Build({}, folder_.Write("n.csv", "LAT,LON\n").string()), "n.csv: has no coordinates");
  refused(Build({"--type", "semantic", "--polygons", folder_.Write("e.geojson", "").string()}),
          "e.geojson: is not JSON");
}

}  // namespace
}  // namespace dualgeo
