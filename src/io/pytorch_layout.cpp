#include "io/pytorch_layout.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "io/pickle.h"
#include "io/zip.h"

namespace dualgeo {
namespace {

using Kind = PickleValue::Kind;

constexpr std::uint64_t kMaxPickleBytes = 100'000'000;
constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNameBytes = 1000;
constexpr std::size_t kMaxTensorDimensions = 32;
// A tensor may repeat its storage's elements (expand, stride 0), which then cost memory that the file does not have.
constexpr std::int64_t kMaxRepeatedElements = std::int64_t{1} << 24;

// Functions and classes that stand in checkpoints and do nothing here but carry their arguments.
constexpr std::array kInertGlobals = {
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
    "torch._tensor._rebuild_from_type_v2", "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
    "torch.Size", "torch.device", "torch.UntypedStorage", "torch.storage.UntypedStorage",
    // TorchScript's typed lists and dicts.
    "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensorlist", "torch.jit._pickle.build_doublelist",
    "torch.jit._pickle.build_boollist", "torch.jit._pickle.restore_type_tag",
    // What people save beside weights.
    "collections.OrderedDict", "collections.defaultdict", "argparse.Namespace", "pathlib.PosixPath", "builtins.dict",
    "builtins.list", "builtins.set", "builtins.int", "builtins.float", "__builtin__.dict", "__builtin__.list",
    "__builtin__.set", "__builtin__.int", "__builtin__.float", "numpy.core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray.scalar", "numpy._core.multiarray._reconstruct",
    "numpy.dtype", "numpy.ndarray", "_codecs.encode"};

constexpr std::string_view kScriptedClass = "__torch__.";

std::optional<ElementType> StorageType(std::string_view global) {
  for (const auto& info : kElementTypes) {
    if (global == std::string("torch.") + info.storage) return info.type;
  }
  return std::nullopt;
}

std::optional<ElementType> DtypeOf(std::string_view global) {
  for (const auto& info : kElementTypes) {
    if (global == std::string("torch.") + info.dtype) return info.type;
  }
  return std::nullopt;
}

bool IsAllowed(std::string_view global) {
  return global.starts_with(kScriptedClass) || StorageType(global) || DtypeOf(global) ||
         std::find(kInertGlobals.begin(), kInertGlobals.end(), global) != kInertGlobals.end();
}

// A dict that torch.save's users put the weights into, whatever stands beside it.
bool IsStateDictKey(std::string_view key) { return key == "model_state_dict" || key == "state_dict"; }

// Names that are so general that they count only where nothing but training state stands beside them.
bool IsModelKey(std::string_view key) {
  return key == "model" || key == "module" || key == "weights" || key == "net" || key == "network";
}

bool IsTrainingState(std::string_view key) {
  for (const std::string_view part : {"optim", "sched", "scaler", "rng", "random", "callback", "loop", "ema", "loss"}) {
    if (key.find(part) != std::string_view::npos) return true;
  }
  return false;
}

// A storage in the pickle: the persistent id ("storage", torch.FloatStorage, key, device, elements[, view]).
struct StorageId {
  std::string_view key;
  std::optional<ElementType> type;  // none: UntypedStorage, whose elements are bytes
  std::int64_t elements = 0;
  const PickleNode* view = nullptr;  // (key, offset, elements)

  std::size_t element_size() const { return type ? Info(*type).size : 1; }
};

std::optional<StorageId> ReadStorageId(const PickleValue& persistent) {
  const PickleValue& tuple = persistent.node->items[0];
  if (tuple.kind != Kind::kTuple) return std::nullopt;
  const auto& id = tuple.node->items;
  if (id.size() < 5 || id[0].kind != Kind::kText || id[0].text != "storage" || id[1].kind != Kind::kGlobal ||
      id[2].kind != Kind::kText || id[4].kind != Kind::kInteger || id[4].integer < 0) {
    return std::nullopt;
  }
  StorageId storage{id[2].text, StorageType(id[1].text), id[4].integer};
  if (!storage.type && !id[1].text.ends_with("UntypedStorage")) return std::nullopt;
  if (id.size() > 5 && id[5].kind == Kind::kTuple) storage.view = id[5].node;
  return storage;
}

// Finds a storage's place in the file; the two containers differ in this alone.
class StorageFinder {
 public:
  virtual ~StorageFinder() = default;
  // Index in layout.storages. Fails when the file has other bytes for it than the id says.
  virtual std::size_t Find(const StorageId& id) = 0;
};

// From the tree of a pickle to the table of its tensors.
class TableReader {
 public:
  TableReader(PyTorchLayout& layout, StorageFinder& storages, std::size_t pickle_bytes, const std::string& path)
      : layout_(layout), storages_(storages), path_(path), budget_(1'000'000 + 100 * pickle_bytes) {}

