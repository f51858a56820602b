#include "dualgeo/gallery/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <set>

#include "dualgeo/gallery/parts.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "gallery/descriptor.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class SearchTest : public ::testing::Test {
 protected:
  SearchTest()
      : set_(RandomFeatures(120, 8, 1)),
        table_(TableOf(set_)),
        queries_(RandomFeatures(25, 8, 2, "q")),
        photos_(TableOf(queries_)) {
    photos_.path = "queries.csv";
  }

  Gallery Build(GalleryOptions options = {}) {
    BuildImageGallery(set_, table_, options, folder_ / "g");
    return LoadGallery(folder_ / "g");
  }

  // Gallery rows by falling similarity to query q, by sorting them all.
  std::vector<std::size_t> Order(std::size_t q) const {
    const auto gallery = ImageDescriptors(set_, {"fused_image", "image"});
    const auto query = ImageDescriptors(queries_, {"fused_image", "image"});
    std::vector<double> scores;
    for (std::int64_t i = 0; i < gallery.rows; ++i) {
      scores.push_back(Inner(query.Row(static_cast<std::int64_t>(q)), gallery.Row(i)));
    }
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
    return order;
  }

  TemporaryFolder folder_;
  FeatureSet set_;
  PhotoTable table_;
  FeatureSet queries_;
  PhotoTable photos_;
};

TEST_F(SearchTest, FlatFindsWhatSortingFinds) {
  auto gallery = Build();
  const auto lists = Search(gallery, queries_, photos_, {});
  ASSERT_EQ(lists.size(), 25U);
  const auto query = ImageDescriptors(queries_, {"fused_image", "image"});
  const auto vectors = ImageDescriptors(set_, {"fused_image", "image"});
  for (std::size_t q = 0; q < lists.size(); ++q) {
    EXPECT_EQ(lists[q].query_id, queries_.ids[q]);
    ASSERT_EQ(lists[q].candidates.size(), 20U);
    const auto order = Order(q);
    for (std::size_t i = 0; i < 20; ++i) {
      const auto& candidate = lists[q].candidates[i];
      EXPECT_EQ(candidate.rank, static_cast<int>(i) + 1);
      EXPECT_EQ(candidate.gallery_id, set_.ids[order[i]]);
      EXPECT_EQ(candidate.location, *table_.rows[order[i]].location);
      EXPECT_EQ(candidate.author, table_.rows[order[i]].author);
      EXPECT_TRUE(candidate.similar);
      EXPECT_DOUBLE_EQ(*candidate.score, Inner(query.Row(static_cast<std::int64_t>(q)),
                                               vectors.Row(static_cast<std::int64_t>(order[i]))));
    }
  }
}

TEST_F(SearchTest, NegativesAreTheLeastSimilarInBothMetrics) {
  for (const char* metric : {"inner_product", "l2"}) {
    GalleryOptions options;
    options.metric = metric;
    auto gallery = Build(options);
    SearchOptions search;
    search.top_k = 4;
    search.negatives = 6;
    const auto lists = Search(gallery, queries_, photos_, search);
    for (std::size_t q = 0; q < lists.size(); ++q) {
      ASSERT_EQ(lists[q].candidates.size(), 10U);
      const auto order = Order(q);  // unit parts: both metrics agree
      for (std::size_t i = 0; i < 6; ++i) {
        const auto& candidate = lists[q].candidates[4 + i];
        EXPECT_FALSE(candidate.similar);
        EXPECT_EQ(candidate.rank, static_cast<int>(i) + 1);
        EXPECT_EQ(candidate.gallery_id, set_.ids[order[119 - i]]);
        EXPECT_LT(*candidate.score, *lists[q].candidates[3].score);
      }
      // Scores go on rising from the least similar one.
      EXPECT_LT(*lists[q].candidates[4].score, *lists[q].candidates[9].score);
    }
  }
}

TEST_F(SearchTest, ExcludedAuthorsDoNotTakePlaces) {
  auto gallery = Build();
  SearchOptions search;
  search.top_k = 70;  // of the 80 that remain
  search.exclude_same_author = true;
  const auto lists = Search(gallery, queries_, photos_, search);
  for (std::size_t q = 0; q < lists.size(); ++q) {
    ASSERT_EQ(lists[q].candidates.size(), 70U);
    std::vector<std::string> expected;
    for (const auto row : Order(q)) {
      if (table_.rows[row].author != photos_.rows[q].author) expected.push_back(set_.ids[row]);
    }
    for (std::size_t i = 0; i < 70; ++i) EXPECT_EQ(lists[q].candidates[i].gallery_id, expected[i]);
  }
  search.top_k = 100;  // more than remain: all of them, and a warning
  for (const auto& list : Search(gallery, queries_, photos_, search)) EXPECT_EQ(list.candidates.size(), 80U);
}

