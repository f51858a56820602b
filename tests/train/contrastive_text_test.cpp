// Training the head contrastive_text on a table with names of places.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>

#include "data/photo.h"
#include "data/preprocess.h"
#include "dualgeo/model/clip_text.h"
#include "dualgeo/model/weights.h"
#include "io/safetensors.h"
#include "runtime/views.h"
#include "tests/support/small_clip_vocabulary.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kCities[] = {"Paris", "Rome",  "Oslo",  "Lima",  "Cairo", "Quito", "Dakar", "Hanoi",
                                   "Minsk", "Tokyo", "Accra", "Delhi", "Seoul", "Sofia", "Tunis", "Vaduz"};

class ContrastiveTextTraining : public ::testing::Test {
 protected:
  // Sixteen places, each of its own colours.
  ContrastiveTextTraining() {
    fs::create_directories(folder_ / "images");
    std::string table = "IMG_ID,LAT,LON,city,country\n";
    for (int i = 0; i < 16; ++i) {
      cv::Mat photo(32, 32, CV_8UC3, cv::Scalar(30 + 60 * (i % 4), 30 + 60 * (i / 4), 128));
      photo(cv::Rect(0, 0, 16, 16)) = cv::Scalar(30 + 60 * (i / 4), 128, 30 + 60 * (i % 4));
      const std::string id = "p" + std::to_string(i) + ".png";
      cv::imwrite((folder_ / "images" / id).string(), photo);
      table += id + "," + std::to_string(5 * i) + "," + std::to_string(10 * i) + "," + kCities[i] + "," +
               (i % 2 == 0 ? "Here" : "") + "\n";
    }
    folder_.Write("photos.csv", table);
    model_.views = "image";
    model_.heads = {"contrastive_text"};
    model_.text_encoder.preset = "vit-tiny";
    model_.text_encoder.width = 16;
    model_.text_encoder.layers = 1;
    model_.text_encoder.heads = 2;
    model_.text_encoder.vocabulary_size = 528;
    model_.text_encoder.vocabulary = WriteSmallClipVocabulary(folder_).string();
    model_.contrastive_text.captions = {"A photo in {city}, {country}."};
  }

  TrainResult Train(const std::string& name, const TrainOptions& train) {
    TrainJob job = TinyJob(folder_.path(), folder_ / name);
    job.data.train.masks.clear();
    job.data.validation.fraction = 0;
    job.data.augment.enabled = false;  // colours tell the places
    return TrainModel(job, model_, LossOptions(), train);
  }

  TemporaryFolder folder_;
  ModelOptions model_ = TinyModel();
};

TEST_F(ContrastiveTextTraining, TakesTwoSteps) {
  TrainOptions train = TinyTraining(1);
  train.batch_size = 8;
  for (const bool freeze : {true, false}) {
    model_.text_encoder.freeze = freeze;
    const std::string run = freeze ? "frozen" : "trained";
    const auto result = Train(run, train);
    EXPECT_EQ(result.steps, 2);
    const auto lines = Lines(folder_ / run / "train.jsonl");
    ASSERT_FALSE(lines.empty());
    const auto first = nlohmann::json::parse(lines.front());
    for (const char* key : {"loss", "image_text", "logit_scale_text"}) EXPECT_TRUE(first.contains(key)) << key;
    EXPECT_GT(first["image_text"], 1);
    DualGeoModel before(model_, LossOptions(), DeriveSeed(3, "model"));
    const auto after = ReadWeights(result.last / "model.safetensors");
    for (const auto& [name, tensor] : StateDict(*before)) {
      // (Keys' biases have no gradient: they shift all of a row's logits alike.)
      if (name.ends_with("k_proj.bias")) continue;
      const bool text = name.starts_with("text_model.") || name.starts_with("text_projection.");
      if (name.find("_embedding") != std::string::npos && text) continue;  // rows of tokens that no caption has
      EXPECT_EQ(torch::equal(after.at(name), tensor), text && freeze) << name;
    }
  }
}

TEST_F(ContrastiveTextTraining, AMissingColumnIsNamed) {
  model_.contrastive_text.captions = {"In {town}"};
  EXPECT_THAT(MessageOf<InputError>([&] { Train("a", TinyTraining(1)); }), HasSubstr("photos.csv:1: no column town"));
}

class SlowContrastiveText : public ContrastiveTextTraining {};

TEST_F(SlowContrastiveText, LearnsSixteenPhotosByHeart) {
  TrainOptions train = TinyTraining(400);
  train.batch_size = 16;
  train.schedule.type = "cosine";
  train.checkpoint_every_steps = 1000;
  const auto result = Train("a", train);
  auto model = LoadModel(result.last, model_, LossOptions(), torch::kCPU);
  DualGeoModel untrained(model_, LossOptions(), DeriveSeed(3, "model"));
  untrained->eval();
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> pixels;
  for (int i = 0; i < 16; ++i) {
    const auto photo = ReadPhoto(folder_ / "images" / ("p" + std::to_string(i) + ".png"));
    pixels.push_back(MakeExample(photo, {}, ModelViews(model_)).pixels);
  }
  const auto tokenizer = ClipTokenizer::Read(*model_.text_encoder.vocabulary);
  std::vector<std::vector<std::int64_t>> rows;
  for (int i = 0; i < 16; ++i) {
    rows.push_back(tokenizer.Encode("A photo in " + std::string(kCities[i]) + (i % 2 == 0 ? ", Here." : ".")));
  }
  const auto hits = [&](DualGeoModel& one) {
    const auto& head = one->heads()[0];
    const auto images = Find(head->PhotoVectors(one->Encode(torch::stack(pixels), {})), "image_text");
    const auto captions =
        Find(head->TextVectors(head->text_encoder()->Forward(MakeClipTextInput(tokenizer, rows))), "caption");
    return (images.matmul(captions.t()).argmax(1) == torch::arange(16)).sum().item<int>();
  };
  EXPECT_LE(hits(untrained), 4);
  EXPECT_EQ(hits(model), 16);
}

}  // namespace
}  // namespace dualgeo
