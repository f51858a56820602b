#include "io/weight_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "dualgeo/util/error.h"
#include "io/pytorch_file.h"
#include "io/safetensors.h"
#include "tests/support/shared_data.h"
#include "tests/support/stored_zip.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// tests/data/weights/make_files.py made these.
std::filesystem::path Data(const std::string& name) {
  return std::filesystem::path(DUALGEO_SOURCE_DIR) / "tests/data/weights" / name;
}

std::map<std::string, torch::Tensor> Tensors(const std::filesystem::path& path) {
  const WeightFile file = ReadWeightFile(path);
  return {file.tensors.begin(), file.tensors.end()};
}

std::vector<std::string> Names(const std::filesystem::path& path) {
  std::vector<std::string> names;
  for (const auto& tensor : ReadWeightFile(path).tensors) names.push_back(tensor.first);
  return names;
}

torch::Tensor Ramp(std::vector<std::int64_t> shape, torch::Dtype dtype = torch::kFloat32, std::int64_t start = 0) {
  std::int64_t count = 1;
  for (const auto extent : shape) count *= extent;
  return torch::arange(start, start + count).reshape(shape).to(dtype);
}

bool Same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && torch::equal(a, b);
}

// "" when the file is read.
std::string MessageOf(const std::filesystem::path& path) {
  try {
    ReadWeightFile(path);
    return "";
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.find(path.string()), 0U) << message;
    return message;
  }
}

// Zip archives (torch.save of today) and legacy files of the same objects.
class PyTorchFormat : public ::testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path File(const std::string& name) const { return Data(GetParam() + ("_" + name) + ".pth"); }
};
INSTANTIATE_TEST_SUITE_P(Formats, PyTorchFormat, ::testing::Values("zip", "legacy"),
                         [](const auto& test) { return test.param; });

TEST_P(PyTorchFormat, EveryElementType) {
  const auto tensors = Tensors(File("types"));
  const std::pair<const char*, torch::Dtype> expected[] = {
      {"f64", torch::kFloat64}, {"f32", torch::kFloat32}, {"f16", torch::kFloat16}, {"bf16", torch::kBFloat16},
      {"i64", torch::kInt64},   {"i32", torch::kInt32},   {"i16", torch::kInt16},   {"i8", torch::kInt8},
      {"u8", torch::kUInt8},    {"bool", torch::kBool}};
  ASSERT_EQ(tensors.size(), std::size(expected));
  for (const auto& [name, dtype] : expected) EXPECT_TRUE(Same(tensors.at(name), Ramp({2, 3}, dtype))) << name;
}

TEST_P(PyTorchFormat, StridesOffsetsAndSharedStorages) {
  auto tensors = Tensors(File("views"));
  const auto base = Ramp({4, 6});
  EXPECT_TRUE(Same(tensors.at("base"), base));
  EXPECT_TRUE(Same(tensors.at("transposed"), base.t()));
  EXPECT_TRUE(Same(tensors.at("window"), base.slice(0, 1, 3).slice(1, 2, 5)));
  EXPECT_TRUE(Same(tensors.at("column"), base.select(1, 1)));
  EXPECT_TRUE(Same(tensors.at("expanded"), Ramp({3}, torch::kFloat32, 7).expand({2, 3})));
  EXPECT_TRUE(Same(tensors.at("scalar"), torch::tensor(3.5f)));
  EXPECT_TRUE(Same(tensors.at("empty"), torch::empty({0, 4})));
  // Shared as they were in Python, and the file is not written to.
  const auto before = ReadFile(File("views"));
  tensors.at("base").index_put_({2, 3}, -1.0f);
  EXPECT_EQ(tensors.at("transposed").index({3, 2}).item<float>(), -1.0f);
  EXPECT_EQ(ReadFile(File("views")), before);
}

