#include "data/dataset.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>
#include <unordered_map>

#include "data/mask.h"
#include "data/photo.h"
#include "dualgeo/util/error.h"
#include "memory_budget.h"
#include "photo_formats.h"
#include "util/path_list.h"

namespace dualgeo {

// First come, first kept: with every photo used once an epoch, throwing older ones out would only cost.
class PhotoDataset::Cache {
 public:
  void RaiseLimit(std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = std::max(limit_, bytes);
  }

  // The Mats share the kept pixels: nobody writes into them.
  std::optional<Prepared> Find(std::int64_t index, bool training) const {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(2 * index + (training ? 1 : 0));
    if (found == kept_.end()) return std::nullopt;
    return found->second;
  }

  void Keep(std::int64_t index, bool training, const Prepared& prepared) {
    const auto bytes =
        static_cast<std::int64_t>(prepared.photo.total() * prepared.photo.elemSize() + prepared.mask.total());
    const std::lock_guard lock(mutex_);
    if (used_ + bytes > limit_) return;
    if (kept_.emplace(2 * index + (training ? 1 : 0), prepared).second) used_ += bytes;
  }

 private:
  mutable std::mutex mutex_;
  std::int64_t limit_ = 0;
  std::int64_t used_ = 0;
  std::unordered_map<std::int64_t, Prepared> kept_;
};

PhotoDataset::PhotoDataset(PhotoTable table, const std::filesystem::path& images, const std::filesystem::path& masks,
                           const ViewOptions& view, const AugmentOptions& augment)
    : table_(std::move(table)),
      images_(OpenPhotoSource(images)),
      view_(view),
      augment_(augment),
      cache_(std::make_unique<Cache>()),
      decoding_(std::make_unique<MemoryBudget>()) {
  if (view_.image_size < 1 || (view_.with_masks && view_.mask_size < 1)) {
    throw InputError("the model's input must be 1 pixel or more a side");
  }
  augment_.Validate();
  if (!view_.with_masks) return;
  if (masks.empty()) {
    throw InputError(table_.path.string() + ": no folder of masks given, but the model looks at segmentation masks");
  }
  if (const auto paths = PathsOf(masks.string()); paths.size() == 1 && !std::filesystem::exists(paths.front())) {
    throw InputError(masks.string() + ": no such folder or archive of masks");
  }
  masks_ = OpenPhotoSource(masks);
}

PhotoDataset::~PhotoDataset() = default;
PhotoDataset::PhotoDataset(PhotoDataset&&) noexcept = default;
PhotoDataset& PhotoDataset::operator=(PhotoDataset&&) noexcept = default;

Prepared PhotoDataset::Read(std::int64_t index, bool training) const {
  const std::string& id = table_.rows.at(static_cast<std::size_t>(index)).id;
  if (auto kept = cache_->Find(index, training)) return *std::move(kept);
  const std::string name = images_->Name(id);
  const std::string bytes = images_->Read(id);
  // Held until all but what is kept of the photo is gone.
  std::optional<MemoryBudget::Share> memory;
  PhotoDecoding decoding{LeastSide(view_, training), [&](std::int64_t needed) { memory.emplace(*decoding_, needed); }};
  const auto [photo, size] = DecodePhoto(bytes, name, decoding);
  cv::Mat mask;
  if (view_.with_masks) {
    const std::string mask_id = MaskId(id);
    const std::string mask_name = masks_->Name(mask_id);
    mask = DecodeMask(masks_->Read(mask_id), mask_name, view_.num_classes);
    CheckMaskSize(mask, mask_name, size, name);
  }
  Prepared prepared = Prepare(photo, mask, view_, training, size);
  if (hash_photos_) prepared.photo_sha256 = Sha256Bytes(bytes);
  cache_->Keep(index, training, prepared);
  return prepared;
}

Example PhotoDataset::Get(std::int64_t index, Random* augmentation) const {
  Random* random = augment_.enabled ? augmentation : nullptr;
  try {
    Prepared prepared = Read(index, random != nullptr);
    if (random != nullptr && alter_) prepared.photo = alter_(prepared.photo, *random);
    Example example = Complete(prepared, view_, augment_, random);
    example.photo_sha256 = prepared.photo_sha256;
    return example;
  } catch (const cv::Exception& error) {  // out of memory, say; its own text has several lines
    throw Error(Name(index) + ": " + error.err);
  } catch (const std::bad_alloc&) {
    throw Error(Name(index) + kNoMemory);
  }
}

std::optional<std::filesystem::file_time_type> PhotoDataset::LastChange(std::int64_t index) const {
  const std::string& id = table_.rows.at(static_cast<std::size_t>(index)).id;
  auto time = images_->LastChange(id);
  if (masks_) time = std::max(time, masks_->LastChange(MaskId(id)));  // nothing is less than any time
  return time;
}

std::string PhotoDataset::Name(std::int64_t index) const {
  return images_->Name(table_.rows.at(static_cast<std::size_t>(index)).id);
}

void PhotoDataset::LimitDecoding(std::int64_t bytes) const { decoding_->SetLimit(bytes); }

std::int64_t PhotoDataset::peak_decoding_bytes() const { return decoding_->peak(); }

void PhotoDataset::RaiseCacheLimit(std::int64_t bytes) const { cache_->RaiseLimit(bytes); }

}  // namespace dualgeo
