#include "data/preprocess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "data/photo.h"
#include "io/safetensors.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

// Greatest difference, and the share of values that differ by more than one grey level.
std::pair<int, double> Difference(const cv::Mat& crop, const torch::Tensor& expected) {
  const auto* values = expected.data_ptr<std::uint8_t>();
  int greatest = 0;
  std::int64_t off = 0;
  for (int y = 0; y < crop.rows; ++y) {
    for (int x = 0; x < crop.cols * 3; ++x) {
      const int difference = std::abs(crop.ptr(y)[x] - *values++);
      greatest = std::max(greatest, difference);
      off += difference > 1 ? 1 : 0;
    }
  }
  return {greatest, static_cast<double>(off) / static_cast<double>(expected.numel())};
}

TEST(Preprocess, EqualsPillowOnRealPhotos) {
  SHARED_PATH_OR_SKIP(path, "fixtures/preprocess.safetensors");
  SHARED_PATH_OR_SKIP(photos, "data/photos/images");
  const SafetensorsFile file(path);
  const auto names = nlohmann::json::parse(file.metadata().at("files")).get<std::vector<std::string>>();
  const auto clip = file.Get("clip_224_rgb");
  const auto squashed = file.Get("segformer_512_rgb");
  ASSERT_EQ(clip.size(0), static_cast<std::int64_t>(names.size()));
  for (std::int64_t i = 0; i < clip.size(0); ++i) {
    SCOPED_TRACE(names[static_cast<std::size_t>(i)]);
    const cv::Mat photo = ReadPhoto(photos / names[static_cast<std::size_t>(i)]);
    const auto [greatest, off] = Difference(EvaluationCrop(photo, 224, Geometry::kAligned), clip[i].contiguous());
    EXPECT_EQ(greatest, 0);
    EXPECT_EQ(off, 0.0);
    if (i < squashed.size(0)) {
      EXPECT_EQ(Difference(EvaluationCrop(photo, 512, Geometry::kSquash), squashed[i].contiguous()).first, 0);
    }
  }
}

// A photo whose colours say where each pixel is, and a mask that says the same.
struct Scene {
  cv::Mat photo;
  cv::Mat mask;
};

Scene Gradient(cv::Size size) {
  Scene scene{cv::Mat(size, CV_8UC3), cv::Mat(size, CV_8UC1)};
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      const auto column = static_cast<std::uint8_t>(x * 100 / size.width);
      scene.photo.at<cv::Vec3b>(y, x) = {column, static_cast<std::uint8_t>(y * 100 / size.height), 0};
      scene.mask.at<std::uint8_t>(y, x) = column;
    }
  }
  return scene;
}

constexpr Normalization kPlain = {{0, 0, 0}, {1.0F / 255, 1.0F / 255, 1.0F / 255}};

ViewOptions View(Geometry geometry, int size) {
  ViewOptions view;
  view.image_size = size;
  view.mask_size = size;
  view.normalization = kPlain;
  view.geometry = geometry;
  return view;
}

// How far apart, at most, photo and mask are about where they look.
double Misalignment(const Example& example) {
  return (example.pixels[0] - example.mask.to(torch::kFloat32)).abs().max().item<double>();
}

TEST(Preprocess, AlignedViewsSeeTheSamePixels) {
  for (const cv::Size size : {cv::Size(400, 300), cv::Size(300, 400), cv::Size(64, 64), cv::Size(1000, 90)}) {
    const Scene scene = Gradient(size);
    const Example example = MakeExample(scene.photo, scene.mask, View(Geometry::kAligned, 64));
    EXPECT_LE(Misalignment(example), 2.0) << size;
    EXPECT_EQ(example.photo_size, size);
    EXPECT_EQ(example.pixels.sizes(), (std::vector<std::int64_t>{3, 64, 64}));
  }
  const Scene wide = Gradient({400, 200});
  EXPECT_LE(Misalignment(MakeExample(wide.photo, wide.mask, View(Geometry::kSquash, 64))), 2.0);
  // The released code's views do not match: that is what the option is for.
  EXPECT_GT(Misalignment(MakeExample(wide.photo, wide.mask, View(Geometry::kReleased, 64))), 20.0);
}

