#include "model/loss.h"

#include "io/safetensors.h"
#include "tests/model/support.h"

namespace dualgeo {
namespace {

TEST(DualViewLoss, GivesTheOriginalsValues) {
  const SafetensorsFile golden(Golden("dual_view_loss"));
  const auto scale = golden.Get("logit_scale_log");
  // The file holds the heads' outputs before normalisation.
  const auto unit = [&](const char* name) {
    return torch::nn::functional::normalize(golden.Get(name), torch::nn::functional::NormalizeFuncOptions().dim(-1));
  };
  const auto terms =
      DualViewLoss(unit("image_proj"), unit("segmentation_proj"), unit("gps_proj"), scale, scale, LossOptions{});
  EXPECT_NEAR(terms.image_gps.item<double>(), golden.Get("loss_image_gps").item<double>(), 1e-6);
  EXPECT_NEAR(terms.segmentation_gps.item<double>(), golden.Get("loss_segmentation_gps").item<double>(), 1e-6);
  EXPECT_NEAR(terms.total.item<double>(), golden.Get("loss").item<double>(), 1e-6);
}

TEST(DualViewLoss, GradientsAreRight) {
  torch::manual_seed(1);
  const auto unit = [] {
    return torch::nn::functional::normalize(torch::randn({4, 3}, torch::kFloat64),
                                            torch::nn::functional::NormalizeFuncOptions().dim(-1));
  };
  auto image = unit(), segmentation = unit(), gps = unit();
  auto scale_image = torch::tensor(1.3, torch::kFloat64), scale_segmentation = torch::tensor(2.1, torch::kFloat64);
  LossOptions options;
  options.image_gps = 0.7;
  options.segmentation_gps = 1.9;
  ExpectGradients(
      [&] { return DualViewLoss(image, segmentation, gps, scale_image, scale_segmentation, options).total; },
      {{"image", image},
       {"segmentation", segmentation},
       {"gps", gps},
       {"scale_image", scale_image},
       {"scale_segmentation", scale_segmentation}});
}

TEST(DualViewLoss, WeightsAndViewsSelectTheTerms) {
  torch::manual_seed(1);
  const auto a = torch::randn({4, 3}), b = torch::randn({4, 3}), gps = torch::randn({4, 3});
  const auto scale = torch::tensor(0.0f);
  LossOptions options;
  options.image_gps = 2;
  options.segmentation_gps = 3;
  const auto both = DualViewLoss(a, b, gps, scale, scale, options);
  EXPECT_NEAR(both.total.item<float>(), 2 * both.image_gps.item<float>() + 3 * both.segmentation_gps.item<float>(),
              1e-5);
  const auto image = DualViewLoss(a, {}, gps, scale, {}, options);
  EXPECT_FALSE(image.segmentation_gps.defined());
  EXPECT_NEAR(image.total.item<float>(), 2 * both.image_gps.item<float>(), 1e-6);
  options.image_gps = 0;
  EXPECT_FALSE(DualViewLoss(a, b, gps, scale, scale, options).image_gps.defined());
}

// By hand: cosines 0.6 and 0.8 of the batch, 0 and 1 of the further places, factor e^0.
TEST(InfoNce, FindsItsOwnAmongBatchAndFurtherPlaces) {
  const auto a = torch::tensor({{1.0, 0.0}, {0.0, 1.0}}, torch::kFloat64);
  const auto b = torch::tensor({{0.6, 0.8}, {0.8, 0.6}}, torch::kFloat64);
  const auto further = torch::tensor({{0.0, 1.0}}, torch::kFloat64);
  const auto scale = torch::tensor(0.0, torch::kFloat64);
  const auto e = [](double x) { return std::exp(x); };
  const double alone = std::log(e(0.6) + e(0.8)) - 0.6;  // the same for both rows
  EXPECT_NEAR(InfoNce(a, b, scale).item<double>(), alone, 1e-12);
  const double first = std::log(e(0.6) + e(0.8) + e(0.0)) - 0.6, second = std::log(e(0.8) + e(0.6) + e(1.0)) - 0.6;
  EXPECT_NEAR(InfoNce(a, b, scale, further).item<double>(), (first + second) / 2, 1e-12);

  LossOptions options;
  const auto loss = [&](const torch::Tensor& negatives) {
    return DualViewLoss(a, {}, b, scale, {}, options, negatives).total.item<double>();
  };
  EXPECT_NEAR(loss({}), alone, 1e-12);  // symmetric, and so are the numbers
  EXPECT_NEAR(loss(further), ((first + second) / 2 + alone) / 2, 1e-12);
  options.direction = "image_to_gps";
  options.image_gps = 3;
  EXPECT_NEAR(loss({}), 3 * alone, 1e-12);
  EXPECT_NEAR(loss(further), 3 * (first + second) / 2, 1e-12);
}

TEST(InfoNce, GradientsAreRight) {
  torch::manual_seed(1);
  const auto unit = [](int rows) {
    return torch::nn::functional::normalize(torch::randn({rows, 3}, torch::kFloat64),
                                            torch::nn::functional::NormalizeFuncOptions().dim(-1));
  };
  auto image = unit(4), gps = unit(4), further = unit(5);
  auto scale = torch::tensor(1.3, torch::kFloat64);
  for (const char* direction : {"image_to_gps", "both"}) {
    LossOptions options;
    options.direction = direction;
    ExpectGradients([&] { return DualViewLoss(image, {}, gps, scale, {}, options, further).total; },
                    {{"image", image}, {"gps", gps}, {"further", further}, {"scale", scale}});
  }
}

TEST(SymmetricInfoNce, OfOnePairIsZeroAndOfEqualPairsIsTheLogarithm) {
  const auto one = torch::ones({1, 4}) / 2;
  EXPECT_NEAR(SymmetricInfoNce(one, one, torch::tensor(3.99f)).item<double>(), 0, 1e-7);
  const auto equal = torch::ones({8, 4}) / 2;
  EXPECT_NEAR(SymmetricInfoNce(equal, equal, torch::tensor(3.99f)).item<double>(), std::log(8.0), 1e-6);
}

}  // namespace
}  // namespace dualgeo
