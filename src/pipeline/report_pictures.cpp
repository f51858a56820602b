#include <spdlog/spdlog.h>

#include <map>
#include <memory>

#include "data/data_url.h"
#include "data/mask.h"
#include "data/photo_source.h"
#include "dualgeo/util/error.h"
#include "pipeline/report.h"

namespace dualgeo {
namespace {

// Sharp on a screen of two dots a pixel, and a few kilobytes each.
constexpr int kPhotoSide = 300, kPhotoQuality = 75, kThumbnailSide = 112, kThumbnailQuality = 65;

Picture Draw(const PhotoSource& source, const PictureRequest& request) {
  const bool is_mask = request.kind == PictureRequest::Kind::kMask;
  const std::string id = is_mask ? MaskId(request.id) : request.id;
  if (!source.Has(id)) return {};
  if (is_mask) {
    const cv::Mat mask = DecodeMask(source.Read(id), source.Name(id), request.num_labels);
    return {MaskDataUrl(mask, kPhotoSide), DescribeMask(mask, 4)};
  }
  const bool small = request.kind == PictureRequest::Kind::kThumbnail;
  return {PhotoDataUrl(source.Read(id), source.Name(id), small ? kThumbnailSide : kPhotoSide,
                       small ? kThumbnailQuality : kPhotoQuality),
          ""};
}

}  // namespace

std::vector<Picture> DrawPictures(const std::vector<PictureRequest>& requests) {
  std::map<std::string, std::unique_ptr<PhotoSource>> sources;
  std::vector<Picture> pictures;
  for (const auto& request : requests) {
    auto& source = sources[request.images];
    if (!source) source = OpenPhotoSource(request.images);
    try {
      pictures.push_back(Draw(*source, request));
    } catch (const InputError& error) {
      // One damaged photo is no reason for no report.
      spdlog::warn("report: {}", error.what());
      pictures.emplace_back();
    }
  }
  return pictures;
}

}  // namespace dualgeo
