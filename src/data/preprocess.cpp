#include "data/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

// A photo is shrunk for training while it stays so many times the model's input.
constexpr int kTrainingReserve = 2;
// A JPEG that is decoded fast keeps so many times what evaluation resizes it to (docs/sources.md).
constexpr double kFastReserve = 1.5;

// The squares of a photo resized to `resized`: what of the scene the model sees.
struct Windows {
  cv::Size resized;
  std::vector<cv::Rect> squares;  // of kTen the first five
};

Windows MakeWindows(cv::Size photo, int size, const Framing& framing, Crops crops = Crops::kOne) {
  const int shorter = std::min(photo.width, photo.height);
  const int edge = static_cast<int>(std::lround(size * framing.edge));
  // In double, as Python's int(edge * long / short); integers would differ where the quotient is not exact.
  const auto scaled = [&](int side) {
    return side == shorter ? edge : static_cast<int>(static_cast<double>(edge) * side / shorter);
  };
  const auto begin = [&](int side) {
    return framing.half_to_even ? static_cast<int>(std::nearbyint((side - size) / 2.0)) : (side - size) / 2;
  };
  const cv::Size resized = framing.squash ? cv::Size(edge, edge) : cv::Size(scaled(photo.width), scaled(photo.height));
  const cv::Size square(size, size);
  const cv::Point center(begin(resized.width), begin(resized.height));
  const cv::Point end(resized.width - size, resized.height - size);
  if (crops == Crops::kOne) return {resized, {{center, square}}};
  if (crops == Crops::kStrip) {
    const bool wide = resized.width >= resized.height;
    const cv::Point first = wide ? cv::Point(0, center.y) : cv::Point(center.x, 0);
    const cv::Point last = wide ? cv::Point(end.x, center.y) : cv::Point(center.x, end.y);
    return {resized, {{first, square}, {center, square}, {last, square}}};
  }
  return {resized, {{{0, 0}, square}, {{end.x, 0}, square}, {{0, end.y}, square}, {end, square}, {center, square}}};
}

Filter FilterOf(const Framing& framing) { return framing.bicubic ? Filter::kBicubic : Filter::kBilinear; }

Filter FilterOf(const AugmentOptions& augment, Geometry geometry) {
  return geometry == Geometry::kSquash || augment.filter == "bilinear" ? Filter::kBilinear : Filter::kBicubic;
}

// The source position under the centre of each of n pixels that share [begin, begin + length) of `limit` positions.
std::vector<int> Nearest(double begin, double length, int n, int limit) {
  std::vector<int> positions(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    positions[static_cast<std::size_t>(i)] = std::clamp(static_cast<int>(begin + (i + 0.5) * length / n), 0, limit - 1);
  }
  return positions;
}

cv::Mat SampleMask(const cv::Mat& mask, cv::Rect2d part, cv::Size size) {
  const auto columns = Nearest(part.x, part.width, size.width, mask.cols);
  const auto rows = Nearest(part.y, part.height, size.height, mask.rows);
  cv::Mat sampled(size, CV_8UC1);
  for (int y = 0; y < size.height; ++y) {
    const std::uint8_t* in = mask.ptr(rows[static_cast<std::size_t>(y)]);
    std::uint8_t* out = sampled.ptr(y);
    for (int x = 0; x < size.width; ++x) out[x] = in[columns[static_cast<std::size_t>(x)]];
  }
  return sampled;
}

// `part` to whole pixels: they differ only where photo and mask were shrunk by different factors.
cv::Mat InterpolateMask(const cv::Mat& mask, cv::Rect2d part, cv::Size size) {
  const cv::Rect whole({0, 0}, mask.size());
  const cv::Point begin(static_cast<int>(std::lround(part.x)), static_cast<int>(std::lround(part.y)));
  const cv::Point end(static_cast<int>(std::lround(part.x + part.width)),
                      static_cast<int>(std::lround(part.y + part.height)));
  return Resize(mask, size, Filter::kBilinear, cv::Rect(begin, end) & whole);
}

cv::Mat CutMask(const cv::Mat& mask, const Windows& windows, const cv::Rect& square, bool interpolate) {
  if (interpolate) return ResizeWindow(mask, windows.resized, Filter::kBilinear, square);
  const double x_scale = static_cast<double>(mask.cols) / windows.resized.width;
  const double y_scale = static_cast<double>(mask.rows) / windows.resized.height;
  return SampleMask(mask,
                    cv::Rect2d(square.x * x_scale, square.y * y_scale, square.width * x_scale, square.height * y_scale),
                    square.size());
}

void CheckMask(const cv::Mat& mask) {
  if (mask.type() != CV_8UC1 || mask.empty()) throw Error("a mask is 8-bit single-channel");
}

void FlipLeftRight(cv::Mat& image) {
  cv::Mat flipped;
  cv::flip(image, flipped, 1);
  image = flipped;
}

