// Each feature on pictures whose answer is known.
#include "model/classical_features.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/image_encoder.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "model/classical_blocks.h"
#include "tests/model/support.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

torch::Tensor PlainPhoto(double red, double green, double blue, std::int64_t size = 128) {
  const auto color = torch::tensor({static_cast<float>(red), static_cast<float>(green), static_cast<float>(blue)});
  return color.view({1, 3, 1, 1}).expand({1, 3, size, size}).contiguous();
}

// Grey waves of so many pixels' length along a direction.
torch::Tensor Waves(double wavelength, double degrees, std::int64_t size = 128) {
  const double angle = degrees * std::numbers::pi / 180;
  const auto x = torch::arange(size, torch::kFloat32).view({1, -1}),
             y = torch::arange(size, torch::kFloat32).view({-1, 1});
  const auto wave =
      0.5 + 0.4 * torch::sin(2 * std::numbers::pi / wavelength * (x * std::cos(angle) + y * std::sin(angle)));
  return wave.view({1, 1, size, size}).expand({1, 3, size, size}).contiguous();
}

TEST(TinyImage, IsTheMeanOfEachCell) {
  auto photo = PlainPhoto(0, 0.5, 1);
  photo.select(1, 0).slice(1, 0, 8).slice(2, 0, 4).fill_(1);  // half of the first cell of 8 x 8
  const auto tiny = TinyImage(photo)[0];
  ASSERT_EQ(tiny.numel(), 768);
  EXPECT_NEAR(tiny[0].item<float>(), 0.5, 1e-6);
  EXPECT_NEAR(tiny[1].item<float>(), 0, 1e-6);
  EXPECT_NEAR(tiny[256].item<float>(), 0.5, 1e-6);
  EXPECT_NEAR(tiny[767].item<float>(), 1, 1e-6);
}

// CIE's values of the corners of sRGB (D65).
TEST(ColorHistogram, IsOfLab) {
  const std::vector<std::pair<std::vector<double>, std::vector<double>>> known = {{{1, 1, 1}, {100, 0, 0}},
                                                                                  {{0, 0, 0}, {0, 0, 0}},
                                                                                  {{1, 0, 0}, {53.24, 80.09, 67.20}},
                                                                                  {{0, 1, 0}, {87.73, -86.18, 83.18}},
                                                                                  {{0, 0, 1}, {32.30, 79.19, -107.86}}};
  for (const auto& [rgb, lab] : known) {
    const auto seen = InLab(PlainPhoto(rgb[0], rgb[1], rgb[2]))[0];
    for (std::int64_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(seen[i][5][7].item<float>(), lab[static_cast<std::size_t>(i)], 0.05) << i;
    }
  }
  // Red: lightness 53 of bins of 25, a 80 and b 67 of bins of 220 / 14 from -110 on.
  auto photo = PlainPhoto(1, 0, 0);
  auto histogram = ColorHistogram(InLab(photo))[0];
  EXPECT_EQ(histogram.numel(), 784);
  EXPECT_NEAR(histogram[(2 * 14 + 12) * 14 + 11].item<float>(), 1, 1e-6);
  photo.slice(2, 0, 32).fill_(0);  // a quarter black: a and b are 0
  histogram = ColorHistogram(InLab(photo))[0];
  EXPECT_NEAR(histogram[(0 * 14 + 7) * 14 + 7].item<float>(), 0.25, 1e-6);
  EXPECT_NEAR(histogram.sum().item<float>(), 1, 1e-6);
}

// Waves of 8 pixels are of 4 at half the size: the first scale; of 16 the second, and so on. Their direction is the
// filter's.
TEST(Gist, KnowsScaleAndOrientation) {
  for (int scale = 0; scale < 3; ++scale) {
    for (int orientation = 0; orientation < 6; ++orientation) {
      const auto lab = InLab(Waves(8 << scale, 30.0 * orientation, 256));
      const auto gist = Gist(FilterResponses(lab))[0];
      ASSERT_EQ(gist.numel(), 600);
      const auto energies = gist.view({4, 6, 25}).select(2, 12);  // of the middle cell
      EXPECT_EQ(energies.flatten().argmax().item<std::int64_t>(), 6 * scale + orientation);
    }
  }
  EXPECT_LT(Gist(FilterResponses(InLab(PlainPhoto(0.3, 0.6, 0.9)))).abs().max().item<float>(), 1e-5);
  const auto colors = GistColors(InLab(PlainPhoto(1, 1, 1)))[0];
  EXPECT_NEAR(colors[24].item<float>(), 1, 1e-3);
  EXPECT_NEAR(colors[25].item<float>(), 0, 1e-3);
}

