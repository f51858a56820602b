#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "tests/model/support.h"

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AttributesHead : public ::testing::Test {
 protected:
  AttributesHead() {
    options_ = SmallPhotoModel();
    options_.heads = {"attributes"};
    options_.attributes["scene"].column = "SCENE";
    AttributeOptions& height = options_.attributes["height"];
    height.column = "HEIGHT";
    height.type = "value";
    height.weight = 8;
  }
  static TableValues Table(const std::string& file, std::vector<std::string> scenes, std::vector<std::string> heights) {
    TableValues table{file, {}, {}};
    for (std::size_t i = 0; i < scenes.size(); ++i) table.lines.push_back(static_cast<int>(i) + 2);
    table.columns["SCENE"] = std::move(scenes);
    table.columns["HEIGHT"] = std::move(heights);
    return table;
  }
  static TableValues Train() {
    return Table("train.csv", {"urban", "indoor", "natural", "", "indoor"}, {"10", "20", "None", "30", "40"});
  }
  DualGeoModel Learned(const TableValues& train = Train(), const TableValues* validation = nullptr) const {
    DualGeoModel model(options_, LossOptions{}, 1);
    model->heads()[0]->Learn(train, validation);
    return model;
  }
  std::string LearnError(const TableValues& train, const TableValues* validation = nullptr) const {
    try {
      Learned(train, validation);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }
  static ViewFeatures Features(const torch::Tensor& vectors) { return {vectors, {}, vectors, {}}; }

  ModelOptions options_;
};

Targets Known(std::vector<std::string> scenes, std::vector<std::string> heights) {
  Targets targets{torch::zeros({static_cast<std::int64_t>(scenes.size()), 2}, torch::kFloat64), {}};
  targets.columns["SCENE"] = std::move(scenes);
  targets.columns["HEIGHT"] = std::move(heights);
  return targets;
}

TEST_F(AttributesHead, SaysWhichColumnsItLearnsFrom) {
  EXPECT_THAT(HeadColumns(options_), ElementsAre("HEIGHT", "SCENE"));
  options_.attributes["scene_again"].column = "SCENE";
  EXPECT_THAT(HeadColumns(options_), ElementsAre("HEIGHT", "SCENE"));
  EXPECT_THAT(HeadColumns(ModelOptions{}), ElementsAre());
}

TEST_F(AttributesHead, LossesByHand) {
  auto model = Learned();
  EXPECT_THAT(model->heads()[0]->ClassesOf("attribute_scene"), ElementsAre("indoor", "natural", "urban"));
  EXPECT_THAT(model->heads()[0]->ClassesOf("attribute_height"), ElementsAre());
  // Mean 25, standard deviation sqrt(125).
  EXPECT_EQ(model->named_buffers()["attributes.height.mean"].item<double>(), 25);
  EXPECT_NEAR(model->named_buffers()["attributes.height.std"].item<double>(), std::sqrt(125.0), 1e-12);
  std::vector<NamedTensors> outputs(1);
  outputs[0].emplace_back("attribute_height", torch::tensor({{0.5}, {-1.0}, {7.0}}, torch::kFloat64));
  outputs[0].emplace_back("attribute_scene",
                          torch::tensor({{1.0, 2.0, 0.0}, {3.0, 0.0, 0.0}, {0.0, 0.0, 0.0}}, torch::kFloat64));
  const auto loss = model->Loss(outputs, Known({"natural", "urban", ""}, {"25", "50", ""}));
  const double e = std::exp(1.0);
  const double natural = std::log(e + e * e + 1) - 2, urban = std::log(e * e * e + 2);
  const double heights = (0.25 + std::pow(-1 - 25 / std::sqrt(125.0), 2)) / 2;
  EXPECT_NEAR(Find(loss.details, "attribute_scene").item<double>(), (natural + urban) / 2, 1e-12);
  EXPECT_NEAR(Find(loss.details, "attribute_scene_accuracy").item<double>(), 50, 1e-4);
  EXPECT_NEAR(Find(loss.details, "attribute_height").item<double>(), heights, 1e-12);
  EXPECT_NEAR(loss.total.item<double>(), (natural + urban) / 2 + 8 * heights, 1e-12);
  // Nothing is known: 0, not 0 / 0.
  EXPECT_EQ(model->Loss(outputs, Known({"", "", ""}, {"", "", ""})).total.item<double>(), 0);
}

// PyTorch's: (1 - s) times the cross-entropy and s times the mean over all classes.
TEST_F(AttributesHead, SmoothingSpreadsTheLabel) {
  options_.attributes["scene"].smoothing = 0.3;
  auto model = Learned();
  std::vector<NamedTensors> outputs(1);
  outputs[0].emplace_back("attribute_height", torch::zeros({1, 1}, torch::kFloat64));
  outputs[0].emplace_back("attribute_scene", torch::tensor({{1.0, 2.0, 0.0}}, torch::kFloat64));
  const auto loss = model->Loss(outputs, Known({"natural"}, {""}));
  const double log_sum = std::log(std::exp(1.0) + std::exp(2.0) + 1);
  const double expected = 0.7 * (log_sum - 2) + 0.3 / 3 * (3 * log_sum - 3);
  EXPECT_NEAR(loss.total.item<double>(), expected, 1e-12);
}

TEST_F(AttributesHead, ScalesOfNumbers) {
  options_.attributes.erase("scene");
  for (const auto& [scale, texts, mean] : std::vector<std::tuple<std::string, std::vector<std::string>, double>>{
           {"linear", {"-1", "3"}, 1},
           {"log", {"1", "100"}, std::log(10.0)},
           {"symlog", {"-3", "8"}, (std::log(9.0) - std::log(4.0)) / 2}}) {
    options_.attributes["height"].scale = scale;
    auto model = Learned(Table("t.csv", {"", ""}, texts));
    EXPECT_NEAR(model->named_buffers()["attributes.height.mean"].item<double>(), mean, 1e-12) << scale;
    // One standard deviation above and below the mean are the two numbers.
    const torch::NoGradGuard no_grad;
    model->named_parameters()["attributes.height.weight"].zero_();
    for (const int side : {-1, 1}) {
      model->named_parameters()["attributes.height.bias"].fill_(side);
      const auto number = model->heads()[0]->Attributes(Features(torch::zeros({1, 8})));
      EXPECT_EQ(number[0].first, "attribute_height");
      EXPECT_NEAR(number[0].second.item<double>(), std::stod(texts[side < 0 ? 0 : 1]), 2e-5) << scale;
    }
  }
}

TEST_F(AttributesHead, GradientsAreRight) {
  options_.attributes["scene"].smoothing = 0.1;
  auto model = Learned();
  model->to(torch::kFloat64);
  auto vectors = torch::randn({4, 8}, torch::kFloat64);
  const Targets targets = Known({"natural", "", "urban", "indoor"}, {"12", "3", "", "45"});
  ExpectGradients([&] { return model->Loss(model->RunHeads(Features(vectors), targets), targets).total; },
                  {{"vectors", vectors},
                   {"scene", model->named_parameters()["attributes.scene.weight"]},
                   {"height", model->named_parameters()["attributes.height.weight"]}});
}

TEST_F(AttributesHead, ProbabilitiesOutliveTheTrainingTable) {
  auto model = Learned();
  const auto vectors = torch::randn({3, 8});
  const torch::NoGradGuard no_grad;
  const auto before = model->heads()[0]->Attributes(Features(vectors));
  ASSERT_EQ(before.size(), 2U);
  const auto probabilities = Find(before, "attribute_scene");
  EXPECT_EQ(probabilities.sizes(), (std::vector<std::int64_t>{3, 3}));
  EXPECT_LT((probabilities.sum(1) - 1).abs().max().item<double>(), 1e-6);

  TensorMap stored;
  for (const auto& [name, tensor] : StateDict(*model)) stored[name] = tensor.clone();
  EXPECT_THAT(AttributeClasses(stored, "scene"), ElementsAre("indoor", "natural", "urban"));
  EXPECT_THAT(AttributeClasses(stored, "height"), ElementsAre());
  DualGeoModel loaded(options_, LossOptions{}, std::nullopt);
  loaded->heads()[0]->ShapeAs(stored);
  LoadStateDict(*loaded, stored, "stored");
  EXPECT_NO_THROW(loaded->heads()[0]->CheckLoaded());
  const auto after = loaded->heads()[0]->Attributes(Features(vectors));
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(torch::equal(before[i].second, after[i].second));

  options_.attributes["scene"].classes = {"indoor", "outdoor"};
  DualGeoModel other(options_, LossOptions{}, std::nullopt);
  other->heads()[0]->ShapeAs(stored);
  try {
    other->heads()[0]->CheckLoaded();
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "model.attributes.scene.classes: the checkpoint was trained on others: indoor, natural, urban");
  }
  // A checkpoint without the attribute: loading names what is missing.
  stored.erase("attributes.scene.classes");
  DualGeoModel without(options_, LossOptions{}, std::nullopt);
  without->heads()[0]->ShapeAs(stored);
  EXPECT_THROW(LoadStateDict(*without, stored, "stored"), InputError);
}