// A photo that says where each of its pixels is.
cv::Mat PixelPlaces(cv::Size size) {
  cv::Mat photo(size, CV_8UC3);
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      photo.at<cv::Vec3b>(y, x) = {static_cast<std::uint8_t>(x % 256), static_cast<std::uint8_t>(y % 256),
                                   static_cast<std::uint8_t>(x / 256)};
    }
  }
  return photo;
}

// torchvision's FiveCrop and TenCrop of a photo whose shortest edge is as it should be, so that nothing is resized: of
// 259 x 256 pixels squares of 224 leave margins of 35 and 32; half of 35, 17.5, is rounded to 18 on the mirrored photo,
// too.
TEST(Preprocess, FiveAndTenCropsAreTorchvisions) {
  ViewOptions view = View(Geometry::kAligned, 224);
  view.framing = {.edge = 8.0 / 7, .bicubic = false, .half_to_even = true};
  const std::vector<cv::Point> five = {{0, 0}, {35, 0}, {0, 32}, {35, 32}, {18, 16}};
  for (const Crops crops : {Crops::kFive, Crops::kTen}) {
    view.crops = crops;
    cv::Mat photo = PixelPlaces({259, 256});
    const auto cut = EvaluationCrops(photo, view);
    ASSERT_EQ(cut.size(), static_cast<std::size_t>(CountOf(crops)));
    for (std::size_t i = 0; i < cut.size(); ++i) {
      if (i == 5) cv::flip(PixelPlaces({259, 256}), photo, 1);
      EXPECT_EQ(cv::norm(cut[i], photo(cv::Rect(five[i % 5], cv::Size(224, 224))), cv::NORM_INF), 0) << i;
    }
  }
  // The mirrored centre is not the centre mirrored: columns 18 to 241 and, from behind, 17 to 240.
  const auto ten = EvaluationCrops(PixelPlaces({259, 256}), view);
  EXPECT_EQ(ten[4].at<cv::Vec3b>(0, 0)[0], 18);
  EXPECT_EQ(ten[9].at<cv::Vec3b>(0, 0)[0], 258 - 18);
}

// TransLocator's: the whole photo becomes a square first, of which corners and centre are cut.
TEST(Preprocess, CropsOfASquashedPhoto) {
  ViewOptions view = View(Geometry::kAligned, 56);
  view.framing = {.edge = 8.0 / 7, .bicubic = false, .squash = true, .half_to_even = true};
  view.crops = Crops::kFive;
  for (const cv::Size size : {cv::Size(200, 90), cv::Size(90, 200)}) {
    const Scene scene = Gradient(size);
    const cv::Mat whole = Resize(scene.photo, {64, 64}, Filter::kBilinear);
    const auto cut = EvaluationCrops(scene.photo, view);
    const cv::Point five[] = {{0, 0}, {8, 0}, {0, 8}, {8, 8}, {4, 4}};
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(cv::norm(cut[i], whole(cv::Rect(five[i], cv::Size(56, 56))), cv::NORM_INF), 0) << i;
    }
    const Example example = MakeExample(scene.photo, scene.mask, view);
    const auto apart = (example.pixels.select(1, 0) - example.mask.to(torch::kFloat32)).abs().max();
    EXPECT_LE(apart.item<double>(), 4.0) << "the mask is squashed alike";
  }
}

// Three squares along the longer side: its beginning, middle and end.
TEST(Preprocess, AStripRunsAlongTheLongerSide) {
  ViewOptions view = View(Geometry::kAligned, 100);
  view.crops = Crops::kStrip;
  for (const bool wide : {true, false}) {
    const cv::Mat photo = PixelPlaces(wide ? cv::Size(303, 100) : cv::Size(100, 303));
    const auto cut = EvaluationCrops(photo, view);
    ASSERT_EQ(cut.size(), 3U);
    const int begins[] = {0, 101, 203};  // of a margin of 203
    for (std::size_t i = 0; i < 3; ++i) {
      const cv::Rect square(wide ? begins[i] : 0, wide ? 0 : begins[i], 100, 100);
      EXPECT_EQ(cv::norm(cut[i], photo(square), cv::NORM_INF), 0) << i;
    }
  }
}