TEST_F(SearchTest, AnUnknownAuthorExcludesNothing) {
  auto gallery = Build();
  for (auto& row : photos_.rows) row.author.clear();
  photos_.rows[0].author = "a0";
  SearchOptions search;
  search.top_k = 120;
  search.exclude_same_author = true;
  const auto lists = Search(gallery, queries_, photos_, search);
  EXPECT_EQ(lists[0].candidates.size(), 80U);
  EXPECT_EQ(lists[1].candidates.size(), 120U);
  photos_.rows[0].author.clear();
  EXPECT_THAT([&] { Search(gallery, queries_, photos_, search); },
              ThrowsMessage<InputError>(HasSubstr("no photo of queries.csv has an author")));
}

TEST_F(SearchTest, ExcludesWhatIsNear) {
  auto gallery = Build();
  SearchOptions search;
  search.top_k = 10;
  search.exclude_within_km = 500;
  const auto lists = Search(gallery, queries_, photos_, search);
  for (std::size_t q = 0; q < lists.size(); ++q) {
    std::vector<std::string> expected;
    for (const auto row : Order(q)) {
      if (GeodesicKm(*table_.rows[row].location, *photos_.rows[q].location) >= 500) expected.push_back(set_.ids[row]);
    }
    ASSERT_EQ(lists[q].candidates.size(), 10U);
    for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(lists[q].candidates[i].gallery_id, expected[i]);
  }
  photos_.rows[3].location.reset();
  EXPECT_THAT([&] { Search(gallery, queries_, photos_, search); },
              ThrowsMessage<InputError>(HasSubstr("'q3.jpg' of queries.csv has no location")));
}

TEST_F(SearchTest, NearDuplicatesAreLeftOutByCosine) {
  const auto vectors = ImageDescriptors(set_, {"fused_image", "image"});
  const auto asked = ImageDescriptors(queries_, {"fused_image", "image"});
  for (const char* metric : {"inner_product", "l2"}) {
    GalleryOptions options;
    options.metric = metric;
    auto gallery = Build(options);
    SearchOptions search;
    search.top_k = 10;
    search.negatives = 3;
    const auto whole = Search(gallery, queries_, photos_, search);
    search.exclude_similarity_above = 0.3;
    const auto lists = Search(gallery, queries_, photos_, search);
    std::size_t left_out = 0;
    for (std::size_t q = 0; q < lists.size(); ++q) {
      std::vector<std::string> expected;
      for (const auto row : Order(q)) {
        const double inner =
            Inner(asked.Row(static_cast<std::int64_t>(q)), vectors.Row(static_cast<std::int64_t>(row)));
        if (inner / 2 <= 0.3) {
          expected.push_back(set_.ids[row]);
        } else {
          ++left_out;
        }
      }
      ASSERT_EQ(lists[q].candidates.size(), 13U);
      for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(lists[q].candidates[i].gallery_id, expected[i]) << metric;
      // The least similar ones are no duplicates.
      for (std::size_t i = 10; i < 13; ++i) EXPECT_EQ(lists[q].candidates[i], whole[q].candidates[i]);
    }
    EXPECT_GT(left_out, 25U);
  }
}

TEST_F(SearchTest, APhotoDoesNotFindItself) {
  auto gallery = Build();
  SearchOptions search;
  search.top_k = 5;
  for (const auto& list : Search(gallery, set_, table_, search)) {
    ASSERT_EQ(list.candidates.size(), 5U);
    for (const auto& candidate : list.candidates) EXPECT_NE(candidate.gallery_id, list.query_id);
  }
  search.exclude_same_id = false;
  for (const auto& list : Search(gallery, set_, table_, search)) {
    EXPECT_EQ(list.candidates[0].gallery_id, list.query_id);
    EXPECT_NEAR(*list.candidates[0].score, 2, 1e-6);  // two unit features
  }
}

