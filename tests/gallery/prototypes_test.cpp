#include "dualgeo/gallery/prototypes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "gallery/cell_search.h"
#include "geo/optics.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Photos with a place and two numbers.
struct Photos {
  FeatureSet features;
  PhotoTable table;

  Photos() {
    features.model = "model";
    features.features["place_vector"] = Matrix(0, 2);
    table.path = "train.csv";
  }
  void Add(LatLon place, float a, float b) {
    PhotoRow row;
    row.id = "t" + std::to_string(table.rows.size());
    row.location = place;
    table.rows.push_back(row);
    features.ids.push_back(row.id);
    Matrix& matrix = features.features["place_vector"];
    matrix.values.insert(matrix.values.end(), {a, b});
    ++matrix.rows;
  }
};

S2Cell Quarter(int k) { return S2Cell::Face(0).Child(k); }

// The four quarters of face 0; the mean of each is its middle.
Partition Quarters() {
  std::vector<PartitionCell> cells;
  for (int k = 0; k < 4; ++k) cells.push_back({k, {Quarter(k)}, 1, Quarter(k).Center()});
  return Partition(cells);
}

LatLon Beside(int quarter, double lat, double lon) {
  const LatLon middle = Quarter(quarter).Center();
  return {middle.lat + lat, middle.lon + lon};
}

// Quarters 0 and 1 with two photos and one, quarters 2 and 3 with none.
Photos TwoAndOne() {
  Photos photos;
  photos.Add(Beside(0, 1, 0), 0, 0);
  photos.Add(Beside(0, -1, 0), 2, 0);
  photos.Add(Beside(1, 2, 2), 0, 3);
  return photos;
}

CandidateList CellsOf(const std::vector<std::pair<int, double>>& quarters) {
  CandidateList list{"q", {}};
  for (const auto& [quarter, probability] : quarters) {
    Candidate c;
    c.rank = static_cast<int>(list.candidates.size()) + 1;
    c.gallery_id = Quarter(quarter).Token();
    c.location = Quarter(quarter).Center();
    c.score = probability;
    c.rule = CellAnswer::kMean;
    list.candidates.push_back(c);
  }
  return list;
}

FeatureSet Query(float a, float b) {
  FeatureSet set;
  set.model = "model";
  set.ids = {"q"};
  Matrix matrix(1, 2);
  matrix.values = {a, b};
  set.features["place_vector"] = matrix;
  return set;
}

PrototypeOptions Temperature(double temperature) {
  PrototypeOptions options;
  options.temperature = temperature;
  return options;
}

Prototypes Made(const Photos& photos, const PrototypeOptions& options = {}) {
  return Prototypes::Build(photos.features, photos.table, Quarters(), options);
}

TEST(Prototypes, WeighCellsByTheNearestPrototype) {
  const Prototypes made = Made(TwoAndOne());
  EXPECT_EQ(made.size(), 2);
  EXPECT_EQ(made.members(), 3);
  EXPECT_EQ(made.cells_with_prototypes(), 2U);
  // Quarter 0's prototype is (1, 0), at 1; quarter 1's (0, 3), at 3. Quarter 1 is the more probable.
  const auto list = made.Refine({CellsOf({{1, .7}, {0, .3}})}, Query(0, 0), Temperature(1)).at(0);
  ASSERT_EQ(list.candidates.size(), 2U);
  const double near = 1 / (1 + std::exp(-2.0));
  EXPECT_EQ(list.candidates[0].gallery_id, Quarter(0).Token());
  EXPECT_NEAR(*list.candidates[0].score, .3 * near, 1e-12);
  EXPECT_NEAR(*list.candidates[1].score, .7 * (1 - near), 1e-12);
  EXPECT_EQ(list.candidates[0].location, Beside(0, 1, 0)) << "its member (0, 0)";
  EXPECT_EQ(list.candidates[0].rule, CellAnswer::kMember);
  EXPECT_EQ(list.candidates[0].rank, 1);
  EXPECT_EQ(list.candidates[1].location, Beside(1, 2, 2)) << "its only member";
  // Warmer, probabilities decide.
  const auto warm = made.Refine({CellsOf({{1, .7}, {0, .3}})}, Query(0, 0), Temperature(10)).at(0);
  EXPECT_EQ(warm.candidates[0].gallery_id, Quarter(1).Token());
  EXPECT_NEAR(*warm.candidates[0].score, .7 * std::exp(-.3) / (std::exp(-.1) + std::exp(-.3)), 1e-12);
}

