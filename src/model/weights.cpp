#include "dualgeo/model/weights.h"

#include <spdlog/spdlog.h>

#include <cmath>
#include <functional>
#include <optional>

#include "dualgeo/io/weight_file.h"
#include "dualgeo/model/weight_names.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string ShapeText(const torch::Tensor& tensor) {
  std::vector<std::string> extents;
  for (const std::int64_t extent : tensor.sizes()) extents.push_back(std::to_string(extent));
  std::string text = "[";  // GCC 12 takes char* + string for an overflow (GCC bug 105651)
  text += Join(extents);
  return text += "]";
}

// "3 missing (a, b, c)"; the first few names stand for a long list.
std::string List(const std::string& what, const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 12;
  std::vector<std::string> shown(names.begin(),
                                 names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size())));
  std::string text = std::to_string(names.size()) + " " + what + " (" + Join(shown);
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text + ")";
}

// What a file's tensors are for one part of the model, under that part's names.
TensorMap ReadPart(const std::filesystem::path& path, WeightPart part, const char* what) {
  const TensorMap tensors = ReadWeights(path);
  const WeightFamily family = DetectFamily(tensors);
  TensorMap mapped = MapNames(tensors, family, part);
  if (family == WeightFamily::kUnknown || mapped.empty()) {
    throw InputError(path.string() + ": holds no " + what + "; its names are those of " + FamilyName(family) +
                     (tensors.empty() ? "" : ", such as \"" + Printable(tensors.begin()->first) + "\""));
  }
  return mapped;
}

// CLIP at another image size: the grid of position embeddings is resized, the class token's stays.
void ResizePositions(torch::Tensor& file, const torch::Tensor& model, const std::string& source) {
  if (file.dim() != 2 || model.dim() != 2 || file.size(1) != model.size(1) || file.size(0) == model.size(0)) return;
  const auto side = [](std::int64_t rows) { return std::llround(std::sqrt(static_cast<double>(rows - 1))); };
  const auto from = side(file.size(0));
  const auto to = side(model.size(0));
  if (from < 1 || from * from != file.size(0) - 1) return;
  spdlog::info("{}: position embeddings resized from {} x {} to {} x {} patches (bicubic)", source, from, from, to, to);
  const auto rows = file.to(torch::kFloat32);
  const auto grid = rows.slice(0, 1).t().reshape({1, file.size(1), from, from});
  const auto resized = torch::upsample_bicubic2d(grid, {to, to}, /*align_corners=*/false);
  file = torch::cat({rows.slice(0, 0, 1), resized.reshape({file.size(1), to * to}).t()});
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
      if (!EndsWith(name, ".num_batches_tracked")) missing.push_back(name);
      continue;
    }
    // A single number may be written as [] or as [1].
    const bool both_scalar =
        target.numel() == 1 && found->second.numel() == 1 && target.dim() + found->second.dim() == 1;
    if (found->second.sizes() != target.sizes() && !both_scalar) {
      misshaped.push_back(name + ": " + ShapeText(found->second) + " in the file, " + ShapeText(target) +
                          " in the model");
      continue;
    }
    copies.emplace_back(target, found->second.reshape(target.sizes()));
  }
  for (const auto& entry : tensors) {
    if (targets.count(entry.first) == 0 && !EndsWith(entry.first, ".position_ids") &&
        !EndsWith(entry.first, ".num_batches_tracked")) {
      unexpected.push_back(Printable(entry.first, 200));
    }
  }
  std::vector<std::string> problems;
  if (!missing.empty()) problems.push_back(List("missing", missing));
  if (!unexpected.empty()) problems.push_back(List("unexpected", unexpected));
  if (!misshaped.empty()) problems.push_back(List("of another shape", misshaped));
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
  TensorMap tensors = ReadPart(path, WeightPart::kClipVision, "CLIP image encoder");
  const std::string positions = "vision_model.embeddings.position_embedding.weight";
  if (const auto found = tensors.find(positions); found != tensors.end()) {
    ResizePositions(found->second, encoder.named_parameters()[positions], path.string());
  }
  LoadStateDict(encoder, tensors, path.string(), Memory::kShare);
}

void LoadSegFormer(SegFormerImpl& segmenter, const std::filesystem::path& path) {
  LoadStateDict(segmenter, ReadPart(path, WeightPart::kSegFormer, "SegFormer"), path.string(), Memory::kShare);
}

void LoadSegmentationEncoder(SegmentationEncoderImpl& encoder, const std::filesystem::path& path) {
  TensorMap tensors = ReadPart(path, WeightPart::kMaskEncoder, "segmentation encoder");
  const auto projected = tensors.lower_bound("projection.");
  const bool has_projection = projected != tensors.end() && projected->first.rfind("projection.", 0) == 0;
  for (const auto& [name, own] : StateDict(encoder)) {
    const auto found = tensors.find(name);
    // A network made for photos has no projection to embed_dim: that one stays as it is.
    if (found == tensors.end() && !has_projection && name.rfind("projection.", 0) == 0) tensors[name] = own;
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
  LoadStateDict(encoder, tensors, path.string(), Memory::kShare);
}

void LoadGpsEncoder(GpsEncoderImpl& encoder, const std::filesystem::path& path) {
  LoadStateDict(encoder, ReadPart(path, WeightPart::kGpsEncoder, "GPS encoder"), path.string(), Memory::kShare);
}

void LoadPretrained(DualGeoModelImpl& model) {
  const ModelOptions& options = model.options();
  if (options.has_image() && options.image_encoder.weights) {
    LoadClipVision(*model.image_encoder(), *options.image_encoder.weights);
  }
  if (options.has_segmentation() && options.segmentation_encoder.weights) {
    LoadSegmentationEncoder(*model.segmentation_encoder(), *options.segmentation_encoder.weights);
  }
  if (options.gps_encoder.weights) LoadGpsEncoder(*model.gps_encoder(), *options.gps_encoder.weights);
}

}  // namespace dualgeo
