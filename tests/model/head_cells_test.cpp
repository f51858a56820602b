#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "dualgeo/geo/distance.h"
#include "dualgeo/geo/partition.h"
#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "tests/model/support.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class CellsHead : public ::testing::Test {
 protected:
  // Cells of one level, all of them or the first `count`.
  std::string WritePartition(const std::string& name, int level, std::size_t count = 1000) {
    std::vector<S2Cell> cells;
    for (int face = 0; face < 6; ++face) cells.push_back(S2Cell::Face(face));
    for (int i = 0; i < level; ++i) {
      std::vector<S2Cell> finer;
      for (const S2Cell cell : cells) {
        for (int k = 0; k < 4; ++k) finer.push_back(cell.Child(k));
      }
      cells = finer;
    }
    std::vector<PartitionCell> rows;
    for (std::size_t i = 0; i < std::min(count, cells.size()); ++i) {
      rows.push_back({static_cast<std::int64_t>(i), {cells[i]}, 1, cells[i].Center()});
    }
    Partition(rows).Write(folder_ / name);
    return (folder_ / name).string();
  }
  ModelOptions Options(std::vector<std::string> partitions) const {
    ModelOptions options = SmallPhotoModel();
    options.heads = {"cells"};
    options.cells.partitions = std::move(partitions);
    return options;
  }
  static ViewFeatures Features(const torch::Tensor& vectors) { return {vectors, {}, vectors, {}}; }

  TemporaryFolder folder_;
};

// Paris, New York, Sydney, the South Pole.
const torch::Tensor kPlaces =
    torch::tensor({{48.86, 2.35}, {40.7, -74.0}, {-33.9, 151.2}, {-90.0, 0.0}}, torch::kFloat64);

TEST_F(CellsHead, LossIsTheCrossEntropyOfEachPartition) {
  auto options = Options({WritePartition("faces.csv", 0), WritePartition("fine.csv", 1)});
  options.cells.weights = {0.5, 2};
  DualGeoModel model(options, LossOptions{}, 1);
  const auto vectors = torch::randn({4, 8});
  const Targets targets{kPlaces};
  const auto outputs = model->RunHeads(Features(vectors), targets);
  ASSERT_EQ(outputs[0].size(), 2U);
  EXPECT_EQ(outputs[0][0].second.sizes(), (std::vector<std::int64_t>{4, 6}));
  EXPECT_EQ(outputs[0][1].second.sizes(), (std::vector<std::int64_t>{4, 24}));
  const TrainingLoss loss = model->Loss(outputs, targets);
  double total = 0;
  for (std::size_t p = 0; p < 2; ++p) {
    const auto partition = Partition::Read(options.cells.partitions[p]);
    double sum = 0;
    for (std::int64_t i = 0; i < 4; ++i) {
      const auto hit = partition.Find({kPlaces[i][0].item<double>(), kPlaces[i][1].item<double>()});
      sum -= torch::log_softmax(outputs[0][p].second[i], 0)[static_cast<std::int64_t>(hit->cell)].item<double>();
    }
    EXPECT_NEAR(Find(loss.details, "cells_" + std::to_string(p)).item<double>(), sum / 4, 1e-5);
    total += options.cells.weights[p] * sum / 4;
  }
  EXPECT_NEAR(loss.total.item<double>(), total, 1e-4);
}

// Only the first three faces are cells: Paris is in one; the loss is that of the photos inside, and 0 where none is.
TEST_F(CellsHead, PhotosInNoCellAreLeftOut) {
  for (const char* labels : {"one_hot", "haversine"}) {
    auto options = Options({WritePartition("some.csv", 0, 3)});
    options.cells.labels = labels;
    DualGeoModel model(options, LossOptions{}, 1);
    const auto vectors = torch::randn({4, 8});
    const auto loss = [&](const torch::Tensor& rows) {
      const Targets targets{kPlaces.index_select(0, rows)};
      return model->Loss(model->RunHeads(Features(vectors.index_select(0, rows)), targets), targets)
          .total.item<double>();
    };
    const auto partition = Partition::Read(options.cells.partitions[0]);
    std::vector<std::int64_t> inside, outside;
    for (std::int64_t i = 0; i < 4; ++i) {
      const bool in = partition.Find({kPlaces[i][0].item<double>(), kPlaces[i][1].item<double>()}).has_value();
      (in ? inside : outside).push_back(i);
    }
    ASSERT_FALSE(inside.empty());
    ASSERT_FALSE(outside.empty());
    EXPECT_NEAR(loss(torch::arange(4)), loss(torch::tensor(inside)), 1e-5) << labels;
    EXPECT_EQ(loss(torch::tensor(outside)), 0) << labels;
  }
}