TEST(Prototypes, WhatTheReleasedCodeDoes) {
  const Prototypes made = Made(TwoAndOne());
  PrototypeOptions options = Temperature(1);
  options.farthest_member = true;
  EXPECT_EQ(made.Refine({CellsOf({{1, .7}, {0, .3}})}, Query(0, 0), options)[0].candidates[0].location,
            Beside(0, -1, 0));
  // Farther than max_km from the first answer: that one again, at its own place or, in the code, at its photo's.
  options = Temperature(1);
  options.max_km = 100;
  const auto kept = made.Refine({CellsOf({{1, .7}, {0, .3}})}, Query(0, 0), options)[0];
  EXPECT_EQ(kept.candidates[0].gallery_id, Quarter(1).Token());
  EXPECT_EQ(kept.candidates[0].location, Quarter(1).Center());
  EXPECT_EQ(kept.candidates[0].rule, CellAnswer::kMean);
  EXPECT_EQ(kept.candidates[0].rank, 1);
  EXPECT_EQ(kept.candidates[1].gallery_id, Quarter(0).Token());
  options.limit_keeps_prototype = true;
  EXPECT_EQ(made.Refine({CellsOf({{1, .7}, {0, .3}})}, Query(0, 0), options)[0].candidates[0].location,
            Beside(1, 2, 2));
}

TEST(Prototypes, CellsWithoutComeLastAndOneOfManyTakesPart) {
  const Prototypes made = Made(TwoAndOne());
  const auto list = made.Refine({CellsOf({{2, .6}, {1, .3}, {3, .08}, {0, .02}})}, Query(0, 3), Temperature(1))[0];
  std::vector<std::string> order;
  for (const auto& candidate : list.candidates) order.push_back(candidate.gallery_id);
  EXPECT_THAT(order, ElementsAre(Quarter(1).Token(), Quarter(0).Token(), Quarter(2).Token(), Quarter(3).Token()));
  EXPECT_EQ(*list.candidates[2].score, 0);
  EXPECT_EQ(list.candidates[2].location, Quarter(2).Center());
  EXPECT_EQ(list.candidates[2].rule, CellAnswer::kMean);
  // None has one: as it was.
  const auto none = CellsOf({{2, .6}, {3, .4}});
  EXPECT_EQ(made.Refine({none}, Query(0, 3), Temperature(1))[0], none);
  PrototypeOptions two = Temperature(1);
  two.cells = 2;
  EXPECT_EQ(made.Refine({CellsOf({{2, .6}, {1, .3}, {0, .1}})}, Query(0, 0), two)[0].candidates.size(), 2U);
  EXPECT_TRUE(made.Refine({CandidateList{"q", {}}}, Query(0, 0), two)[0].candidates.empty());
}

// Two towns in one quarter, and photos scattered between.
Photos Towns() {
  Photos photos;
  Random random(2);
  for (int i = 0; i < 40; ++i) {
    const double town = i % 2;
    photos.Add(Beside(0, 6 * town + .01 * random.Normal(), .01 * random.Normal()), static_cast<float>(town),
               static_cast<float>(random.Normal()));
  }
  for (int i = 0; i < 6; ++i) photos.Add(Beside(0, random.Uniform(1, 5), random.Uniform(-9, 9)), 5, 5);
  return photos;
}

TEST(Prototypes, AreTheClustersOfOptics) {
  const Photos photos = Towns();
  PrototypeOptions options;
  options.min_samples = 5;
  options.xi = 0.15;
  std::vector<LatLon> places;
  for (const auto& row : photos.table.rows) places.push_back(*row.location);
  const auto labels = Optics(places, {5, 0.15, OpticsMetric::kHaversine}).labels;
  const int clusters = *std::ranges::max_element(labels) + 1;
  ASSERT_GE(clusters, 2);
  const Prototypes made = Made(photos, options);
  EXPECT_EQ(made.size(), clusters);
  EXPECT_EQ(made.members(), std::ranges::count_if(labels, [](int label) { return label >= 0; }));
  // The answer is a photo of the town that the query looks like.
  options.temperature = 1;
  for (const float town : {0.F, 1.F}) {
    const auto list = made.Refine({CellsOf({{0, 1}})}, Query(town, 0), options)[0];
    EXPECT_NEAR(list.candidates[0].location.lat, Beside(0, 6.0 * town, 0).lat, 0.1);
    EXPECT_EQ(list.candidates[0].score, 1);
  }
}

TEST(Prototypes, NoiseAloneMakesNone) {
  // Four photos and min_samples 3: scikit-learn calls all of them noise.
  Photos photos;
  for (int i = 0; i < 4; ++i) photos.Add(Beside(0, i, 2 * i), 0, 0);
  PrototypeOptions options;
  options.min_samples = 3;
  EXPECT_THAT([&] { Made(photos, options); },
              ThrowsMessage<InputError>(HasSubstr("no cell has a cluster of 3 photos")));
  photos.Add(Beside(1, 0, 0), 1, 1);  // one alone is a cluster
  EXPECT_EQ(Made(photos, options).size(), 1);
}

