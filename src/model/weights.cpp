#include "dualgeo/model/weights.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <functional>
#include <optional>

#include "dualgeo/model/weight_names.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/element_type.h"
#include "io/weight_file.h"
#include "position_grid.h"

namespace dualgeo {
namespace {

// "b is missing", "b and 122 more are missing": one name says which style the file nearly is, a list only how long it
// is.
std::string FirstAndCount(const std::vector<std::string>& names, const std::string& what) {
  const std::string more = names.size() > 1 ? " and " + std::to_string(names.size() - 1) + " more are " : " is ";
  return names.front() + more + what;
}

struct PartWeights {
  TensorMap tensors;   // under the part's names
  std::string source;  // for messages: the file and its style
  std::string note;    // what to take instead
};

// What a file's tensors are for one part of the model.
PartWeights ReadPart(const std::filesystem::path& path, WeightPart part, const std::string& what) {
  const TensorMap tensors = ReadWeights(path);
  const WeightNames names = NamesOf(tensors);
  const std::string file = path.string();
  if (names.style == nullptr) {
    const std::string nearest = NearestStyle(tensors, part);
    throw InputError(file + ": holds no " + what + " under names known here" +
                     (tensors.empty() ? "" : ", but \"" + Printable(tensors.begin()->first) + "\"") +
                     (nearest.empty() ? "" : "; " + nearest));
  }
  std::vector<std::string> aside;
  TensorMap mapped = MapNames(tensors, names, part, &aside);
  const std::string note = names.note().empty() ? "" : "; " + names.note();
  if (mapped.empty()) {
    throw InputError(file + ": holds no " + what + ": its names are those of " + names.description() +
                     (names.readable() ? "" : note));
  }
  if (names.prefixes.size() > 1) {
    std::vector<std::string> sets;
    for (const auto& prefix : names.prefixes) sets.push_back("\"" + Printable(prefix) + "\"");
    throw InputError(file + ": holds several sets of " + names.name() + ", under " + Join(sets) +
                     "; save the one to use by itself");
  }
  if (!names.prefixes[0].empty() || !aside.empty()) {
    spdlog::info("{}: {} taken from below \"{}\"{}", file, names.name(), Printable(names.prefixes[0]),
                 aside.empty() ? "" : "; left aside: " + FirstAndCount(aside, "outside it"));
  }
  return {std::move(mapped), file + ": " + names.name(), note};
}

// Loads what ReadPart gave.
void LoadPart(torch::nn::Module& module, const PartWeights& part) {
  try {
    LoadStateDict(module, part.tensors, part.source, Memory::kShare);
  } catch (const InputError& error) {
    throw InputError(error.what() + part.note);
  }
}

}  // namespace

std::vector<std::pair<std::string, torch::Tensor>> StateDict(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, torch::Tensor>> state;
  for (const auto& parameter : module.named_parameters())
    state.emplace_back(parameter.key(), parameter.value().detach());
  for (const auto& buffer : module.named_buffers()) state.emplace_back(buffer.key(), buffer.value());
  return state;
}

void LoadStateDict(torch::nn::Module& module, const TensorMap& tensors, const std::string& source, Memory memory) {
  torch::NoGradGuard no_grad;
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<std::string> misshaped;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> copies;
  std::map<std::string, torch::Tensor> targets;
  for (const auto& parameter : module.named_parameters()) targets[parameter.key()] = parameter.value();
  for (const auto& buffer : module.named_buffers()) targets[buffer.key()] = buffer.value();
  for (const auto& [name, target] : targets) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) {
      if (!name.ends_with(".num_batches_tracked")) missing.push_back(name);
      continue;
    }
    // A single number may be written as [] or as [1].
    const bool both_scalar =
        target.numel() == 1 && found->second.numel() == 1 && target.dim() + found->second.dim() == 1;
    if (found->second.sizes() != target.sizes() && !both_scalar) {
      misshaped.push_back(name + " is " + ShapeText(found->second.sizes().vec()) + " in the file, " +
                          ShapeText(target.sizes().vec()) + " in the model");
      continue;
    }
    copies.emplace_back(target, found->second.reshape(target.sizes()));
  }
  for (const auto& entry : tensors) {
    if (targets.count(entry.first) == 0 && !entry.first.ends_with(".position_ids") &&
        !entry.first.ends_with(".num_batches_tracked")) {
      unexpected.push_back(Printable(entry.first, 200));
    }
  }
  std::vector<std::string> problems;
  if (!missing.empty()) problems.push_back(FirstAndCount(missing, "missing"));
  if (!unexpected.empty()) problems.push_back(FirstAndCount(unexpected, "unexpected"));
  if (!misshaped.empty()) {
    const std::size_t more = misshaped.size() - 1;
    problems.push_back(misshaped.front() +
                       (more > 0 ? ", and " + std::to_string(more) + " more of another shape" : ""));
  }
  if (!problems.empty()) throw InputError(source + ": the weights do not fit the model: " + Join(problems, "; "));
  for (auto& [target, value] : copies) {
    const bool fits = target.scalar_type() == value.scalar_type() && target.device() == value.device();
    if (memory == Memory::kShare && fits && value.is_contiguous()) {
      target.set_data(value);
    } else {
      target.copy_(value);
    }
  }
}

