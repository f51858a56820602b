// Weights in and out: state dicts under the checkpoint's names, and other people's files by way of weight_names.h.
#pragma once

#include "dualgeo/io/torch.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "dualgeo/model/clip_text.h"
#include "dualgeo/model/clip_vit.h"
#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/gps_encoder.h"
#include "dualgeo/model/segformer.h"
#include "dualgeo/model/weight_names.h"

namespace dualgeo {

// Every parameter and buffer of the module, in registration order, sharing its memory (WriteSafetensors takes it as
// is).
std::vector<std::pair<std::string, torch::Tensor>> StateDict(const torch::nn::Module& module);

// Copies `tensors` into the module, converting type and device. All or nothing: one InputError that begins with
// `source` (the file's name) has the first missing, unexpected and mis-shaped key and the number of each, and the
// module is then unchanged. Bookkeeping that carries no weight is not asked for: …num_batches_tracked may be missing or
// have shape [1], and …position_ids may be present. kShare: a float32 parameter on the CPU does not copy its tensor but
// becomes it. For tensors read from a file, which nobody else writes to: the weights are then in memory once, as pages
// of the file (private: training changes them in memory only). Do not overwrite a weight file in place while a program
// uses it; replace it.
enum class Memory { kCopy, kShare };
void LoadStateDict(torch::nn::Module& module, const TensorMap& tensors, const std::string& source,
                   Memory memory = Memory::kCopy);

// All tensors of a weight file of any format (io/weight_file.h), without the prefixes of training wrappers. InputError
// otherwise.
TensorMap ReadWeights(const std::filesystem::path& path);

// Loads a file into a part of the model by whatever style its names are of; names outside the style's prefix are left
// aside, which is logged. InputError when the style has no such part, when none is known (with the nearest), when there
// are several sets of weights, or as LoadStateDict.
// Position embeddings of another image size are resized, which is logged: the class token's is kept, the square grid of
// the others is interpolated bicubically (a = -0.75, no aligned corners, no antialiasing), as Hugging Face's
// interpolate_pos_encoding does.
void LoadClipVision(ClipVisionImpl& encoder, const std::filesystem::path& path);
void LoadClipText(ClipTextImpl& encoder, const std::filesystem::path& path);
void LoadSegFormer(SegFormerImpl& segmenter, const std::filesystem::path& path);
void LoadSegmentationEncoder(SegmentationEncoderImpl& encoder, const std::filesystem::path& path);
void LoadGpsEncoder(GpsEncoderImpl& encoder, const std::filesystem::path& path);
// The two layers (0.weight, 0.bias, 2.weight, 2.bias) that take a photo's vector into the space shared with GPS.
void LoadImageProjection(torch::nn::Module& projection, const std::filesystem::path& path);
// The natural logarithm of the factor on the cosines between photos and GPS. InputError when it is not a finite number.
double ReadLogitScale(const std::filesystem::path& path);

// Loads what model.image_encoder.weights, model.segmentation_encoder.weights, model.gps_encoder.weights and those of
// model.contrastive_gps name. For the start of a training; a checkpoint holds everything itself.
void LoadPretrained(DualGeoModelImpl& model);

}  // namespace dualgeo
