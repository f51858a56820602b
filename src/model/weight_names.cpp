#include "dualgeo/model/weight_names.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

namespace dualgeo {
namespace {

enum class Change { kNone, kTranspose, kSplitQkv };

// `*` stands for one dotted segment, `**` at the end for all that remain; `to` takes them over in order.
// kSplitQkv writes three tensors, with q, k and v for the `?` in `to`.
struct Rule {
  WeightPart part;
  const char* from;
  const char* to = "";
  Change change = Change::kNone;
};

using Table = std::vector<Rule>;

const Table& HuggingFaceClip() {
  static const Table kTable = {{WeightPart::kClipVision, "vision_model.**", "vision_model.**"},
                               {WeightPart::kClipVision, "visual_projection.weight", "visual_projection.weight"},
                               {WeightPart::kOther, "text_model.**"},
                               {WeightPart::kOther, "text_projection.weight"},
                               {WeightPart::kOther, "logit_scale"}};
  return kTable;
}

const Table& OpenAiClip() {
  constexpr auto kPart = WeightPart::kClipVision;
  static const Table kTable = {
      {kPart, "visual.class_embedding", "vision_model.embeddings.class_embedding"},
      {kPart, "visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
      {kPart, "visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"},
      {kPart, "visual.proj", "visual_projection.weight", Change::kTranspose},
      {kPart, "visual.ln_pre.*", "vision_model.pre_layrnorm.*"},
      {kPart, "visual.ln_post.*", "vision_model.post_layernorm.*"},
      {kPart, "visual.transformer.resblocks.*.attn.in_proj_weight",
       "vision_model.encoder.layers.*.self_attn.?_proj.weight", Change::kSplitQkv},
      {kPart, "visual.transformer.resblocks.*.attn.in_proj_bias", "vision_model.encoder.layers.*.self_attn.?_proj.bias",
       Change::kSplitQkv},
      {kPart, "visual.transformer.resblocks.*.attn.out_proj.*", "vision_model.encoder.layers.*.self_attn.out_proj.*"},
      {kPart, "visual.transformer.resblocks.*.ln_1.*", "vision_model.encoder.layers.*.layer_norm1.*"},
      {kPart, "visual.transformer.resblocks.*.ln_2.*", "vision_model.encoder.layers.*.layer_norm2.*"},
      {kPart, "visual.transformer.resblocks.*.mlp.c_fc.*", "vision_model.encoder.layers.*.mlp.fc1.*"},
      {kPart, "visual.transformer.resblocks.*.mlp.c_proj.*", "vision_model.encoder.layers.*.mlp.fc2.*"},
      {WeightPart::kOther, "transformer.**"},
      {WeightPart::kOther, "token_embedding.weight"},
      {WeightPart::kOther, "positional_embedding"},
      {WeightPart::kOther, "ln_final.*"},
      {WeightPart::kOther, "text_projection"},
      {WeightPart::kOther, "logit_scale"},
      {WeightPart::kOther, "input_resolution"},
      {WeightPart::kOther, "context_length"},
      {WeightPart::kOther, "vocab_size"}};
  return kTable;
}

const Table& SegFormerTable() {
  static const Table kTable = {{WeightPart::kSegFormer, "segformer.**", "segformer.**"},
                               {WeightPart::kSegFormer, "decode_head.**", "decode_head.**"}};
  return kTable;
}

const Table& ResNet() {
  static const Table kTable = {{WeightPart::kMaskEncoder, "conv1.*", "features.0.*"},
                               {WeightPart::kMaskEncoder, "bn1.*", "features.1.*"},
                               {WeightPart::kMaskEncoder, "layer1.**", "features.4.**"},
                               {WeightPart::kMaskEncoder, "layer2.**", "features.5.**"},
                               {WeightPart::kMaskEncoder, "layer3.**", "features.6.**"},
                               {WeightPart::kMaskEncoder, "layer4.**", "features.7.**"},
                               {WeightPart::kOther, "fc.*"}};
  return kTable;
}

// GeoCLIP's location encoder alone, or inside a whole GeoCLIP.
const Table& GeoClipLocation() {
  static const Table kTable = {{WeightPart::kGpsEncoder, "location_encoder.**", "**"},
                               {WeightPart::kOther, "image_encoder.**"},
                               {WeightPart::kOther, "logit_scale"},
                               {WeightPart::kOther, "gps_queue"},
                               {WeightPart::kOther, "gps_queue_ptr"},
                               {WeightPart::kGpsEncoder, "**", "**"}};
  return kTable;
}

const Table& DualGeo() {
  static const Table kTable = {{WeightPart::kClipVision, "vision_model_rgb.**", "vision_model.**"},
                               {WeightPart::kClipVision, "vision_projection_rgb.**", "visual_projection.**"},
                               {WeightPart::kOther, "semantic_encoder.resnet.**"},  // semantic_encoder.features again
                               {WeightPart::kMaskEncoder, "semantic_encoder.**", "**"},
                               {WeightPart::kGpsEncoder, "location_encoder.**", "**"},
                               {WeightPart::kOther, "vision_projection_seg.**"},
                               {WeightPart::kOther, "cross_attn_fusion.**"},
                               {WeightPart::kOther, "rgb_projection_else.**"},
                               {WeightPart::kOther, "seg_projection_else.**"},
                               {WeightPart::kOther, "location_projection_else.**"},
                               {WeightPart::kOther, "logit_scale_rgb"},
                               {WeightPart::kOther, "logit_scale_seg"}};
  return kTable;
}

const Table& NoPart() {
  static const Table kTable = {{WeightPart::kOther, "**"}};
  return kTable;
}

struct Family {
  WeightFamily family;
  const char* name;
  // A file is of this family when a name begins with one of these. The first family that fits wins.
  std::vector<std::string> signs;
  const Table& (*table)();
  // Instead of signs, where names say little: these and no others.
  std::vector<std::string> all_names = {};
};

const std::vector<Family>& Families() {
  static const std::vector<Family> kFamilies = {
      {WeightFamily::kDualGeo,
       "DualGeo",
       {"rgb_projection_else.", "seg_projection_else.", "vision_model_rgb."},
       DualGeo},
      {WeightFamily::kClipHuggingFace, "CLIP (Hugging Face)", {"vision_model."}, HuggingFaceClip},
      {WeightFamily::kClipOpenAi, "CLIP (OpenAI)", {"visual."}, OpenAiClip},
      {WeightFamily::kSegFormer, "SegFormer (Hugging Face)", {"segformer.encoder.", "decode_head."}, SegFormerTable},
      {WeightFamily::kGeoClipLocation, "GeoCLIP", {"LocEnc", "location_encoder.LocEnc"}, GeoClipLocation},
      {WeightFamily::kResNet, "ResNet (torchvision)", {"layer1.0.conv1."}, ResNet},
      {WeightFamily::kGeoClipImageMlp,
       "GeoCLIP's image projection (an MLP of two layers)",
       {},
       NoPart,
       {"0.bias", "0.weight", "2.bias", "2.weight"}},
      {WeightFamily::kLogitScale, "GeoCLIP's logit scale", {}, NoPart, {"logit_scale"}}};
  return kFamilies;
}

std::vector<std::string_view> Split(std::string_view name) {
  std::vector<std::string_view> segments;
  for (std::size_t begin = 0;;) {
    const std::size_t dot = name.find('.', begin);
    segments.push_back(name.substr(begin, dot == std::string_view::npos ? dot : dot - begin));
    if (dot == std::string_view::npos) return segments;
    begin = dot + 1;
  }
}

// What the wildcards stand for, or nothing when the name does not match.
std::optional<std::vector<std::string>> Match(std::string_view pattern, std::string_view name) {
  const auto wanted = Split(pattern);
  const auto given = Split(name);
  std::vector<std::string> captured;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i >= given.size()) return std::nullopt;
    if (wanted[i] == "**") {
      captured.emplace_back(name.substr(static_cast<std::size_t>(given[i].data() - name.data())));
      return captured;
    }
    if (wanted[i] == "*") {
      captured.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  if (given.size() != wanted.size()) return std::nullopt;
  return captured;
}

std::string Substitute(std::string_view pattern, const std::vector<std::string>& captured, char qkv) {
  std::string name;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '?') {
      name += qkv;
    } else if (pattern[i] == '*') {
      name += captured[next++];
      if (i + 1 < pattern.size() && pattern[i + 1] == '*') ++i;
    } else {
      name += pattern[i];
    }
  }
  return name;
}

void Apply(const Rule& rule, const std::vector<std::string>& captured, const torch::Tensor& tensor, TensorMap& out) {
  switch (rule.change) {
    case Change::kNone:
      out[Substitute(rule.to, captured, '?')] = tensor;
      break;
    case Change::kTranspose:
      out[Substitute(rule.to, captured, '?')] = tensor.dim() == 2 ? tensor.t() : tensor;
      break;
    case Change::kSplitQkv: {
      // Rows that are not three equal parts stay whole, and are then reported as mis-shaped.
      const bool splits = tensor.dim() > 0 && tensor.size(0) % 3 == 0;
      const auto parts = splits ? tensor.chunk(3, 0) : std::vector<torch::Tensor>(3, tensor);
      for (std::size_t i = 0; i < 3; ++i) out[Substitute(rule.to, captured, "qkv"[i])] = parts[i];
      break;
    }
  }
}

}  // namespace

