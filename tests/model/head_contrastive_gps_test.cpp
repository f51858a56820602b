#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>

#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "model/loss.h"
#include "tests/model/support.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

class ContrastiveGpsHead : public ::testing::Test {
 protected:
  static ModelOptions Options() {
    ModelOptions options = SmallPhotoModel();
    options.gps_encoder.sigmas = {1};
    options.gps_encoder.rff_size = options.gps_encoder.hidden = options.gps_encoder.embed_dim = 8;
    return options;
  }
  static LossOptions Queued(int queue) {
    LossOptions loss;
    loss.direction = "image_to_gps";
    loss.queue = queue;
    return loss;
  }
  static ViewFeatures Features(const torch::Tensor& vectors) { return {vectors, {}, vectors, {}}; }
  static torch::Tensor QueueOf(DualGeoModel& model) { return model->named_buffers()["gps_queue"]; }
};

const torch::Tensor kFourPlaces =
    torch::tensor({{48.86, 2.35}, {40.7, -74.0}, {-33.9, 151.2}, {-89.0, 0.0}}, torch::kFloat64);

torch::Tensor OfLengthOne(const torch::Tensor& rows) {
  return torch::nn::functional::normalize(rows, torch::nn::functional::NormalizeFuncOptions().dim(1));
}

// The released encoder and image head over four steps of the original's training loop.
TEST_F(ContrastiveGpsHead, LossesAndGradientsAreGeoClips) {
  SHARED_PATH_OR_SKIP(fixture, "fixtures/geoclip_queue_loss.safetensors");
  SHARED_PATH_OR_SKIP(weights, "data/weights");
  const SafetensorsFile golden(fixture);
  GpsEncoderOptions gps_options;
  gps_options.projection = "equal_earth";
  GpsEncoder encoder(gps_options);
  LoadGpsEncoder(*encoder, weights / "geoclip_location_encoder_weights.pth");
  encoder->to(torch::kFloat64);
  const TensorMap mlp = ReadWeights(weights / "geoclip_image_encoder_mlp_weights.pth");
  const auto layer = [&](const torch::Tensor& x, const std::string& name) {
    return torch::linear(x, mlp.at(name + ".weight").to(torch::kFloat64), mlp.at(name + ".bias").to(torch::kFloat64));
  };
  LossOptions options;
  options.direction = "image_to_gps";
  double worst_loss = 0, worst_gradient = 0, worst_scale = 0;
  for (int step = 0; step < 4; ++step) {
    const auto get = [&](const std::string& name) { return golden.Get("s" + std::to_string(step) + "_" + name); };
    auto features = get("clip_features").to(torch::kFloat64).requires_grad_(true);
    auto log_scale = torch::tensor(std::log(1 / 0.07), torch::kFloat64).requires_grad_(true);
    const auto image = OfLengthOne(layer(torch::relu(layer(features, "0")), "2"));
    const auto gps = OfLengthOne(encoder->Forward(get("gps")));
    const auto queue = OfLengthOne(encoder->Forward(get("queue_before")));
    const auto loss = DualViewLoss(image, {}, gps, log_scale, {}, options, queue).total;
    loss.backward();
    worst_loss = std::max(worst_loss, std::abs(loss.item<double>() - get("loss").item<double>()));
    worst_gradient = std::max(worst_gradient, RelativeError(features.grad(), get("grad_features")));
    worst_scale =
        std::max(worst_scale, std::abs(log_scale.grad().item<double>() - get("grad_logit_scale").item<double>()));
  }
  std::printf("queue losses: off by %.1e; gradients by vector %.1e (relative), by logit scale %.1e\n", worst_loss,
              worst_gradient, worst_scale);
  EXPECT_LT(worst_loss, 1e-6);
  EXPECT_LT(worst_gradient, 1e-5);
  EXPECT_LT(worst_scale, 1e-5);
}

TEST_F(ContrastiveGpsHead, TheQueueIsGeoClipsToTheLastNumber) {
  SHARED_PATH_OR_SKIP(fixture, "fixtures/geoclip_queue_loss.safetensors");
  const SafetensorsFile golden(fixture);
  DualGeoModel model(Options(), Queued(24), 1);
  model->train();
  for (int step = 0; step < 4; ++step) {
    const auto get = [&](const std::string& name) { return golden.Get("s" + std::to_string(step) + "_" + name); };
    if (step == 0) {
      const torch::NoGradGuard no_grad;
      QueueOf(model).copy_(get("queue_before").t());
    }
    EXPECT_TRUE(torch::equal(QueueOf(model).t(), get("queue_before"))) << step;
    model->RunHeads(Features(torch::randn({8, 8})), {get("gps")});
    EXPECT_TRUE(torch::equal(QueueOf(model).t(), get("queue_after"))) << step;
  }
  EXPECT_EQ(model->named_buffers()["gps_queue_ptr"].item<std::int64_t>(), 8);
}

