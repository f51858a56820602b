// Photos and captions in one space.
#include <gmock/gmock.h>

#include <map>

#include "dualgeo/model/clip_text.h"
#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "io/safetensors.h"
#include "src/model/head_contrastive_text.h"
#include "tests/model/support.h"
#include "tests/support/refusal.h"
#include "tests/support/small_clip_vocabulary.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

class ContrastiveTextHead : public ::testing::Test {
 protected:
  ModelOptions Options() const {
    ModelOptions options = SmallPhotoModel(6);
    options.image_encoder.freeze = true;
    options.heads = {"contrastive_text"};
    options.text_encoder.preset = "vit-tiny";
    options.text_encoder.width = 8;
    options.text_encoder.layers = 2;
    options.text_encoder.heads = 2;
    options.text_encoder.projection_dim = 5;
    options.text_encoder.vocabulary_size = 528;
    options.text_encoder.vocabulary = vocabulary_.string();
    return options;
  }
  static ViewFeatures Features(const torch::Tensor& vectors) { return {vectors, {}, vectors, {}}; }
  static PhotoValues Rows() {
    return {{"city", {"Paris", "Rome", "", "Graz"}},
            {"region", {"", "Lazio", "", "Styria"}},
            {"country", {"France", "Italy", "", "Austria"}}};
  }
  static Targets TargetsOf(const PhotoValues& rows) { return {torch::zeros({4, 2}, torch::kFloat64), rows}; }

  TemporaryFolder folder_;
  std::filesystem::path vocabulary_ = WriteSmallClipVocabulary(folder_);
};

TEST_F(ContrastiveTextHead, ComparesPhotosWithTheirCaptions) {
  torch::NoGradGuard no_grad;
  DualGeoModel model(Options(), LossOptions(), 1);
  model->eval();
  const auto vectors = torch::randn({4, 6});
  const auto targets = TargetsOf(Rows());
  const auto outputs = model->RunHeads(Features(vectors), targets);
  const auto image = Find(outputs[0], "image_text"), caption = Find(outputs[0], "caption");

  const auto& head = *model->heads()[0];
  const auto tokenizer = ClipTokenizer::Read(vocabulary_);
  std::vector<std::vector<std::int64_t>> rows;
  for (const char* text : {"A photo taken in Paris, France.", "A photo taken in Rome, Lazio, Italy.", "",
                           "A photo taken in Graz, Styria, Austria."}) {
    rows.push_back(tokenizer.Encode(text));
  }
  const auto text = head.text_encoder()->Forward(MakeClipTextInput(tokenizer, rows));
  EXPECT_EQ(text.size(1), 5);
  const auto expected = Find(model->heads()[0]->TextVectors(text), "caption");
  EXPECT_LT(MaxDifference(caption, expected), 1e-6);
  EXPECT_LT(MaxDifference(image, Find(model->heads()[0]->PhotoVectors(Features(vectors)), "image_text")), 1e-6);
  EXPECT_LT(MaxDifference(image.norm(2, 1), torch::ones({4})), 1e-6);
  EXPECT_TRUE(model->heads()[0]->TextVectors(torch::zeros({1, 7})).empty());

  // The third photo has no caption.
  const auto three = torch::tensor({0, 1, 3});
  const auto logits = std::exp(3.99) * image.index_select(0, three).matmul(caption.index_select(0, three).t());
  const auto diagonal = [](const torch::Tensor& x) {
    return -torch::log_softmax(x, 1).diagonal().mean().item<double>();
  };
  LossOptions options;
  options.image_text = 0.25;
  DualGeoModel weighted(Options(), options, 1);
  weighted->eval();
  const auto loss = weighted->Loss(weighted->RunHeads(Features(vectors), targets), targets);
  EXPECT_NEAR(Find(loss.details, "image_text").item<double>(), (diagonal(logits) + diagonal(logits.t())) / 2, 1e-5);
  EXPECT_NEAR(loss.total.item<double>(), 0.25 * Find(loss.details, "image_text").item<double>(), 1e-6);
  const auto none =
      TargetsOf({{"city", {"", "", "", ""}}, {"region", {"", "", "", ""}}, {"country", {"", "", "", ""}}});
  EXPECT_EQ(weighted->Loss(weighted->RunHeads(Features(vectors), none), none).total.item<double>(), 0);
}

TEST_F(ContrastiveTextHead, GradientsAreRight) {
  LossOptions loss;
  loss.logit_scale_init = 1;  // at 3.99 the third derivative would show in central differences
  for (const bool freeze : {true, false}) {
    auto options = Options();
    options.text_encoder.freeze = freeze;
    DualGeoModel model(options, loss, 2);
    model->to(torch::kFloat64);
    const auto vectors = torch::randn({4, 6}, torch::kFloat64);
    const auto targets = TargetsOf(Rows());
    std::map<std::string, torch::Tensor> parameters;
    for (const auto& item : model->named_parameters()) parameters[item.key()] = item.value();
    std::vector<std::pair<std::string, torch::Tensor>> inputs = {{"vectors", vectors}};
    for (const char* name : {"logit_scale_text", "vision_projection_else_1.0.weight", "vision_projection_else_1.2.bias",
                             "text_projection_else.0.weight", "text_projection_else.2.bias"}) {
      inputs.emplace_back(name, parameters.at(name));
    }
    EXPECT_EQ(parameters.at("text_projection.weight").requires_grad(), !freeze);
    if (!freeze) {
      for (const char* name :
           {"text_projection.weight", "text_model.final_layer_norm.bias",
            "text_model.encoder.layers.0.self_attn.k_proj.weight", "text_model.encoder.layers.1.mlp.fc2.bias"}) {
        inputs.emplace_back(name, parameters.at(name));
      }
    }
    ExpectGradients([&] { return model->Loss(model->RunHeads(Features(vectors), targets), targets).total; }, inputs);
    if (freeze) {
      EXPECT_FALSE(parameters.at("text_model.final_layer_norm.bias").grad().defined());
    }
  }
}

