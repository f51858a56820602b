#include "dualgeo/train/tensor_archive.h"

#include <caffe2/serialize/inline_container.h>

#include <array>
#include <cstring>
#include <limits>

#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

// The pickle of {"a": tensor, ...} in protocol 2, as PyTorch writes tensors: for each one
//   torch._utils._rebuild_tensor_v2(storage, 0, size, stride, False, collections.OrderedDict())
// with the storage as a persistent id ("storage", torch.FloatStorage, "0", "cpu", number of elements).
const std::string kBegin = std::string("\x80\x02", 2) + "}(";
const std::string kEnd = "u.";
const std::string kRebuild = "ctorch._utils\n_rebuild_tensor_v2\n((";
const std::string kNoHooks =
    "\x89"  // requires_grad False
    "ccollections\nOrderedDict\n)R"
    "tR";

struct Storage {
  torch::ScalarType type;
  const char* name;
};
const std::array<Storage, 4> kStorages = {{{torch::kFloat32, "FloatStorage"},
                                           {torch::kFloat64, "DoubleStorage"},
                                           {torch::kInt64, "LongStorage"},
                                           {torch::kUInt8, "ByteStorage"}}};

class Writer {
 public:
  void Raw(const std::string& bytes) { out_ += bytes; }
  void Text(const std::string& text) {  // BINUNICODE
    out_ += 'X';
    Little(text.size(), 4);
    out_ += text;
  }
  void Integer(std::int64_t value) {  // LONG1 of 8 bytes
    out_ += "\x8a\x08";
    Little(static_cast<std::uint64_t>(value), 8);
  }
  void Tuple(at::IntArrayRef values) {
    out_ += '(';
    for (const auto value : values) Integer(value);
    out_ += 't';
  }
  const std::string& out() const { return out_; }

 private:
  void Little(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(value >> (8 * i) & 0xFF);
  }
  std::string out_;
};

// Reads the same, byte for byte: there is no interpreter that a file could drive.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  bool Try(const std::string& expected) {
    if (bytes_.substr(position_, expected.size()) != expected) return false;
    position_ += expected.size();
    return true;
  }
  void Expect(const std::string& expected) {
    if (!Try(expected)) Fail();
  }
  std::string Text() {
    Expect("X");
    const auto size = Little(4);
    if (size > bytes_.size() - position_) Fail();
    const std::string text(bytes_.substr(position_, size));
    position_ += size;
    return text;
  }
  std::int64_t Integer() {
    Expect("\x8a\x08");
    return static_cast<std::int64_t>(Little(8));
  }
  std::vector<std::int64_t> Tuple() {
    Expect("(");
    std::vector<std::int64_t> values;
    while (!Try("t")) values.push_back(Integer());
    return values;
  }
  bool AtEnd() const { return position_ == bytes_.size(); }
  [[noreturn]] void Fail() const {
    throw InputError(source_ + ": not a file of dualgeo's trainer (at byte " + std::to_string(position_) +
                     " of its data.pkl)");
  }

 private:
  std::uint64_t Little(std::size_t bytes) {
    if (bytes > bytes_.size() - position_) Fail();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes_[position_ + i])} << (8 * i);
    }
    position_ += bytes;
    return value;
  }
  std::string_view bytes_;
  const std::string& source_;
  std::size_t position_ = 0;
};

const Storage& StorageOf(torch::ScalarType type) {
  for (const auto& storage : kStorages) {
    if (storage.type == type) return storage;
  }
  throw Error(std::string("cannot write a tensor of type ") + torch::toString(type) + " to a .pt file");
}

std::string FirstLine(const std::string& text) { return Printable(text.substr(0, text.find('\n')), 200); }

// The shape's size if it is what `elements` says, without overflow.
bool SizesMatch(const std::vector<std::int64_t>& sizes, std::int64_t elements) {
  std::int64_t product = 1;
  for (const auto size : sizes) {
    if (size < 0 || (size > 0 && product > std::numeric_limits<std::int64_t>::max() / size)) return false;
    product *= size;
  }
  return product == elements;
}

