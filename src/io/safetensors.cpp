#include "dualgeo/io/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "dualgeo/io/foreign_file.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little endian and mapped as they are");

// The limit of the reference implementation.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxDimensions = 32;

struct DtypeName {
  const char* name;
  torch::Dtype dtype;
};

constexpr std::array<DtypeName, 10> kDtypes = {{{"F64", torch::kFloat64},
                                                {"F32", torch::kFloat32},
                                                {"F16", torch::kFloat16},
                                                {"BF16", torch::kBFloat16},
                                                {"I64", torch::kInt64},
                                                {"I32", torch::kInt32},
                                                {"I16", torch::kInt16},
                                                {"I8", torch::kInt8},
                                                {"U8", torch::kUInt8},
                                                {"BOOL", torch::kBool}}};

std::optional<torch::Dtype> DtypeOf(const std::string& name) {
  for (const auto& known : kDtypes) {
    if (name == known.name) return known.dtype;
  }
  return std::nullopt;
}

std::string KnownDtypes() {
  std::vector<std::string> names;
  for (const auto& known : kDtypes) names.emplace_back(known.name);
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
    if (list.size() == (key_ == "shape" ? kMaxDimensions : 2)) {
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

// The whole file in memory, private (copy on write), so that a tensor over it may even be written to.
class SafetensorsFile::Mapping {
 public:
  explicit Mapping(const std::filesystem::path& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) throw InputError(path.string() + ": " + std::strerror(errno));
    struct stat info {};
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
      close(file);
      throw InputError(path.string() + ": not a regular file");
    }
    size_ = static_cast<std::uint64_t>(info.st_size);
    if (size_ > 0) {
      void* const memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
      const int reason = errno;
      close(file);
      if (memory == MAP_FAILED) throw Error(path.string() + ": cannot map the file: " + std::strerror(reason));
      data_ = static_cast<char*>(memory);
    } else {
      close(file);
    }
  }
  ~Mapping() {
    if (data_ != nullptr) munmap(data_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  char* data() const { return data_; }
  std::uint64_t size() const { return size_; }

 private:
  char* data_ = nullptr;
  std::uint64_t size_ = 0;
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : path_(path), mapping_(std::make_shared<Mapping>(path)) {
  const auto fail = [&](const std::string& what) { throw InputError(path.string() + ": " + what); };
  const std::uint64_t size = mapping_->size();
  const std::string_view head(mapping_->data(), static_cast<std::size_t>(std::min<std::uint64_t>(size, 512)));
  if (const auto foreign = DescribeForeignFile(head)) fail(*foreign);
  if (size < 8) fail("not a safetensors file: " + std::to_string(size) + " bytes, too short for a header length");

  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, mapping_->data(), 8);
  if (header_bytes > size - 8) {
    fail("not a safetensors file, or cut off: the header is said to have " + std::to_string(header_bytes) +
         " bytes and the file has " + std::to_string(size));
  }
  if (header_bytes > kMaxHeaderBytes) {
    fail("header of " + std::to_string(header_bytes) + " bytes; at most " + std::to_string(kMaxHeaderBytes) +
         " are allowed");
  }
  HeaderReader header;
  const char* const text = mapping_->data() + 8;
  if (header_bytes == 0 || text[0] != '{') fail("not a safetensors file: the header does not begin with {");
  if (!nlohmann::json::sax_parse(text, text + header_bytes, &header))
    fail("damaged safetensors header: " + header.problem);
  metadata_ = std::move(header.metadata);

  const std::uint64_t data_begin = 8 + header_bytes;
  const std::uint64_t data_bytes = size - data_begin;
  entries_.reserve(header.tensors.size());
  for (const auto& tensor : header.tensors) {
    const auto refuse = [&](const std::string& what) { fail("tensor \"" + Printable(tensor.name) + "\": " + what); };
    const auto dtype = DtypeOf(tensor.dtype);
    if (!dtype) refuse("unknown dtype \"" + Printable(tensor.dtype) + "\"; known: " + KnownDtypes());
    if (tensor.offsets.size() != 2) refuse("data_offsets must be two numbers");
    if (tensor.offsets[0] > tensor.offsets[1] || tensor.offsets[1] > data_bytes) {
      refuse("data_offsets [" + std::to_string(tensor.offsets[0]) + ", " + std::to_string(tensor.offsets[1]) +
             "] leave the " + std::to_string(data_bytes) + " bytes of data; the file is damaged or cut off");
    }
    std::uint64_t bytes = torch::elementSize(*dtype);
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
    entries_.push_back({tensor.name,
                        *dtype,
                        {tensor.shape.begin(), tensor.shape.end()},
                        data_begin + tensor.offsets[0],
                        data_begin + tensor.offsets[1]});
  }
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t end = data_begin;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].begin != end) {
      fail("tensor \"" + Printable(entries_[i].name) + "\" " +
           (entries_[i].begin < end ? "overlaps \"" + Printable(entries_[i - 1].name) + "\""
                                    : std::string("leaves a gap before it")));
    }
    end = entries_[i].end;
    index_[entries_[i].name] = i;
  }
  if (end != size) fail(std::to_string(size - end) + " bytes after the last tensor");
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& entry : entries_) names.push_back(entry.name);
  return names;
}

