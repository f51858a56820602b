#include "train/settings.h"

#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"
#include "train/training_log.h"

namespace dualgeo {
namespace {

TEST(SettingsTest, EveryFieldByItsDottedName) {
  Settings settings;
  AddSettings(settings, "model", TinyModel());
  EXPECT_EQ(settings.at("model.embed_dim"), "16");
  EXPECT_EQ(settings.at("model.image_encoder.freeze"), "false");
  EXPECT_EQ(settings.at("model.gps_encoder.sigmas"), "[1, 4]");
  EXPECT_EQ(settings.at("model.segmenter.decoder_dim"), "null");
  EXPECT_EQ(settings.count("model.image_encoder.weights"), 0);
  EXPECT_EQ(ParseSettings(SettingsText(settings), "x"), settings);
  EXPECT_THROW(ParseSettings("{", "x"), InputError);
}

TEST(SettingsTest, EpochsMatterToCosineOnly) {
  TrainOptions options;
  Settings settings;
  AddTrainSettings(settings, "train", options);
  EXPECT_EQ(settings.count("train.epochs"), 0);
  EXPECT_EQ(settings.count("train.checkpoint_every_steps"), 0);
  EXPECT_EQ(settings.at("train.schedule.gamma"), "0.87");
  options.schedule.type = "cosine";
  AddTrainSettings(settings, "train", options);
  EXPECT_EQ(settings.count("train.epochs"), 1);
}

TEST(OptionsTest, RulesNameFieldValueAndRule) {
  RuntimeOptions runtime;
  runtime.device = "gpu";
  EXPECT_EQ(MessageOf<InputError>([&] { runtime.Validate(); }), "device: gpu: allowed: auto, cpu, cuda, cuda:N");
  runtime.device = "cpu";
  runtime.precision = "fp16";
  EXPECT_EQ(MessageOf<InputError>([&] { runtime.Validate(); }), "precision: fp16: only on cuda; use bf16 on a CPU");
  TrainOptions train;
  train.beta2 = 1;
  EXPECT_EQ(MessageOf<InputError>([&] { train.Validate(); }), "train.beta2: 1: must be below 1");
  SegmenterTrainOptions segmenter;
  segmenter.schedule.min_lr = 1;
  EXPECT_NE(MessageOf<InputError>([&] { segmenter.Validate(); }).find("train_segmenter.schedule.min_lr"),
            std::string::npos);
}

TEST(TrainingLogTest, ContinuesWithoutRepeats) {
  const TemporaryFolder folder;
  const auto path = folder.Write("a/log.jsonl",
                                 "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":1}\n{\"step\":2,\"validation\":{}}\n"
                                 "{\"step\":3,\"loss\":1}\nnot json\n{\"step\":4,\"lo");
  {
    TrainingLog log(path, 2, 1);
    log.Write({{"step", 3}, {"loss", 0.5}});
  }
  EXPECT_EQ(Lines(path), (std::vector<std::string>{"{\"step\":1,\"loss\":2}", "{\"step\":2,\"loss\":1}",
                                                   "{\"step\":3,\"loss\":0.5}"}));
  EXPECT_THROW(TrainingLog("/dev/null/log", 0, 0), Error);
}

}  // namespace
}  // namespace dualgeo
