#include "report_pictures.h"

#include <spdlog/spdlog.h>

#include "dualgeo/data/data_url.h"
#include "dualgeo/data/mask.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// Sharp on a screen of two dots a pixel, and a few kilobytes each.
constexpr int kPhotoSide = 300, kPhotoQuality = 75, kThumbnailSide = 112, kThumbnailQuality = 65;

std::unique_ptr<PhotoSource> Open(const std::filesystem::path& images) {
  if (images.empty() || !std::filesystem::exists(images)) return nullptr;
  return OpenPhotoSource(images);
}

std::string Picture(const PhotoSource* source, const std::string& id, int side, int quality) {
  if (source == nullptr || !source->Has(id)) return "";
  try {
    return PhotoDataUrl(source->Read(id), source->Name(id), side, quality);
  } catch (const InputError& error) {
    // One damaged photo is no reason for no report.
    spdlog::warn("report: {}", error.what());
    return "";
  }
}

}  // namespace

ReportPictures::ReportPictures(const ExperimentOptions& options, const std::string& benchmark)
    : num_labels_(options.model.segmenter.num_labels) {
  gallery_ = Open(options.data.train.images);
  const auto named = options.data.benchmarks.find(benchmark);
  if (named != options.data.benchmarks.end()) {
    photos_ = Open(named->second.images);
    masks_ = Open(named->second.masks);
  } else if (benchmark == kHoldout) {
    photos_ = Open(options.data.train.images);
    masks_ = Open(options.data.train.masks);
  }
  const auto predicted = RunPaths(options.run_dir).masks(benchmark);
  if (std::filesystem::exists(predicted)) masks_ = Open(predicted.string());
}

void ReportPictures::Show(ReportPhoto& photo) const {
  const std::string& id = photo.result.id;
  photo.photo = Picture(photos_.get(), id, kPhotoSide, kPhotoQuality);
  const std::string mask_id = MaskId(id);
  if (!masks_ || !masks_->Has(mask_id)) return;
  try {
    const cv::Mat mask = DecodeMask(masks_->Read(mask_id), masks_->Name(mask_id), num_labels_);
    photo.mask = MaskDataUrl(mask, kPhotoSide);
    photo.mask_text = DescribeMask(mask, 4);
  } catch (const InputError& error) {
    spdlog::warn("report: {}", error.what());
  }
}

std::string ReportPictures::Thumbnail(const std::string& gallery_id) const {
  return Picture(gallery_.get(), gallery_id, kThumbnailSide, kThumbnailQuality);
}

}  // namespace dualgeo
