// From the names in other people's weight files to ours: one table per style of names (src/model/weight_styles.cpp),
// applied by what the names are. A new style is one entry there. Works on any map of tensors, whatever file format it
// was read from.
#pragma once

#include "dualgeo/io/torch.h"

#include <map>
#include <string>
#include <vector>

namespace dualgeo {

using TensorMap = std::map<std::string, torch::Tensor>;

// Without what training wrappers put into names: "module." (DataParallel), "model." (Lightning), "_orig_mod."
// (torch.compile) and "_fsdp_wrapped_module." before every name, which stay where a single name lacks them; and inside
// names "_orig_mod.", "_fsdp_wrapped_module." and "_checkpoint_wrapped_module.", unless two would then be the same.
TensorMap StripWrappers(TensorMap tensors);

// The parts of our models that weights can be for; names are relative to the part.
enum class WeightPart {
  kClipVision,       // ClipVision: vision_model.…, visual_projection.weight
  kClipText,         // ClipText: text_model.…, text_projection.weight
  kSegFormer,        // SegFormer: segformer.encoder.…, decode_head.…
  kMaskEncoder,      // SegmentationEncoder: features.…, projection.…
  kGpsEncoder,       // GpsEncoder: LocEnc0.…
  kImageProjection,  // ProjectionHead of the image view: 0.…, 2.…
  kLogitScale,       // logit_scale, of photos and GPS
  kOther             // known, and for none of these (a classifier, fusion)
};

struct WeightStyle;

// Whose names a set of tensors has. A style is only told by what it alone has; several projects give one model
// different names, and several models similar ones.
struct WeightNames {
  const WeightStyle* style = nullptr;  // none: nobody's that is known here
  // What stands before the style's names: mostly one and empty, "net." for a model inside another; several where there
  // are several sets of weights ("student.", "teacher.").
  std::vector<std::string> prefixes;

  std::string name() const;         // "SegFormer (NVlabs, mmseg)"; without a style: "no style known here"
  std::string description() const;  // the name, and what it stands below
  bool readable() const;            // any part of it
  std::string note() const;         // why it is not readable, or not whole, and what to take instead; may be empty
};

// Told from the names alone.
WeightNames NamesOf(const TensorMap& tensors);

// The tensors that belong to one part, under our names (OpenAI's fused q, k, v and NVlabs' k, v split, OpenAI's
// projection transposed). Names below the prefix that the style's table does not know are kept as they are, so that
// loading reports them as unexpected; names outside the prefix are left aside (`aside`, where given, gets them). Empty
// without a style, and when the style has no such part.
TensorMap MapNames(const TensorMap& tensors, const WeightNames& names, WeightPart part,
                   std::vector<std::string>* aside = nullptr);

// For a message about names of no style: `nearest is SegFormer (Hugging Face), which has "segformer.encoder.…"`, among
// the styles that have the part (kOther: all). Empty when nothing is near.
std::string NearestStyle(const TensorMap& tensors, WeightPart part);

// A whole DualGeo model, the released code's or our own, under DualGeoModel's names. These are the released state
// dict's; it only holds its ResNet twice, as semantic_encoder.features.… and, under torchvision's names and with a
// classifier that nothing uses, as semantic_encoder.resnet.…, which is left out.
TensorMap MapWholeModel(TensorMap tensors);

}  // namespace dualgeo