TEST(Preprocess, EveryCropHasItsPartOfTheMask) {
  for (const Crops crops : {Crops::kStrip, Crops::kFive, Crops::kTen}) {
    for (const cv::Size size : {cv::Size(400, 300), cv::Size(300, 401)}) {
      const Scene scene = Gradient(size);
      ViewOptions view = View(Geometry::kAligned, 56);
      view.crops = crops;
      view.framing = {.edge = crops == Crops::kStrip ? 1 : 8.0 / 7, .bicubic = false, .half_to_even = true};
      const Example example = MakeExample(scene.photo, scene.mask, view);
      EXPECT_EQ(example.pixels.sizes(), (std::vector<std::int64_t>{CountOf(crops), 3, 56, 56}));
      EXPECT_EQ(example.mask.sizes(), (std::vector<std::int64_t>{CountOf(crops), 56, 56}));
      const auto seen = example.pixels.select(1, 0) - example.mask.to(torch::kFloat32);
      EXPECT_LE(seen.abs().max().item<double>(), 2.0) << size;
      // As the single crops: the same pixels, in the same order.
      const auto cut = EvaluationCrops(scene.photo, view);
      for (std::size_t i = 0; i < cut.size(); ++i) {
        EXPECT_TRUE(torch::equal(example.pixels[static_cast<std::int64_t>(i)], ToTensor(cut[i], view.normalization)));
      }
      // Training draws its own.
      Random random(1);
      EXPECT_EQ(MakeExample(scene.photo, scene.mask, view, {}, &random).pixels.dim(), 3);
    }
  }
}

// torchvision: an edge of 256 for a square of 224, whose place is rounded half to even.
TEST(Preprocess, AFramingMayLeaveAMargin) {
  const Framing framing{.edge = 8.0 / 7, .bicubic = false, .half_to_even = true};
  for (const cv::Size size : {cv::Size(400, 300), cv::Size(300, 401), cv::Size(256, 256), cv::Size(1000, 90)}) {
    const Scene scene = Gradient(size);
    ViewOptions view = View(Geometry::kAligned, 56);
    view.framing = framing;
    const Example example = MakeExample(scene.photo, scene.mask, view);
    EXPECT_LE(Misalignment(example), 2.0) << size;
    view.mask_size = 112;
    EXPECT_EQ(MakeExample(scene.photo, scene.mask, view).mask.sizes(), (std::vector<std::int64_t>{112, 112}));
  }
  // Of 259 columns the 224 from 18 on: half of 35 is 17.5.
  const cv::Mat photo = Gradient({259, 256}).photo;
  EXPECT_EQ(cv::norm(EvaluationCrop(photo, 224, Geometry::kAligned, framing), photo(cv::Rect(18, 16, 224, 224)),
                     cv::NORM_INF),
            0);
  EXPECT_EQ(cv::norm(EvaluationCrop(photo, 224, Geometry::kAligned, {.edge = 8.0 / 7}),
                     photo(cv::Rect(17, 16, 224, 224)), cv::NORM_INF),
            0);
}

TEST(Preprocess, MaskMayBeOfAnotherResolutionThanTheInput) {
  const Scene scene = Gradient({400, 300});
  const cv::Mat fine = EvaluationMask(scene.mask, 128, Geometry::kAligned);
  const cv::Mat coarse = EvaluationMask(scene.mask, 64, Geometry::kAligned);
  for (int x = 0; x < 64; ++x) EXPECT_NEAR(fine.at<std::uint8_t>(0, 2 * x), coarse.at<std::uint8_t>(0, x), 1);
}

TEST(Preprocess, OneToOneMaskIsTheMask) {
  cv::Mat mask(64, 64, CV_8UC1);
  cv::theRNG().state = 1;
  cv::randu(mask, 0, 150);
  for (const auto geometry : {Geometry::kAligned, Geometry::kSquash, Geometry::kReleased}) {
    EXPECT_EQ(cv::norm(mask, EvaluationMask(mask, 64, geometry), cv::NORM_INF), 0);
  }
}

