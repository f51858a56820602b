// ElementType and LibTorch's.
#pragma once

#include "dualgeo/io/torch.h"

#include <array>
#include <optional>

#include "io/element_type.h"

namespace dualgeo {

inline torch::Dtype TorchType(ElementType type) {
  // In the order of ElementType.
  constexpr std::array<torch::Dtype, kElementTypes.size()> kTypes = {
      torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
      torch::kInt32,   torch::kInt16,   torch::kInt8,    torch::kUInt8,    torch::kBool};
  return kTypes[static_cast<std::size_t>(type)];
}

inline std::optional<ElementType> ElementTypeOf(torch::Dtype dtype) {
  for (const auto& info : kElementTypes) {
    if (TorchType(info.type) == dtype) return info.type;
  }
  return std::nullopt;
}

}  // namespace dualgeo
