#include "model/weight_summary.h"

#include "dualgeo/model/weight_names.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "io/weight_file.h"
#include "util/output_path.h"

namespace dualgeo {

std::int64_t WeightSummary::parameters() const {
  std::int64_t sum = 0;
  for (const auto& tensor : tensors) {
    std::int64_t count = 1;
    for (const auto extent : tensor.shape) count *= extent;
    sum += count;
  }
  return sum;
}

std::int64_t WeightSummary::bytes() const {
  std::int64_t sum = 0;
  for (const auto& tensor : tensors) sum += tensor.bytes;
  return sum;
}

WeightSummary SummarizeWeights(const std::filesystem::path& path) {
  const WeightFile file = ReadWeightFile(path);
  WeightSummary summary;
  summary.path = file.path;
  summary.format = file.format;
  summary.container = file.container;
  summary.left_aside = file.left_aside;
  summary.metadata = file.metadata;
  for (const auto& [name, tensor] : file.tensors) {
    summary.tensors.push_back(
        {name, SafetensorsTypeName(tensor), tensor.sizes().vec(),
         static_cast<std::int64_t>(tensor.numel() * static_cast<std::int64_t>(tensor.element_size()))});
  }
  const TensorMap tensors = StripWrappers({file.tensors.begin(), file.tensors.end()});
  const WeightNames names = NamesOf(tensors);
  summary.family = names.name();
  summary.names = names.description();
  summary.family_known = names.style != nullptr;
  summary.prefixes = names.prefixes;
  if (names.style == nullptr) {
    summary.note = NearestStyle(tensors, WeightPart::kOther);
  } else if (!names.readable()) {
    summary.note = names.note();
  }
  return summary;
}

void ConvertWeights(const std::filesystem::path& in, const std::filesystem::path& out) {
  std::vector<InputPath> inputs = {{"in", in}};
  for (const auto& file : FilesOfWeights(in)) inputs.push_back({"in", file});
  CheckOutputs({{"out", out}}, inputs);
  if (out.extension() != ".safetensors") {
    throw InputError(out.string() + ": weights are written as safetensors; let the name end in .safetensors");
  }
  WeightFile file = ReadWeightFile(in);
  file.metadata.emplace("format", "pt");  // transformers opens no file without it
  WriteSafetensors(out, file.tensors, file.metadata);
}

}  // namespace dualgeo