TEST(Textons, AreTheCentresOfWhatTheyLearn) {
  // Three heaps of samples.
  auto samples = torch::zeros({300, 24});
  samples.slice(0, 100, 200).select(1, 3).fill_(5);
  samples.slice(0, 200, 300).select(1, 7).fill_(-5);
  samples += 0.01 * torch::randn({300, 24});
  torch::Tensor best;
  // Centres begin at drawn samples, so that two may begin in one heap; of some seeds they do not.
  for (std::uint64_t seed = 0; seed < 20 && !best.defined(); ++seed) {
    const auto centers = LearnTextons(samples, 3, seed);
    EXPECT_TRUE(torch::equal(centers, LearnTextons(samples, 3, seed)));
    if (torch::cdist(centers, centers).add(torch::eye(3) * 9).min().item<float>() > 4) best = centers;
  }
  ASSERT_TRUE(best.defined());
  EXPECT_NEAR(best.select(1, 3).max().item<float>(), 5, 0.05);
  EXPECT_NEAR(best.select(1, 7).min().item<float>(), -5, 0.05);
  EXPECT_THROW(LearnTextons(samples, 301, 0), InputError);
}

TEST(Textons, TellTexturesApart) {
  const auto responses = [](const torch::Tensor& photo) { return TextonResponses(FilterResponses(InLab(photo))); };
  const auto upright = responses(Waves(8, 0)), level = responses(Waves(8, 90)),
             plain = responses(PlainPhoto(0.5, 0.5, 0.5));
  const auto at = [](const torch::Tensor& one) { return one[0].select(1, 30).select(1, 30); };
  const auto textons = torch::stack({at(upright), at(level), at(plain)});
  const auto flat = TextonHistogram(plain, textons)[0];
  EXPECT_NEAR(flat[2].item<float>(), 1, 1e-6);
  EXPECT_GT(TextonHistogram(upright, textons)[0][0].item<float>(),
            TextonHistogram(upright, textons)[0][1].item<float>());
  EXPECT_GT(TextonHistogram(level, textons)[0][1].item<float>(), TextonHistogram(level, textons)[0][0].item<float>());
  EXPECT_NEAR(TextonHistogram(level, textons).sum().item<float>(), 1, 1e-5);
}

// Bars on black.
TEST(LineSegments, LieWhereTheEdgesAre) {
  constexpr int kSide = 128;
  std::vector<float> picture(kSide * kSide, 0);
  for (int y = 20; y < 100; ++y) {
    for (int x = 40; x < 60; ++x) picture[static_cast<std::size_t>(y * kSide + x)] = 1;
  }
  const auto segments = FindLineSegments(picture, kSide);
  int upright = 0, level = 0;
  for (const auto& segment : segments) {
    if (std::abs(segment.angle - 90) < 3) {
      ++upright;
      EXPECT_NEAR(segment.length, 80, 4);
      EXPECT_NEAR(segment.y, 60, 2);
      EXPECT_TRUE(std::abs(segment.x - 40) < 1.5 || std::abs(segment.x - 60) < 1.5) << segment.x;
    } else if (segment.angle < 3 || segment.angle > 177) {
      ++level;
      EXPECT_NEAR(segment.length, 20, 4);
    } else {
      ADD_FAILURE() << segment.angle;
    }
  }
  EXPECT_EQ(upright, 2);
  EXPECT_EQ(level, 2);
  const auto angles = LineAngles(segments);
  EXPECT_NEAR(angles[8].item<float>() + angles[9].item<float>(), 0.8, 0.05);
  EXPECT_NEAR(angles[0].item<float>() + angles[17].item<float>(), 0.2, 0.05);
  // 80 of 128 pixels are 160 of 256: past the last bin; 20 are 40: 2.3 octaves above 8.
  const auto lengths = LineLengths(segments, kSide);
  EXPECT_NEAR(lengths[7].item<float>(), 0.5, 1e-6);
  EXPECT_NEAR(lengths[4].item<float>(), 0.5, 1e-6);
}

TEST(LineSegments, ASlantedEdgeHasItsAngle) {
  constexpr int kSide = 128;
  for (const double degrees : {30.0, 120.0}) {
    std::vector<float> picture(kSide * kSide);
    const double angle = degrees * std::numbers::pi / 180;
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const double across = (y - 64) * std::cos(angle) - (x - 64) * std::sin(angle);
        picture[static_cast<std::size_t>(y * kSide + x)] = static_cast<float>(std::clamp(across + 0.5, 0.0, 1.0));
      }
    }
    const auto segments = FindLineSegments(picture, kSide);
    ASSERT_FALSE(segments.empty());
    EXPECT_NEAR(segments.front().angle, degrees, 2);
  }
  EXPECT_TRUE(FindLineSegments(std::vector<float>(kSide * kSide, 0.5F), kSide).empty());
  EXPECT_EQ(LineAngles({}).sum().item<float>(), 0);
}

