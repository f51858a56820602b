#include "train/training_folder.h"

#include <gtest/gtest.h>

#include "dualgeo/util/error.h"
#include "io/set_aside.h"
#include "runtime/checkpoint.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;

TEST(TrainingFolderTest, OneProcessAtATime) {
  const TemporaryFolder folder;
  const TrainingFolder held(folder.path(), folder / "log", Existing::kRefuse, {});
  EXPECT_NE(
      MessageOf<Error>([&] { TrainingFolder(folder.path(), folder / "log", Existing::kRefuse, {}); }).find("another"),
      std::string::npos);
}

TEST(TrainingFolderTest, RefusesResumesOrSetsAside) {
  const TemporaryFolder folder;
  const fs::path checkpoint = folder / "checkpoint", log = folder / "log";
  const Settings settings = {{"train.lr", "1"}, {"device", "cpu"}, {"threads", "1"}};
  EXPECT_FALSE(InspectTraining(checkpoint, settings));
  WriteCheckpoint(checkpoint / "last", *FilledLayer(1),
                  {{"settings", TextTensor(SettingsText(settings))}, {"step", torch::tensor(std::int64_t{7})}}, "");
  WriteCheckpoint(checkpoint / "best", *FilledLayer(2), {{"settings", TextTensor(SettingsText(settings))}}, "");
  EXPECT_NE(
      MessageOf<InputError>([&] { TrainingFolder(checkpoint, log, Existing::kRefuse, settings); }).find("--resume"),
      std::string::npos);
  EXPECT_TRUE(TrainingFolder(checkpoint, log, Existing::kResume, settings).resumed());
  EXPECT_EQ(InspectTraining(checkpoint, settings)->step, 7);
  EXPECT_TRUE(InspectTraining(checkpoint, settings)->differences.empty());
  Settings other = settings;
  other["train.lr"] = "2";
  other["train.new"] = "3";
  other["threads"] = "2";  // a warning only
  const std::string message = MessageOf<InputError>([&] { TrainingFolder(checkpoint, log, Existing::kResume, other); });
  EXPECT_NE(message.find("train.lr: 1 then, 2 now; train.new: absent then, 3 now"), std::string::npos) << message;
  EXPECT_EQ(message.find("threads"), std::string::npos);
  EXPECT_EQ(InspectTraining(checkpoint, other)->differences.size(), 2);
  folder.Write("log", "{}\n");
  {
    const TrainingFolder fresh(checkpoint, log, Existing::kOverwrite, other);
    EXPECT_FALSE(fresh.resumed());
    EXPECT_NE(MessageOf<Error>([&] { TrainingFolder(checkpoint, log, Existing::kResume, other); }).find("another"),
              std::string::npos);
  }
  EXPECT_FALSE(fs::exists(checkpoint / "last"));
  EXPECT_FALSE(fs::exists(log));
  EXPECT_EQ(FilledWith(folder / "checkpoint.old-1/last"), 1);
  EXPECT_EQ(FilledWith(folder / "checkpoint.old-1/best"), 2);
  EXPECT_EQ(ReadFile(folder / "log.old-1"), "{}\n");
  EXPECT_EQ(ListSetAside(folder.path()).size(), 2);
  // A best checkpoint alone cannot be resumed, and is not overwritten either.
  WriteCheckpoint(checkpoint / "best", *FilledLayer(3), {}, "");
  EXPECT_FALSE(TrainingFolder(checkpoint, log, Existing::kResume, other).resumed());
  EXPECT_EQ(FilledWith(folder / "checkpoint.old-2/best"), 3);
}

}  // namespace
}  // namespace dualgeo