TEST_F(SearchTest, IvfFillsItsListsAfterExclusions) {
  GalleryOptions options;
  options.index = "IVF16,Flat";
  auto gallery = Build(options);
  SearchOptions search;
  search.top_k = 80;
  search.exclude_same_author = true;
  search.index_parameters = "nprobe=1";
  for (const auto& list : Search(gallery, queries_, photos_, search)) EXPECT_EQ(list.candidates.size(), 80U);
}

TEST_F(SearchTest, GpsGalleriesAreAskedInTheSharedSpace) {
  FeatureSet points;
  points.kind = "gps";
  points.features["projected_gps"] = RandomMatrix(50, 8, 3);
  for (int i = 0; i < 50; ++i) {
    points.ids.push_back("q" + std::to_string(i) + ".jpg");  // an id that equals a query's is not the same photo here
    points.locations.push_back({i - 25.0, 3.0 * i});
  }
  BuildGpsGallery(points, {"gps", {}, "flat", "inner_product"}, folder_ / "gps");
  auto gallery = LoadGallery(folder_ / "gps");
  FeatureSet photos;
  photos.ids = {"q0.jpg"};
  photos.features["projected_image"] = RandomMatrix(1, 8, 4);
  photos.features["projected_segmentation"] = RandomMatrix(1, 8, 5);
  SearchOptions search;
  search.top_k = 50;
  const auto lists = Search(gallery, photos, photos_, search);
  ASSERT_EQ(lists[0].candidates.size(), 50U);
  for (const auto& candidate : lists[0].candidates) {
    const auto row = static_cast<std::int64_t>(std::find(points.ids.begin(), points.ids.end(), candidate.gallery_id) -
                                               points.ids.begin());
    const auto point = points.features["projected_gps"].Row(row);
    const double expected = 0.5 * (Inner(photos.features["projected_image"].Row(0), point) +
                                   Inner(photos.features["projected_segmentation"].Row(0), point));
    EXPECT_NEAR(*candidate.score, expected, 1e-6);
  }
  search.exclude_similarity_above = 0.9;
  EXPECT_THAT([&] { Search(gallery, photos, photos_, search); },
              ThrowsMessage<InputError>(HasSubstr("search.exclude_similarity_above: gallery")));
}

TEST_F(SearchTest, RefusesQueriesThatAreNotInTheTable) {
  auto gallery = Build();
  photos_.rows.pop_back();
  EXPECT_THAT([&] { Search(gallery, queries_, photos_, {}); },
              ThrowsMessage<InputError>(HasSubstr("'q24.jpg', which is not in queries.csv")));
}

// Blocks of an earlier, killed process are taken over, those of another search are not; the lists are the same.
TEST_F(SearchTest, GoesOnFromTheBlocksOfAKilledSearch) {
  auto gallery = Build();
  const FeatureSet many = RandomFeatures(3000, 8, 4, "q");
  const PhotoTable photos = TableOf(many);
  SearchOptions options;
  options.top_k = 5;
  options.negatives = 2;
  const auto whole = Search(gallery, many, photos, options);
  KeepParts keep;
  keep.folder = folder_ / "parts";
  keep.interval = std::chrono::hours(1);
  Search(gallery, many, photos, options, keep);
  EXPECT_FALSE(std::filesystem::exists(keep.folder)) << "a quick search keeps nothing";

  // What a process leaves that was killed before its last block.
  keep.interval = std::chrono::milliseconds(0);
  Search(gallery, many, photos, options, keep);
  ASSERT_TRUE(std::filesystem::exists(keep.folder));
  EXPECT_EQ(Search(gallery, many, photos, options, keep), whole);
  options.top_k = 4;
  const auto other = Search(gallery, many, photos, options, keep);
  EXPECT_EQ(other[0].candidates.size(), 6U);
  EXPECT_TRUE(std::filesystem::exists(keep.folder.string() + ".old-1"));
}

// ---- parts of the Earth ----

