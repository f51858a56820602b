#include "photo_jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <vector>

// After <cstdio>: it needs FILE and size_t.
#include <jerror.h>
#include <jpeglib.h>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "exif.h"
#include "photo_formats.h"

namespace dualgeo {
namespace {

// A progressive JPEG of a few kilobytes can ask for thousands of passes over a huge photo; real ones have about ten.
constexpr int kMaxScans = 500;
constexpr int kEighths = 8;

struct ErrorState {
  jpeg_error_mgr manager;  // first, so that libjpeg's pointer to it is one to this
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";
};

ErrorState& State(j_common_ptr info) { return *reinterpret_cast<ErrorState*>(info->err); }

[[noreturn]] void OnError(j_common_ptr info) {
  ErrorState& state = State(info);
  info->err->format_message(info, state.message);
  std::longjmp(state.jump, 1);
}

// Warnings (level < 0) are data that libjpeg could not decode and replaced by a guess.
void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:  // bytes between segments: some cameras pad there
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
      return;
    default:
      OnError(info);
  }
}

void OnOutput(j_common_ptr) {}

void OnProgress(j_common_ptr info) {
  const auto* decoder = reinterpret_cast<j_decompress_ptr>(info);
  if (decoder->input_scan_number <= kMaxScans) return;
  ErrorState& state = State(info);
  std::snprintf(state.message, sizeof state.message, "more than %d scans", kMaxScans);
  std::longjmp(state.jump, 1);
}

// What the setjmp functions below hand over; they themselves hold nothing with a destructor, since longjmp skips those.
struct Decoder {
  ErrorState errors;
  jpeg_decompress_struct info;
  jpeg_progress_mgr progress;
};

bool Open(Decoder& decoder, std::string_view bytes) {
  if (setjmp(decoder.errors.jump) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  jpeg_mem_src(&decoder.info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_save_markers(&decoder.info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&decoder.info, TRUE);
  return true;
}

// rows: one pointer for each row, of the width of the output's components.
bool Decode(Decoder& decoder, unsigned char** rows) {
  if (setjmp(decoder.errors.jump) != 0) return false;
  decoder.progress.progress_monitor = OnProgress;
  decoder.info.progress = &decoder.progress;
  const bool cmyk = decoder.info.jpeg_color_space == JCS_CMYK || decoder.info.jpeg_color_space == JCS_YCCK;
  decoder.info.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;  // libjpeg makes RGB of grey, too
  jpeg_start_decompress(&decoder.info);
  while (decoder.info.output_scanline < decoder.info.output_height) {
    jpeg_read_scanlines(&decoder.info, rows + decoder.info.output_scanline, 1);
  }
  jpeg_finish_decompress(&decoder.info);  // reads on to the end mark
  return true;
}

int Orientation(const Decoder& decoder) {
  for (const auto* marker = decoder.info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    constexpr std::string_view kExif("Exif\0\0", 6);
    if (!data.starts_with(kExif)) continue;
    const auto facts = ReadTiffFacts(data.substr(kExif.size()));
    return facts ? facts->orientation : 1;
  }
  return 1;
}

// The inks are stored as what they leave of the light: Photoshop's way, which Pillow and browsers take every CMYK JPEG
// for.
cv::Mat FromCmyk(const cv::Mat& cmyk) {
  cv::Mat rgb(cmyk.size(), CV_8UC3);
  for (int y = 0; y < cmyk.rows; ++y) {
    const auto* in = cmyk.ptr<cv::Vec4b>(y);
    auto* out = rgb.ptr<cv::Vec3b>(y);
    for (int x = 0; x < cmyk.cols; ++x) {
      for (int c = 0; c < 3; ++c) out[x][c] = static_cast<unsigned char>((in[x][c] * in[x][3] + 127) / 255);
    }
  }
  return rgb;
}

// The least n of which n / 8 of the side is `least` or more; 8 for a `least` of 0.
int Eighths(std::int64_t side, int least) {
  if (least <= 0) return kEighths;
  for (const int n : {1, 2, 4}) {
    if (side * n >= std::int64_t{kEighths} * least) return n;
  }
  return kEighths;
}

std::int64_t BytesToDecode(const Decoder& decoder, cv::Size size, int orientation) {
  const auto& info = decoder.info;
  const std::int64_t whole = std::int64_t{info.image_width} * info.image_height;
  // A second copy of what is turned; one of four inks; all coefficients of a progressive photo.
  const int copies = info.num_components == 4 ? 10 : orientation != 1 ? 6 : 3;
  return std::int64_t{size.width} * size.height * copies +
         (info.progressive_mode != 0 ? whole * 2 * info.num_components : 0);
}

}  // namespace

DecodedPhoto DecodeJpeg(std::string_view bytes, const std::string& name, const PhotoDecoding& decoding) {
  Decoder decoder = {};
  decoder.info.err = jpeg_std_error(&decoder.errors.manager);
  decoder.errors.manager.error_exit = OnError;
  decoder.errors.manager.emit_message = OnMessage;
  decoder.errors.manager.output_message = OnOutput;
  struct Closer {
    jpeg_decompress_struct& info;
    ~Closer() { jpeg_destroy_decompress(&info); }
  } closer{decoder.info};

  const auto fail = [&]() {
    if (decoder.errors.manager.msg_code == JERR_OUT_OF_MEMORY) throw Error(name + kNoMemory);
    throw InputError(name + ": damaged or truncated JPEG: " + Printable(decoder.errors.message, JMSG_LENGTH_MAX));
  };
  if (!Open(decoder, bytes)) fail();
  const std::int64_t width = decoder.info.image_width;
  const std::int64_t height = decoder.info.image_height;
  CheckPhotoPixels(width, height, name);
  CheckPhotoRatio(width, height, bytes.size(), name);

  const int orientation = Orientation(decoder);  // now: decoding frees the markers

  const bool cmyk = decoder.info.num_components == 4;
  decoder.info.scale_denom = kEighths;
  decoder.info.scale_num = static_cast<unsigned>(Eighths(std::min(width, height), decoding.least_side));
  // The size that scaling gives.
  const auto scaled = [&](std::int64_t side) {
    return static_cast<int>((side * decoder.info.scale_num + kEighths - 1) / kEighths);
  };
  const cv::Size size(scaled(width), scaled(height));
  if (decoding.before_pixels) decoding.before_pixels(BytesToDecode(decoder, size, orientation));
  cv::Mat pixels(size, cmyk ? CV_8UC4 : CV_8UC3);
  std::vector<unsigned char*> rows(static_cast<std::size_t>(pixels.rows));
  for (int y = 0; y < pixels.rows; ++y) rows[static_cast<std::size_t>(y)] = pixels.ptr(y);
  if (!Decode(decoder, rows.data())) fail();
  if (cmyk) pixels = FromCmyk(pixels);
  const bool on_its_side = orientation > 4;
  return {Upright(pixels, orientation), on_its_side ? cv::Size(static_cast<int>(height), static_cast<int>(width))
                                                    : cv::Size(static_cast<int>(width), static_cast<int>(height))};
}

}  // namespace dualgeo
