// Types of tensor elements, apart from LibTorch, so that file headers can be read (and fuzzed) without it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dualgeo {

enum class ElementType : std::uint8_t {
  kFloat64,
  kFloat32,
  kFloat16,
  kBFloat16,
  kInt64,
  kInt32,
  kInt16,
  kInt8,
  kUInt8,
  kBool
};

struct ElementTypeInfo {
  ElementType type;
  const char* name;     // in safetensors headers
  const char* storage;  // in PyTorch pickles: torch.<storage>
  const char* dtype;    // in PyTorch pickles: torch.<dtype>
  std::size_t size;     // bytes
};

inline constexpr std::array<ElementTypeInfo, 10> kElementTypes = {
    {{ElementType::kFloat64, "F64", "DoubleStorage", "float64", 8},
     {ElementType::kFloat32, "F32", "FloatStorage", "float32", 4},
     {ElementType::kFloat16, "F16", "HalfStorage", "float16", 2},
     {ElementType::kBFloat16, "BF16", "BFloat16Storage", "bfloat16", 2},
     {ElementType::kInt64, "I64", "LongStorage", "int64", 8},
     {ElementType::kInt32, "I32", "IntStorage", "int32", 4},
     {ElementType::kInt16, "I16", "ShortStorage", "int16", 2},
     {ElementType::kInt8, "I8", "CharStorage", "int8", 1},
     {ElementType::kUInt8, "U8", "ByteStorage", "uint8", 1},
     {ElementType::kBool, "BOOL", "BoolStorage", "bool", 1}}};

constexpr const ElementTypeInfo& Info(ElementType type) { return kElementTypes[static_cast<std::size_t>(type)]; }

// Number of elements of a shape; nothing when a size is negative or the product leaves int64.
inline std::optional<std::int64_t> ElementCount(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  bool empty = false;
  bool overflow = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) empty = true;
    if (extent != 0 && __builtin_mul_overflow(count, extent, &count)) overflow = true;
  }
  if (empty) return 0;
  if (overflow) return std::nullopt;
  return count;
}

// "[2, 3]"
inline std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  text += "]";
  return text;
}

}  // namespace dualgeo
