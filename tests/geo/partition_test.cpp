#include "dualgeo/geo/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/csv.h"
#include "tests/support/refusal.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

const std::string kPartitionHeader = "class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean\n";
const std::string kTwoCells = kPartitionHeader + "0,8744,3376,39.28,-107.94\n7,0099,69,-22.83,-43.21\n";

TEST(Partition, IsReadAndWritten) {
  TemporaryFolder folder;
  const auto path = folder.Write("p.csv", "num_images: 4723695\r\nmin_concept_probability: ---\r\n" + kTwoCells);
  const Partition partition = Partition::Read(path);
  ASSERT_EQ(partition.cells().size(), 2U);
  EXPECT_EQ(partition.cells()[1].label, 7);
  EXPECT_EQ(partition.cells()[1].area.at(0).Token(), "0099");
  EXPECT_EQ(partition.cells()[1].count, 69);
  EXPECT_EQ(partition.cells()[1].mean, (LatLon{-22.83, -43.21}));
  EXPECT_EQ(partition.CountNested(), 0U);
  const auto hit = partition.Find({-22.83, -43.21});
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->cell, 1U);
  EXPECT_EQ(hit->token.Token(), "0099");
  EXPECT_FALSE(partition.Find({22.83, 43.21}));
  partition.Write(folder / "q.csv");
  EXPECT_EQ(ReadFile(folder / "q.csv"), kTwoCells);
}

TEST(Partition, OfUnionsWithNames) {
  TemporaryFolder folder;
  const std::string text =
      "class_label,hex_id,imgs_per_cell,latitude_mean,longitude_mean,name\n"
      "0,11 13 31,5,1,1,\"Gulf, of Guinea\"\n1,47,6,48,2,\n";
  const Partition partition = Partition::Read(folder.Write("p.csv", text));
  EXPECT_EQ(partition.cells()[0].area.size(), 3U);
  EXPECT_EQ(partition.cells()[0].name, "Gulf, of Guinea");
  partition.Write(folder / "q.csv");
  EXPECT_EQ(ReadFile(folder / "q.csv"), text);
}

TEST(Partition, TheFinestOfNestedCellsWins) {
  const auto cell = [](const char* token) { return S2Cell::FromToken(token).value(); };
  const Partition partition({{0, {cell("47")}, 1, {}}, {1, {cell("47e63")}, 1, {}}, {2, {cell("47e62c")}, 1, {}}});
  EXPECT_EQ(partition.CountNested(), 2U);
  EXPECT_EQ(partition.Find(cell("47e63").Center())->cell, 1U);
  EXPECT_EQ(partition.Find(cell("47d").Center())->cell, 0U);
  EXPECT_EQ(partition.Find(cell("47e63"))->cell, 1U);
  EXPECT_EQ(partition.Find(cell("47e64"))->cell, 0U);
  EXPECT_FALSE(partition.Find(cell("5")));
}

TEST(Partition, RefusesWhatIsWrongInOneLine) {
  TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) {
    return RefusalOf([&] { Partition::Read(folder.Write("p.csv", text)); });
  };
  const auto row = [&](const std::string& text) { return refusal(kTwoCells + text + "\n"); };
  EXPECT_THAT(refusal(""), HasSubstr("p.csv: is empty"));
  EXPECT_THAT(refusal(kPartitionHeader), HasSubstr("p.csv: has no cells"));
  EXPECT_THAT(refusal(kPartitionHeader + "0,8744,3,39.28,-107.94\n"), HasSubstr("has one cell; to tell places apart"));
  EXPECT_THAT(refusal("hex_id,imgs_per_cell,latitude_mean,longitude_mean\n47,1,48,2\n"),
              HasSubstr("no column class_label"));
  EXPECT_THAT(row("7,47,5,48,2"), HasSubstr("p.csv:4: class_label 7 is also that of"));
  EXPECT_THAT(row("7,47,5,48,2"), HasSubstr("p.csv:3"));
  EXPECT_THAT(row("8,8744,5,39.28,-107.94"), HasSubstr("p.csv:4: token 8744 is also in"));
  EXPECT_THAT(row("-8,47,5,48,2"), HasSubstr("p.csv:4: class_label is -8; allowed are 0, 1, ..."));
  EXPECT_THAT(row("x,47,5,48,2"), HasSubstr("p.csv:4: class_label is 'x'"));
  EXPECT_THAT(row("8,47,-5,48,2"), HasSubstr("p.csv:4: imgs_per_cell is -5"));
  EXPECT_THAT(row("8,47,5,nan,2"), HasSubstr("p.csv:4: latitude_mean is 'nan'"));
  EXPECT_THAT(row("8,47,5,148,2"), HasSubstr("p.csv:4: latitude_mean, longitude_mean are 148, 2; allowed"));
  EXPECT_THAT(row("8,,5,48,2"), HasSubstr("p.csv:4: hex_id is empty"));
  EXPECT_THAT(row("8,Paris,5,48,2"), HasSubstr("p.csv:4: hex_id 'Paris' is no token of an S2 cell: up to 16 of 0-9"));
  EXPECT_THAT(row("8,11 12q,5,1,2"), HasSubstr("hex_id '12q' is no token"));
  EXPECT_THAT(row("8,6b,5,48,2"), HasSubstr("p.csv:4: hex_id '6b' is a cell whose middle is"));
}

