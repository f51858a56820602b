#include "io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string FileBytes(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\1');
}

// The message with which opening the bytes fails; "" when it does not.
std::string Refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const auto path = folder.Write("x.safetensors", bytes);
  try {
    SafetensorsFile file(path);
    return "";
  } catch (const InputError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.rfind(path.string() + ": ", 0), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
}

std::string RefusalOfHeader(const std::string& header, std::size_t data_bytes = 16) {
  return Refusal(FileBytes(header, data_bytes));
}

TEST(Safetensors, WritesAndReadsEveryType) {
  const TemporaryFolder folder;
  const auto path = folder / "deep/all.safetensors";
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const auto dtype : {torch::kUInt8, torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16,
                           torch::kInt64, torch::kInt32, torch::kInt16, torch::kInt8, torch::kBool}) {
    tensors.emplace_back(std::string("t.") + c10::toString(dtype), torch::arange(6).reshape({2, 3}).to(dtype));
  }
  tensors.emplace_back("scalar", torch::tensor(2.5f));
  tensors.emplace_back("none", torch::empty({0, 4}));
  tensors.emplace_back("strided", torch::arange(6.0f).reshape({2, 3}).t());
  WriteSafetensors(path, tensors, {{"ids", "[\"a\\n\", \"ü\"]"}, {"format", "pt"}});

  const SafetensorsFile file(path);
  EXPECT_EQ(file.entries().size(), tensors.size());
  EXPECT_EQ(file.metadata().at("ids"), "[\"a\\n\", \"ü\"]");
  for (const auto& [name, tensor] : tensors) {
    const auto read = file.Get(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(torch::equal(read, tensor)) << name;
    EXPECT_TRUE(torch::equal(file.View(name), tensor)) << name;
  }
}

TEST(Safetensors, LayoutIsAlignedAndTheSameEveryTime) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, torch::Tensor>> tensors = {
      {"bytes", torch::arange(3).to(torch::kUInt8)}, {"b", torch::ones({3})}, {"a", torch::ones({1}, torch::kFloat64)}};
  WriteSafetensors(folder / "1.safetensors", tensors);
  WriteSafetensors(folder / "2.safetensors", tensors);
  const auto bytes = ReadFile(folder / "1.safetensors");
  EXPECT_EQ(bytes, ReadFile(folder / "2.safetensors"));
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  EXPECT_EQ(header % 8, 0u);
  const SafetensorsFile file(folder / "1.safetensors");
  EXPECT_THAT(file.names(), ElementsAre("a", "b", "bytes"));
  for (const auto& entry : file.entries()) EXPECT_EQ(entry.begin % torch::elementSize(entry.dtype), 0u);
}

TEST(Safetensors, ViewOutlivesTheFileAndCopiesOnWrite) {
  const TemporaryFolder folder;
  const auto path = folder / "x.safetensors";
  WriteSafetensors(path, {{"x", torch::arange(4.0f)}});
  torch::Tensor view;
  {
    const SafetensorsFile file(path);
    view = file.View("x");
  }
  view.add_(1);
  EXPECT_TRUE(torch::equal(view, torch::arange(1.0f, 5.0f)));
  EXPECT_TRUE(torch::equal(SafetensorsFile(path).Get("x"), torch::arange(4.0f)));
}

TEST(Safetensors, ReadsUnalignedTensors) {
  const TemporaryFolder folder;
  const float value = 1.5f;
  std::string bytes = FileBytes(
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"f":{"dtype":"F32","shape":[],"data_offsets":[1,5]}})",
      1);
  bytes.append(reinterpret_cast<const char*>(&value), 4);
  const SafetensorsFile file(folder.Write("x.safetensors", bytes));
  EXPECT_EQ(file.Get("f").item<float>(), 1.5f);
}

TEST(Safetensors, NamesTheNearestTensor) {
  const TemporaryFolder folder;
  WriteSafetensors(folder / "x.safetensors", {{"fused_image", torch::ones({1})}});
  const SafetensorsFile file(folder / "x.safetensors");
  try {
    file.Get("fused_imag");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("did you mean \"fused_image\"?"));
  }
}