TEST_P(PyTorchFormat, TheStateDictOfACheckpoint) {
  const WeightFile file = ReadWeightFile(File("checkpoint"));
  EXPECT_EQ(file.container, "model_state_dict");
  EXPECT_THAT(file.left_aside, UnorderedElementsAre("optimizer_state_dict", "args"));
  EXPECT_EQ(file.metadata.at("epoch"), "3");
  EXPECT_EQ(file.metadata.at("best"), "0.25");
  EXPECT_EQ(file.metadata.at("note"), "half-way");
  const auto tensors = Tensors(File("checkpoint"));
  EXPECT_THAT(Names(File("checkpoint")), ElementsAre("fc.weight", "fc.bias", "bn.weight", "bn.bias", "bn.running_mean",
                                                     "bn.running_var", "bn.num_batches_tracked"));
  EXPECT_TRUE(Same(tensors.at("fc.weight"), Ramp({2, 3})));
  EXPECT_TRUE(Same(tensors.at("bn.bias"), Ramp({2})));
  EXPECT_TRUE(Same(tensors.at("bn.num_batches_tracked"), torch::tensor(1, torch::kInt64)));
}

TEST_P(PyTorchFormat, NestedDictsListsAndParameters) {
  const WeightFile file = ReadWeightFile(File("nested"));
  EXPECT_EQ(file.container, "");
  EXPECT_THAT(Names(File("nested")), ElementsAre("encoder.layers.0", "encoder.layers.1", "head.weight", "7.x"));
  EXPECT_TRUE(Same(Tensors(File("nested")).at("head.weight"), Ramp({2, 2})));
}

TEST_P(PyTorchFormat, ASingleTensorIsNamedAfterTheFile) {
  const auto tensors = Tensors(File("tensor"));
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors.begin()->first, std::string(GetParam()) + "_tensor");
  EXPECT_TRUE(Same(tensors.begin()->second, Ramp({2, 3})));
}

TEST_P(PyTorchFormat, PickleProtocol4) {
  const auto tensors = Tensors(File("protocol4"));
  EXPECT_TRUE(Same(tensors.at("x"), Ramp({2, 3})));
  EXPECT_TRUE(Same(tensors.at("y"), Ramp({2})));
}

// Cut off anywhere, a file is an error and never a smaller or another table.
TEST_P(PyTorchFormat, EveryTruncationIsRefused) {
  for (const char* name : {"views", "checkpoint"}) {
    const std::string bytes = ReadFile(File(name));
    for (std::size_t size = 0; size < bytes.size(); size += bytes.size() / 300 + 1) {
      EXPECT_THROW(ReadPyTorchLayout(std::string_view(bytes).substr(0, size), "x.pth"), InputError) << name << size;
    }
    EXPECT_THROW(ReadPyTorchLayout(std::string_view(bytes).substr(0, bytes.size() - 1), "x.pth"), InputError);
  }
}

// Every byte of the pickles and directories changed: a table that fits the file, or one line.
TEST_P(PyTorchFormat, DamageIsHarmless) {
  std::string bytes = ReadFile(File("views"));
  int refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char original = bytes[i];
    for (const unsigned char change : {0x01, 0x80, 0xff}) {
      bytes[i] = static_cast<char>(original ^ change);
      try {
        const auto layout = ReadPyTorchLayout(bytes, "x.pth");
        for (const auto& storage : layout.storages) {
          ASSERT_LE(storage.begin + storage.size, bytes.size());
        }
      } catch (const InputError& error) {
        ++refused;
        ASSERT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      }
    }
    bytes[i] = original;
  }
  EXPECT_GT(refused, 500);
}