TensorMap StripWrappers(TensorMap tensors) {
  // They can be nested.
  for (bool again = true; again && !tensors.empty();) {
    again = false;
    for (const std::string prefix : {"module.", "_orig_mod.", "model."}) {
      const bool all = std::all_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
        return tensor.first.size() > prefix.size() && tensor.first.compare(0, prefix.size(), prefix) == 0;
      });
      if (!all) continue;
      TensorMap stripped;
      for (const auto& [name, tensor] : tensors) stripped[name.substr(prefix.size())] = tensor;
      tensors = std::move(stripped);
      again = true;
    }
  }
  return tensors;
}

WeightFamily DetectFamily(const TensorMap& tensors) {
  for (const auto& family : Families()) {
    for (const auto& sign : family.signs) {
      const auto found = tensors.lower_bound(sign);
      if (found != tensors.end() && found->first.compare(0, sign.size(), sign) == 0) return family.family;
    }
    if (!family.all_names.empty() &&
        std::equal(tensors.begin(), tensors.end(), family.all_names.begin(), family.all_names.end(),
                   [](const auto& tensor, const std::string& name) { return tensor.first == name; })) {
      return family.family;
    }
  }
  return WeightFamily::kUnknown;
}

std::string FamilyName(WeightFamily family) {
  for (const auto& known : Families()) {
    if (known.family == family) return known.name;
  }
  return "no family known here";
}

TensorMap MapNames(const TensorMap& tensors, WeightFamily family, WeightPart part) {
  TensorMap mapped;
  TensorMap unknown;
  for (const auto& known : Families()) {
    if (known.family != family) continue;
    for (const auto& [name, tensor] : tensors) {
      bool matched = false;
      for (const auto& rule : known.table()) {
        const auto captured = Match(rule.from, name);
        if (!captured) continue;
        if (rule.part == part) Apply(rule, *captured, tensor, mapped);
        matched = true;
        break;
      }
      if (!matched) unknown[name] = tensor;
    }
  }
  if (!mapped.empty()) mapped.merge(unknown);
  return mapped;
}

TensorMap MapWholeModel(TensorMap tensors) {
  const std::string copy = "semantic_encoder.resnet.";
  auto found = tensors.lower_bound(copy);
  while (found != tensors.end() && found->first.compare(0, copy.size(), copy) == 0) found = tensors.erase(found);
  return tensors;
}

}  // namespace dualgeo