TEST(Safetensors, WriterRefusesWhatTheFormatCannotHold) {
  const TemporaryFolder folder;
  const auto path = folder / "x.safetensors";
  EXPECT_THROW(WriteSafetensors(path, {{"x", torch::ones({1})}, {"x", torch::ones({1})}}), InputError);
  EXPECT_THROW(WriteSafetensors(path, {{"__metadata__", torch::ones({1})}}), InputError);
  EXPECT_THROW(WriteSafetensors(path, {{"x", torch::ones({1}, torch::kComplexFloat)}}), InputError);
  EXPECT_THROW(WriteSafetensors(path, {{"\xff", torch::ones({1})}}), InputError);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(SafetensorsHostile, MissingShortOrForeignFiles) {
  EXPECT_THROW(SafetensorsFile("/nonexistent/x.safetensors"), InputError);
  EXPECT_THROW(SafetensorsFile("/"), InputError);
  EXPECT_THAT(Refusal(""), HasSubstr("an empty file"));
  EXPECT_THAT(Refusal("abc"), HasSubstr("a text, not safetensors"));
  EXPECT_THAT(Refusal("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"),
              HasSubstr("a git-LFS pointer, not "));
  EXPECT_THAT(Refusal("\n<!DOCTYPE HTML><html>nothing here</html>"), HasSubstr("web page"));
  EXPECT_THAT(Refusal(std::string("PK\3\4 a zip file that is long enough")),
              HasSubstr("a zip archive, not safetensors"));
}

TEST(SafetensorsHostile, HeaderLengths) {
  std::string bytes = FileBytes("{}", 0);
  EXPECT_EQ(Refusal(bytes), "");
  bytes[0] = 3;
  EXPECT_THAT(Refusal(bytes), HasSubstr("said to have 3 bytes and the file has 10"));
  std::memset(bytes.data(), 0xff, 8);
  EXPECT_THAT(Refusal(bytes), HasSubstr("18446744073709551615"));
  EXPECT_THAT(Refusal(std::string(8, '\0')), HasSubstr("does not begin with {"));
}

TEST(SafetensorsHostile, HeaderText) {
  EXPECT_THAT(RefusalOfHeader("{\"a\":"), HasSubstr("not JSON"));
  EXPECT_THAT(RefusalOfHeader("[1]"), HasSubstr("does not begin with {"));
  EXPECT_THAT(RefusalOfHeader("{}{}"), HasSubstr("not JSON"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":1})"), HasSubstr("a number"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"b":{}}})"), HasSubstr("unknown key \"b\""));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":{}}})"), HasSubstr("an object"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"shape":[[1]]}})"), HasSubstr("a list"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[16]}})"), HasSubstr("has no data_offsets"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[-16],"data_offsets":[0,16]}})"), HasSubstr("negative"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[1.6e1],"data_offsets":[0,16]}})"), HasSubstr("1.6e1"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[16],"data_offsets":[0,16,32]}})"), HasSubstr("too many"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[16],"data_offsets":[0]}})"), HasSubstr("two numbers"));
  EXPECT_THAT(RefusalOfHeader(R"({"__metadata__":{"a":1}})"), HasSubstr("not a text"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"F8_E4M3","shape":[16],"data_offsets":[0,16]}})"),
              HasSubstr("unknown dtype \"F8_E4M3\"; known: F64"));
}

TEST(SafetensorsHostile, NestingIsRefusedAtOnce) {
  EXPECT_THAT(RefusalOfHeader("{\"a\":" + std::string(1'000'000, '[')), HasSubstr("a list"));
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += "{\"a\":";
  EXPECT_THAT(RefusalOfHeader(nested), HasSubstr("unknown key"));
}

TEST(SafetensorsHostile, Duplicates) {
  const std::string tensor = R"({"dtype":"U8","shape":[16],"data_offsets":[0,16]})";
  EXPECT_THAT(RefusalOfHeader("{\"a\":" + tensor + ",\"a\":" + tensor + "}"), HasSubstr("\"a\" occurs twice"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","dtype":"I8","shape":[16],"data_offsets":[0,16]}})"),
              HasSubstr("\"dtype\" twice"));
}