TEST_F(AttributesHead, GivenClassesKeepTheirOrder) {
  options_.attributes["scene"].classes = {"urban", "natural", "indoor", "underwater"};
  auto model = Learned();
  EXPECT_THAT(model->heads()[0]->ClassesOf("attribute_scene"), ElementsAre("urban", "natural", "indoor", "underwater"));
  options_.attributes["scene"].classes = {"urban", "natural"};
  EXPECT_EQ(LearnError(Train()),
            "train.csv:3: SCENE indoor is not among the classes of model.attributes.scene.classes: urban, natural");
}

TEST_F(AttributesHead, BadTablesAreNamed) {
  const auto good = Table("v.csv", {"indoor", ""}, {"1", "2"});
  EXPECT_EQ(LearnError(Train(), &good), "");
  const auto unknown = Table("v.csv", {"indoor", "desert"}, {"1", "2"});
  EXPECT_EQ(LearnError(Train(), &unknown),
            "v.csv:3: SCENE desert is not among the classes of the training photos: indoor, natural, urban");
  // Of a share that was split off, a class that it has alone is learned, too.
  const auto share = Table("train.csv", {"desert"}, {"1"});
  EXPECT_EQ(LearnError(Train(), &share), "");
  EXPECT_EQ(LearnError(Table("t.csv", {"a", "a"}, {"1", "2"})),
            "t.csv: column SCENE has one class alone, a, so attribute scene has nothing to tell apart");
  EXPECT_EQ(LearnError(Table("t.csv", {"a", "b"}, {"1", "high"})), "t.csv:3: HEIGHT high is not a number");
  EXPECT_EQ(LearnError(Table("t.csv", {"a", "b"}, {"7", "7"})),
            "t.csv: column HEIGHT has one number alone, so attribute height has nothing to learn");
  EXPECT_EQ(LearnError(Table("t.csv", {"a", "b"}, {"", ""})),
            "t.csv: column HEIGHT is empty for every training photo, so attribute height cannot be learned");
  const auto no_number = Table("v.csv", {"urban"}, {"1e999"});
  EXPECT_THAT(LearnError(Train(), &no_number), HasSubstr("v.csv:2: HEIGHT 1e999 "));
  options_.attributes["height"].scale = "log";
  EXPECT_EQ(LearnError(Table("t.csv", {"a", "b"}, {"3", "0"})), "t.csv:3: HEIGHT 0 has no place on the scale log");
}