  void Read(const PickleValue& root, const std::string& single_name) {
    if (IsTensor(root)) {
      Walk(root, single_name, 0);
      return;
    }
    const PickleValue* const weights = FindStateDict(root);
    Walk(*weights, "", 0);
    if (layout_.tensors.empty()) Fail("holds no tensors");
  }

 private:
  [[noreturn]] void Fail(const std::string& what) const { throw InputError(path_ + ": " + what); }
  [[noreturn]] void FailTensor(const std::string& name, const std::string& what) const {
    std::string text = "tensor \"";
    text += Printable(name, 200);
    Fail(text += "\": " + what);
  }

  // Values can be recalled, so that a small pickle can have a huge (or endless) tree: what comes of a file stays in
  // proportion to its size.
  void Spend(std::size_t cost) {
    if (cost > budget_) Fail("its dicts refer to each other so often that they hold more than the file does");
    budget_ -= cost;
  }

  // ---- from the saved object to the state dict ----------------------------------------------------------------------

  // The dict below value: itself, or the attributes of a scripted module.
  static const PickleValue& Attributes(const PickleValue& value) {
    return value.kind == Kind::kObject && value.node->callee.starts_with(kScriptedClass) ? value.node->state : value;
  }

  static bool IsCallOf(const PickleValue& value, std::string_view prefix) {
    return value.kind == Kind::kCall && value.node->callee.starts_with(prefix);
  }
  static bool IsTensor(const PickleValue& value) {
    return IsCallOf(value, "torch._utils._rebuild_") || IsCallOf(value, "torch._tensor._rebuild_");
  }
  static bool IsContainer(const PickleValue& value) {
    const Kind kind = Attributes(value).kind;
    return kind == Kind::kDict || kind == Kind::kList || kind == Kind::kTuple;
  }

  const PickleValue* FindStateDict(const PickleValue& root) {
    const PickleValue* value = &root;
    for (int level = 0; level < 3; ++level) {
      if (value->kind != Kind::kDict) break;
      const auto& items = value->node->items;
      const PickleValue* inner = nullptr;
      std::string_view inner_key;
      bool other_tensors = false;
      for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        const bool text = items[i].kind == Kind::kText;
        if (IsTensor(items[i + 1])) other_tensors = true;
        if (!text || !IsContainer(items[i + 1])) continue;
        const std::string_view key = items[i].text;
        if (inner == nullptr || (IsStateDictKey(key) && !IsStateDictKey(inner_key))) {
          if (IsStateDictKey(key) || IsModelKey(key)) {
            if (inner != nullptr && !IsTrainingState(inner_key)) other_tensors = true;
            inner = &items[i + 1];
            inner_key = key;
            continue;
          }
        }
        if (!IsTrainingState(key)) other_tensors = true;
      }
      if (inner == nullptr || (other_tensors && !IsStateDictKey(inner_key))) break;
      for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
        if (&items[i + 1] != inner) LeaveAside(items[i], items[i + 1]);
      }
      if (!layout_.container.empty()) layout_.container += ".";
      layout_.container += Printable(inner_key);
      value = inner;
    }
    return value;
  }

  void LeaveAside(const PickleValue& key, const PickleValue& value) {
    if (key.kind != Kind::kText) return;
    const std::string name = Printable(key.text);
    switch (value.kind) {
      case Kind::kInteger:
        layout_.metadata[name] = std::to_string(value.integer);
        break;
      case Kind::kBool:
        layout_.metadata[name] = value.integer != 0 ? "true" : "false";
        break;
      case Kind::kReal:
        layout_.metadata[name] = FormatDouble(value.real);
        break;
      case Kind::kText:
        layout_.metadata[name] = Printable(value.text, 1000);
        break;
      case Kind::kNone:
        break;
      default:
        layout_.left_aside.push_back(name);
    }
  }