TEST(Preprocess, MasksGetNoNewClasses) {
  cv::Mat mask(211, 305, CV_8UC1);
  cv::theRNG().state = 1;
  cv::randu(mask, 0, 2);
  mask *= 100;  // 0 or 100: anything between would be interpolated
  const cv::Mat photo(mask.size(), CV_8UC3, cv::Scalar(1, 2, 3));
  for (const auto geometry : {Geometry::kAligned, Geometry::kSquash, Geometry::kReleased}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Random random(seed);
      const auto labels = MakeExample(photo, mask, View(geometry, 63), {}, seed == 0 ? nullptr : &random).mask;
      EXPECT_TRUE(((labels == 0) | (labels == 100)).all().item<bool>());
    }
  }
}

// The released code's masks: grey photos, whose edges get values between the classes.
TEST(Preprocess, InterpolatedMasksAreGreyPhotos) {
  cv::Mat mask(60, 80, CV_8UC1, cv::Scalar(0));
  mask.colRange(40, 80) = 100;
  EXPECT_EQ(cv::norm(EvaluationMask(mask, 32, Geometry::kReleased, true), Resize(mask, {32, 32}, Filter::kBilinear),
                     cv::NORM_INF),
            0);
  // The window of the crop, not of the whole.
  const cv::Mat cut = EvaluationMask(mask, 30, Geometry::kAligned, true);
  EXPECT_EQ(cv::norm(cut, Resize(mask, {40, 30}, Filter::kBilinear)(cv::Rect(5, 0, 30, 30)), cv::NORM_INF), 0);
  const cv::Mat photo(mask.size(), CV_8UC3, cv::Scalar(1, 2, 3));
  ViewOptions view = View(Geometry::kReleased, 33);
  view.interpolate_masks = true;
  bool between = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const auto labels = MakeExample(photo, mask, view, {}, seed == 0 ? nullptr : &random).mask;
    EXPECT_LE(labels.max().item<int>(), 100);
    between |= ((labels != 0) & (labels != 100)).any().item<bool>();
  }
  EXPECT_TRUE(between);
}

TEST(Preprocess, CropsAreResampledByTheFilterAskedFor) {
  cv::Mat photo(70, 90, CV_8UC3);
  cv::theRNG().state = 1;
  cv::randu(photo, 0, 256);
  AugmentOptions augment;
  augment.flip = augment.color_jitter = augment.greyscale = augment.blur = 0;
  augment.crop_scale = {1, 1};
  augment.crop_ratio = {90.0 / 70, 90.0 / 70};
  for (const auto& [name, filter] :
       {std::pair("bicubic", Filter::kBicubic), std::pair("bilinear", Filter::kBilinear)}) {
    augment.filter = name;
    Random random(1);
    const auto pixels = MakeExample(photo, {}, View(Geometry::kAligned, 40), augment, &random).pixels;
    EXPECT_TRUE(torch::equal(pixels, ToTensor(Resize(photo, {40, 40}, filter), kPlain))) << name;
  }
}

TEST(Preprocess, AugmentationMovesPhotoAndMaskAlike) {
  AugmentOptions shapes;  // all that moves pixels, nothing that changes colours
  shapes.color_jitter = shapes.greyscale = shapes.blur = 0;
  bool flipped = false;
  std::set<int> corners;
  for (const auto geometry : {Geometry::kAligned, Geometry::kSquash, Geometry::kReleased}) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      const Scene scene = Gradient({320, 240});
      Random random(seed);
      const Example example = MakeExample(scene.photo, scene.mask, View(geometry, 64), shapes, &random);
      EXPECT_LE(Misalignment(example), 2.0) << seed;
      flipped |= example.mask[0][0].item<int>() > example.mask[0][63].item<int>();
      corners.insert(example.mask[0][0].item<int>());
    }
  }
  EXPECT_TRUE(flipped);
  EXPECT_GT(corners.size(), 10U);
}

