#include "dualgeo/model/gps_encoder.h"

#include <numbers>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "model/gps_projection.h"
#include "tests/model/support.h"

namespace dualgeo {
namespace {

torch::Tensor Degrees(std::vector<double> values) {
  const auto rows = static_cast<std::int64_t>(values.size() / 2);
  return torch::tensor(values, torch::kFloat64).reshape({rows, 2});
}

class GpsGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(GpsGolden, GivesTheOriginalsCoordinatesAndEmbeddings) {
  torch::NoGradGuard no_grad;
  const std::string projection = GetParam();
  GpsEncoderOptions options;
  options.projection = projection;
  options.rff_size = 8;
  options.hidden = 32;
  options.embed_dim = 24;
  GpsEncoder encoder(options);
  LoadGpsEncoder(*encoder, Golden("gps_encoder_" + projection + "_weights"));
  const SafetensorsFile io(Golden("gps_encoder_" + projection + "_io"));
  const auto latlon = io.Get("latlon_deg").to(torch::kFloat64);
  // The file keeps coordinates as float32: half a unit in the last place is 6e-8.
  EXPECT_LT(MaxDifference(ProjectGps(projection, latlon), io.Get("projected")), 1.3e-7);
  const double difference = MaxDifference(encoder->Forward(latlon), io.Get("gps_embeds"));
  RecordProperty("max_difference", std::to_string(1e6 * difference) + "e-6");
  EXPECT_LT(difference, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Projections, GpsGolden, ::testing::Values("mercator", "equal_earth"),
                         [](const auto& test) { return std::string(test.param); });

// The features are right to float32's last place at any sigma, since phases are double. In float32 arithmetic, a phase
// of 2 pi 256 * 3 sigma-ish = 5000 rad would carry an error of 2.4e-4 rad, and so would the features.
TEST(GpsEncoder, PhasesKeepMetresAtTheFinestScale) {
  torch::NoGradGuard no_grad;
  GpsEncoderOptions options;
  options.sigmas = {256};
  options.rff_size = 32;
  options.hidden = 64;
  options.embed_dim = 16;
  GpsEncoder in_float(options);
  {
    torch::manual_seed(1);
    in_float->Initialise();
  }
  GpsEncoder in_double(options);
  LoadStateDict(
      *in_double,
      [&] {
        TensorMap state;
        for (const auto& [name, tensor] : StateDict(*in_float)) state[name] = tensor;
        return state;
      }(),
      "copy");
  in_double->to(torch::kFloat64);
  torch::manual_seed(2);
  const auto latlon = (torch::rand({500, 2}, torch::kFloat64) - 0.5) * torch::tensor({160.0, 360.0}, torch::kFloat64);
  EXPECT_LT(MaxDifference(in_float->Forward(latlon), in_double->Forward(latlon)), 1e-6);
  // One metre north moves the embedding visibly.
  const auto moved = latlon + torch::tensor({1.0 / 111194.9, 0.0}, torch::kFloat64);
  EXPECT_GT((in_float->Forward(moved) - in_float->Forward(latlon)).norm(2, 1).min().item<double>(), 1e-6);
}

// The bound that gps_encoder.h states, at the paper's sizes: single precision all through, as in Python, is another
// embedding; ours is that of double.
TEST(GpsEncoder, StaysWithinItsBoundAtThePapersSizes) {
  torch::NoGradGuard no_grad;
  torch::set_num_threads(1);
  GpsEncoder ours{GpsEncoderOptions()};
  torch::manual_seed(1);
  ours->Initialise();
  GpsEncoder in_double{GpsEncoderOptions()};
  TensorMap state;
  for (const auto& [name, tensor] : StateDict(*ours)) state[name] = tensor;
  LoadStateDict(*in_double, state, "copy");
  in_double->to(torch::kFloat64);
  const auto latlon = (torch::rand({300, 2}, torch::kFloat64) - 0.5) * torch::tensor({170.0, 360.0}, torch::kFloat64);
  const auto expected = in_double->Forward(latlon);
  EXPECT_LT(MaxDifference(ours->Forward(latlon), expected), 1e-5);

  const auto position = ProjectGps("mercator", latlon);
  const auto frequencies = state.at("LocEnc2.capsule.0.b");
  const auto phase = 2 * std::numbers::pi * torch::matmul(position, frequencies.to(torch::kFloat64).t());
  const auto single = 2 * std::numbers::pi * torch::matmul(position.to(torch::kFloat32), frequencies.t());
  EXPECT_GT(phase.abs().max().item<double>(), 4000);
  EXPECT_GT(MaxDifference(single, phase), 1e-4);
  EXPECT_LT(MaxDifference(single, phase), 1.2e-3);
  // 7 decimals of a degree are enough, 5 are not.
  const auto rounded = [&](double decimals) { return torch::round(latlon * decimals) / decimals; };
  EXPECT_LT(MaxDifference(in_double->Forward(rounded(1e7)), expected), 1e-5);
  EXPECT_GT(MaxDifference(in_double->Forward(rounded(1e5)), expected), 1e-5);
}

TEST(GpsProjection, MercatorIsEpsg3857AndEndsAtItsSquare) {
  // Berlin in EPSG:3857 is x 1492273.6, y 6894701.7 (within a metre).
  const auto berlin = ProjectGps("mercator", Degrees({52.520008, 13.404954}));
  EXPECT_NEAR(berlin[0][0].item<double>() * 20037508.3427892, 6894701.0, 2.0);
  EXPECT_NEAR(berlin[0][1].item<double>() * 20037508.3427892, 1492232.65, 2.0);
  const auto ends = ProjectGps("mercator", Degrees({90, 180, -90, -180, kMercatorLimitDegrees, 0, 89, 0}));
  EXPECT_NEAR(ends[0][0].item<double>(), 1.0, 1e-9);
  EXPECT_NEAR(ends[1][0].item<double>(), -1.0, 1e-9);
  EXPECT_EQ(ends[0][0].item<double>(), ends[2][0].item<double>());
  EXPECT_EQ(ends[0][0].item<double>(), ends[3][0].item<double>());
  EXPECT_EQ(ends[0][1].item<double>(), 1.0);
}

TEST(GpsProjection, EveryOneIsFiniteAndBoundedOnTheWholeEarth) {
  std::vector<double> values;
  for (int lat = -90; lat <= 90; lat += 5) {
    for (int lon = -180; lon <= 180; lon += 10) values.insert(values.end(), {double(lat), double(lon)});
  }
  const auto latlon = Degrees(values);
  for (const std::string name : {DUALGEO_GPS_PROJECTIONS(DUALGEO_KIND_NAME)}) {
    const auto projected = ProjectGps(name, latlon);
    EXPECT_EQ(projected.size(1), GpsProjectionDimensions(name)) << name;
    EXPECT_EQ(projected.scalar_type(), torch::kFloat64);
    EXPECT_TRUE(torch::isfinite(projected).all().item<bool>()) << name;
    EXPECT_LE(projected.abs().max().item<double>(), 1.01) << name;
  }
}

TEST(GpsProjection, EcefHasNoSeamAndOnePole) {
  const auto seam = ProjectGps("ecef", Degrees({10, 180, 10, -180, 90, 0, 90, 77}));
  EXPECT_LT(MaxDifference(seam[0], seam[1]), 1e-15);
  EXPECT_LT(MaxDifference(seam[2], seam[3]), 1e-15);
  EXPECT_LT(MaxDifference(seam.norm(2, 1), torch::ones({4})), 1e-15);
}

TEST(GpsEncoder, BeyondMercatorCanBeAnError) {
  GpsEncoderOptions options;
  options.rff_size = 4;
  options.hidden = 8;
  options.embed_dim = 4;
  options.beyond_mercator = "error";
  GpsEncoder encoder(options);
  torch::manual_seed(0);
  encoder->Initialise();
  EXPECT_NO_THROW(encoder->Forward(Degrees({85, 0})));
  try {
    encoder->Forward(Degrees({10, 0, -86.5, 0}));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("latitude -86.5 is beyond"), std::string::npos) << error.what();
  }
}

TEST(GpsEncoder, FrequenciesAreFixedAndHaveTheirSigma) {
  GpsEncoderOptions options;
  GpsEncoder encoder(options);
  torch::manual_seed(0);
  encoder->Initialise();
  const double sigmas[] = {1, 16, 256};
  for (int i = 0; i < 3; ++i) {
    const auto b = encoder->named_buffers()["LocEnc" + std::to_string(i) + ".capsule.0.b"];
    EXPECT_NEAR(b.std().item<double>() / sigmas[i], 1.0, 0.12);
  }
  EXPECT_EQ(encoder->named_parameters().size(), 3u * 8u);
  EXPECT_THROW(GpsProjectionDimensions("peters"), InputError);
}

}  // namespace
}  // namespace dualgeo