TEST(PyTorchFile, AScriptedModelsParametersAndBuffers) {
  const WeightFile file = ReadWeightFile(Data("scripted.pt"));
  EXPECT_EQ(file.format, "TorchScript archive");
  const auto tensors = Tensors(Data("scripted.pt"));
  EXPECT_TRUE(Same(tensors.at("visual.0.weight"), Ramp({2, 3, 2, 2}, torch::kFloat16)));
  EXPECT_TRUE(Same(tensors.at("visual.1.running_var"), torch::ones({2}, torch::kFloat16)));
  EXPECT_TRUE(Same(tensors.at("input_resolution"), torch::tensor(224, torch::kInt64)));
  EXPECT_EQ(tensors.size(), 7U);
}

TEST(PyTorchFile, RealGeoClipFiles) {
  SHARED_PATH_OR_SKIP(folder, "data/weights");
  const auto mlp = Tensors(folder / "geoclip_image_encoder_mlp_weights.pth");
  ASSERT_EQ(mlp.size(), 4U);
  EXPECT_EQ(mlp.at("0.weight").sizes(), (std::vector<std::int64_t>{768, 768}));
  EXPECT_EQ(mlp.at("2.weight").sizes(), (std::vector<std::int64_t>{512, 768}));
  EXPECT_TRUE(mlp.at("2.weight").isfinite().all().item<bool>());
  const auto scale = Tensors(folder / "geoclip_logit_scale_weights.pth");
  ASSERT_EQ(scale.size(), 1U);
  EXPECT_NEAR(scale.at("logit_scale").item<float>(), 3.68103, 1e-5);
}

TEST(PyTorchFile, TheSameAsSafetensors) {
  SHARED_PATH_OR_SKIP(folder, "fixtures");
  for (const std::string name : {"gps_encoder_mercator_weights", "gps_encoder_equal_earth_weights"}) {
    const auto ours = Tensors(folder / (name + ".pth"));
    const auto reference = Tensors(folder / (name + ".safetensors"));
    ASSERT_EQ(ours.size(), reference.size());
    for (const auto& [key, tensor] : reference) EXPECT_TRUE(Same(ours.at(key), tensor)) << key;
  }
}

TEST(PyTorchFile, NothingIsCalled) {
  const std::filesystem::path touched = "/tmp/a-weight-file-was-executed";
  std::filesystem::remove(touched);
  for (const char* name : {"calls_system_0.pkl", "calls_system_2.pkl", "calls_system_4.pkl", "calls_system_zip.pth",
                           "calls_system_legacy.pth"}) {
    EXPECT_THAT(MessageOf(Data(name)), AllOf(HasSubstr("\"posix.system\""), HasSubstr("not called"))) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(touched));
  EXPECT_THAT(MessageOf(Data("whole_module.pth")), AllOf(HasSubstr("\"__main__.Model\""), HasSubstr("state_dict()")));
}

TEST(PyTorchFile, CompressedMembersAreNotInflated) {
  EXPECT_THAT(MessageOf(Data("compressed.pth")), HasSubstr("is compressed"));
  EXPECT_THAT(MessageOf(Data("bomb.pth")), AllOf(HasSubstr("is compressed"), HasSubstr("zip bomb")));
}

// ---- files by hand --------------------------------------------------------------------------------------------------

std::string Text(const std::string& text) { return "X" + LittleEndian(text.size(), 4) + text; }
std::string Integer(std::uint64_t value) { return "\x8a\x08" + LittleEndian(value, 8); }
std::string Tuple(const std::vector<std::uint64_t>& values) {
  std::string text = "(";
  for (const auto value : values) text += Integer(value);
  return text + "t";
}

// {"x": a tensor} as torch.save pickles it.
std::string Pickled(const std::vector<std::uint64_t>& shape, const std::vector<std::uint64_t>& strides,
                    std::uint64_t elements, std::uint64_t offset = 0, const std::string& storage = "FloatStorage") {
  return std::string("\x80\x02") + "}" + Text("x") + "ctorch._utils\n_rebuild_tensor_v2\n((" + Text("storage") +
         "ctorch\n" + storage + "\n" + Text("0") + Text("cpu") + Integer(elements) + "tQ" + Integer(offset) +
         Tuple(shape) + Tuple(strides) + "\x89" + "ccollections\nOrderedDict\n)RtRs.";
}