  // ---- from the state dict to tensors -------------------------------------------------------------------------------

  // Numbers, texts and the like below the state dict are no weights.
  void Walk(const PickleValue& value, const std::string& name, std::size_t depth) {
    if (IsTensor(value)) {
      AddTensor(value, name);
      return;
    }
    const PickleValue& inside = Attributes(value);
    if (inside.kind != Kind::kDict && inside.kind != Kind::kList && inside.kind != Kind::kTuple) return;
    if (depth == kMaxDepth) Fail("dicts nested more than " + std::to_string(kMaxDepth) + " deep");
    const auto& items = inside.node->items;
    Spend(items.size() + 1);
    const std::size_t step = inside.kind == Kind::kDict ? 2 : 1;
    for (std::size_t i = 0; i + step <= items.size(); i += step) {
      const PickleValue& item = items[i + step - 1];
      if (!IsTensor(item) && !IsContainer(item)) continue;
      std::string path = name;
      if (!path.empty()) path += ".";
      if (step == 1) {
        path += std::to_string(i);
      } else if (items[i].kind == Kind::kText) {
        path += items[i].text;
      } else if (items[i].kind == Kind::kInteger) {
        path += std::to_string(items[i].integer);
      } else {
        Fail("below \"" + Printable(name) + "\" stands a key that is neither text nor a whole number");
      }
      if (path.size() > kMaxNameBytes) Fail("the name \"" + Printable(path) + "\" is too long");
      Walk(item, path, depth + 1);
    }
  }

  // The call that makes the tensor itself, below parameters and subclasses.
  const PickleValue& Innermost(const PickleValue& value, const std::string& name) const {
    const PickleValue* call = &value;
    for (std::size_t level = 0; level < 8; ++level) {
      if (!IsTensor(*call)) break;
      const auto& arguments = call->node->items;
      const std::string_view callee = call->node->callee;
      if (callee == "torch._utils._rebuild_parameter" || callee == "torch._utils._rebuild_parameter_with_state") {
        if (arguments.empty()) break;
        call = &arguments[0];
      } else {
        return *call;
      }
    }
    FailTensor(name, "a parameter of what is no tensor");
  }

  std::vector<std::int64_t> Integers(const PickleValue& value, const std::string& name) const {
    // torch.Size((2, 3)) or (2, 3) itself.
    const PickleValue& list =
        IsCallOf(value, "torch.Size") && value.node->items.size() == 1 ? value.node->items[0] : value;
    if (list.kind != Kind::kTuple && list.kind != Kind::kList)
      FailTensor(name, "its shape is no list of whole numbers");
    if (list.node->items.size() > kMaxTensorDimensions) {
      FailTensor(name, std::to_string(list.node->items.size()) + " dimensions; at most " +
                           std::to_string(kMaxTensorDimensions));
    }
    std::vector<std::int64_t> integers;
    for (const auto& item : list.node->items) {
      if (item.kind != Kind::kInteger) FailTensor(name, "its shape is no list of whole numbers");
      integers.push_back(item.integer);
    }
    return integers;
  }

  struct Storage {
    std::size_t index = 0;
    std::optional<ElementType> type;  // none: bytes whose type the tensor gives
    std::int64_t offset = 0;          // of an old view into a storage, in elements
    std::int64_t elements = 0;
  };

  Storage ReadStorage(const PickleValue& value, const std::string& name) {
    if (value.kind != Kind::kPersistent) FailTensor(name, "it has no storage");
    const auto id = ReadStorageId(value);
    if (!id) FailTensor(name, "damaged pickle: its storage is not described as PyTorch does");
    Storage storage;
    storage.type = id->type;
    storage.index = storages_.Find(*id);
    storage.elements = id->elements;
    if (id->view != nullptr) {
      const auto& view = id->view->items;
      if (view.size() != 3 || view[1].kind != Kind::kInteger || view[2].kind != Kind::kInteger || view[1].integer < 0 ||
          view[2].integer < 0 || view[1].integer > storage.elements ||
          view[2].integer > storage.elements - view[1].integer) {
        FailTensor(name, "damaged pickle: its view leaves its storage");
      }
      storage.offset = view[1].integer;
      storage.elements = view[2].integer;
    }
    return storage;
  }