TEST_F(ContrastiveGpsHead, AQueueFillsWrapsAndIsOfTrainingAlone) {
  DualGeoModel model(Options(), Queued(8), 1);
  model->train();
  const auto run = [&](const torch::Tensor& places) {
    return model->RunHeads(Features(torch::randn({places.size(0), 8})), {places})[0];
  };
  const auto filled = [&] { return torch::isfinite(QueueOf(model)[0]).sum().item<std::int64_t>(); };
  EXPECT_EQ(filled(), 0);
  EXPECT_FALSE(Find(run(kFourPlaces), "queue").defined());  // nothing there yet
  EXPECT_EQ(filled(), 4);
  EXPECT_EQ(Find(run(kFourPlaces + 0.5), "queue").size(0), 4);
  EXPECT_EQ(Find(run(kFourPlaces + 1), "queue").size(0), 8);
  // The oldest are gone, the newest in their columns.
  EXPECT_TRUE(torch::equal(QueueOf(model).t().slice(0, 0, 4), kFourPlaces + 1));
  EXPECT_TRUE(torch::equal(QueueOf(model).t().slice(0, 4), kFourPlaces + 0.5));
  // A batch that unreadable photos made shorter: what it leaves over is taken from the front.
  run(kFourPlaces.slice(0, 0, 3) + 1.5);
  run(kFourPlaces.slice(0, 0, 3) + 2);
  EXPECT_EQ(model->named_buffers()["gps_queue_ptr"].item<std::int64_t>(), 2);
  EXPECT_TRUE(torch::equal(QueueOf(model).t()[7], kFourPlaces[0] + 2.0));
  EXPECT_TRUE(torch::equal(QueueOf(model).t()[0], kFourPlaces[1] + 2.0));

  model->eval();
  const auto before = QueueOf(model).clone();
  EXPECT_FALSE(Find(run(kFourPlaces), "queue").defined());
  EXPECT_TRUE(torch::equal(QueueOf(model), before));
}

TEST_F(ContrastiveGpsHead, WithoutAQueueTheCheckpointIsAsItWas) {
  DualGeoModel model(Options(), LossOptions{}, 1);
  for (const auto& buffer : model->named_buffers()) EXPECT_EQ(buffer.key().find("queue"), std::string::npos);
}

// As the released code starts: vectors of length 1, taken for degrees.
TEST_F(ContrastiveGpsHead, AQueueMayStartNearZero) {
  LossOptions loss = Queued(16);
  loss.queue_start = "near_zero";
  DualGeoModel a(Options(), loss, 1), b(Options(), loss, 1), c(Options(), loss, 2);
  EXPECT_LT((QueueOf(a).norm(2, 0) - 1).abs().max().item<double>(), 1e-12);
  EXPECT_TRUE(torch::equal(QueueOf(a), QueueOf(b)));
  EXPECT_FALSE(torch::equal(QueueOf(a), QueueOf(c)));
  a->train();
  EXPECT_EQ(Find(a->RunHeads(Features(torch::randn({4, 8})), {kFourPlaces})[0], "queue").size(0), 16);
}

// With a GPS encoder that hardly varies over kilometres, what noise does is small; so its size is seen by the vectors.
TEST_F(ContrastiveGpsHead, NoiseIsOfTrainingAloneAndSeeded) {
  LossOptions loss;
  loss.gps_noise_m = 150;
  DualGeoModel noisy(Options(), loss, 1), exact(Options(), LossOptions{}, 1);
  const auto gps = [](DualGeoModel& model, int seed) {
    torch::manual_seed(seed);
    return Find(model->RunHeads(Features(torch::ones({4, 8})), {kFourPlaces})[0], "gps");
  };
  noisy->train();
  exact->train();
  EXPECT_TRUE(torch::equal(gps(noisy, 7), gps(noisy, 7)));
  EXPECT_FALSE(torch::equal(gps(noisy, 7), gps(noisy, 8)));
  EXPECT_FALSE(torch::equal(gps(noisy, 7), gps(exact, 7)));
  noisy->eval();
  EXPECT_TRUE(torch::equal(gps(noisy, 7), gps(exact, 7)));
}

TEST_F(ContrastiveGpsHead, VectorsBeforeFusionMayCountToo) {
  ModelOptions options = Options();
  options.views = "both";
  options.fusion.heads = 2;
  options.segmentation_encoder.image_size = 32;
  options.segmentation_encoder.base_width = 4;
  LossOptions loss;
  loss.unfused = 0.5;
  DualGeoModel model(options, loss, 1), plain(options, LossOptions{}, 1);
  torch::manual_seed(6);
  const auto rows = [] { return torch::randn({4, 8}); };
  const ViewFeatures features{rows(), rows(), rows(), rows()};
  const ViewFeatures unfused{features.image, features.segmentation, features.image, features.segmentation};
  const auto loss_of = [](DualGeoModel& of, const ViewFeatures& made) {
    return of->Loss(of->RunHeads(made, {kFourPlaces}), {kFourPlaces});
  };
  const TrainingLoss both = loss_of(model, features);
  const TrainingLoss fused = loss_of(plain, features), alone = loss_of(plain, unfused);
  EXPECT_NEAR(both.total.item<double>(), fused.total.item<double>() + 0.5 * alone.total.item<double>(), 1e-5);
  EXPECT_NEAR(Find(both.details, "unfused_segmentation_gps").item<double>(),
              Find(alone.details, "segmentation_gps").item<double>(), 1e-6);
  EXPECT_NEAR(Find(both.details, "image_gps").item<double>(), Find(fused.details, "image_gps").item<double>(), 1e-6);
  options.fusion.type = "none";
  EXPECT_THROW(DualGeoModel(options, loss, 1), InputError);
}

TEST_F(ContrastiveGpsHead, BadOptionsAreNamed) {
  const auto message = [](const LossOptions& loss) -> std::string {
    try {
      loss.Validate();
      loss.RequireQueueFits(16);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(Queued(32)), "");
  EXPECT_EQ(message(Queued(8)), "loss.queue: 8 is shorter than a batch of 16 photos; take a multiple of it");
  EXPECT_EQ(message(Queued(40)), "loss.queue: 40 is not a multiple of the 16 photos of a batch");
  LossOptions loss;
  loss.queue_noise_m = 1000;
  EXPECT_EQ(message(loss), "loss.queue_noise_m: 1000 moves a queue that is not there (loss.queue is 0)");
  loss = {};
  loss.queue_start = "near_zero";
  EXPECT_THAT(message(loss), HasSubstr("loss.queue_start: near_zero is of a queue that is not there"));
}

}  // namespace
}  // namespace dualgeo