TEST(Preprocess, AugmentationDependsOnItsSeedAlone) {
  const Scene scene = Gradient({320, 240});
  const auto make = [&](std::uint64_t seed) {
    Random random(seed);
    return MakeExample(scene.photo, scene.mask, View(Geometry::kAligned, 64), {}, &random);
  };
  EXPECT_TRUE(torch::equal(make(5).pixels, make(5).pixels));
  EXPECT_TRUE(torch::equal(make(5).mask, make(5).mask));
  EXPECT_FALSE(torch::equal(make(5).pixels, make(6).pixels));
  AugmentOptions off;
  off.enabled = false;
  Random random(5);
  EXPECT_TRUE(torch::equal(MakeExample(scene.photo, scene.mask, View(Geometry::kAligned, 64), off, &random).pixels,
                           MakeExample(scene.photo, scene.mask, View(Geometry::kAligned, 64)).pixels));
}

TEST(Preprocess, Normalises) {
  const cv::Mat photo(2, 3, CV_8UC3, cv::Scalar(255, 0, 128));
  const auto pixels = ToTensor(photo, kClipNormalization);
  EXPECT_NEAR(pixels[0][1][2].item<float>(), (1 - .48145466) / .26862954, 1e-6);
  EXPECT_NEAR(pixels[1][0][0].item<float>(), -.4578275 / .26130258, 1e-6);
  EXPECT_NEAR(pixels[2][1][1].item<float>(), (128.0 / 255 - .40821073) / .27577711, 1e-6);
}

TEST(Preprocess, BytesAreNormalisedLater) {
  Random random(3);
  cv::Mat photos(24, 6, CV_8UC3);  // four of six rows
  for (int i = 0; i < 24 * 6 * 3; ++i) photos.data[i] = static_cast<std::uint8_t>(random.Below(256));
  const auto bytes = ToByteTensors(photos, 4);
  EXPECT_EQ(bytes.scalar_type(), torch::kUInt8);
  EXPECT_EQ(bytes[2][1][3][5].item<int>(), photos.at<cv::Vec3b>(2 * 6 + 3, 5)[1]);
  const auto whole = ToTensors(photos, 4, kClipNormalization);
  EXPECT_LE((NormalisePixels(bytes, kClipNormalization) - whole).abs().max().item<float>(), 1e-6);
  ViewOptions view;
  view.image_size = 8;
  view.mask_size = 8;
  view.crops = Crops::kTen;
  const auto numbers = MakeExample(photos, {}, view).pixels;
  view.as_bytes = true;
  const auto ten = MakeExample(photos, {}, view).pixels;
  EXPECT_EQ(ten.sizes(), (std::vector<std::int64_t>{10, 3, 8, 8}));
  EXPECT_LE((NormalisePixels(ten, kClipNormalization) - numbers).abs().max().item<float>(), 1e-6);
}

TEST(Preprocess, TrainingPhotosAreShrunkButNeverBelowTwiceTheInput) {
  const Scene scene = Gradient({700, 500});
  ViewOptions view = View(Geometry::kAligned, 64);
  view.mask_size = 200;
  const Prepared prepared = Prepare(scene.photo, scene.mask, view, true);
  EXPECT_EQ(prepared.photo.size(), cv::Size(233, 166));
  EXPECT_EQ(prepared.mask.size(), cv::Size(700, 500));
  EXPECT_EQ(prepared.photo_size, cv::Size(700, 500));
  view.mask_size = 64;
  EXPECT_EQ(Prepare(scene.photo, scene.mask, view, true).mask.size(), cv::Size(233, 166));
  EXPECT_EQ(Prepare(scene.photo, scene.mask, view, false).mask.size(), cv::Size(64, 64));
}

TEST(Preprocess, WithoutMask) {
  const cv::Mat photo(20, 30, CV_8UC3, cv::Scalar(1, 2, 3));
  EXPECT_FALSE(MakeExample(photo, {}, View(Geometry::kAligned, 16)).mask.defined());
}

}  // namespace
}  // namespace dualgeo
