#include "dualgeo/train/tensor_archive.h"

#include <gtest/gtest.h>
#include <torch/serialize.h>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

std::map<std::string, torch::Tensor> Some() {
  return {{"weights/a.b", torch::arange(6, torch::kFloat32).view({2, 3})},
          {"step", torch::tensor(std::int64_t{1} << 40, torch::kInt64)},
          {"best", torch::tensor(0.25, torch::kFloat64)},
          {"text", torch::tensor({104, 105}, torch::kUInt8)},
          {"nothing", torch::empty({0, 4})},
          {"transposed", torch::arange(6, torch::kFloat32).view({2, 3}).t()}};
}

TEST(TensorArchiveTest, ReadsWhatItWrote) {
  const TemporaryFolder folder;
  WriteTensorArchive(folder / "a.pt", Some());
  const auto read = ReadTensorArchive(folder / "a.pt");
  ASSERT_EQ(read.size(), Some().size());
  for (const auto& [name, tensor] : Some()) {
    EXPECT_EQ(read.at(name).dtype(), tensor.dtype()) << name;
    EXPECT_TRUE(torch::equal(read.at(name), tensor)) << name;
  }
}

TEST(TensorArchiveTest, SameInputGivesTheSameBytes) {
  const TemporaryFolder folder;
  WriteTensorArchive(folder / "a.pt", Some());
  WriteTensorArchive(folder / "b.pt", Some());
  EXPECT_EQ(Bytes(folder / "a.pt"), Bytes(folder / "b.pt"));
}

TEST(TensorArchiveTest, LibTorchOpensIt) {
  const TemporaryFolder folder;
  WriteTensorArchive(folder / "a.pt", Some());
  const std::string bytes = Bytes(folder / "a.pt");
  const auto dict = torch::pickle_load({bytes.begin(), bytes.end()}).toGenericDict();
  EXPECT_TRUE(torch::equal(dict.at("weights/a.b").toTensor(), Some().at("weights/a.b")));
  EXPECT_EQ(dict.size(), Some().size());
}

TEST(TensorArchiveTest, RefusesEveryOtherPickle) {
  const TemporaryFolder folder;
  const auto foreign = torch::pickle_save(c10::IValue(torch::zeros({2})));
  folder.Write("foreign.pt", {foreign.begin(), foreign.end()});
  EXPECT_NE(MessageOf<InputError>([&] { ReadTensorArchive(folder / "foreign.pt"); }).find("foreign.pt: not a file of"),
            std::string::npos);
  folder.Write("text.pt", "this is not a zip");
  EXPECT_THROW(ReadTensorArchive(folder / "text.pt"), InputError);
  folder.Write("empty.pt", "");
  EXPECT_THROW(ReadTensorArchive(folder / "empty.pt"), InputError);
  EXPECT_THROW(ReadTensorArchive(folder / "missing.pt"), InputError);
}

TEST(TensorArchiveTest, DamageIsAnErrorOrHarmless) {
  const TemporaryFolder folder;
  WriteTensorArchive(folder / "a.pt", Some());
  const std::string bytes = Bytes(folder / "a.pt");
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    if (i % 3 == 0) {
      damaged.resize(random.Below(bytes.size()));
    } else {
      damaged[random.Below(bytes.size())] ^= static_cast<char>(1 + random.Below(255));
    }
    const auto path = folder.Write("damaged.pt", damaged);
    try {
      ReadTensorArchive(path);
    } catch (const InputError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    }
  }
}

TEST(TensorArchiveTest, AFullDiskIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  EXPECT_NE(MessageOf<Error>([] { WriteTensorArchive("/dev/full", Some()); }).find("No space left"), std::string::npos);
}

}  // namespace
}  // namespace dualgeo