TEST(Partition, SaysWhatASpreadsheetMadeOfTokens) {
  TemporaryFolder folder;
  const auto row = [&](const std::string& text) {
    return RefusalOf([&] { Partition::Read(folder.Write("p.csv", kTwoCells + text + "\n")); });
  };
  const std::string number = "before a spreadsheet took it for a number";
  EXPECT_THAT(row("40,4.7E+064,320,49.12167643125,2.590259375"),
              HasSubstr("p.csv:4: hex_id '4.7E+064' was '47e63' " + number));
  EXPECT_THAT(row("40,\"4,7E+64\",320,49.12167643125,2.590259375"), HasSubstr("'4,7E+64' was '47e63' " + number));
  EXPECT_THAT(row("47,477000000000,336,45.1795,12.2594"), HasSubstr("'477000000000' was '477e9' " + number));
  EXPECT_THAT(row("72,994,4294,-22.86,-43.2392"), HasSubstr("'994' was '00994' " + number + " and dropped the zeros"));
  EXPECT_THAT(row("40,4.7E+064,320,-49,100"), HasSubstr("what it was cannot be told"));
}

void CheckGoldenLabels(const char* table, const char* column, std::size_t cells) {
  SHARED_PATH_OR_SKIP(folder, "data/cells");
  const Partition partition = Partition::Read(folder / table);
  EXPECT_EQ(partition.cells().size(), cells);
  EXPECT_EQ(partition.CountNested(), 0U);
  for (const auto& cell : partition.cells()) {
    EXPECT_EQ(&partition.cells()[partition.Find(cell.mean)->cell], &cell) << cell.area[0].Token();
  }
  const auto photos = CsvTable::Read(folder / "yfcc_cell_labels.csv");
  const auto lat = photos.Require("LAT"), lon = photos.Require("LON"), label = photos.Require(column);
  ASSERT_EQ(photos.rows(), 12753U);
  int wrong = 0;
  for (std::size_t i = 0; i < photos.rows(); ++i) {
    const auto hit = partition.Find({photos.Number(i, lat), photos.Number(i, lon)});
    wrong += hit && partition.cells()[hit->cell].label == photos.Integer(i, label) ? 0 : 1;
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Partition, FindsEveryPhotosCoarseCell) { CheckGoldenLabels("cells_coarse.csv", "coarse", 3297); }
TEST(Partition, FindsEveryPhotosMiddleCell) { CheckGoldenLabels("cells_middle.csv", "middle", 7195); }
TEST(Partition, FindsEveryPhotosFineCell) { CheckGoldenLabels("cells_fine.csv", "fine", 12879); }

TEST(Partition, RefusesTheRealDamagedTable) {
  SHARED_PATH_OR_SKIP(path, "data/cells/cells_damaged_by_spreadsheet.csv");
  const std::string refusal = RefusalOf([&] { Partition::Read(path); });
  EXPECT_THAT(refusal, HasSubstr("cells_damaged_by_spreadsheet.csv:17: hex_id '4780000' was '478e4' before"));
  EXPECT_THAT(refusal, HasSubstr("(and 120 more of 3298 rows)"));
}

}  // namespace
}  // namespace dualgeo