TEST_F(AttributesHead, BadOptionsAreNamed) {
  const auto message = [](const ModelOptions& options) -> std::string {
    try {
      options.Validate();
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(options_), "");
  const ModelOptions good = options_;
  const auto with = [&](const auto& change) {
    ModelOptions options = good;
    change(options);
    return message(options);
  };
  EXPECT_EQ(with([](auto& o) { o.heads = {"contrastive_gps"}; }),
            "model.attributes: height would not be learned: attributes is not among model.heads");
  EXPECT_THAT(with([](auto& o) { o.attributes.clear(); }), HasSubstr("model.attributes: there are none"));
  EXPECT_THAT(with([](auto& o) { o.attributes["a.b"].column = "X"; }), HasSubstr("model.attributes.a.b: the name"));
  EXPECT_EQ(with([](auto& o) { o.attributes["x"]; }),
            "model.attributes.x.column is not set; it is a column of the photo table");
  EXPECT_THAT(with([](auto& o) { o.attributes["scene"].classes = {"a"}; }), HasSubstr("there must be two"));
  EXPECT_THAT(with([](auto& o) { o.attributes["scene"].classes = {"a", "a"}; }), HasSubstr("named twice"));
  EXPECT_THAT(with([](auto& o) { o.attributes["scene"].vector = "segmentation"; }),
              HasSubstr("model.attributes.scene.vector: segmentation is not there with model.views image"));
  EXPECT_THAT(with([](auto& o) {
                for (auto& item : o.attributes) item.second.weight = 0;
              }),
              HasSubstr("all weights are 0"));
}

}  // namespace
}  // namespace dualgeo