// PIGEON's labels, by hand: 1 for the nearest centroid, exp(-(d - d0) / tau) for the others, not normalised.
TEST_F(CellsHead, SmoothedLabelsFallWithTheDistance) {
  auto options = Options({WritePartition("faces.csv", 0)});
  options.cells.labels = "haversine";
  options.cells.tau_km = 4000;
  DualGeoModel model(options, LossOptions{}, 1);
  const auto vectors = torch::randn({1, 8});
  const Targets targets{kPlaces.slice(0, 0, 1)};
  const auto outputs = model->RunHeads(Features(vectors), targets);
  const auto log = torch::log_softmax(outputs[0][0].second[0], 0);
  std::vector<double> km;
  for (int face = 0; face < 6; ++face) {
    km.push_back(GreatCircleKm({48.86, 2.35}, S2Cell::Face(face).Center()) * 6378.137 / kEarthRadiusKm);
  }
  const double nearest = *std::ranges::min_element(km);
  double expected = 0;
  for (std::int64_t face = 0; face < 6; ++face) {
    expected -= std::exp(-(km[static_cast<std::size_t>(face)] - nearest) / 4000) * log[face].item<double>();
  }
  EXPECT_NEAR(model->Loss(outputs, targets).total.item<double>(), expected, 1e-5);
}

// Three cells along a meridian, whose means are 0, 75 and 150 km from the photo: with tau 75 km they count 1, e^-1 and
// e^-2. The photo lies in the second cell, just across the border: in the paper's form that one counts 1, the first e.
TEST_F(CellsHead, SmoothedLabelsByHandInBothForms) {
  const double degrees = 75 / (6378.137 * std::numbers::pi / 180);
  const auto at = [](double lat) { return S2Cell::Leaf({lat, 20}).Parent(6); };
  LatLon photo{10, 20};
  while (at(photo.lat) == at(10)) photo.lat += 1e-3;
  double north = photo.lat;
  while (at(north) == at(photo.lat)) north += 1e-3;
  std::vector<PartitionCell> rows = {{0, {at(10)}, 1, photo},
                                     {1, {at(photo.lat)}, 1, {photo.lat + degrees, 20}},
                                     {2, {at(north)}, 1, {photo.lat + 2 * degrees, 20}}};
  Partition(rows).Write(folder_ / "row.csv");
  auto options = Options({(folder_ / "row.csv").string()});
  options.cells.labels = "haversine";
  options.cells.tau_km = 75;
  for (const bool paper : {false, true}) {
    options.cells.smooth_from = paper ? "own" : "nearest";
    DualGeoModel model(options, LossOptions{}, 1);
    std::vector<NamedTensors> outputs(1);
    outputs[0].emplace_back("cells_0", torch::tensor({{1.0, 2.0, 0.5}}, torch::kFloat64));
    const Targets targets{torch::tensor({{photo.lat, photo.lon}}, torch::kFloat64)};
    const double log_sum = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(0.5));
    const double code = (log_sum - 1) + std::exp(-1) * (log_sum - 2) + std::exp(-2) * (log_sum - 0.5);
    const double expected = paper ? std::exp(1.0) * code : code;
    EXPECT_NEAR(model->Loss(outputs, targets).total.item<double>(), expected, 1e-6) << paper;
  }
}

// TransLocator's .5, .3 and .2 of coarse, middle and fine cells, and the scene.
TEST_F(CellsHead, WeightedSumOfCellsAndSceneByHand) {
  auto options =
      Options({WritePartition("coarse.csv", 0), WritePartition("middle.csv", 1), WritePartition("fine.csv", 2)});
  options.heads = {"cells", "attributes"};
  options.cells.weights = {0.5, 0.3, 0.2};
  options.attributes["scene"].column = "S3_Label";
  DualGeoModel model(options, LossOptions{}, 1);
  model->heads()[1]->Learn({"t.csv", {2, 3, 4}, {{"S3_Label", {"0", "1", "2"}}}}, nullptr);
  // Every logit is 0 but one: log of how many there are, less what the true one has.
  std::vector<NamedTensors> outputs(2);
  const auto logits = [](std::int64_t classes) { return torch::zeros({1, classes}, torch::kFloat64); };
  outputs[0] = {{"cells_0", logits(6)}, {"cells_1", logits(24)}, {"cells_2", logits(96)}};
  outputs[1] = {{"attribute_scene", torch::tensor({{0.0, 1.0, 0.0}}, torch::kFloat64)}};
  const Targets targets{kPlaces.slice(0, 0, 1), {{"S3_Label", {"1"}}}};
  const double cells = 0.5 * std::log(6.0) + 0.3 * std::log(24.0) + 0.2 * std::log(96.0);
  const double scene = std::log(std::exp(1.0) + 2) - 1;
  EXPECT_NEAR(model->Loss(outputs, targets).total.item<double>(), cells + scene, 1e-12);
}

