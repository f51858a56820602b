// From the names in other people's weight files to ours: one table per family, applied by what the names are. A new
// family is one table and one line in DetectFamily (src/model/weight_names.cpp). Works on any map of tensors, whatever
// file format it was read from.
#pragma once

#include "dualgeo/io/torch.h"

#include <map>
#include <string>

namespace dualgeo {

using TensorMap = std::map<std::string, torch::Tensor>;

// Without the prefix that training wrappers put before every name: "module." (DataParallel), "_orig_mod."
// (torch.compile), "model." (Lightning). Unchanged where a single name lacks it.
TensorMap StripWrappers(TensorMap tensors);

// Whose names a file uses.
enum class WeightFamily {
  kClipHuggingFace,  // vision_model.…, visual_projection.weight
  kClipOpenAi,       // visual.…
  kSegFormer,        // segformer.encoder.…, decode_head.… (Hugging Face)
  kResNet,           // conv1.weight, layer1.0.… (torchvision)
  kGeoClipLocation,  // LocEnc0.capsule.0.b, …, also below location_encoder.
  kGeoClipImageMlp,  // 0.weight, 0.bias, 2.weight, 2.bias: GeoCLIP's image projection, a file of its own
  kLogitScale,       // logit_scale alone: GeoCLIP's third file
  kDualGeo,          // vision_model_rgb.…, semantic_encoder.…, location_encoder.…, …
  kUnknown
};

// Told from the names alone.
WeightFamily DetectFamily(const TensorMap& tensors);
std::string FamilyName(WeightFamily family);

// The parts of our models that weights can be for; names are relative to the part.
enum class WeightPart {
  kClipVision,   // ClipVision: vision_model.…, visual_projection.weight
  kSegFormer,    // SegFormer: segformer.encoder.…, decode_head.…
  kMaskEncoder,  // SegmentationEncoder: features.…, projection.…
  kGpsEncoder,   // GpsEncoder: LocEnc0.…
  kOther         // known, and for none of these (CLIP's text tower, a classifier, fusion)
};

// The tensors of a family that belong to one part, under our names (OpenAI's fused q, k, v split, its projection
// transposed). Names that the family's table does not know are kept as they are, so that loading reports them as
// unexpected. Empty when the family has no such part.
TensorMap MapNames(const TensorMap& tensors, WeightFamily family, WeightPart part);

// A whole DualGeo model, the released code's or our own, under DualGeoModel's names. These are the released state
// dict's; it only holds its ResNet twice, as semantic_encoder.features.… and, under torchvision's names and with a
// classifier that nothing uses, as semantic_encoder.resnet.…, which is left out.
TensorMap MapWholeModel(TensorMap tensors);

}  // namespace dualgeo
