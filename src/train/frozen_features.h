// What a frozen image encoder gives for the photos of a set: made once, kept on the disk in bf16 and read back by
// photo, so that an epoch neither decodes a photo nor runs the encoder. Each photo has several versions, augmented
// differently.
//
// FOLDER/part-*, a safetensors file for a block of photos of one version: `tokens` bf16 [n, 1 + T, D], `rows` int64 [n]
// of the table, and `mask` uint8 [n, M, M] where the model sees masks: cut from them as the photo was. They are mapped,
// not read, and made again where a killed process stopped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/loader.h"
#include "dualgeo/gallery/parts.h"
#include "io/safetensors.h"

namespace dualgeo {

class FrozenFeatures {
 public:
  // -> [N, 1 + T, D], of a batch on the CPU.
  using Encode = std::function<torch::Tensor(const Batch& batch)>;

  // versions: the augmentation seed of each; none: as a photo is asked about. made_from: what the features depend on
  // beside these, the table and the order of its rows; a folder of others is set aside. Makes what is missing. Throws
  // what a Loader throws, and Interrupted.
  FrozenFeatures(const PhotoDataset& dataset, const LoaderOptions& loader, const std::filesystem::path& folder,
                 const std::string& made_from, std::vector<std::optional<std::uint64_t>> versions,
                 const Encode& encode);

  std::int64_t versions() const { return static_cast<std::int64_t>(seeds_.size()); }
  // Throws Error for a seed that no version has.
  std::int64_t VersionOf(const std::optional<std::uint64_t>& seed) const;
  // A photo without could not be read when the others' were made.
  bool Has(std::int64_t version, std::int64_t row) const { return PlaceOf(version, row).part >= 0; }
  const PhotoRow& Photo(std::int64_t row) const { return dataset_.table().rows[static_cast<std::size_t>(row)]; }
  // These photos of a version: tokens (float32) instead of pixels. Photos without features are left out; nothing: all
  // of them are.
  std::optional<Batch> Get(std::int64_t version, std::span<const std::int64_t> rows) const;

 private:
  struct Part {
    explicit Part(const std::filesystem::path& file);
    SafetensorsFile file;
    torch::Tensor tokens, mask, rows;
  };
  struct Place {
    std::int32_t part = -1, row = 0;
  };

  const Place& PlaceOf(std::int64_t version, std::int64_t row) const {
    return places_.at(static_cast<std::size_t>(version * dataset_.size() + row));
  }
  void Make(PartsFolder& folder, const LoaderOptions& loader, const Encode& encode) const;
  void Open(const std::vector<PartsFolder::Part>& parts);

  const PhotoDataset& dataset_;
  std::vector<std::optional<std::uint64_t>> seeds_;
  std::vector<Part> parts_;
  std::vector<Place> places_;  // [versions * photos]
};

// One pass over them, as a Loader gives one over photos.
class FrozenReader : public BatchReader {
 public:
  // augmentation_seed: of the version.
  FrozenReader(const FrozenFeatures& features, std::optional<std::uint64_t> augmentation_seed,
               std::vector<std::int64_t> order, std::int64_t batch_size, bool drop_last);
  std::optional<Batch> Next() override;
  const std::vector<SkippedPhoto>& skipped() const override { return skipped_; }

 private:
  const FrozenFeatures& features_;
  std::int64_t version_;
  std::vector<std::int64_t> order_;
  std::size_t batch_size_, at_ = 0;
  std::vector<SkippedPhoto> skipped_;
};

}  // namespace dualgeo