std::string MessageOfBytes(const std::string& bytes) {
  const TemporaryFolder folder;
  return MessageOf(folder.Write("x.pth", bytes));
}
std::string MessageOfPickle(const std::string& pickle, const std::string& data) {
  return MessageOfBytes(StoredZip({{"a/data.pkl", pickle}, {"a/data/0", data}}));
}

TEST(PyTorchBadInput, TheHandmadeFileIsGoodByItself) {
  const TemporaryFolder folder;
  const auto path = folder.Write(
      "x.pth", StoredZip({{"a/data.pkl", Pickled({2, 2}, {2, 1}, 5, 1)}, {"a/data/0", std::string(20, '\0')}}));
  EXPECT_TRUE(Same(Tensors(path).at("x"), torch::zeros({2, 2})));
}

TEST(PyTorchBadInput, ShapesThatDoNotFitTheirBytes) {
  const std::uint64_t tera = std::uint64_t{1} << 40;
  const std::string data(16, '\0');
  EXPECT_THAT(MessageOfPickle(Pickled({tera}, {1}, tera), data),
              HasSubstr("storage \"0\" is said to have 1099511627776 elements of 4 bytes, and the file has 16 bytes"));
  EXPECT_THAT(MessageOfPickle(Pickled({tera}, {1}, 4), data),
              HasSubstr("\"x\": the shape [1099511627776] leaves its storage of 4 elements"));
  EXPECT_THAT(MessageOfPickle(Pickled({tera}, {0}, 4), data),
              HasSubstr("1099511627776 elements and the file only 4 of them, repeated"));
  EXPECT_THAT(MessageOfPickle(Pickled({tera, tera}, {0, 0}, 4), data), HasSubstr("overflows"));
  EXPECT_THAT(MessageOfPickle(Pickled({2, 2}, {std::uint64_t{1} << 62, 1}, 4), data), HasSubstr("leaves its storage"));
  EXPECT_THAT(MessageOfPickle(Pickled({4}, {1}, 4, 1), data), HasSubstr("leaves its storage"));
  EXPECT_THAT(MessageOfPickle(Pickled({4}, {1, 1}, 4), data), HasSubstr("strides that do not go with the shape"));
  EXPECT_THAT(MessageOfPickle(Pickled({~std::uint64_t{0}}, {1}, 4), data), HasSubstr("negative"));
  EXPECT_THAT(MessageOfPickle(Pickled({4}, {1}, 4), data + "more"), HasSubstr("the file has 20 bytes for it"));
  EXPECT_THAT(MessageOfPickle(Pickled({4}, {1}, 4, 0, "ComplexFloatStorage"), data),
              HasSubstr("\"torch.ComplexFloatStorage\""));
  EXPECT_THAT(MessageOfPickle(Pickled(std::vector<std::uint64_t>(40, 1), {1}, 4), data), HasSubstr("40 dimensions"));
}

TEST(PyTorchBadInput, Archives) {
  const std::string pickle = Pickled({4}, {1}, 4);
  const std::string data(16, '\0');
  EXPECT_THAT(MessageOfBytes(StoredZip({{"a/data.pkl", pickle}, {"a/data/0", data}}, 1u << 30)),
              HasSubstr("leave the archive"));
  EXPECT_THAT(MessageOfBytes(StoredZip({{"a/data.pkl", pickle}})), HasSubstr("no member \"a/data/0\""));
  EXPECT_THAT(MessageOfBytes(StoredZip({{"arr_0.npy", data}})), HasSubstr("a NumPy archive (.npz), not weights"));
  EXPECT_THAT(MessageOfBytes(StoredZip({{"readme.txt", data}})),
              AllOf(HasSubstr("none of torch.save"), HasSubstr("\"readme.txt\"")));
  EXPECT_THAT(MessageOfBytes("PK\3\4" + std::string(100, '\0')), HasSubstr("cut off"));
  EXPECT_THAT(MessageOfBytes(StoredZip({{"a/data.pkl", pickle}, {"a/data/0", data}, {"a/data/0", data}})),
              HasSubstr("occurs twice"));
  EXPECT_THAT(MessageOfBytes(StoredZip({{"a/data.pkl", pickle}, {"b/data.pkl", pickle}})), HasSubstr("two data.pkl"));
  EXPECT_THAT(MessageOfBytes(StoredZip({{"a/data.pkl", pickle}, {"a/data/0", data}, {"a/byteorder", "big"}})),
              HasSubstr("another byte order"));
}

