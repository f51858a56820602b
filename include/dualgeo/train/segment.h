// Writes each photo's segmentation map: SegFormer sees the photo squashed to model.segmenter.image_size; its logits are
// resized bilinearly (align_corners false) to the photo's own upright size, and the greatest class of each pixel goes
// into an 8-bit single-channel PNG at out / <photo id with .png>.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/data/loader_options.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/model/options.h"
#include "dualgeo/train/options.h"

namespace dualgeo {

struct SegmentJob {
  PhotoTable photos;
  std::filesystem::path images;  // folder or .tar
  std::filesystem::path out;
  // A checkpoint folder of train-segmenter, or Hugging Face's SegFormer as .safetensors.
  std::filesystem::path weights;
  SegmenterOptions segmenter;
  RuntimeOptions runtime;
  LoaderOptions loader;
  int batch_size = 8;
  // Also write the raw logits: safetensors, tensor `logits` float32 [N, num_labels, H/4, W/4], metadata `ids` (JSON
  // array, row order). All of them are held in memory.
  std::optional<std::filesystem::path> logits;
};

struct SegmentResult {
  std::int64_t written = 0;
  std::vector<std::string> skipped;  // ids of unreadable photos (loader.on_bad_image: skip)
  double photos_per_second = 0;
};

// Masks appear one by one, each whole; those already there are replaced. Throws InputError (unreadable photo, two
// photos with one mask name, weights that do not fit), Error (disk full), Interrupted.
SegmentResult SegmentPhotos(const SegmentJob& job);

}  // namespace dualgeo
