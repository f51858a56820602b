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
#include "dualgeo/runtime/options.h"

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
  // array, row order). All of them are held in memory, and all masks are made again.
  std::optional<std::filesystem::path> logits;
};

struct SegmentResult {
  std::int64_t written = 0;          // by this call
  std::int64_t kept = 0;             // that were there
  std::vector<std::string> skipped;  // ids of unreadable photos (loader.on_bad_image: skip)
  double photos_per_second = 0;
};

// Masks appear one by one, each whole. The folder says in segment.json what makes them (weights, settings), so that
// after a kill, Ctrl-C or a bad photo the same job goes on: masks that are there, whole, and not older than their photo
// are kept. Throws InputError (unreadable photo, not one readable photo, two photos with one mask name, weights that do
// not fit, a folder with masks of another segmenter or of unknown origin), Error (disk full), Interrupted.
SegmentResult SegmentPhotos(const SegmentJob& job);

}  // namespace dualgeo