// Sky above, a tree on the left and road on the right below.
TEST(Layout, IsTheShareOfEachGroup) {
  auto mask = torch::full({1, 64, 64}, 2, torch::kUInt8);
  mask[0].slice(0, 32).fill_(6);
  mask[0].slice(0, 32).slice(1, 0, 32).fill_(4);
  mask[0].slice(0, 60).slice(1, 60).fill_(255);  // a quarter of the last cell is no class
  const auto layout = Layout(mask)[0].view({4, 8, 8});
  EXPECT_EQ(layout[2][0][0].item<float>(), 1);
  EXPECT_EQ(layout[3][7][0].item<float>(), 1);
  EXPECT_EQ(layout[0][4][7].item<float>(), 1);
  EXPECT_EQ(layout[0][7][7].item<float>(), 0.75);
  EXPECT_EQ(layout[1].sum().item<float>(), 0);
  mask.fill_(1);
  EXPECT_EQ(Layout(mask)[0].view({4, 8, 8})[1].min().item<float>(), 1);
}

ImageEncoderOptions Classical() {
  ImageEncoderOptions options;
  options.type = "classical";
  options.image_size = 128;
  return options;
}

TEST(ClassicalEncoder, PutsTheBlocksOneBehindTheOther) {
  torch::NoGradGuard no_grad;
  const auto encoder = MakeImageEncoder(Classical(), static_cast<int>(ClassicalSize()));
  EXPECT_TRUE(ImageEncoderInput(Classical()).wants_mask);
  const auto photos = torch::cat({Waves(8, 0), PlainPhoto(1, 0, 0), Waves(16, 90)});
  const auto mask = torch::full({3, 128, 128}, 6, torch::kUInt8);
  int given = 0;
  encoder->Learn(
      [&]() -> std::optional<ImageInput> {
        if (given++ > 0) return std::nullopt;
        return ImageInput(photos, mask);
      },
      1);
  const auto vectors = encoder->Forward({photos, mask});
  ASSERT_EQ(vectors.sizes(), (std::vector<std::int64_t>{3, ClassicalSize()}));
  EXPECT_LT(MaxDifference(vectors.slice(1, 0, 768), TinyImage(photos)), 1e-6);
  EXPECT_LT(MaxDifference(vectors.slice(1, 768, 768 + 784), ColorHistogram(InLab(photos))), 1e-6);
  const auto textons = vectors.slice(1, 1552, 1552 + 512);
  EXPECT_LT(MaxDifference(textons.sum(1), torch::ones({3})), 1e-5);
  EXPECT_LT(MaxDifference(vectors.slice(1, ClassicalSize() - 256), Layout(mask)), 1e-6);
  EXPECT_LT(MaxDifference(vectors[1], encoder->Forward({photos.slice(0, 1, 2), mask.slice(0, 1, 2)})[0]), 1e-5);
  EXPECT_THROW(encoder->Forward(photos), c10::Error);

  const TemporaryFolder folder;
  WriteSafetensors(folder / "textons.safetensors", {{"textons", encoder->network()->named_parameters()["textons"]}});
  const auto other = MakeImageEncoder(Classical(), static_cast<int>(ClassicalSize()));
  other->Load(folder / "textons.safetensors");
  EXPECT_EQ(MaxDifference(other->Forward({photos, mask}), vectors), 0);
}

TEST(ClassicalEncoder, MistakesAreOneLine) {
  const auto refusal = [](const std::function<void()>& action) -> std::string {
    try {
      action();
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  ModelOptions model;
  model.image_encoder = Classical();
  EXPECT_THAT(refusal([&] { model.Validate(); }),
              ::testing::HasSubstr("it goes with model.heads [], views image and embed_dim 3021, not with heads "
                                   "[contrastive_gps], views both and embed_dim 768"));
  model.heads = {};
  model.views = "image";
  model.embed_dim = static_cast<int>(ClassicalSize());
  model.Validate();
  EXPECT_TRUE(WantsMasks(model));
  auto options = Classical();
  options.image_size = 100;
  EXPECT_THAT(refusal([&] { ImageEncoderInput(options); }), ::testing::HasSubstr("multiples of 16 from 128 on"));
  EXPECT_THAT(refusal([&] { MakeImageEncoder(Classical(), 768); }), ::testing::HasSubstr("have 3021 values"));
  model.image_encoder.type = "vit";
  EXPECT_THAT(refusal([&] { model.Validate(); }), ::testing::HasSubstr("model.heads: the list is empty"));
}

}  // namespace
}  // namespace dualgeo