  void AddTensor(const PickleValue& value, const std::string& name) {
    const PickleValue& inner = Innermost(value, name);
    const std::vector<PickleValue>* arguments = &inner.node->items;
    std::string_view callee = inner.node->callee;
    // (function, type, arguments, state)
    if (callee == "torch._tensor._rebuild_from_type_v2") {
      if (arguments->size() < 3 || (*arguments)[0].kind != Kind::kGlobal || (*arguments)[2].kind != Kind::kTuple) {
        FailTensor(name, "damaged pickle: a tensor subclass without a tensor");
      }
      callee = (*arguments)[0].text;
      arguments = &(*arguments)[2].node->items;
    }
    const bool with_dtype = callee == "torch._utils._rebuild_tensor_v3";
    if ((callee != "torch._utils._rebuild_tensor" && callee != "torch._utils._rebuild_tensor_v2" && !with_dtype) ||
        arguments->size() < (with_dtype ? 7u : 4u) || (*arguments)[1].kind != Kind::kInteger) {
      FailTensor(name, "damaged pickle: it is not described as PyTorch does");
    }
    const Storage storage = ReadStorage((*arguments)[0], name);
    PyTorchLayout::Tensor tensor;
    tensor.name = name;
    tensor.storage = storage.index;
    tensor.shape = Integers((*arguments)[2], name);
    tensor.strides = Integers((*arguments)[3], name);
    std::optional<ElementType> type = storage.type;
    if (with_dtype) type = (*arguments)[6].kind == Kind::kGlobal ? DtypeOf((*arguments)[6].text) : std::nullopt;
    if (!type) FailTensor(name, "an element type that is not known here");
    tensor.type = *type;
    const std::int64_t element_size = static_cast<std::int64_t>(Info(*type).size);
    const std::int64_t elements =
        storage.type ? storage.elements : static_cast<std::int64_t>(storage.elements / element_size);
    const std::int64_t offset = (*arguments)[1].integer;
    CheckFits(tensor, offset, elements);
    if (storage.type && Info(*storage.type).size != Info(*type).size)
      FailTensor(name, "damaged pickle: two element types");
    tensor.offset = storage.offset + offset;
    Spend(name.size() + 100);
    if (!names_.insert(name).second) FailTensor(name, "the name occurs twice");
    layout_.tensors.push_back(std::move(tensor));
  }

  // Every element lies within the storage, and there are not absurdly many.
  void CheckFits(const PyTorchLayout::Tensor& tensor, std::int64_t offset, std::int64_t elements) const {
    const auto count = ElementCount(tensor.shape);
    if (!count)
      FailTensor(tensor.name, "the size of the shape " + ShapeText(tensor.shape) + " overflows or is negative");
    if (tensor.strides.size() != tensor.shape.size()) FailTensor(tensor.name, "strides that do not go with the shape");
    bool overflow = offset < 0 || offset > elements;
    std::int64_t last = offset;
    for (std::size_t i = 0; i < tensor.shape.size() && *count > 0; ++i) {
      std::int64_t step = 0;
      overflow = overflow || tensor.strides[i] < 0 ||
                 __builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &step) ||
                 __builtin_add_overflow(last, step, &last);
    }
    if (overflow || (*count > 0 && last >= elements)) {
      FailTensor(tensor.name, "the shape " + ShapeText(tensor.shape) + " leaves its storage of " +
                                  std::to_string(elements) + " elements");
    }
    if (*count > elements && *count > kMaxRepeatedElements) {
      FailTensor(tensor.name, "the shape " + ShapeText(tensor.shape) + " has " + std::to_string(*count) +
                                  " elements and the file only " + std::to_string(elements) + " of them, repeated");
    }
  }

  PyTorchLayout& layout_;
  StorageFinder& storages_;
  const std::string& path_;
  std::set<std::string> names_;
  std::size_t budget_;
};