TEST_F(SearchTest, KeepsToARegionAndFillsItsLists) {
  SearchOptions search;
  search.within = "box:-60,0,-50,10";  // rows 0 to 20 alone
  search.exclude_same_author = true;   // and of these two thirds
  search.top_k = 10;
  search.negatives = 3;
  for (const std::string index : {"flat", "IVF16,Flat", "SQ8", "PQ4x4np", "HNSW4", "IVF8,PQ4x4np,RFlat"}) {
    GalleryOptions options;
    options.index = index;
    auto gallery = Build(options);
    const auto lists = Search(gallery, queries_, photos_, search);
    for (std::size_t q = 0; q < lists.size(); ++q) {
      std::vector<std::string> inside;
      for (const auto row : Order(q)) {
        if (row <= 20 && table_.rows[row].author != photos_.rows[q].author) inside.push_back(set_.ids[row]);
      }
      ASSERT_EQ(inside.size(), 14U);
      ASSERT_EQ(lists[q].candidates.size(), 13U) << index;
      std::set<std::string> found;
      for (std::size_t i = 0; i < 13; ++i) {
        const auto& candidate = lists[q].candidates[i];
        EXPECT_THAT(inside, testing::Contains(candidate.gallery_id)) << index;
        if (i < 10) found.insert(candidate.gallery_id);
        if (index != "flat") continue;
        EXPECT_EQ(candidate.gallery_id, i < 10 ? inside[i] : inside[13 - (i - 10)]);
      }
      EXPECT_EQ(found.size(), 10U) << index;
    }
  }
}

TEST_F(SearchTest, ARegionThatLeavesMostIsTheSameAsSortingThem) {
  auto gallery = Build();
  SearchOptions search;
  search.within = "box:-60,0,-20,40";  // rows 0 to 80
  search.top_k = 40;
  const auto lists = Search(gallery, queries_, photos_, search);
  for (std::size_t q = 0; q < lists.size(); ++q) {
    std::vector<std::string> inside, found;
    for (const auto row : Order(q)) {
      if (row <= 80 && inside.size() < 40) inside.push_back(set_.ids[row]);
    }
    for (const auto& candidate : lists[q].candidates) found.push_back(candidate.gallery_id);
    EXPECT_EQ(found, inside);
  }
  search.within = "radius:80,100,10";  // none
  for (const auto& list : Search(gallery, queries_, photos_, search)) EXPECT_TRUE(list.candidates.empty());
}

TEST_F(SearchTest, NearDuplicatesAndARegionTogether) {
  auto gallery = Build();
  SearchOptions search;
  search.within = "box:-60,0,-57,10";  // rows 0 to 6
  search.exclude_similarity_above = 0.0;
  search.top_k = 7;
  const auto vectors = ImageDescriptors(set_, {"fused_image", "image"});
  const auto asked = ImageDescriptors(queries_, {"fused_image", "image"});
  const auto lists = Search(gallery, queries_, photos_, search);
  for (std::size_t q = 0; q < lists.size(); ++q) {
    std::vector<std::string> expected, found;
    for (const auto row : Order(q)) {
      const double inner = Inner(asked.Row(static_cast<std::int64_t>(q)), vectors.Row(static_cast<std::int64_t>(row)));
      if (row <= 6 && inner <= 0) expected.push_back(set_.ids[row]);
    }
    for (const auto& candidate : lists[q].candidates) found.push_back(candidate.gallery_id);
    EXPECT_EQ(found, expected);
  }
}

// ---- several galleries ----

class SeveralGalleries : public SearchTest {
 protected:
  // Rows begin to end - 1 as a gallery of their own.
  Gallery Part(const std::string& name, std::int64_t begin, std::int64_t end, const GalleryOptions& options = {}) {
    FeatureSet part;
    part.model = set_.model;
    part.ids.assign(set_.ids.begin() + begin, set_.ids.begin() + end);
    for (const auto& [feature, matrix] : set_.features) {
      Matrix& rows = part.features[feature] = Matrix(end - begin, matrix.columns);
      std::copy_n(matrix.Row(begin).begin(), rows.values.size(), rows.values.begin());
    }
    std::filesystem::create_directories((folder_ / name).parent_path());
    PhotoTable table = table_;
    table.rows.assign(table_.rows.begin() + begin, table_.rows.begin() + end);
    BuildImageGallery(part, table, options, folder_ / name);
    return LoadGallery(folder_ / name);
  }
  std::vector<Gallery> Parts(const std::vector<std::string>& names) {
    std::vector<Gallery> parts;
    parts.push_back(Part(names[0], 0, 50));
    parts.push_back(Part(names[1], 50, 57));
    parts.push_back(Part(names[2], 57, 120));
    return parts;
  }
};

