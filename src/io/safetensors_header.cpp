#include "io/safetensors_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"

namespace dualgeo {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little endian and mapped as they are");

std::optional<ElementType> TypeOf(const std::string& name) {
  for (const auto& info : kElementTypes) {
    if (name == info.name) return info.type;
  }
  return std::nullopt;
}

std::string KnownTypes() {
  std::vector<std::string> names;
  for (const auto& info : kElementTypes) names.emplace_back(info.name);
  return Join(names);
}

// Follows the header's JSON event by event and accepts only {name: {dtype, shape, data_offsets}, __metadata__: {k: v}}.
// Nothing is built for what is not that, so neither depth nor size of a hostile header costs memory.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  struct Tensor {
    std::string name;
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::vector<std::uint64_t> offsets;
  };
  std::vector<Tensor> tensors;
  std::map<std::string, std::string> metadata;
  std::string problem;

  bool null() override { return Refuse("null"); }
  bool boolean(bool) override { return Refuse("true or false"); }
  bool number_integer(number_integer_t) override { return Refuse("a negative number"); }
  bool number_float(number_float_t, const string_t& text) override { return Refuse("the number " + Printable(text)); }
  bool binary(binary_t&) override { return Refuse("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ != State::kList) return Refuse("a number");
    auto& list = key_ == "shape" ? tensors.back().shape : tensors.back().offsets;
    if (list.size() == (key_ == "shape" ? kMaxSafetensorsDimensions : 2)) {
      return Fail("tensor \"" + Printable(tensors.back().name) + "\": " + key_ + " has too many values");
    }
    list.push_back(value);
    return true;
  }

  bool string(string_t& value) override {
    if (state_ == State::kMetadata) {
      metadata[key_] = value;
      return true;
    }
    if (state_ != State::kTensor || key_ != "dtype") return Refuse("a text");
    tensors.back().dtype = value;
    return true;
  }

  bool start_object(std::size_t) override {
    if (state_ == State::kStart) {
      state_ = State::kHeader;
    } else if (state_ == State::kHeader) {
      state_ = name_ == "__metadata__" ? State::kMetadata : State::kTensor;
      if (state_ == State::kTensor) tensors.push_back({name_, "", {}, {}});
      keys_.clear();
    } else {
      return Refuse("an object");
    }
    return true;
  }

  bool end_object() override {
    if (state_ == State::kTensor) {
      for (const char* key : {"dtype", "shape", "data_offsets"}) {
        if (keys_.count(key) == 0) return Fail("tensor \"" + Printable(name_) + "\" has no " + key);
      }
    }
    state_ = state_ == State::kHeader ? State::kEnd : State::kHeader;
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ != State::kTensor || (key_ != "shape" && key_ != "data_offsets")) return Refuse("a list");
    state_ = State::kList;
    return true;
  }

  bool end_array() override {
    state_ = State::kTensor;
    return true;
  }

  bool key(string_t& value) override {
    if (state_ == State::kHeader) {
      if (!names_.insert(value).second) return Fail("\"" + Printable(value) + "\" occurs twice in the header");
      name_ = value;
      return true;
    }
    if (!keys_.insert(value).second) {
      return Fail("\"" + Printable(name_) + "\" has \"" + Printable(value) + "\" twice");
    }
    key_ = value;
    if (state_ == State::kTensor && value != "dtype" && value != "shape" && value != "data_offsets") {
      return Fail("tensor \"" + Printable(name_) + "\" has the unknown key \"" + Printable(value) +
                  "\"; known: dtype, shape, data_offsets");
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception&) override {
    return Fail("not JSON at byte " + std::to_string(position) + ", near \"" + Printable(token, 30) + "\"");
  }

 private:
  enum class State { kStart, kHeader, kTensor, kMetadata, kList, kEnd };

  bool Fail(std::string what) {
    problem = std::move(what);
    return false;
  }

  bool Refuse(const std::string& what) {
    switch (state_) {
      case State::kStart:
      case State::kEnd:
        return Fail("the header is " + what + ", not an object");
      case State::kHeader:
        return Fail("\"" + Printable(name_) + "\" is " + what + ", not an object");
      case State::kMetadata:
        return Fail("__metadata__ \"" + Printable(key_) + "\" is " + what + ", not a text");
      case State::kTensor:
      case State::kList:
        break;
    }
    return Fail("tensor \"" + Printable(name_) + "\": " + what + " in \"" + Printable(key_) + "\"");
  }

  State state_ = State::kStart;
  std::string name_;
  std::string key_;
  std::set<std::string> names_;
  std::set<std::string> keys_;
};

}  // namespace

