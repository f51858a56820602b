// A checkpoint is a folder:
//   model.safetensors    weights and buffers, names as in StateDict(module)
//   trainer.safetensors  optimizer state, schedule position, settings (trainer.pt in version 0.1, which is still read)
//   config.yaml          the resolved config, as the caller gave it
// It is replaced as a whole: whoever is killed at whatever instruction finds the newest whole checkpoint afterwards.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dualgeo/io/torch.h"

#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/segformer.h"

namespace dualgeo {

inline constexpr const char* kTrainerFile = "trainer.safetensors";

// What it holds.
using TrainerState = std::map<std::string, torch::Tensor>;

// Text and numbers as tensors, so that it holds tensors alone.
torch::Tensor TextTensor(const std::string& text);
std::string TensorText(const torch::Tensor& tensor);

// Replaces `folder` with a new checkpoint. Throws Error (disk full ...) and leaves the old one as it was.
void WriteCheckpoint(const std::filesystem::path& folder, const torch::nn::Module& module, const TrainerState& state,
                     const std::string& config);

// The folder that holds the checkpoint `folder`: itself, or `folder`.previous where a process was killed while it
// replaced the one by the other on a file system that cannot swap folders. Empty path: there is none.
std::filesystem::path FindCheckpoint(const std::filesystem::path& folder);

// Removes what killed processes left of checkpoints below `parent`. Call it only while nobody writes there.
void CleanCheckpoints(const std::filesystem::path& parent);

// Throws InputError when the file is missing, damaged, or anything but tensors by name.
TrainerState ReadTrainerState(const std::filesystem::path& checkpoint);

// Loads weights into a module. path: a checkpoint folder, or a file (safetensors, .pth, .pt: io/weight_file.h) with
// this program's names; for a DualGeoModel also with those of the released code ({'model_state_dict': {...}}). Throws
// InputError listing missing, unexpected and mis-shaped keys: a checkpoint of another model.
void LoadCheckpointWeights(torch::nn::Module& module, const std::filesystem::path& path);

// The classes of model.attributes.NAME, in the order of the feature attribute_NAME. Throws InputError where the
// checkpoint has no such attribute.
std::vector<std::string> AttributeClasses(const std::filesystem::path& path, const std::string& name);

// The model with a checkpoint's weights, in evaluation mode, on `device`. Throws as above.
DualGeoModel LoadModel(const std::filesystem::path& path, const ModelOptions& model, const LossOptions& loss,
                       const torch::Device& device);

// The same for a segmenter: a checkpoint of train-segmenter, or anybody's SegFormer weights (model/weights.h).
SegFormer LoadSegmenter(const std::filesystem::path& path, const SegmenterOptions& segmenter,
                        const torch::Device& device);

}  // namespace dualgeo