// [M, M], or of several masks one below the other [C, M, M].
torch::Tensor MaskToTensor(const cv::Mat& mask) {
  torch::Tensor tensor = torch::empty({mask.rows, mask.cols}, torch::kUInt8);
  auto* to = tensor.data_ptr<std::uint8_t>();
  for (int y = 0; y < mask.rows; ++y) to = std::copy_n(mask.ptr(y), mask.cols, to);
  return mask.rows == mask.cols ? tensor : tensor.view({mask.rows / mask.cols, mask.cols, mask.cols});
}

cv::Mat OneBelowTheOther(const std::vector<cv::Mat>& squares) {
  if (squares.size() == 1) return squares.front();
  cv::Mat column;
  cv::vconcat(squares, column);
  return column;
}

// Photos one below the other, colour by colour: [count, 3, H, W].
template <class T, class ValueOf>
torch::Tensor ColourPlanes(const cv::Mat& photos, int count, const ValueOf& value_of) {
  if (photos.type() != CV_8UC3 || photos.empty()) throw Error("a photo is 8-bit RGB");
  const int rows = photos.rows / count;
  torch::Tensor tensor = torch::empty({count, 3, rows, photos.cols}, c10::CppTypeToScalarType<T>::value);
  const auto plane = static_cast<std::ptrdiff_t>(rows) * photos.cols;
  T* red = tensor.data_ptr<T>();
  for (int y = 0; y < photos.rows; ++y) {
    if (y > 0 && y % rows == 0) red += 2 * plane;  // past the other colours of the photo before
    const std::uint8_t* in = photos.ptr(y);
    for (int x = 0; x < photos.cols; ++x, in += 3, ++red) {
      red[0] = value_of(0, in[0]);
      red[plane] = value_of(1, in[1]);
      red[2 * plane] = value_of(2, in[2]);
    }
  }
  return tensor;
}

cv::Mat CropOf(const cv::Mat& photo, const Windows& windows, const Framing& framing) {
  return ResizeWindow(photo, windows.resized, FilterOf(framing), windows.squares.front());
}

}  // namespace

cv::Mat EvaluationCrop(const cv::Mat& photo, int size, Geometry geometry, const Framing& framing) {
  if (geometry == Geometry::kSquash) return Resize(photo, {size, size}, Filter::kBilinear);
  return CropOf(photo, MakeWindows(photo.size(), size, framing), framing);
}

std::vector<cv::Mat> EvaluationCrops(const cv::Mat& photo, const ViewOptions& view, cv::Size photo_size) {
  if (photo_size.empty()) photo_size = photo.size();
  if (view.crops == Crops::kOne) {
    if (view.geometry == Geometry::kSquash) return {EvaluationCrop(photo, view.image_size, view.geometry)};
    return {CropOf(photo, MakeWindows(photo_size, view.image_size, view.framing), view.framing)};
  }
  const Windows windows = MakeWindows(photo_size, view.image_size, view.framing, view.crops);
  cv::Mat whole = Resize(photo, windows.resized, FilterOf(view.framing));
  std::vector<cv::Mat> crops;
  for (const auto& square : windows.squares) crops.push_back(whole(square));
  if (view.crops != Crops::kTen) return crops;
  FlipLeftRight(whole);
  for (const auto& square : windows.squares) crops.push_back(whole(square));
  return crops;
}

std::vector<cv::Mat> EvaluationMasks(const cv::Mat& photo_mask, const ViewOptions& view) {
  const auto one = [&](const cv::Mat& mask) {
    return EvaluationMask(mask, view.mask_size, view.geometry, view.interpolate_masks, view.framing);
  };
  if (view.crops == Crops::kOne) return {one(photo_mask)};
  CheckMask(photo_mask);
  const Windows windows = MakeWindows(photo_mask.size(), view.mask_size, view.framing, view.crops);
  std::vector<cv::Mat> masks;
  const auto add = [&](const cv::Mat& mask) {
    for (const auto& square : windows.squares) {
      masks.push_back(view.geometry == Geometry::kAligned ? CutMask(mask, windows, square, view.interpolate_masks)
                                                          : one(mask));
    }
  };
  cv::Mat mask = photo_mask;
  add(mask);
  if (view.crops != Crops::kTen) return masks;
  FlipLeftRight(mask);
  add(mask);
  return masks;
}

cv::Mat EvaluationMask(const cv::Mat& mask, int size, Geometry geometry, bool interpolate, const Framing& framing) {
  CheckMask(mask);
  if (geometry != Geometry::kAligned) {
    if (interpolate) return Resize(mask, {size, size}, Filter::kBilinear);
    return SampleMask(mask, cv::Rect2d(0, 0, mask.cols, mask.rows), {size, size});
  }
  const Windows windows = MakeWindows(mask.size(), size, framing);
  return CutMask(mask, windows, windows.squares.front(), interpolate);
}

torch::Tensor ToTensor(const cv::Mat& photo, const Normalization& normalization) {
  return ToTensors(photo, 1, normalization).squeeze(0);
}

