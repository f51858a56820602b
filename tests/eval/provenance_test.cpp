#include "dualgeo/eval/provenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Provenance, SaysWhatThisProcessIs) {
  const Provenance provenance = ThisProvenance("a: 1\n", 7);
  ASSERT_FALSE(provenance.command.empty());
  EXPECT_EQ(provenance.command[0], "eval_test");
  EXPECT_EQ(provenance.folder, std::filesystem::current_path().string());
  EXPECT_EQ(provenance.seed, 7);
  EXPECT_EQ(provenance.versions, LibraryVersions());
}

TEST(Provenance, SurvivesJson) {
  TemporaryFolder folder;
  Provenance provenance = ThisProvenance("a: 1\n", 7);
  provenance.threads = 3;
  provenance.device = "cuda:0 (x)";
  provenance.AddFile("truth", folder.Write("t.csv", "abc"));
  provenance.AddFile("predictions", "");
  ASSERT_EQ(provenance.files.size(), 1U);
  // SHA-256 of "abc": FIPS 180-2, appendix B.1.
  EXPECT_EQ(provenance.files[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THROW(provenance.AddFile("truth", folder / "none.csv"), InputError);

  nlohmann::ordered_json json;
  json["provenance"] = ToJson(provenance);
  const auto file = folder.Write("m.json", json.dump());
  EXPECT_EQ(ReadProvenance(file), provenance);

  folder.Write("plain.json", "{}");
  folder.Write("broken.json", "{");
  EXPECT_THAT(FilesWithProvenance(folder.path()), ElementsAre(file));
  EXPECT_THROW(ReadProvenance(folder / "plain.json"), InputError);
  EXPECT_THROW(ReadProvenance(folder / "broken.json"), InputError);
  EXPECT_THROW(ReadProvenance(folder.Write("half.json", R"({"provenance": {"command": 3}})")), InputError);
}

TEST(Provenance, ChecksFilesAgain) {
  TemporaryFolder folder;
  std::filesystem::create_directories(folder / "checkpoint/last");
  folder.Write("checkpoint/last/model.safetensors", "weights");
  folder.Write("same.csv", "1");
  folder.Write("changed.csv", "1");
  folder.Write("gone.csv", "1");
  Provenance provenance = ThisProvenance("", 0);
  for (const char* name : {"same.csv", "changed.csv", "gone.csv", "checkpoint"}) {
    provenance.AddFile("truth", folder / name);
  }
  EXPECT_TRUE(CheckProvenance(provenance).FilesMatch());
  EXPECT_TRUE(CheckProvenance(provenance).versions.empty());

  folder.Write("changed.csv", "2");
  std::filesystem::remove(folder / "gone.csv");
  provenance.versions = {{"dualgeo", "0.0.1"}, {"abacus", "1"}};
  provenance.command = {"dualgeo", "evaluate", "--note", "it's"};
  const ProvenanceCheck check = CheckProvenance(provenance);
  EXPECT_FALSE(check.FilesMatch());
  ASSERT_EQ(check.files.size(), 4U);
  EXPECT_EQ(check.files[0].state, FileState::kSame);
  EXPECT_EQ(check.files[1].state, FileState::kChanged);
  EXPECT_EQ(check.files[2].state, FileState::kGone);
  EXPECT_EQ(check.files[3].state, FileState::kSame);
  EXPECT_THAT(FormatCheck(provenance, check),
              AllOf(HasSubstr("CHANGED  truth: "), HasSubstr("GONE     truth: "), HasSubstr("abacus was 1, is absent"),
                    HasSubstr("dualgeo was 0.0.1, is "), HasSubstr(R"(dualgeo evaluate --note 'it'\''s')")));

  folder.Write("checkpoint/last/extra", "");
  EXPECT_EQ(CheckProvenance(provenance).files[3].state, FileState::kChanged);
}

TEST(Provenance, FindsFilesBelowTheFolderItWasMadeIn) {
  TemporaryFolder folder;
  folder.Write("t.csv", "abc");
  Provenance provenance = ThisProvenance("", 0);
  provenance.folder = folder.path().string();
  provenance.files = {{"truth", "t.csv", Sha256("abc")}};
  EXPECT_TRUE(CheckProvenance(provenance).FilesMatch());
  provenance.folder = (folder / "moved").string();
  EXPECT_EQ(CheckProvenance(provenance).files[0].state, FileState::kGone);
}

}  // namespace
}  // namespace dualgeo