TEST(Prototypes, SurviveTheFile) {
  const TemporaryFolder folder;
  PrototypeOptions options;
  options.min_samples = 5;
  const Prototypes made = Made(Towns(), options);
  made.Write(folder / "p.safetensors");
  const Prototypes read = Prototypes::Read(folder / "p.safetensors");
  EXPECT_EQ(read.size(), made.size());
  EXPECT_EQ(read.cells(), 4U);
  const auto list = CellsOf({{1, .5}, {0, .4}});
  EXPECT_EQ(read.Refine({list}, Query(1, 0), options), made.Refine({list}, Query(1, 0), options));
  folder.Write("x.safetensors", "no such file");
  EXPECT_THROW(Prototypes::Read(folder / "x.safetensors"), InputError);
  WriteFeatures(folder / "f.safetensors", Query(0, 0));
  EXPECT_THAT([&] { Prototypes::Read(folder / "f.safetensors"); },
              ThrowsMessage<InputError>(HasSubstr("not a file of prototypes")));
}

TEST(Prototypes, MistakesAreOneLine) {
  const Prototypes made = Made(TwoAndOne());
  const auto refused = [&](const CandidateList& list, const FeatureSet& query, const std::string& why,
                           const PrototypeOptions& options = {}) {
    EXPECT_THAT([&] { made.Refine({list}, query, options); }, ThrowsMessage<InputError>(HasSubstr(why)));
  };
  const auto list = CellsOf({{0, 1}});
  auto other = list;
  other.candidates[0].gallery_id = S2Cell::Face(3).Token();
  refused(other, Query(0, 0), "query 'q': candidate '7' is no cell of the partition that the prototypes were made of");
  other = list;
  other.candidates[0].score.reset();
  refused(other, Query(0, 0), "has no probability as its score");
  auto query = Query(0, 0);
  query.model = "another";
  refused(list, query, "made by another model");
  query = Query(0, 0);
  query.ids = {"r"};
  refused(list, query, "the features have no photo 'q'");
  query = Query(0, 0);
  query.features["place_vector"] = Matrix(1, 3);
  refused(list, query, "has 2 numbers a photo, the photos' features 3");
  PrototypeOptions image;
  image.feature = "image";
  refused(list, Query(0, 0), "made of the feature place_vector", image);
  Photos photos = TwoAndOne();
  EXPECT_THAT([&] { Made(photos, image); }, ThrowsMessage<InputError>(HasSubstr("there is no feature image")));
  photos.table.rows.pop_back();
  EXPECT_THAT([&] { Made(photos); },
              ThrowsMessage<InputError>(HasSubstr("photo 't2', which has no place in train.csv")));
}

TEST(Prototypes, GoOnFromWhatWasKept) {
  const TemporaryFolder folder;
  std::vector<PartitionCell> cells;
  Photos photos;
  Random random(4);
  for (int k = 0; k < 64; ++k) {
    const S2Cell cell = Quarter(k / 16).Child(k / 4 % 4).Child(k % 4);
    cells.push_back({k, {cell}, 1, cell.Center()});
    for (int i = 0; i < 12; ++i) {
      const LatLon middle = cell.Center();
      photos.Add({middle.lat + random.Normal(), middle.lon + random.Normal()}, static_cast<float>(i), 0);
    }
  }
  const Partition partition(cells);
  PrototypeOptions options;
  options.min_samples = 3;
  const auto build = [&](const KeepParts& keep) {
    return Prototypes::Build(photos.features, photos.table, partition, options, keep);
  };
  build({}).Write(folder / "at_once.safetensors");
  const KeepParts keep{folder / "p.parts", std::chrono::milliseconds(0)};
  build(keep).Write(folder / "kept.safetensors");
  EXPECT_EQ(ReadFile(folder / "kept.safetensors"), ReadFile(folder / "at_once.safetensors"));
  std::vector<std::filesystem::path> parts;
  for (const auto& entry : std::filesystem::directory_iterator(keep.folder)) {
    if (entry.path().filename().string().starts_with("part-")) parts.push_back(entry.path());
  }
  ASSERT_EQ(parts.size(), 3U);  // the last block is not kept: all is done
  std::ranges::sort(parts);
  std::filesystem::remove(parts[2]);
  folder.Write("p.parts/" + parts[1].filename().string(), "damaged");
  build(keep).Write(folder / "again.safetensors");
  EXPECT_EQ(ReadFile(folder / "again.safetensors"), ReadFile(folder / "at_once.safetensors"));
  // Other settings do not take them.
  options.min_samples = 4;
  build(keep);
  EXPECT_TRUE(std::filesystem::exists(keep.folder.string() + ".old-1"));
}

}  // namespace
}  // namespace dualgeo