TEST(PyTorchBadInput, Pickles) {
  const std::string data(16, '\0');
  const auto message = [&](const std::string& pickle) { return MessageOfPickle("\x80\x02" + pickle, data); };
  EXPECT_THAT(message("}."), HasSubstr("holds no tensors"));
  EXPECT_THAT(message("}"), HasSubstr("cut off"));
  EXPECT_THAT(message("."), HasSubstr("other than one value"));
  EXPECT_THAT(message("X\xff\xff\xff\x7f."), HasSubstr("cut off"));
  EXPECT_THAT(message("h\1."), HasSubstr("a value that is not there"));
  EXPECT_THAT(message("\xfe."), HasSubstr("opcode 0xfe at byte 2"));
  EXPECT_THAT(message("}K\1K\1u."), HasSubstr("a mark is missing"));
  EXPECT_THAT(message("}(K\1u."), HasSubstr("a key without a value"));
  EXPECT_THAT(MessageOfPickle(std::string("\x80\x06}.", 4), data), HasSubstr("pickle protocol 6"));
  // A dict within itself, and dicts whose tree is 2^30 wide: small files with endless trees.
  EXPECT_THAT(message("}q" + std::string(1, '\0') + Text("x") + "h" + std::string(1, '\0') + "s."),
              HasSubstr("nested more than 64"));
  std::string wide =
      "}q\1"
      "0";
  for (char level = 2; level <= 31; ++level) {
    const std::string inner = std::string("h") + static_cast<char>(level - 1) + "s";
    wide += "}" + Text("a") + inner + Text("b") + inner + "q" + level + "0";
  }
  EXPECT_THAT(message(wide + "h\x1f."), HasSubstr("more than the file does"));
  // Calls of calls, and a name that recurs.
  const std::string twice = Pickled({4}, {1}, 4);
  EXPECT_THAT(MessageOfPickle(twice.substr(0, twice.size() - 1) + twice.substr(3, twice.size() - 4) + ".", data),
              HasSubstr("occurs twice"));
}

TEST(WeightFile, WhatPeopleHaveInstead) {
  const TemporaryFolder folder;
  const std::string lfs =
      "version https://git-lfs.github.com/spec/v1\noid "
      "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d1"
      "7e2393\nsize 1710671599\n";
  for (const char* name : {"x.pth", "x.pt", "x.bin", "x.safetensors", "x.safetensors.index.json"}) {
    EXPECT_THAT(MessageOf(folder.Write(name, lfs)), HasSubstr("git-LFS pointer, not weights"));
    EXPECT_THAT(MessageOf(folder.Write(name, "\n<!DOCTYPE html><html><body>Sign in</body></html>")),
                HasSubstr("a web page, not weights"));
    EXPECT_NE(MessageOf(folder.Write(name, "")), "");
    EXPECT_NE(MessageOf(folder.Write(name, "garbage, that is, no weights at all")), "");
  }
  EXPECT_THAT(MessageOf(folder.Write("x.csv", "a,b\n")), HasSubstr("a text, not weights (safetensors"));
  EXPECT_THAT(MessageOf(folder / "absent.pth"), HasSubstr("no such file"));
  EXPECT_THAT(MessageOf(folder.path()), HasSubstr("the folder holds no weights"));
}

