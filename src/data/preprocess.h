// From an upright photo and its mask to the tensors that a model reads.
#pragma once

#include "dualgeo/io/torch.h"

#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "data/augment.h"
#include "data/resize.h"
#include "dualgeo/model/photo_input.h"
#include "dualgeo/util/hash.h"

namespace dualgeo {

// How a photo of any shape becomes square at evaluation.
enum class Geometry {
  kAligned,   // shortest edge to image_size, or to what Framing says, and centre crop; the mask is cut to the same part
  kSquash,    // the whole photo and the whole mask, squashed (bilinear): SegFormer
  kReleased,  // the photo as in kAligned, the mask squashed: the released code, whose views do not show the same part
};

struct ViewOptions {
  int image_size = 224;  // S
  int mask_size = 224;   // M; may differ from S
  Normalization normalization = kClipNormalization;
  Geometry geometry = Geometry::kAligned;
  Framing framing = {};  // of kAligned and kReleased
  // At evaluation, of kAligned and kReleased. A mask that is squashed is the same beside every crop (of kTen the last
  // five have it mirrored).
  Crops crops = Crops::kOne;
  int num_classes = 150;  // larger mask ids (but kIgnoreClass) are errors
  // Masks are resampled as if they were grey photos (antialiased bilinear, Pillow's), which makes ids between those of
  // neighbouring classes: the released code. Else each pixel is the class at its centre.
  bool interpolate_masks = false;
  bool with_masks = true;
  // Photos may come with fewer pixels than they have (data/photo.h), as many as LeastSide says.
  bool fast_decoding = false;
  // Pixels stay the photo's bytes, a quarter of the memory, and are normalised where they are used (MoveTo of
  // data/loader.h): for a GPU.
  bool as_bytes = false;
};

struct Example {
  torch::Tensor pixels;         // [3, S, S] float32, normalised, or uint8; of several crops [C, 3, S, S]
  torch::Tensor mask;           // [M, M] uint8 class ids, or [C, M, M]; undefined without masks
  cv::Size photo_size;          // of the upright photo, in pixels
  Sha256Digest photo_sha256{};  // of the encoded photo, from a PhotoDataset that hashes
};

// photo CV_8UC3 RGB, mask CV_8UC1 of the same size, or empty (then Example::mask is undefined).
// random nullptr: evaluation, exactly Pillow's pixels; else augmentation drawn from it (unless augment.enabled is
// false). In training every geometry cuts photo and mask alike.
Example MakeExample(const cv::Mat& photo, const cv::Mat& mask, const ViewOptions& view,
                    const AugmentOptions& augment = {}, Random* random = nullptr);

// MakeExample in two steps, the first of which is the same each epoch and makes what is worth keeping in memory:
// for evaluation the crop itself; for training the photo shrunk by a whole factor while it stays at least twice the
// model's input (Pillow's reducing_gap of 2), since what comes after needs no more.
struct Prepared {
  cv::Mat photo;                // CV_8UC3 RGB; several crops stand one below the other
  cv::Mat mask;                 // CV_8UC1, or empty; not of the photo's size, but of the same part of the scene
  cv::Size photo_size;          // before
  Sha256Digest photo_sha256{};  // as Example's
};
// photo_size: what the mask must be as large as, where the photo was decoded with fewer pixels; empty: the photo's.
Prepared Prepare(const cv::Mat& photo, const cv::Mat& mask, const ViewOptions& view, bool training,
                 cv::Size photo_size = {});
// The shorter side in pixels that `Prepare` wants a photo to have, where it was decoded fast; 0: all of it.
int LeastSide(const ViewOptions& view, bool training);
// random nullptr: prepared for evaluation; else for training.
Example Complete(const Prepared& prepared, const ViewOptions& view, const AugmentOptions& augment, Random* random);

// The evaluation crop of a photo before normalisation, CV_8UC3 [S, S].
// kAligned, kReleased: the shortest edge becomes S and the other int(S * long / short), then a centre crop at
// int((n - S) / 2), as Hugging Face's CLIPImageProcessor does; the framing may say otherwise.
cv::Mat EvaluationCrop(const cv::Mat& photo, int size, Geometry geometry, const Framing& framing = {});

// view.crops of a photo, in the order of Crops, and of its mask. The whole photo is resized once. photo_size: as
// Prepare's.
std::vector<cv::Mat> EvaluationCrops(const cv::Mat& photo, const ViewOptions& view, cv::Size photo_size = {});
std::vector<cv::Mat> EvaluationMasks(const cv::Mat& mask, const ViewOptions& view);

// The mask under EvaluationCrop's pixels, CV_8UC1 [M, M]. interpolate: see ViewOptions::interpolate_masks.
cv::Mat EvaluationMask(const cv::Mat& mask, int size, Geometry geometry, bool interpolate = false,
                       const Framing& framing = {});

// `count` photos of H rows, one below the other: [count, 3, H, W] float32.
torch::Tensor ToTensors(const cv::Mat& photos, int count, const Normalization& normalization);
// [3, H, W] float32.
torch::Tensor ToTensor(const cv::Mat& photo, const Normalization& normalization);
// The same as they are, uint8.
torch::Tensor ToByteTensors(const cv::Mat& photos, int count);
// What ToTensors makes of ToByteTensors' [..., 3, H, W], on the device where they are (on a GPU to the last digit).
torch::Tensor NormalisePixels(const torch::Tensor& bytes, const Normalization& normalization);

}  // namespace dualgeo
