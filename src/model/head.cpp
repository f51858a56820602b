#include "dualgeo/model/head.h"

#include <algorithm>

#include "dualgeo/util/kinds.h"
#include "head_kinds.h"

namespace dualgeo {
namespace {

struct HeadKind {
  const char* name;
  std::shared_ptr<HeadImpl> (*make)(const ModelOptions&, const LossOptions&);
  std::vector<std::string> (*columns)(const ModelOptions&);
};

const HeadKind& HeadKindOf(const std::string& name) {
  static constexpr HeadKind kKinds[] = {DUALGEO_HEADS(DUALGEO_KIND_ENTRY)};
  return FindKind(kKinds, name, "model.heads:");
}

}  // namespace

std::vector<std::string> NoColumns(const ModelOptions&) { return {}; }

std::shared_ptr<HeadImpl> MakeHead(const std::string& name, const ModelOptions& model, const LossOptions& loss) {
  return HeadKindOf(name).make(model, loss);
}

std::vector<std::string> HeadColumns(const ModelOptions& model) {
  std::vector<std::string> all;
  for (const std::string& head : model.heads) {
    for (std::string& column : HeadKindOf(head).columns(model)) {
      if (std::ranges::find(all, column) == all.end()) all.push_back(std::move(column));
    }
  }
  return all;
}

torch::Tensor PhotoVector(const ViewFeatures& features, const std::string& name) {
  if (name == "image") return features.image;
  if (name == "segmentation") return features.segmentation;
  return name == "fused_image" ? features.fused_image : features.fused_segmentation;
}

torch::Tensor Find(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [own, tensor] : tensors) {
    if (own == name) return tensor;
  }
  return {};
}

}  // namespace dualgeo
