// The file of the index `grouped`, in memory as it is on the disk:
//   24 bytes   "dualgeo grouped index 1\n"
//   int64      dimension, vectors, lists, nprobe, metric (0 inner product, 1 L2), form (0 Flat, 1 SQ8, 2 SQ8,RFlat)
//   float64    the longest vector's squared length
// and, each from the next multiple of 64 bytes on:
//   float32    the lists' means [lists, dimension]
//   int64      where the lists begin [lists + 1], in vectors
//   int64      rows, list after list, ascending within one [vectors]
//   float32    forms of SQ8: the step of a vector's codes [vectors]
//   float32    forms of SQ8: the gain of products with what the codes stand for [vectors]
//   float32    L2: squared lengths [vectors]
//   uint8      forms of SQ8: 128 + (vector - mean) / step [vectors, dimension]
//   float32    Flat and RFlat: the vectors [vectors, dimension]
// A row of a matrix is padded to 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace dualgeo {

enum class GroupedForm : std::int64_t { kFlat, kCodes, kRefined };

inline constexpr const char* kGroupedMagic = "dualgeo grouped index 1\n";
inline constexpr std::int64_t kMostGroupedDimensions = 32768;  // sums of products of codes fit 32 bits

struct GroupedHead {
  std::int64_t dimension = 0;
  std::int64_t rows = 0;
  std::int64_t lists = 0;
  std::int64_t probes = 0;
  std::int64_t l2 = 0;
  GroupedForm form = GroupedForm::kFlat;
  double longest = 0;  // squared

  bool has_codes() const { return form != GroupedForm::kFlat; }
  bool has_vectors() const { return form != GroupedForm::kCodes; }
  std::int64_t float_stride() const { return (dimension + 15) / 16 * 16; }
  std::int64_t code_stride() const { return (dimension + 63) / 64 * 64; }
};

// What is where. Null where the form has none.
class GroupedData {
 public:
  // Memory for an index that is being built: zeros.
  explicit GroupedData(const GroupedHead& head);
  // Mapped, not read, apart from the rows' numbers and the lists' bounds, which are checked. Throws InputError.
  explicit GroupedData(const std::filesystem::path& path);

  // Throws Error.
  void Write(const std::filesystem::path& path) const;

  const GroupedHead& head() const { return head_; }
  std::int64_t size() const { return size_; }

  float* means = nullptr;
  std::int64_t* starts = nullptr;
  std::int64_t* rows = nullptr;
  float* steps = nullptr;
  float* gains = nullptr;
  float* norms = nullptr;
  std::uint8_t* codes = nullptr;
  float* vectors = nullptr;

 private:
  void Place(char* bytes);

  GroupedHead head_;
  std::shared_ptr<void> owner_;
  const char* bytes_ = nullptr;
  std::int64_t size_ = 0;
};

// The bytes of the file of such an index.
std::int64_t GroupedBytes(const GroupedHead& head);

}  // namespace dualgeo