std::map<std::string, torch::Tensor> Read(const fs::path& path) {
  const std::string source = path.string();
  caffe2::serialize::PyTorchStreamReader archive(source);
  const auto [pickle_data, pickle_size] = archive.getRecord("data.pkl");
  Reader reader({static_cast<const char*>(pickle_data.get()), pickle_size}, source);
  std::map<std::string, torch::Tensor> tensors;
  reader.Expect(kBegin);
  while (!reader.Try(kEnd)) {
    const std::string name = reader.Text();
    reader.Expect(kRebuild);
    if (reader.Text() != "storage") reader.Fail();
    const Storage* storage = nullptr;
    for (const auto& candidate : kStorages) {
      if (reader.Try(std::string("ctorch\n") + candidate.name + "\n")) storage = &candidate;
    }
    if (storage == nullptr) reader.Fail();
    const std::string record = reader.Text();
    if (reader.Text() != "cpu") reader.Fail();
    const std::int64_t elements = reader.Integer();
    reader.Expect("tQ");
    if (reader.Integer() != 0) reader.Fail();
    const auto sizes = reader.Tuple();
    reader.Tuple();  // strides: the writer's tensors are contiguous
    reader.Expect(kNoHooks);
    auto [data, bytes] = archive.getRecord("data/" + record);
    const auto item_size = c10::elementSize(storage->type);
    if (!SizesMatch(sizes, elements) || bytes % item_size != 0 ||
        static_cast<std::uint64_t>(elements) != bytes / item_size) {
      throw InputError(source + ": " + Printable(name) + ": its shape and its bytes disagree");
    }
    torch::Tensor tensor = torch::empty(sizes, storage->type);
    if (bytes > 0) std::memcpy(tensor.data_ptr(), data.get(), bytes);
    if (!tensors.emplace(name, tensor).second) throw InputError(source + ": " + Printable(name) + " is there twice");
  }
  if (!reader.AtEnd()) reader.Fail();
  return tensors;
}

}  // namespace

void WriteTensorArchive(const fs::path& path, const std::map<std::string, torch::Tensor>& tensors) {
  AtomicFile file(path);
  std::ostream& stream = file.stream();
  // The archive writer's destructor would end the process on a full disk, so it never hears of one: the stream
  // remembers.
  caffe2::serialize::PyTorchStreamWriter archive([&stream](const void* bytes, std::size_t size) {
    stream.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
    return size;
  });
  Writer pickle;
  pickle.Raw(kBegin);
  std::int64_t index = 0;
  for (const auto& [name, tensor] : tensors) {
    const Storage& storage = StorageOf(tensor.scalar_type());
    const torch::Tensor data = tensor.detach().to(torch::kCPU).contiguous();
    const std::string record = std::to_string(index++);
    pickle.Text(name);
    pickle.Raw(kRebuild);
    pickle.Text("storage");
    pickle.Raw(std::string("ctorch\n") + storage.name + "\n");
    pickle.Text(record);
    pickle.Text("cpu");
    pickle.Integer(data.numel());
    pickle.Raw("tQ");
    pickle.Integer(0);
    pickle.Tuple(data.sizes());
    pickle.Tuple(data.strides());
    pickle.Raw(kNoHooks);
    archive.writeRecord("data/" + record, data.data_ptr(), data.nbytes());
  }
  pickle.Raw(kEnd);
  archive.writeRecord("data.pkl", pickle.out().data(), pickle.out().size());
  archive.writeEndOfFile();
  file.Commit();
}

std::map<std::string, torch::Tensor> ReadTensorArchive(const fs::path& path) {
  if (!fs::is_regular_file(path)) throw InputError(path.string() + ": no such file");
  try {
    return Read(path);
  } catch (const InputError&) {
    throw;
  } catch (const c10::Error& error) {
    throw InputError(path.string() + ": damaged or not a .pt file: " + FirstLine(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw InputError(path.string() + ": damaged or not a .pt file: " + FirstLine(error.what()));
  }
}

}  // namespace dualgeo
