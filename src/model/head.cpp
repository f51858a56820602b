#include "dualgeo/model/head.h"

namespace dualgeo {

torch::Tensor Find(const NamedTensors& tensors, const std::string& name) {
  for (const auto& [own, tensor] : tensors) {
    if (own == name) return tensor;
  }
  return {};
}

}  // namespace dualgeo