TEST_F(SeveralGalleries, GiveTheListOfOne) {
  auto whole = Build();
  auto parts = Parts({"a", "b", "c"});
  SearchOptions search;
  search.negatives = 5;
  search.exclude_same_author = true;
  const auto expected = Search(whole, queries_, photos_, search);
  auto lists = SearchAll(parts, queries_, photos_, search);
  for (auto& list : lists) {
    for (auto& candidate : list.candidates) {
      const int row = std::stoi(candidate.gallery_id.substr(1));
      EXPECT_EQ(candidate.gallery, row < 50 ? "a" : row < 57 ? "b" : "c");
      candidate.gallery.clear();
    }
  }
  EXPECT_EQ(lists, expected);
  std::vector<Gallery> one;
  one.push_back(Build());
  EXPECT_EQ(SearchAll(one, queries_, photos_, search), expected) << "no gallery is named where there is one";
}

TEST_F(SeveralGalleries, AreNamedByTheirPathsWhereTheirNamesAreTheSame) {
  auto parts = Parts({"a/g", "b/g", "c"});
  const auto lists = SearchAll(parts, queries_, photos_, {});
  std::set<std::string> names;
  for (const auto& list : lists) {
    for (const auto& candidate : list.candidates) names.insert(candidate.gallery);
  }
  EXPECT_THAT(names,
              testing::ElementsAre((folder_ / "a/g").string(), (folder_ / "b/g").string(), (folder_ / "c").string()));
}

TEST_F(SeveralGalleries, OfDifferentThingsAreRefused) {
  std::vector<Gallery> galleries;
  galleries.push_back(Part("a", 0, 50));
  const auto refuses = [&](const GalleryOptions& options, const std::string& what) {
    galleries.push_back(Part("b", 50, 120, options));
    EXPECT_THAT(
        [&] { SearchAll(galleries, queries_, photos_, {}); },
        ThrowsMessage<InputError>(testing::AllOf(HasSubstr("/b cannot be searched together with"), HasSubstr(what))));
    galleries.pop_back();
  };
  GalleryOptions options;
  options.metric = "l2";
  refuses(options, "its metric is l2, not inner_product");
  options = {};
  options.features = {"image"};
  refuses(options, "its features are image, not fused_image, image");
  set_.model = "model-b";
  queries_.model.clear();
  refuses({}, "its model is model-b, not model-a");
  galleries.push_back(Part("c", 0, 5));
  SearchOptions search;
  search.scores = "probability";
  EXPECT_THAT([&] { SearchAll(galleries, queries_, photos_, search); },
              ThrowsMessage<InputError>(HasSubstr("over the points of one gallery")));
}

TEST_F(SeveralGalleries, GoOnFromTheirBlocks) {
  auto parts = Parts({"a", "b", "c"});
  KeepParts keep;
  keep.folder = folder_ / "parts";
  keep.interval = std::chrono::milliseconds(0);
  const FeatureSet many = RandomFeatures(2000, 8, 4, "q");
  const PhotoTable photos = TableOf(many);
  const auto whole = SearchAll(parts, many, photos, {});
  EXPECT_EQ(SearchAll(parts, many, photos, {}, keep), whole);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "parts"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "parts-2"));
  EXPECT_EQ(SearchAll(parts, many, photos, {}, keep), whole);
}

// ---- probabilities over a GPS gallery ----

class SearchProbabilities : public ::testing::Test {
 protected:
  SearchProbabilities() {
    points_.kind = "gps";
    for (std::int64_t i = 0; i < kPoints; ++i) {
      points_.ids.push_back(std::to_string(i));
      points_.locations.push_back({-60.0 + 0.01 * static_cast<double>(i), 0.02 * static_cast<double>(i)});
    }
    points_.features["projected_gps"] = RandomMatrix(kPoints, 12, 5);
    for (int i = 0; i < kPhotos; ++i) photos_.ids.push_back("q" + std::to_string(i));
    photos_.features["projected_image"] = RandomMatrix(kPhotos, 12, 6);
    options_.scores = "probability";
    options_.top_k = 30;
  }

  Gallery Build(const std::string& index = "flat", const std::string& metric = "inner_product") {
    GalleryOptions options;
    options.kind = "gps";
    options.index = index;
    options.metric = metric;
    BuildGpsGallery(points_, options, folder_ / "g");
    return LoadGallery(folder_ / "g");
  }
  // Of every point, from the definition.
  std::vector<double> Expected(std::int64_t photo, double factor) const {
    const auto query = photos_.features.at("projected_image").Row(photo);
    std::vector<double> values;
    for (std::int64_t i = 0; i < kPoints; ++i) {
      values.push_back(std::exp(factor * Inner(query, points_.features.at("projected_gps").Row(i))));
    }
    const double sum = std::accumulate(values.begin(), values.end(), 0.0);
    for (double& value : values) value /= sum;
    return values;
  }
  PhotoTable PhotosAt(const LatLon& place) const {
    PhotoTable table;
    table.path = "photos.csv";
    for (const auto& id : photos_.ids) {
      table.rows.emplace_back().id = id;
      table.rows.back().location = place;
    }
    return table;
  }