TEST(SafetensorsHostile, SizesAndRanges) {
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[17],"data_offsets":[0,17]}})"), HasSubstr("leave the 16"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[9,8]}})"), HasSubstr("leave the 16"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"F32","shape":[5],"data_offsets":[0,16]}})"),
              HasSubstr("needs 20 bytes"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,16]}})"),
              HasSubstr("needs 4398046511104 bytes"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,16]}})"),
              HasSubstr("overflows"));
  // A size of 2^64 + 16 would pass for 16.
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[16,1152921504606846977],"data_offsets":[0,16]}})"),
              HasSubstr("overflows"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[10],"data_offsets":[0,10]},)"
                              R"("b":{"dtype":"U8","shape":[10],"data_offsets":[6,16]}})"),
              HasSubstr("\"b\" overlaps \"a\""));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[8,16]}})"), HasSubstr("gap"));
  EXPECT_THAT(RefusalOfHeader(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})"),
              HasSubstr("8 bytes after the last tensor"));
}

TEST(SafetensorsHostile, DamagedBytesNeverCrash) {
  const TemporaryFolder folder;
  WriteSafetensors(folder / "x.safetensors",
                   {{"a.weight", torch::arange(6.0f).reshape({2, 3})}, {"b", torch::ones({2})}}, {{"k", "v"}});
  const std::string good = ReadFile(folder / "x.safetensors");
  Random random(1);
  for (int i = 0; i < 1500; ++i) {
    std::string bytes = good;
    const std::uint64_t changes = 1 + random.Below(4);
    for (std::uint64_t j = 0; j < changes; ++j) {
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
    }
    if (random.Chance(0.2)) bytes.resize(random.Below(bytes.size() + 1));
    const auto path = folder.Write("y.safetensors", bytes);
    try {
      const SafetensorsFile file(path);
      for (const auto& name : file.names()) file.Get(name).sum();
    } catch (const InputError&) {
    }
  }
}

// What a writer makes a reader must take: the file is refused before anything of it is written.
TEST(WriteSafetensors, RefusesAHeaderThatNoReaderWouldTake) {
  const TemporaryFolder folder;
  const auto path = folder / "f.safetensors";
  const std::string long_text(100'000'000, 'x');
  EXPECT_THAT(
      [&] {
        WriteSafetensors(path, {{"a", torch::ones({1})}}, {{"ids", long_text}});
      },
      ThrowsMessage<InputError>(AllOf(HasSubstr("f.safetensors"), HasSubstr("100000000"))));
  const std::vector<std::int64_t> ones(33, 1);
  EXPECT_THAT(
      [&] {
        WriteSafetensors(path, {{"a", torch::ones(ones)}});
      },
      ThrowsMessage<InputError>(HasSubstr("dimensions")));
  EXPECT_THAT(
      [&] {
        WriteSafetensors(path, {{"a", torch::ones({1})}, {"a", torch::ones({1})}});
      },
      ThrowsMessage<InputError>(HasSubstr("repeated")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsWriter, PiecesGiveTheBytesOfTheWhole) {
  const TemporaryFolder folder;
  const auto floats = torch::arange(12, torch::kFloat32).reshape({6, 2});
  const auto bytes = torch::arange(6, torch::kUInt8);
  WriteSafetensors(folder / "whole", {{"bytes", bytes}, {"floats", floats}}, {{"kind", "x"}});
  const auto write = [&](std::int64_t rows) {
    SafetensorsWriter writer(folder / "pieces", {{"bytes", torch::kUInt8, {6}}, {"floats", torch::kFloat32, {6, 2}}},
                             {{"kind", "x"}});
    for (const auto& entry : writer.order()) {
      const auto& tensor = entry.name == "bytes" ? bytes : floats;
      for (std::int64_t i = 0; i < rows; i += 2) writer.Append(tensor.slice(0, i % 6, i % 6 + 2));
    }
    writer.Commit();
  };
  write(6);
  EXPECT_EQ(ReadFile(folder / "whole"), ReadFile(folder / "pieces"));
  EXPECT_THROW(write(4), Error);
  EXPECT_THROW(write(8), Error);
}

}  // namespace
}  // namespace dualgeo