// The bytes of a storage; InputError when the file has `there` for it and they are others.
std::uint64_t CheckedSize(const std::string& path, const StorageId& id, std::uint64_t there, bool exactly) {
  std::uint64_t bytes = 0;
  const bool overflow = __builtin_mul_overflow(static_cast<std::uint64_t>(id.elements),
                                               static_cast<std::uint64_t>(id.element_size()), &bytes);
  if (overflow || bytes > there || (exactly && bytes != there)) {
    throw InputError(path + ": storage \"" + Printable(id.key) + "\" is said to have " + std::to_string(id.elements) +
                     " elements of " + std::to_string(id.element_size()) + " bytes, and the file has " +
                     std::to_string(there) + " bytes for it");
  }
  return bytes;
}

// ---- zip archives ---------------------------------------------------------------------------------------------------

class ZipStorages : public StorageFinder {
 public:
  ZipStorages(PyTorchLayout& layout, const ZipDirectory& members, std::string folder, const std::string& path)
      : layout_(layout), members_(members), folder_(std::move(folder)), path_(path) {}

  std::size_t Find(const StorageId& id) override {
    std::string name = folder_ + "data/";
    name += id.key;
    const auto member = members_.find(name);
    if (member == members_.end()) throw InputError(path_ + ": the archive has no member \"" + Printable(name) + "\"");
    RequireStored(*member, path_);
    CheckedSize(path_, id, member->second.size, true);
    const auto [known, fresh] = index_.emplace(name, layout_.storages.size());
    if (fresh) layout_.storages.push_back({member->second.begin, member->second.size});
    return known->second;
  }

 private:
  PyTorchLayout& layout_;
  const ZipDirectory& members_;
  std::string folder_;
  const std::string& path_;
  std::map<std::string, std::size_t> index_;
};

void ReadZip(PyTorchLayout& layout, std::string_view bytes, const std::string& path) {
  const auto members = ReadZipDirectory(bytes, path);
  // All members lie in one folder, named after the file that was saved.
  const std::string_view suffix = "data.pkl";
  const ZipDirectory::value_type* pickled = nullptr;
  std::string folder;
  for (const auto& member : members) {
    const std::string& name = member.first;
    if (!name.ends_with(suffix)) continue;
    const std::string before = name.substr(0, name.size() - suffix.size());
    if (std::count(before.begin(), before.end(), '/') > 1 || (!before.empty() && before.back() != '/')) continue;
    if (pickled != nullptr) throw InputError(path + ": the archive has two data.pkl");
    pickled = &member;
    folder = before;
  }
  if (pickled == nullptr) {
    throw InputError(path + ": a zip archive, but none of torch.save: it has no data.pkl" +
                     (members.empty() ? "" : " (its first member is \"" + Printable(members.begin()->first) + "\")"));
  }
  const auto content = [&](const ZipDirectory::value_type& member) {
    RequireStored(member, path);
    return bytes.substr(member.second.begin, member.second.size);
  };
  if (const auto order = members.find(folder + "byteorder"); order != members.end() && content(*order) != "little") {
    throw InputError(path + ": written on a machine of another byte order (" + Printable(content(*order)) + ")");
  }
  layout.format = members.count(folder + "constants.pkl") != 0 ? "TorchScript archive" : "PyTorch zip archive";
  const std::string_view pickle_bytes = content(*pickled);
  if (pickled->second.size > kMaxPickleBytes) {
    throw InputError(path + ": data.pkl has " + std::to_string(pickled->second.size) + " bytes; at most " +
                     std::to_string(kMaxPickleBytes) + " are allowed");
  }
  const Pickle pickle(pickle_bytes, path, IsAllowed);
  ZipStorages storages(layout, members, folder, path);
  std::string name = folder.empty() ? folder : folder.substr(0, folder.size() - 1);
  if (name.empty() || name == "archive") name = std::filesystem::path(path).stem().string();
  TableReader(layout, storages, pickle.size(), path).Read(pickle.root(), name);
}

// ---- legacy files ---------------------------------------------------------------------------------------------------

