// The photos of a table as model inputs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "data/photo_source.h"
#include "data/preprocess.h"
#include "dualgeo/data/photo_table.h"

namespace dualgeo {

class MemoryBudget;

class PhotoDataset {
 public:
  // images and masks: a folder or an archive each (data/photo_source.h); masks may be empty when view.with_masks is
  // false.
  // Throws InputError when images or masks are missing, or masks are asked for and none given.
  PhotoDataset(PhotoTable table, const std::filesystem::path& images, const std::filesystem::path& masks,
               const ViewOptions& view, const AugmentOptions& augment = {});
  ~PhotoDataset();
  PhotoDataset(PhotoDataset&&) noexcept;
  PhotoDataset& operator=(PhotoDataset&&) noexcept;

  std::int64_t size() const { return static_cast<std::int64_t>(table_.rows.size()); }
  const PhotoTable& table() const { return table_; }
  const ViewOptions& view() const { return view_; }

  // Row `index` of the table. augmentation nullptr: evaluation preprocessing. Safe to call from several threads.
  // Throws InputError naming photo or mask when one is missing, damaged, or does not fit the other.
  Example Get(std::int64_t index, Random* augmentation = nullptr) const;

  // From now on photos are changed by this (not their masks) before they are augmented, where they are.
  using Alter = std::function<cv::Mat(const cv::Mat& photo, Random& random)>;
  void AlterAugmented(Alter alter) { alter_ = std::move(alter); }

  // From now on examples carry their photo's hash.
  void HashPhotos() { hash_photos_ = true; }

  // When row `index`'s photo or mask last changed, whichever is later; nothing when that is not known.
  std::optional<std::filesystem::file_time_type> LastChange(std::int64_t index) const;

  // How messages name row `index`'s photo: "photos.tar:a.jpg".
  std::string Name(std::int64_t index) const;

  // Keeps photos and masks as Prepare() leaves them in memory, up to this many bytes in all, so that later epochs need
  // not decode them again; once full, the rest is decoded each time. Results do not depend on it. Only ever raised.
  // Loader calls it.
  void RaiseCacheLimit(std::int64_t bytes) const;

  // Threads that call Get decode at once what takes no more memory than this; a larger photo is decoded alone. No limit
  // before. Loader calls it.
  void LimitDecoding(std::int64_t bytes) const;
  // The most bytes that photos and masks took while they were decoded.
  std::int64_t peak_decoding_bytes() const;

 private:
  class Cache;
  Prepared Read(std::int64_t index, bool training) const;

  PhotoTable table_;
  std::unique_ptr<PhotoSource> images_;
  std::unique_ptr<PhotoSource> masks_;
  ViewOptions view_;
  AugmentOptions augment_;
  Alter alter_;
  bool hash_photos_ = false;
  std::unique_ptr<Cache> cache_;
  std::unique_ptr<MemoryBudget> decoding_;
};

}  // namespace dualgeo