TEST(WeightFile, TheFormatIsToldFromTheBytes) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(Data("zip_types.pth"), folder / "renamed.safetensors");
  EXPECT_EQ(Tensors(folder / "renamed.safetensors").size(), 10U);
  // A header of 640 bytes begins like a pickle of protocol 2.
  std::string header = R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize(640, ' ');
  EXPECT_EQ(Names(folder.Write("x.bin", LittleEndian(640, 8) + header + std::string(4, '\0'))),
            std::vector<std::string>{"x"});
}

class Shards : public ::testing::Test {
 protected:
  Shards() {
    WriteSafetensors(folder_ / "model-00001-of-00002.safetensors", {{"a", Ramp({2})}, {"b", Ramp({3})}},
                     {{"format", "pt"}});
    WriteSafetensors(folder_ / "model-00002-of-00002.safetensors", {{"c", Ramp({4})}});
  }
  std::filesystem::path Index(const std::string& map) {
    return folder_.Write("model.safetensors.index.json",
                         R"({"metadata": {"total_size": 36, "more": [{"x": null}]}, "weight_map": )" + map + "}");
  }
  static constexpr char kGood[] = R"({"a": "model-00001-of-00002.safetensors", "b": "model-00001-of-00002.safetensors",
                                      "c": "model-00002-of-00002.safetensors"})";
  TemporaryFolder folder_;
};

TEST_F(Shards, AreOneTable) {
  const auto index = Index(kGood);
  for (const auto& path : {index, folder_.path()}) {
    const auto tensors = Tensors(path);
    ASSERT_EQ(tensors.size(), 3U);
    EXPECT_TRUE(Same(tensors.at("c"), Ramp({4})));
  }
  EXPECT_EQ(ReadWeightFile(index).format, "sharded safetensors");
}

TEST_F(Shards, BadIndices) {
  for (const char* shard : {"../x.safetensors", "/etc/passwd", "sub/x.safetensors", "..", ""}) {
    EXPECT_THAT(MessageOf(Index(std::string(R"({"a": ")") + shard + "\"}")),
                HasSubstr("a shard is a file beside the index"));
  }
  EXPECT_THAT(MessageOf(Index(R"({"a": "model-00003-of-00003.safetensors"})")),
              HasSubstr("model-00003-of-00003.safetensors is missing"));
  EXPECT_THAT(MessageOf(Index(R"({"a": 7})")), HasSubstr("\"a\" is no file name"));
  EXPECT_THAT(MessageOf(Index(R"({"a": {"b": "c"}})")), HasSubstr("\"a\" is no file name"));
  EXPECT_THAT(MessageOf(Index(R"({"a": "x", "a": "y"})")), HasSubstr("\"a\" occurs twice"));
  EXPECT_THAT(MessageOf(Index("[]")), HasSubstr("no \"weight_map\""));
  EXPECT_THAT(MessageOf(folder_.Write("b.json", "{\"weight_map\": {\"a\": ")), HasSubstr("not JSON"));
  EXPECT_THAT(MessageOf(folder_.Write("c.json", std::string(1'000'000, '['))), HasSubstr("not an object"));
  // The line begins with the shard's name here.
  try {
    ReadWeightFile(Index(R"({"a": "model-00001-of-00002.safetensors", "d": "model-00002-of-00002.safetensors"})"));
    ADD_FAILURE();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("model-00001-of-00002.safetensors: tensor \"b\" is not said to be here"));
  }
  const std::string good = kGood;
  EXPECT_THAT(MessageOf(Index(good.substr(0, good.size() - 1) + R"(, "e": "model-00002-of-00002.safetensors"})")),
              HasSubstr("tensor \"e\" is not in model-00002-of-00002.safetensors"));
}

}  // namespace
}  // namespace dualgeo