// Storages follow the pickles, in the order of a list of their keys: [int64 elements][elements], each.
class LegacyStorages : public StorageFinder {
 public:
  LegacyStorages(PyTorchLayout& layout, const Pickle& saved, const PickleValue& keys, std::string_view bytes,
                 std::uint64_t at, const std::string& path)
      : path_(path) {
    // Those of what is left aside (an optimiser) have to be stepped over, too.
    std::map<std::string_view, StorageId> ids;
    for (const auto& persistent : saved.persistent()) {
      const auto id = ReadStorageId(persistent);
      if (!id) throw InputError(path + ": damaged pickle: a storage is not described as PyTorch does");
      const auto [known, fresh] = ids.emplace(id->key, *id);
      if (!fresh && (known->second.elements != id->elements || known->second.type != id->type)) {
        throw InputError(path + ": storage \"" + Printable(id->key) + "\" is described in two ways");
      }
    }
    if (keys.kind != Kind::kList) throw InputError(path + ": damaged: no list of storages");
    for (const auto& key : keys.node->items) {
      const auto id = key.kind == Kind::kText ? ids.find(key.text) : ids.end();
      if (id == ids.end()) throw InputError(path + ": damaged: a storage that belongs to no tensor");
      if (!index_.emplace(std::string(key.text), layout.storages.size()).second) {
        throw InputError(path + ": storage \"" + Printable(key.text) + "\" occurs twice");
      }
      const std::uint64_t left = bytes.size() - at;
      std::uint64_t elements = 0;
      for (std::uint64_t i = 8; i > 0 && left >= 8; --i) {
        elements = elements << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
      }
      if (left < 8 || elements != static_cast<std::uint64_t>(id->second.elements)) {
        throw InputError(path + ": storage \"" + Printable(key.text) +
                         "\" is not where it should be; the file is damaged or cut off");
      }
      const std::uint64_t size = CheckedSize(path, id->second, left - 8, false);
      layout.storages.push_back({at + 8, size});
      at += 8 + size;
    }
  }

  std::size_t Find(const StorageId& id) override {
    const auto known = index_.find(id.key);
    if (known == index_.end()) throw InputError(path_ + ": the file has no storage \"" + Printable(id.key) + "\"");
    return known->second;
  }

 private:
  const std::string& path_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

// 0x1950a86a20f9469cfc6c, little endian.
constexpr std::string_view kLegacyMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);

void ReadLegacy(PyTorchLayout& layout, std::string_view bytes, const std::string& path) {
  std::uint64_t at = 0;
  const auto next = [&]() {
    auto pickle = std::make_unique<Pickle>(bytes.substr(at), path, IsAllowed);
    at += pickle->size();
    return pickle;
  };
  const auto magic = next();
  if (magic->root().kind != Kind::kBytes || magic->root().text != kLegacyMagic) {
    throw InputError(path + ": a Python pickle, but none of torch.save");
  }
  const auto version = next();
  if (version->root().kind != Kind::kInteger || version->root().integer != 1001) {
    throw InputError(path + ": a file of an unknown version of torch.save");
  }
  const auto system = next();
  if (system->root().kind == Kind::kDict) {
    const auto& items = system->root().node->items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i].kind == Kind::kText && items[i].text == "little_endian" && items[i + 1].kind == Kind::kBool &&
          items[i + 1].integer == 0) {
        throw InputError(path + ": written on a machine of another byte order");
      }
    }
  }
  const auto saved = next();
  const auto keys = next();
  layout.format = "PyTorch legacy file";
  LegacyStorages storages(layout, *saved, keys->root(), bytes, at, path);
  TableReader(layout, storages, saved->size(), path).Read(saved->root(), std::filesystem::path(path).stem().string());
}

}  // namespace

PyTorchLayout ReadPyTorchLayout(std::string_view bytes, const std::string& path) {
  if (bytes.empty()) throw InputError(path + ": the file is empty");
  if (const auto foreign = DescribeOtherFile(bytes.substr(0, kFileHeadBytes), FileUse::kWeights))
    throw InputError(path + ": " + *foreign);
  PyTorchLayout layout;
  if (bytes.substr(0, 2) == "PK") {
    ReadZip(layout, bytes, path);
  } else if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar") {
    throw InputError(path + ": a tar archive: weights of PyTorch before 0.1.10 are not read");
  } else {
    ReadLegacy(layout, bytes, path);
  }
  return layout;
}

}  // namespace dualgeo
