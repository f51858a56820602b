#include "dualgeo/gallery/region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Region, ABoxHoldsItsBordersAndMayCrossTheDateLine) {
  const Region box("box:-10,20,30,40", {});
  EXPECT_TRUE(box.Contains({0, 30}));
  EXPECT_TRUE(box.Contains({-10, 20}));
  EXPECT_TRUE(box.Contains({30, 40}));
  EXPECT_FALSE(box.Contains({30.001, 30}));
  EXPECT_FALSE(box.Contains({0, 19.999}));
  EXPECT_FALSE(box.Contains({0, -30}));

  const Region pacific("box:-30,170,-10,-175", {});
  EXPECT_TRUE(pacific.Contains({-20, 175}));
  EXPECT_TRUE(pacific.Contains({-20, -179}));
  EXPECT_TRUE(pacific.Contains({-20, 180}));
  EXPECT_TRUE(pacific.Contains({-20, -180}));
  EXPECT_FALSE(pacific.Contains({-20, 0}));
  EXPECT_FALSE(pacific.Contains({-20, -174}));

  const Region to_the_line("box:-90,170,90,180", {});
  EXPECT_TRUE(to_the_line.Contains({0, -180})) << "the same meridian as 180";
  EXPECT_FALSE(to_the_line.Contains({0, -179.9}));
}

TEST(Region, ARadiusIsOnTheEllipsoid) {
  const Region near("radius:48.8584,2.2945,10", {});
  EXPECT_TRUE(near.Contains({48.8584, 2.2945}));
  EXPECT_TRUE(near.Contains({48.9, 2.3}));
  EXPECT_FALSE(near.Contains({49, 2.3}));
  const Region across("radius:0,179.99,5", {});
  EXPECT_TRUE(across.Contains({0, -179.99}));
  EXPECT_FALSE(across.Contains({0, 179.9}));
}

TEST(Region, PolygonsAreChosenByAProperty) {
  const TemporaryFolder folder;
  const auto square = [](const std::string& code, int lon) {
    const std::string w = std::to_string(lon), e = std::to_string(lon + 10);
    return R"({"type":"Feature","properties":{"ISO":")" + code +
           R"("},"geometry":{"type":"Polygon","coordinates":[[[)" + w + ",0],[" + e + ",0],[" + e + ",10],[" + w +
           ",10],[" + w + ",0]]]}}";
  };
  const auto file = folder.Write("c.geojson", R"({"type":"FeatureCollection","features":[)" + square("AA", 0) + "," +
                                                  square("BB", 20) + "," + square("CC", 40) + "]}");
  const Region one("polygons:ISO=BB", file);
  EXPECT_TRUE(one.Contains({5, 25}));
  EXPECT_FALSE(one.Contains({5, 5}));
  EXPECT_FALSE(one.Contains({5, 15}));
  const Region two("polygons:ISO=AA|CC", file);
  EXPECT_TRUE(two.Contains({5, 5}));
  EXPECT_TRUE(two.Contains({5, 45}));
  EXPECT_FALSE(two.Contains({5, 25}));
  EXPECT_THAT([&] { Region("polygons:ISO=BC", file); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("c.geojson has ISO 'BC'"), HasSubstr("did you mean"))));
  EXPECT_THAT([&] { Region("polygons:NAME=BB", file); }, ThrowsMessage<InputError>(HasSubstr("no property NAME")));
}

TEST(Region, WhatIsNoneIsRefusedInOneLine) {
  const auto refuses = [](const std::string& text, const std::string& why, const std::string& polygons = "") {
    EXPECT_THAT([&] { Region::Check(text, polygons); },
                ThrowsMessage<InputError>(AllOf(HasSubstr("search.within"), HasSubstr(why))))
        << text;
  };
  EXPECT_NO_THROW(Region::Check("", ""));
  EXPECT_NO_THROW(Region::Check("box: -10, 20, 30, 40", ""));
  refuses("FR", "is no region");
  refuses("box", "where a number");
  refuses("box:1,2,3", "3 numbers, not 4");
  refuses("box:1,2,x,4", "'x' where a number");
  refuses("box:30,0,10,5", "south north of its north");
  refuses("box:-91,0,10,5", "latitudes lie in");
  refuses("radius:0,181,5", "longitudes in");
  refuses("radius:0,0,0", "radius");
  refuses("radius:0,0,nan", "radius");
  refuses("polygons:ISO=FR", "needs search.within_polygons");
  refuses("polygons:ISO", "PROPERTY=NAME", "c.geojson");
  refuses("polygons:=FR", "PROPERTY=NAME", "c.geojson");
  refuses("box:0,0,1,1", "goes with", "c.geojson");
  refuses("", "needs search.within", "c.geojson");
}

}  // namespace
}  // namespace dualgeo
