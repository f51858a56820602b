// Segmentation masks: 8-bit single-channel PNG, one class id per pixel, as large as the photo (upright) that it belongs
// to. Ids run from 0 to num_classes - 1; kIgnoreClass marks pixels without a label. Never interpolated.
#pragma once

#include <cstdint>
#include <filesystem>
#include <opencv2/core.hpp>
#include <string>
#include <string_view>

#include "util/atomic_file.h"

namespace dualgeo {

inline constexpr std::uint8_t kIgnoreClass = 255;

// CV_8UC1 [H, W]. Throws InputError naming the file when it is missing, damaged, not an 8-bit single-channel PNG
// (palette and colour PNGs are refused: their values are not class ids), or holds an id that is neither below
// num_classes nor kIgnoreClass (naming the id and where it is first seen).
cv::Mat ReadMask(const std::filesystem::path& path, int num_classes);

// The same from a file's bytes. name: how messages call it.
cv::Mat DecodeMask(std::string_view bytes, const std::string& name, int num_classes);

// Whether a file holds a whole mask of any classes: its chunks and their checksums are read, its pixels are not.
bool IsWholeMask(const std::filesystem::path& path);

// Written atomically; parent folders are made. Throws InputError unless mask is CV_8UC1, Error when it cannot be
// written.
void WriteMask(const std::filesystem::path& path, const cv::Mat& mask, Durability durability = Durability::kSynced);

// A photo's mask below the folder, or in the archive, of masks: its id with the extension replaced by .png.
std::string MaskId(const std::string& id);

// masks / MaskId(id). Throws InputError for an id that climbs out of the folder.
std::filesystem::path MaskPath(const std::filesystem::path& masks, const std::string& id);

// Throws InputError naming both sizes unless the mask is as large as the photo.
void CheckMaskSize(const cv::Mat& mask, const std::string& mask_name, cv::Size photo, const std::string& photo_name);

}  // namespace dualgeo