SafetensorsHeader ReadSafetensorsHeader(std::string_view file, const std::string& path) {
  const auto fail = [&](const std::string& what) { throw InputError(path + ": " + what); };
  const std::uint64_t size = file.size();
  if (const auto foreign = DescribeOtherFile(file.substr(0, kFileHeadBytes), FileUse::kFeatures)) fail(*foreign);
  if (size < 8) fail("not a safetensors file: " + std::to_string(size) + " bytes, too short for a header length");

  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), 8);
  if (header_bytes > size - 8) {
    fail("not a safetensors file, or cut off: the header is said to have " + std::to_string(header_bytes) +
         " bytes and the file has " + std::to_string(size));
  }
  if (header_bytes > kMaxSafetensorsHeaderBytes) {
    fail("header of " + std::to_string(header_bytes) + " bytes; at most " + std::to_string(kMaxSafetensorsHeaderBytes) +
         " are allowed");
  }
  SafetensorsHeader result;
  auto& entries = result.entries;
  HeaderReader header;
  const char* const text = file.data() + 8;
  if (header_bytes == 0 || text[0] != '{') fail("not a safetensors file: the header does not begin with {");
  if (!nlohmann::json::sax_parse(text, text + header_bytes, &header))
    fail("damaged safetensors header: " + header.problem);
  result.metadata = std::move(header.metadata);

  const std::uint64_t data_begin = 8 + header_bytes;
  const std::uint64_t data_bytes = size - data_begin;
  entries.reserve(header.tensors.size());
  for (const auto& tensor : header.tensors) {
    const auto refuse = [&](const std::string& what) { fail("tensor \"" + Printable(tensor.name) + "\": " + what); };
    const auto type = TypeOf(tensor.dtype);
    if (!type) refuse("unknown dtype \"" + Printable(tensor.dtype) + "\"; known: " + KnownTypes());
    if (tensor.offsets.size() != 2) refuse("data_offsets must be two numbers");
    if (tensor.offsets[0] > tensor.offsets[1] || tensor.offsets[1] > data_bytes) {
      refuse("data_offsets [" + std::to_string(tensor.offsets[0]) + ", " + std::to_string(tensor.offsets[1]) +
             "] leave the " + std::to_string(data_bytes) + " bytes of data; the file is damaged or cut off");
    }
    std::uint64_t bytes = Info(*type).size;
    bool overflow = false;
    bool empty = false;
    for (const std::uint64_t extent : tensor.shape) {
      if (extent > static_cast<std::uint64_t>(INT64_MAX)) overflow = true;
      if (extent == 0)
        empty = true;
      else if (__builtin_mul_overflow(bytes, extent, &bytes))
        overflow = true;
    }
    if (overflow || bytes > static_cast<std::uint64_t>(INT64_MAX)) refuse("the shape's size overflows");
    if (empty) bytes = 0;
    if (bytes != tensor.offsets[1] - tensor.offsets[0]) {
      refuse("the shape needs " + std::to_string(bytes) + " bytes and data_offsets give " +
             std::to_string(tensor.offsets[1] - tensor.offsets[0]));
    }
    entries.push_back({tensor.name,
                       *type,
                       {tensor.shape.begin(), tensor.shape.end()},
                       data_begin + tensor.offsets[0],
                       data_begin + tensor.offsets[1]});
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  std::uint64_t end = data_begin;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].begin != end) {
      fail("tensor \"" + Printable(entries[i].name) + "\" " +
           (entries[i].begin < end ? "overlaps \"" + Printable(entries[i - 1].name) + "\""
                                   : std::string("leaves a gap before it")));
    }
    end = entries[i].end;
  }
  if (end != size) fail(std::to_string(size - end) + " bytes after the last tensor");
  return result;
}

}  // namespace dualgeo