TensorMap ReadWeights(const std::filesystem::path& path) {
  const WeightFile weights = ReadWeightFile(path);
  if (!weights.left_aside.empty()) {
    spdlog::info("{}: weights taken from \"{}\"; left aside: {}", weights.path.string(), weights.container,
                 Join(weights.left_aside));
  }
  return StripWrappers({weights.tensors.begin(), weights.tensors.end()});
}

void LoadClipVision(ClipVisionImpl& encoder, const std::filesystem::path& path) {
  PartWeights part = ReadPart(path, WeightPart::kClipVision, "CLIP image encoder");
  const std::string positions = "vision_model.embeddings.position_embedding.weight";
  if (const auto found = part.tensors.find(positions); found != part.tensors.end()) {
    ResizePositions(found->second, encoder.named_parameters()[positions], path.string());
  }
  if (encoder.projection().is_empty()) part.tensors.erase("visual_projection.weight");
  LoadPart(encoder, part);
}

void LoadClipText(ClipTextImpl& encoder, const std::filesystem::path& path) {
  LoadPart(encoder, ReadPart(path, WeightPart::kClipText, "CLIP text encoder"));
}

void LoadSegFormer(SegFormerImpl& segmenter, const std::filesystem::path& path) {
  LoadPart(segmenter, ReadPart(path, WeightPart::kSegFormer, "whole SegFormer"));
}

void LoadSegmentationEncoder(SegmentationEncoderImpl& encoder, const std::filesystem::path& path) {
  PartWeights part = ReadPart(path, WeightPart::kMaskEncoder, "segmentation encoder");
  TensorMap& tensors = part.tensors;
  const auto projected = tensors.lower_bound("projection.");
  const bool has_projection = projected != tensors.end() && projected->first.starts_with("projection.");
  for (const auto& [name, own] : StateDict(encoder)) {
    const auto found = tensors.find(name);
    // A network made for photos has no projection to embed_dim: that one stays as it is.
    if (found == tensors.end() && !has_projection && name.starts_with("projection.")) tensors[name] = own;
    if (name != "features.0.weight" || found == tensors.end()) continue;
    auto& first = found->second;
    if (first.dim() != 4 || own.dim() != 4 || first.size(1) != 3 || own.size(1) == 3) continue;
    if (own.size(1) == 1) {
      first = first.sum(1, true);  // what it gives for a photo whose three colours are equal
    } else {
      spdlog::info("{}: the first convolution is for colours, not for {} classes; it stays random", path.string(),
                   own.size(1));
      first = own;
    }
  }
  LoadPart(encoder, part);
}

void LoadGpsEncoder(GpsEncoderImpl& encoder, const std::filesystem::path& path) {
  LoadPart(encoder, ReadPart(path, WeightPart::kGpsEncoder, "GPS encoder"));
}

void LoadImageProjection(torch::nn::Module& projection, const std::filesystem::path& path) {
  LoadPart(projection, ReadPart(path, WeightPart::kImageProjection, "image projection"));
}

double ReadLogitScale(const std::filesystem::path& path) {
  const PartWeights part = ReadPart(path, WeightPart::kLogitScale, "logit scale");
  const torch::Tensor& value = part.tensors.begin()->second;
  if (part.tensors.size() != 1 || value.numel() != 1 || !std::isfinite(value.item<double>())) {
    throw InputError(part.source + ": the logit scale \"" + Printable(part.tensors.begin()->first) + "\" is " +
                     (value.numel() == 1 ? FormatDouble(value.item<double>()) : ShapeText(value.sizes().vec())) +
                     ", not one finite number");
  }
  return value.item<double>();
}

void LoadPretrained(DualGeoModelImpl& model) {
  const ModelOptions& options = model.options();
  if (options.has_image() && options.image_encoder.weights) {
    model.image_encoder()->Load(*options.image_encoder.weights);
  }
  if (options.has_segmentation() && options.segmentation_encoder.weights) {
    LoadSegmentationEncoder(*model.segmentation_encoder(), *options.segmentation_encoder.weights);
  }
  for (const auto& head : model.heads()) head->LoadPretrained();
}

}  // namespace dualgeo
