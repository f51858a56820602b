#include "io/weight_file.h"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "io/pytorch_file.h"
#include "io/safetensors.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxIndexBytes = 16'000'000;

fs::path FileOf(const fs::path& path) {
  std::error_code code;
  if (!fs::exists(path, code)) throw InputError(path.string() + ": no such file");
  if (!fs::is_directory(path, code)) return path;
  const std::vector<std::string> names = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin"};
  for (const auto& name : names) {
    if (fs::exists(path / name, code)) return path / name;
  }
  throw InputError(path.string() + ": the folder holds no weights (" + Join(names) + ")");
}

enum class Format { kSafetensors, kIndex, kPyTorch };

Format FormatOf(const fs::path& path) {
  std::array<char, kFileHeadBytes> buffer = {};
  const std::string_view head(buffer.data(), FileReader(path).Read(buffer.data(), buffer.size()));
  if (const auto foreign = DescribeOtherFile(head, FileUse::kWeights)) {
    throw InputError(path.string() + ": " + *foreign);
  }
  // A header length below 2^40, then JSON: no pickle looks like that.
  if (head.size() > 8 && head[8] == '{' && head.substr(5, 3) == std::string_view("\0\0\0", 3))
    return Format::kSafetensors;
  if (head.substr(0, 4) == "PK\3\4" || (head.size() > 1 && head[0] == '\x80')) return Format::kPyTorch;
  const auto extension = path.extension();
  if (extension == ".safetensors") return Format::kSafetensors;
  if (extension == ".json") return Format::kIndex;
  for (const char* known : {".pth", ".pt", ".bin", ".ckpt", ".pkl"}) {
    if (extension == known) return Format::kPyTorch;
  }
  throw InputError(path.string() +
                   ": not a weight file; read are safetensors (also sharded, by its .index.json) and "
                   "PyTorch's .pth and .pt");
}

void AddSafetensors(const fs::path& path, WeightFile& weights) {
  const SafetensorsFile file(path);
  for (const auto& [key, value] : file.metadata()) weights.metadata[key] = value;
  for (const auto& entry : file.entries()) weights.tensors.emplace_back(entry.name, file.View(entry.name));
}

// {"metadata": {...}, "weight_map": {tensor: shard}}, followed event by event as the safetensors header is.
class IndexReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::map<std::string, std::string> shards;
  std::string problem;

  bool null() override { return Value(); }
  bool boolean(bool) override { return Value(); }
  bool number_integer(number_integer_t) override { return Value(); }
  bool number_unsigned(number_unsigned_t) override { return Value(); }
  bool number_float(number_float_t, const string_t&) override { return Value(); }
  bool binary(binary_t&) override { return Value(); }
  bool string(string_t& text) override {
    if (depth_ != 2 || section_ != "weight_map") return Value();
    if (!shards.emplace(key_, text).second) return Fail("\"" + Printable(key_) + "\" occurs twice");
    return true;
  }
  bool start_object(std::size_t) override {
    if (depth_ > 0 && !Value()) return false;
    return ++depth_ <= 3 ? true : Fail("objects nested too deep");
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override { return Value(); }
  bool end_array() override { return true; }
  bool key(string_t& text) override {
    if (depth_ == 1) {
      section_ = text;
      if (text == "weight_map" && seen_) return Fail("\"weight_map\" occurs twice");
      if (text == "weight_map") seen_ = true;
    }
    key_ = text;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    return Fail("not JSON at byte " + std::to_string(position));
  }

 private:
  bool Fail(std::string what) {
    problem = std::move(what);
    return false;
  }
  // Anything may stand in the metadata.
  bool Value() {
    if (depth_ == 2 && section_ == "weight_map") return Fail("\"" + Printable(key_) + "\" is no file name");
    return depth_ > 0 ? true : Fail("not an object");
  }

  int depth_ = 0;
  bool seen_ = false;
  std::string section_;
  std::string key_;
};

// tensor -> shard
std::map<std::string, std::string> ReadShardIndex(const fs::path& path) {
  const std::string text = ReadFile(path, kMaxIndexBytes);
  IndexReader index;
  if (!nlohmann::json::sax_parse(text, &index)) {
    throw InputError(path.string() + ": damaged index of shards: " + index.problem);
  }
  if (index.shards.empty()) throw InputError(path.string() + ": not an index of shards: it has no \"weight_map\"");
  for (const auto& [name, shard] : index.shards) {
    if (shard.empty() || shard == "." || shard == ".." ||
        shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
      throw InputError(path.string() + ": \"" + Printable(name) + "\" is said to lie in \"" + Printable(shard) +
                       "\"; a shard is a file beside the index, without a folder");
    }
  }
  return std::move(index.shards);
}

void AddShards(const fs::path& path, WeightFile& weights) {
  const auto shards = ReadShardIndex(path);
  std::set<std::string> files;
  for (const auto& entry : shards) files.insert(entry.second);
  std::size_t found = 0;
  for (const auto& shard : files) {
    const fs::path file = path.parent_path() / shard;
    std::error_code code;
    if (!fs::exists(file, code)) throw InputError(path.string() + ": the shard " + Printable(shard) + " is missing");
    WeightFile part;
    if (FormatOf(file) != Format::kSafetensors)
      throw InputError(file.string() + ": a shard must be a safetensors file");
    AddSafetensors(file, part);
    for (auto& [name, tensor] : part.tensors) {
      const auto place = shards.find(name);
      if (place == shards.end() || place->second != shard) {
        throw InputError(file.string() + ": tensor \"" + Printable(name) + "\" is not said to be here by " +
                         path.filename().string());
      }
      ++found;
      weights.tensors.emplace_back(name, tensor);
    }
    weights.metadata.merge(part.metadata);
  }
  if (found == shards.size()) return;
  std::set<std::string> names;
  for (const auto& tensor : weights.tensors) names.insert(tensor.first);
  for (const auto& [name, shard] : shards) {
    if (names.count(name) == 0) {
      throw InputError(path.string() + ": tensor \"" + Printable(name) + "\" is not in " + Printable(shard));
    }
  }
}

void AddPyTorch(const fs::path& path, WeightFile& weights) {
  const PyTorchFile file(path);
  const PyTorchLayout& layout = file.layout();
  weights.format = layout.format;
  weights.container = layout.container;
  weights.left_aside = layout.left_aside;
  weights.metadata = layout.metadata;
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    weights.tensors.emplace_back(layout.tensors[i].name, file.View(i));
  }
}

}  // namespace

std::vector<fs::path> FilesOfWeights(const fs::path& path) {
  std::vector<fs::path> files = {FileOf(path)};
  if (FormatOf(files.front()) != Format::kIndex) return files;
  for (const auto& [tensor, shard] : ReadShardIndex(files.front())) {
    const fs::path file = files.front().parent_path() / shard;
    if (std::ranges::find(files, file) == files.end()) files.push_back(file);
  }
  return files;
}

WeightFile ReadWeightFile(const fs::path& path) {
  WeightFile weights;
  weights.path = FileOf(path);
  switch (FormatOf(weights.path)) {
    case Format::kSafetensors:
      weights.format = "safetensors";
      AddSafetensors(weights.path, weights);
      break;
    case Format::kIndex:
      weights.format = "sharded safetensors";
      AddShards(weights.path, weights);
      break;
    case Format::kPyTorch:
      AddPyTorch(weights.path, weights);
      break;
  }
  return weights;
}

}  // namespace dualgeo