torch::Tensor SafetensorsFile::View(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    const auto nearest = Nearest(name, names());
    throw InputError(path_.string() + ": no tensor \"" + Printable(name) + "\"" +
                     (nearest ? "; did you mean \"" + Printable(*nearest) + "\"?" : ""));
  }
  const Entry& entry = entries_[found->second];
  if (entry.begin == entry.end) return torch::empty(entry.shape, entry.dtype);
  char* const data = mapping_->data() + entry.begin;
  if (reinterpret_cast<std::uintptr_t>(data) % torch::elementSize(entry.dtype) != 0) {
    auto copy = torch::empty(entry.shape, entry.dtype);
    std::memcpy(copy.data_ptr(), data, entry.end - entry.begin);
    return copy;
  }
  // The deleter holds the mapping for as long as the tensor lives.
  return torch::from_blob(
      data, entry.shape, [mapping = mapping_](void*) {}, torch::TensorOptions(entry.dtype));
}

torch::Tensor SafetensorsFile::Get(const std::string& name) const { return View(name).clone(); }

void WriteSafetensors(const std::filesystem::path& path,
                      const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<std::string, torch::Tensor>*> order;
  std::set<std::string> names;
  for (const auto& tensor : tensors) {
    if (!names.insert(tensor.first).second || tensor.first == "__metadata__") {
      throw InputError(path.string() + ": tensor name \"" + Printable(tensor.first) + "\" is repeated or reserved");
    }
    order.push_back(&tensor);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto* a, const auto* b) { return a->second.element_size() > b->second.element_size(); });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto* tensor : order) {
    const auto known = std::find_if(kDtypes.begin(), kDtypes.end(),
                                    [&](const DtypeName& d) { return d.dtype == tensor->second.scalar_type(); });
    if (known == kDtypes.end()) {
      throw InputError(path.string() + ": tensor \"" + Printable(tensor->first) + "\" has a type safetensors lacks");
    }
    const std::uint64_t end = offset + tensor->second.nbytes();
    header[tensor->first] = {
        {"dtype", known->name}, {"shape", tensor->second.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    throw InputError(path.string() + ": a tensor name or metadata value is not UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');

  AtomicFile file(path);
  const std::uint64_t header_bytes = text.size();
  file.stream().write(reinterpret_cast<const char*>(&header_bytes), 8);
  file.stream().write(text.data(), static_cast<std::streamsize>(text.size()));
  for (const auto* tensor : order) {
    const auto bytes = tensor->second.detach().to(torch::kCPU).contiguous();
    file.stream().write(static_cast<const char*>(bytes.data_ptr()), static_cast<std::streamsize>(bytes.nbytes()));
  }
  file.Commit();
}

}  // namespace dualgeo