TEST_F(CellsHead, GradientsAreRight) {
  for (const char* labels : {"one_hot", "haversine", "haversine_own"}) {
    auto options = Options({WritePartition("faces.csv", 0), WritePartition("fine.csv", 1, 20)});
    options.cells.labels = labels == std::string("one_hot") ? "one_hot" : "haversine";
    options.cells.smooth_from = labels == std::string("haversine_own") ? "own" : "nearest";
    options.cells.tau_km = 3000;
    DualGeoModel model(options, LossOptions{}, 1);
    model->to(torch::kFloat64);
    auto vectors = torch::randn({4, 8}, torch::kFloat64);
    const Targets targets{kPlaces};
    auto weight = model->named_parameters()["cells_1.weight"];
    ExpectGradients([&] { return model->Loss(model->RunHeads(Features(vectors), targets), targets).total; },
                    {{"vectors", vectors}, {"weight", weight}});
  }
}

TEST_F(CellsHead, LearnsWhereAndSaysTheMeanOfTheCell) {
  auto options = Options({WritePartition("faces.csv", 0), WritePartition("fine.csv", 2)});
  options.heads = {"contrastive_gps", "cells"};
  options.gps_encoder.sigmas = {1};
  options.gps_encoder.rff_size = options.gps_encoder.hidden = options.gps_encoder.embed_dim = 8;
  DualGeoModel model(options, LossOptions{}, 1);
  const auto vectors = torch::randn({4, 8});
  const Targets targets{kPlaces};
  torch::NoGradGuard no_grad;
  for (int step = 0; step < 300; ++step) {
    torch::AutoGradMode with_gradients(true);
    model->zero_grad();
    model->Loss(model->RunHeads(Features(vectors), targets), targets).total.backward();
    for (auto& item : model->named_parameters()) {
      if (!item.value().grad().defined() || !item.key().starts_with("cells_")) continue;
      torch::NoGradGuard quiet;
      item.value().sub_(0.5 * item.value().grad());
    }
  }
  const auto outputs = model->RunHeads(Features(vectors), targets);
  const auto places = model->heads()[1]->Places(outputs[1], targets);
  ASSERT_EQ(places.size(), 1U);
  EXPECT_EQ(places[0].first, "cell_mean");
  const auto partition = Partition::Read(options.cells.partitions[1]);
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto hit = partition.Find({kPlaces[i][0].item<double>(), kPlaces[i][1].item<double>()});
    const LatLon mean = partition.cells()[hit->cell].mean;
    EXPECT_NEAR(places[0].second[i][0].item<double>(), mean.lat, 1e-9);
    EXPECT_NEAR(places[0].second[i][1].item<double>(), mean.lon, 1e-9);
  }
}

TEST_F(CellsHead, BadOptionsAndForeignCheckpointsAreNamed) {
  const auto message = [](const ModelOptions& options) -> std::string {
    try {
      DualGeoModel(options, LossOptions{}, 1);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(Options({})), HasSubstr("model.cells.partitions: the list is empty"));
  auto options = Options({WritePartition("faces.csv", 0)});
  options.cells.weights = {1, 2};
  EXPECT_EQ(message(options), "model.cells.weights: 2 values for 1 partitions");
  options.cells.weights = {0};
  EXPECT_THAT(message(options), HasSubstr("all are 0"));
  options.cells.weights = {};
  options.cells.vector = "fused_segmentation";
  EXPECT_EQ(message(options), "model.cells.vector: fused_segmentation is not there with model.views image");
  EXPECT_THAT(message(Options({"nowhere.csv"})), HasSubstr("nowhere.csv"));

  DualGeoModel model(Options({WritePartition("faces.csv", 0)}), LossOptions{}, 1);
  EXPECT_NO_THROW(model->heads()[0]->CheckLoaded());
  model->named_buffers()["cells_0_ids"][2] = 7;
  EXPECT_THAT([&] { model->heads()[0]->CheckLoaded(); },
              ThrowsMessage<InputError>(HasSubstr("faces.csv: not the partition that the checkpoint was trained on")));
}

}  // namespace
}  // namespace dualgeo
