#include "runtime/checkpoint.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/safetensors.h"
#include "io/weight_file.h"
#include "runtime/runtime.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

const std::string kPrevious = ".previous";
const std::string kTemporary = ".tmp";

fs::path PreviousOf(const fs::path& folder) { return folder.string() + kPrevious; }

// Onto the disk, so that not even a power cut leaves a folder in place whose files are empty.
void Sync(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  const bool full = fsync(descriptor) != 0 && (errno == ENOSPC || errno == EIO || errno == EDQUOT);
  const int reason = errno;
  close(descriptor);
  if (full) throw Error("cannot write " + path.string() + ": " + ErrnoText(reason));
}

// Puts `fresh` in the place of `folder`. At every instruction either `folder` or its .previous is whole.
void SwapIn(const fs::path& fresh, const fs::path& folder) {
  const fs::path previous = PreviousOf(folder);
  if (fs::exists(folder)) {
    fs::remove_all(previous);
    if (renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0) {
      Sync(folder.parent_path());
      fs::remove_all(fresh);  // now the old one
      return;
    }
    // A file system that cannot exchange (NFS, some FUSE): the old one steps aside, where FindCheckpoint looks too.
    fs::rename(folder, previous);
  }
  fs::rename(fresh, folder);
  Sync(folder.parent_path());
  fs::remove_all(previous);
}

// The file itself, or that of a checkpoint.
fs::path WeightsOf(const fs::path& path) {
  std::error_code code;
  if (fs::is_regular_file(path, code)) return path;
  const fs::path folder = FindCheckpoint(path);
  if (folder.empty()) throw InputError(path.string() + ": no such checkpoint");
  return folder / "model.safetensors";
}

}  // namespace

torch::Tensor TextTensor(const std::string& text) {
  torch::Tensor tensor = torch::empty({static_cast<std::int64_t>(text.size())}, torch::kUInt8);
  if (!text.empty()) std::memcpy(tensor.data_ptr(), text.data(), text.size());
  return tensor;
}

std::string TensorText(const torch::Tensor& tensor) {
  const torch::Tensor bytes = tensor.to(torch::kCPU, torch::kUInt8).contiguous();
  return {reinterpret_cast<const char*>(bytes.data_ptr<std::uint8_t>()), static_cast<std::size_t>(bytes.numel())};
}

void WriteCheckpoint(const fs::path& folder, const torch::nn::Module& module, const TrainerState& state,
                     const std::string& config) {
  std::string hidden = ".";  // not "." + ...: GCC 12 takes that for an overlapping copy (bug 105651)
  hidden += folder.filename().string() + kTemporary;
  const fs::path fresh = folder.parent_path() / hidden;
  std::error_code code;
  try {
    fs::remove_all(fresh);
    fs::create_directories(fresh);
    WriteSafetensors(fresh / "model.safetensors", StateDict(module));
    WriteSafetensors(fresh / kTrainerFile, {state.begin(), state.end()});
    WriteFileAtomically(fresh / "config.yaml", config);
    Sync(fresh);
    SwapIn(fresh, folder);
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(fresh, code);
    throw Error("cannot write checkpoint " + folder.string() + ": " + error.code().message());
  } catch (...) {
    fs::remove_all(fresh, code);
    throw;
  }
}

fs::path FindCheckpoint(const fs::path& folder) {
  std::error_code code;
  if (fs::is_directory(folder, code)) return folder;
  // "runs/a/checkpoint/last/" names the same folder.
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  const fs::path previous = PreviousOf(named);
  if (fs::is_directory(previous, code)) return previous;
  return {};
}

void CleanCheckpoints(const fs::path& parent) {
  std::error_code code;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(parent, code)) {
    const std::string name = entry.path().filename().string();
    if (name.size() > kTemporary.size() && name[0] == '.' && name.ends_with(kTemporary)) {
      leftovers.push_back(entry.path());
    } else if (name.size() > kPrevious.size() && name.ends_with(kPrevious)) {
      const fs::path current = parent / name.substr(0, name.size() - kPrevious.size());
      if (fs::exists(current)) {
        leftovers.push_back(entry.path());
      } else {
        fs::rename(entry.path(), current, code);
      }
    }
  }
  for (const auto& path : leftovers) fs::remove_all(path, code);
}

TrainerState ReadTrainerState(const fs::path& checkpoint) {
  const fs::path earlier = checkpoint / "trainer.pt";  // of version 0.1
  const bool old = !fs::exists(checkpoint / kTrainerFile) && fs::exists(earlier);
  const WeightFile file = ReadWeightFile(old ? earlier : checkpoint / kTrainerFile);
  return {file.tensors.begin(), file.tensors.end()};
}

void LoadCheckpointWeights(torch::nn::Module& module, const fs::path& path) {
  const fs::path file = WeightsOf(path);
  const TensorMap stored = MapWholeModel(ReadWeights(file));
  const auto* model = dynamic_cast<DualGeoModelImpl*>(&module);
  if (model) {
    for (const auto& head : model->heads()) head->ShapeAs(stored);
  }
  LoadStateDict(module, stored, file.string(), Memory::kShare);
  if (model) {
    for (const auto& head : model->heads()) head->CheckLoaded();
  }
}

std::vector<std::string> AttributeClasses(const fs::path& path, const std::string& name) {
  const fs::path file = WeightsOf(path);
  auto classes = AttributeClasses(MapWholeModel(ReadWeights(file)), name);
  if (classes.empty()) throw InputError(file.string() + ": has no attribute " + Printable(name) + " with classes");
  return classes;
}

DualGeoModel LoadModel(const fs::path& path, const ModelOptions& model, const LossOptions& loss,
                       const torch::Device& device) {
  DualGeoModel loaded(model, loss, std::nullopt);
  LoadCheckpointWeights(*loaded, path);
  loaded->to(device);
  loaded->eval();
  return loaded;
}

SegFormer LoadSegmenter(const fs::path& path, const SegmenterOptions& segmenter, const torch::Device& device) {
  SegFormer loaded(segmenter, std::nullopt);
  std::error_code code;
  fs::path weights = path;
  if (!fs::is_regular_file(path, code)) {
    weights = FindCheckpoint(path);
    if (weights.empty()) throw InputError(path.string() + ": no such checkpoint or weight file");
  }
  LoadSegFormer(*loaded, weights);
  loaded->to(device);
  loaded->eval();
  for (auto& parameter : loaded->parameters()) parameter.set_requires_grad(false);  // it learns no more
  KeepFreedMemory();
  return loaded;
}

}  // namespace dualgeo
