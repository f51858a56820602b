// Weights in and out: state dicts under the checkpoint's names, and maps from the names of other people's files.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/model/clip_vit.h"
#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/gps_encoder.h"
#include "dualgeo/model/segformer.h"

namespace dualgeo {

using TensorMap = std::map<std::string, torch::Tensor>;

// Every parameter and buffer of the module, in registration order, sharing its memory (WriteSafetensors takes it as
// is).
std::vector<std::pair<std::string, torch::Tensor>> StateDict(const torch::nn::Module& module);

// Copies `tensors` into the module, converting type and device. All or nothing: missing, unexpected and mis-shaped keys
// are listed in one InputError that begins with `source` (the file's name), and the module is then unchanged.
// Bookkeeping that carries no weight is not asked for: …num_batches_tracked may be missing or have shape [1], and
// …position_ids may be present.
void LoadStateDict(torch::nn::Module& module, const TensorMap& tensors, const std::string& source);

// All tensors of a weight file: .safetensors, or a checkpoint folder (its model.safetensors). InputError otherwise.
TensorMap ReadWeights(const std::filesystem::path& path);

// Whose names a file uses, told from the names alone.
enum class WeightFamily {
  kClipHuggingFace,  // vision_model.…, visual_projection.weight (text tower known and skipped)
  kClipOpenAi,       // visual.… (text tower known and skipped)
  kSegFormer,        // segformer.encoder.…, decode_head.…
  kResNet,           // conv1.weight, layer1.0.… (fc known and skipped)
  kGeoClipLocation,  // LocEnc0.capsule.0.b, … also below location_encoder.
  kDualGeo,          // vision_model_rgb.…, location_encoder.…, …
  kUnknown
};
WeightFamily DetectFamily(const TensorMap& tensors);
std::string FamilyName(WeightFamily family);

// Loads a file into a part of the model by whatever family its names belong to. InputError when that family holds no
// such part, or lists of keys as LoadStateDict.
// Position embeddings of another image size are resized (bicubic, as Hugging Face does), which is logged.
void LoadClipVision(ClipVisionImpl& encoder, const std::filesystem::path& path);
void LoadSegFormer(SegFormerImpl& segmenter, const std::filesystem::path& path);
void LoadSegmentationEncoder(SegmentationEncoderImpl& encoder, const std::filesystem::path& path);
void LoadGpsEncoder(GpsEncoderImpl& encoder, const std::filesystem::path& path);

// Loads what model.image_encoder.weights, model.segmentation_encoder.weights and model.gps_encoder.weights name. For
// the start of a training; a checkpoint holds everything itself.
void LoadPretrained(DualGeoModelImpl& model);

}  // namespace dualgeo