  static constexpr std::int64_t kPoints = 9000;  // more than a block of the sum
  static constexpr int kPhotos = 300;            // more than a block of queries
  static constexpr double kFactor = 39.7;
  TemporaryFolder folder_;
  FeatureSet points_, photos_;
  SearchOptions options_;
};

TEST_F(SearchProbabilities, AreTheSoftmaxOverAllPoints) {
  auto gallery = Build();
  options_.negatives = 2;
  const auto lists = Search(gallery, photos_, PhotosAt({0, 0}), options_, {}, kFactor);
  for (const std::int64_t photo : {0, 1, 255, 256, 299}) {
    const auto expected = Expected(photo, kFactor);
    const auto& list = lists[static_cast<std::size_t>(photo)].candidates;
    ASSERT_EQ(list.size(), 32U);
    EXPECT_NEAR(*list[0].score, std::ranges::max(expected), 2e-6);
    for (const auto& candidate : list) {
      const double one = expected[std::stoul(candidate.gallery_id)];
      EXPECT_NEAR(*candidate.score / one, 1, 2e-6);
    }
  }
}

TEST_F(SearchProbabilities, SumToOneOverAll) {
  auto gallery = Build();
  options_.top_k = kPoints;
  const auto lists = Search(gallery, photos_, PhotosAt({0, 0}), options_, {}, kFactor);
  double sum = 0;
  for (const auto& candidate : lists[7].candidates) sum += *candidate.score;
  EXPECT_NEAR(sum, 1, 2e-6);
}

TEST_F(SearchProbabilities, ExcludedPointsKeepTheirShare) {
  auto gallery = Build();
  const auto all = Search(gallery, photos_, PhotosAt({0, 0}), options_, {}, kFactor);
  options_.exclude_within_km = 200;
  const auto table = PhotosAt(all[0].candidates[0].location);
  const auto rest = Search(gallery, photos_, table, options_, {}, kFactor);
  ASSERT_NE(rest[0].candidates[0].gallery_id, all[0].candidates[0].gallery_id);
  for (const auto& candidate : rest[0].candidates) {
    EXPECT_GT(GeodesicKm(candidate.location, *table.rows[0].location), 200);
    EXPECT_NEAR(*candidate.score / Expected(0, kFactor)[std::stoul(candidate.gallery_id)], 1, 2e-6);
  }
}

TEST_F(SearchProbabilities, OfAnotherGalleryAreRefused) {
  const auto table = PhotosAt({0, 0});
  const auto search = [&](Gallery gallery, std::optional<double> factor) {
    return [&, gallery = std::make_shared<Gallery>(std::move(gallery)), factor] {
      Search(*gallery, photos_, table, options_, {}, factor);
    };
  };
  EXPECT_THAT(search(Build("IVF8,Flat"), kFactor), ThrowsMessage<InputError>(HasSubstr("has index IVF8,Flat")));
  EXPECT_THAT(search(Build("flat", "l2"), kFactor), ThrowsMessage<InputError>(HasSubstr("has metric l2")));
  EXPECT_THAT(search(Build(), std::nullopt), ThrowsMessage<InputError>(HasSubstr("needs the model")));
  const auto set = RandomFeatures(20, 12, 1);
  BuildImageGallery(set, TableOf(set), {}, folder_ / "images");
  EXPECT_THAT(search(LoadGallery(folder_ / "images"), kFactor),
              ThrowsMessage<InputError>(HasSubstr("has kind images")));
}

TEST_F(SearchProbabilities, NotANumberIsRefused) {
  auto gallery = Build();
  photos_.features["projected_image"].values[12 * 3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(
      [&] {
        Search(gallery, photos_, PhotosAt({0, 0}), options_, {}, kFactor);
      },
      ThrowsMessage<InputError>(HasSubstr("photo 'q3'")));
}

}  // namespace
}  // namespace dualgeo
