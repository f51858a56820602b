// The synthetic world: a small deterministic Earth, rendered, with true masks. A laboratory in which the truth is
// known, not evidence about real photos.
//
//   images/Europe-Oslo/base_00.jpg   photos; masks/Europe-Oslo/base_00.png: ADE20K ids, 8 bit, one channel
//   photos.csv      every photo: IMG_ID,LAT,LON,AUTHOR,COUNTRY,PLACE,BASE,NEIGHBOUR,TIME,SEASON,WEATHER,EXPOSURE,
//                   HEADING,SPLIT
//   train.csv       views of the known places
//   query.csv       other photos of the known places, by other people, under conditions drawn apart
//   new_places.csv  photos of places that train.csv does not know (some of the neighbours)
//   places.csv      every place: PLACE,LAT,LON,COUNTRY,BASE,NEIGHBOUR,HELD_OUT,CLIMATE,RIDGE,LANDMARK,DRIVES
//   conditions/night/{images,masks,query.csv}   the photos of query.csv once more under another condition (option
//                   conditions): the same ids, places, camera and passers-by, so that the two can be compared in pairs
//   contact_sheet.png, world.json (settings, counts, and that it is synthetic)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/util/field.h"

namespace dualgeo {

struct WorldOptions {
  int places = 0;  // base places; 0: all of the time-zone table
  std::vector<std::string> neighbours = {"street", "city", "region"};
  int views = 12;                // photos of a known place, query photos included
  double query_fraction = 0.25;  // of the views; at least one
  std::int64_t seed = 0;
  int size = 256;  // pixels, square
  int jpeg_quality = 92;
  // Conditions that may be drawn; empty: all. For query and new places, empty: as for train.
  std::vector<std::string> times, seasons, weathers;
  std::vector<std::string> query_times, query_seasons, query_weathers;
  std::vector<std::string> conditions;  // "night", "winter", "night-fog" ...: query.csv's photos again, so changed
  double exposure = 0.6;                // standard deviation, stops
  std::string zone_table;               // empty: the system's (package tzdata)

  template <class Visitor>
  void Visit(Visitor& v) {
    const OneOf kTimes{{"day", "dusk", "night"}}, kSeasons{{"spring", "summer", "autumn", "winter"}},
        kWeathers{{"clear", "overcast", "fog", "rain", "snow"}};
    v.Field("places", places, "base places, spread over the Earth; 0: all of the time-zone table", Range{0, 100000});
    v.Field("neighbours", neighbours,
            "further places at these distances of each: street 0.2-0.8 km, city 5-20, region 50-180",
            OneOf{{"street", "city", "region"}});
    v.Field("views", views, "photos of each known place, train and query together", Range{2, 10000});
    v.Field("query_fraction", query_fraction, "share of the views kept for query.csv; also how many a new place gets",
            Range{0, 0.9});
    v.Field("seed", seed, "another seed is another world");
    v.Field("size", size, "side of the square photos, pixels", Range{32, 1024});
    v.Field("jpeg_quality", jpeg_quality, "of the photos", Range{1, 100});
    v.Field("times", times, "times of day that photos may be taken at; empty: all", kTimes);
    v.Field("seasons", seasons, "local seasons; empty: all", kSeasons);
    v.Field("weathers", weathers, "weathers; empty: all (snow only where it can snow)", kWeathers);
    v.Field("query_times", query_times, "the same for query.csv and new_places.csv; empty: as for train", kTimes);
    v.Field("query_seasons", query_seasons, "likewise", kSeasons);
    v.Field("query_weathers", query_weathers, "likewise", kWeathers);
    v.Field("conditions", conditions,
            "draw the photos of query.csv once more under each of these (night, winter, fog, night-rain ...), into "
            "conditions/NAME");
    v.Field("exposure", exposure, "standard deviation of the exposure error, stops", Range{0, 3});
    v.Field("zone_table", zone_table, "a file like zone.tab; empty: the system's, from the package tzdata",
            Affects::kContent);
  }
  // Throws InputError naming field, value and what is allowed.
  void Validate() const;
};

struct WorldSummary {
  std::size_t base_places = 0, places = 0, photos = 0, train = 0, query = 0, new_places = 0;
  double photos_per_second = 0;
};

// Whether `out` holds a world with these settings, whole, interrupted or with photos lost.
bool IsWorldOf(const WorldOptions& options, const std::filesystem::path& out);

// How many tables, photos and masks a world lacks that it should have.
std::int64_t MissingWorldFiles(const std::filesystem::path& out);

// Writes the world below `out`. The tables come last: a world without them was interrupted. Of a world with the same
// settings the photos that are there stay; another one is drawn anew. threads: 0 means all cores; the bytes do not
// depend on it.
// Throws InputError for bad options, a missing time-zone table, or a folder that holds anything but a world; Error when
// writing fails; Interrupted.
WorldSummary WriteWorld(const WorldOptions& options, const std::filesystem::path& out, int threads = 0);

}  // namespace dualgeo
