#include "dualgeo/geo/coordinates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Coordinates, AreReadWithOrWithoutNames) {
  const TemporaryFolder folder;
  const auto plain = ReadCoordinates(folder.Write("a.csv", "x,LON,LAT\r\n1,-180,90\r\n2,180,-90\r\n"));
  EXPECT_TRUE(plain.ids.empty());
  EXPECT_EQ(plain.locations, (std::vector<LatLon>{{90, -180}, {-90, 180}}));
  const auto named = ReadCoordinates(folder.Write("b.csv", "IMG_ID,LAT,LON\n\"a,b\",1,2\nc,3,4\n"));
  EXPECT_EQ(named.ids, (std::vector<std::string>{"a,b", "c"}));
}

TEST(Coordinates, BadTablesNameFileLineAndValue) {
  const TemporaryFolder folder;
  const auto refuses = [&](const std::string& text, const std::string& where, const std::string& what) {
    const auto path = folder.Write("t.csv", text);
    EXPECT_THAT([&] { ReadCoordinates(path); }, ThrowsMessage<InputError>(AllOf(HasSubstr(where), HasSubstr(what))));
  };
  refuses("LAT,LONG\n1,2\n", "t.csv", "LON");
  refuses("LAT,LON\n", "t.csv", "no coordinates");
  refuses("LAT,LON\n1,2\n91,2\n", "t.csv:3", "91");
  refuses("LAT,LON\n1,2\n1,\n", "t.csv:3", "LON");
  refuses("LAT,LON\n1,east\n", "t.csv:2", "east");
  refuses("IMG_ID,LAT,LON\na,1,2\na,3,4\n", "t.csv:3", "line 2");
  EXPECT_THROW(ReadCoordinates(folder / "absent.csv"), InputError);
}

TEST(Coordinates, OfTheRealGpsGallery) {
  SHARED_PATH_OR_SKIP(path, "data/gallery_coordinates/geoclip_coordinates_100K.csv");
  EXPECT_EQ(ReadCoordinates(path).locations.size(), 100000U);
}

}  // namespace
}  // namespace dualgeo