TEST_F(ContrastiveTextHead, SentencesAreDrawnWhileTraining) {
  torch::NoGradGuard no_grad;
  auto options = Options();
  options.contrastive_text.captions = {"in {city}", "the {country}"};
  options.contrastive_text.keep = {1, 0.5};
  DualGeoModel model(options, LossOptions(), 1);
  const auto vectors = torch::randn({1, 6});
  const Targets targets{torch::zeros({1, 2}, torch::kFloat64), {{"city", {"Paris"}}, {"country", {"France"}}}};
  const auto caption = [&] { return Find(model->RunHeads(Features(vectors), targets)[0], "caption"); };
  const auto tokenizer = ClipTokenizer::Read(vocabulary_);
  const auto of = [&](const std::string& text) {
    const std::vector<std::vector<std::int64_t>> rows = {tokenizer.Encode(text)};
    const auto& head = model->heads()[0];
    return Find(head->TextVectors(head->text_encoder()->Forward(MakeClipTextInput(tokenizer, rows))), "caption");
  };
  model->train();
  torch::manual_seed(1);
  int both = 0, one = 0;
  for (int i = 0; i < 200; ++i) {
    const auto drawn = caption();
    both += MaxDifference(drawn, of("in paris the france")) < 1e-6 ? 1 : 0;
    one += MaxDifference(drawn, of("in paris")) < 1e-6 ? 1 : 0;
  }
  EXPECT_EQ(both + one, 200);
  EXPECT_NEAR(both, 100, 35);
  model->eval();
  EXPECT_LT(MaxDifference(caption(), of("in paris the france")), 1e-6);
}

TEST_F(ContrastiveTextHead, TheTowerComesFromAWeightFile) {
  auto options = Options();
  ClipText tower(Resolve(options.text_encoder, 6));
  tower->Initialise();
  WriteSafetensors(folder_ / "text.safetensors", StateDict(*tower));
  options.text_encoder.weights = (folder_ / "text.safetensors").string();
  DualGeoModel model(options, LossOptions(), 1);
  LoadPretrained(*model);
  for (const auto& [name, tensor] : StateDict(*tower)) {
    EXPECT_TRUE(torch::equal(model->named_parameters()[name], tensor)) << name;
  }
  // And from a checkpoint of such a model, whose other names are left aside.
  WriteSafetensors(folder_ / "model.safetensors", StateDict(*model));
  ClipText again(Resolve(options.text_encoder, 6));
  LoadClipText(*again, folder_ / "model.safetensors");
  EXPECT_TRUE(torch::equal(again->text_projection()->weight, tower->text_projection()->weight));
}

TEST_F(ContrastiveTextHead, RefusesWhatItCannotLearnFrom) {
  const auto refusal = [&](const ModelOptions& options, const LossOptions& loss = {}) {
    return RefusalOf([&] { DualGeoModel(options, loss, 1); });
  };
  auto options = Options();
  options.contrastive_text.captions = {};
  EXPECT_THAT(refusal(options), HasSubstr("model.contrastive_text.captions: the list is empty"));
  options.contrastive_text.captions = {"a photo"};
  EXPECT_THAT(refusal(options), HasSubstr("names no column"));
  options = Options();
  options.contrastive_text.keep = {1, 1};
  EXPECT_THAT(refusal(options), HasSubstr("model.contrastive_text.keep: 2 values for 1 captions"));
  options = Options();
  options.contrastive_text.vector = "segmentation";
  EXPECT_THAT(refusal(options), HasSubstr("model.contrastive_text.vector: segmentation is not there"));
  LossOptions none;
  none.image_text = 0;
  EXPECT_THAT(refusal(Options(), none), HasSubstr("loss.image_text: is 0"));

  DualGeoModel model(Options(), LossOptions(), 1);
  const TableValues empty{"photos.csv", {2, 3}, {{"city", {"", ""}}, {"region", {"", ""}}, {"country", {"", ""}}}};
  EXPECT_THAT(RefusalOf([&] { model->heads()[0]->Learn(empty, nullptr); }),
              HasSubstr("photos.csv: no photo has a caption"));
  const TableValues some{"photos.csv", {2, 3}, {{"city", {"", "Graz"}}, {"region", {"", ""}}, {"country", {"", ""}}}};
  EXPECT_EQ(RefusalOf([&] { model->heads()[0]->Learn(some, &some); }), "read");
  options = Options();
  options.text_encoder.vocabulary.reset();
  DualGeoModel without(options, LossOptions(), 1);
  EXPECT_THAT(RefusalOf([&] { without->heads()[0]->Learn(some, nullptr); }),
              HasSubstr("model.text_encoder.vocabulary: no file is named"));
}

}  // namespace
}  // namespace dualgeo