torch::Tensor ToTensors(const cv::Mat& photos, int count, const Normalization& normalization) {
  // A plain loop over a table, not tensor operations: those start a pool of threads in each loader thread.
  std::array<std::array<float, 256>, 3> table;
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      table[c][value] = (static_cast<float>(value) / 255.0F - normalization.mean[c]) / normalization.std[c];
    }
  }
  return ColourPlanes<float>(
      photos, count, [&](int colour, std::uint8_t value) { return table[static_cast<std::size_t>(colour)][value]; });
}

torch::Tensor ToByteTensors(const cv::Mat& photos, int count) {
  return ColourPlanes<std::uint8_t>(photos, count, [](int, std::uint8_t value) { return value; });
}

torch::Tensor NormalisePixels(const torch::Tensor& bytes, const Normalization& normalization) {
  const auto each = [&](const std::array<float, 3>& values) {
    return torch::tensor({values[0], values[1], values[2]}, torch::kFloat32)
        .view({3, 1, 1})
        .to(bytes.device(), /*non_blocking=*/true);
  };
  return bytes.to(torch::kFloat32).div_(255).sub_(each(normalization.mean)).div_(each(normalization.std));
}

int LeastSide(const ViewOptions& view, bool training) {
  if (!view.fast_decoding) return 0;
  if (training) return kTrainingReserve * view.image_size;
  const double edge = view.geometry == Geometry::kSquash ? 1 : view.framing.edge;
  return static_cast<int>(std::ceil(kFastReserve * view.image_size * edge));
}

Prepared Prepare(const cv::Mat& photo, const cv::Mat& mask, const ViewOptions& view, bool training,
                 cv::Size photo_size) {
  if (photo_size.empty()) photo_size = photo.size();
  if (!mask.empty()) {
    CheckMask(mask);
    if (mask.size() != photo_size) throw Error("mask and photo differ in size");
  }
  Prepared prepared{photo, mask, photo_size};
  if (!training) {
    prepared.photo = OneBelowTheOther(EvaluationCrops(photo, view, photo_size));
    if (!mask.empty()) prepared.mask = OneBelowTheOther(EvaluationMasks(mask, view));
    return prepared;
  }
  const auto shrunk = [](const cv::Mat& image, int input) {
    const int factor = std::max(1, std::min(image.cols, image.rows) / (kTrainingReserve * input));
    return cv::Size(image.cols / factor, image.rows / factor);
  };
  if (const cv::Size size = shrunk(photo, view.image_size); size != photo.size()) {
    prepared.photo.release();  // not into the caller's
    cv::resize(photo, prepared.photo, size, 0, 0, cv::INTER_AREA);
  }
  if (mask.empty()) return prepared;
  if (const cv::Size size = shrunk(mask, view.mask_size); size != mask.size()) {
    if (view.interpolate_masks) {
      prepared.mask.release();
      cv::resize(mask, prepared.mask, size, 0, 0, cv::INTER_AREA);
    } else {
      prepared.mask = SampleMask(mask, cv::Rect2d(0, 0, mask.cols, mask.rows), size);
    }
  }
  return prepared;
}

Example Complete(const Prepared& prepared, const ViewOptions& view, const AugmentOptions& augment, Random* random) {
  cv::Mat photo = prepared.photo;
  cv::Mat mask = prepared.mask;
  if (random != nullptr) {
    const bool squash = view.geometry == Geometry::kSquash;
    const double aspect = squash ? static_cast<double>(photo.cols) / photo.rows : 1.0;
    const GeometricAugmentation drawn = DrawGeometry(augment, photo.size(), aspect, *random);
    photo = Resize(photo, {view.image_size, view.image_size}, FilterOf(augment, view.geometry), drawn.crop);
    if (!mask.empty()) {
      const double x_scale = static_cast<double>(mask.cols) / prepared.photo.cols;
      const double y_scale = static_cast<double>(mask.rows) / prepared.photo.rows;
      const cv::Rect2d part(drawn.crop.x * x_scale, drawn.crop.y * y_scale, drawn.crop.width * x_scale,
                            drawn.crop.height * y_scale);
      mask = view.interpolate_masks ? InterpolateMask(mask, part, {view.mask_size, view.mask_size})
                                    : SampleMask(mask, part, {view.mask_size, view.mask_size});
    }
    if (drawn.flip) {
      FlipLeftRight(photo);
      if (!mask.empty()) FlipLeftRight(mask);
    }
    AugmentColors(photo, augment, *random);
  }
  Example example;
  const int count = random == nullptr ? CountOf(view.crops) : 1;
  example.pixels = view.as_bytes ? ToByteTensors(photo, count) : ToTensors(photo, count, view.normalization);
  if (count == 1) example.pixels = example.pixels.squeeze(0);
  if (!mask.empty()) example.mask = MaskToTensor(mask);
  example.photo_size = prepared.photo_size;
  return example;
}

Example MakeExample(const cv::Mat& photo, const cv::Mat& mask, const ViewOptions& view, const AugmentOptions& augment,
                    Random* random) {
  if (!augment.enabled) random = nullptr;
  return Complete(Prepare(photo, mask, view, random != nullptr), view, augment, random);
}

}  // namespace dualgeo
