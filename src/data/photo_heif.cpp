#include "photo_heif.h"

#include <memory>
#include <vector>

#include "data/photo_listing.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "photo_formats.h"

#ifdef DUALGEO_HEIF
#include <libheif/heif.h>
#endif

namespace dualgeo {

bool ReadsHeif() {
#ifdef DUALGEO_HEIF
  return true;
#else
  return false;
#endif
}

bool BeginsAsHeif(std::string_view bytes) {
  if (bytes.size() < 12 || bytes.substr(4, 4) != "ftyp") return false;
  const auto kind = RecogniseFile(bytes.substr(0, kFileHeadBytes));
  return kind && kind->group == FileGroup::kPicture &&
         (kind->name.find("HEI") != std::string::npos || kind->name.find("AVIF") != std::string::npos);
}

#ifdef DUALGEO_HEIF
namespace {

struct HeifFree {
  void operator()(heif_context* context) const { heif_context_free(context); }
  void operator()(heif_image_handle* handle) const { heif_image_handle_release(handle); }
  void operator()(heif_image* image) const { heif_image_release(image); }
  void operator()(heif_decoding_options* options) const { heif_decoding_options_free(options); }
};
template <class T>
using HeifOwner = std::unique_ptr<T, HeifFree>;

// What libheif says is wrong; empty: nothing.
std::string HeifFault(const heif_error& error) {
  return error.code == heif_error_Ok ? "" : Printable(error.message == nullptr ? "unreadable" : error.message, 200);
}

// The primary picture of a file. `context` holds what it needs.
struct HeifPicture {
  HeifOwner<heif_context> context{heif_context_alloc()};
  HeifOwner<heif_image_handle> handle;
  std::string fault;

  explicit HeifPicture(std::string_view bytes) {
    fault = HeifFault(heif_context_read_from_memory_without_copy(context.get(), bytes.data(), bytes.size(), nullptr));
    if (!fault.empty()) return;
    heif_image_handle* primary = nullptr;
    fault = HeifFault(heif_context_get_primary_image_handle(context.get(), &primary));
    handle.reset(primary);
  }
};

}  // namespace

DecodedPhoto DecodeHeif(std::string_view bytes, const std::string& name, const PhotoDecoding& decoding) {
  const std::string kind = RecogniseFile(bytes.substr(0, kFileHeadBytes))->name;
  const auto damaged = [&](const std::string& what) {
    throw InputError(name + ": " + kind + " that is damaged, truncated or not supported: " + what);
  };
  const HeifPicture picture(bytes);
  if (!picture.fault.empty()) damaged(picture.fault);
  const std::int64_t width = heif_image_handle_get_width(picture.handle.get());
  const std::int64_t height = heif_image_handle_get_height(picture.handle.get());
  CheckPhotoPixels(width, height, name);
  CheckPhotoRatio(width, height, bytes.size(), name);
  if (decoding.before_pixels) decoding.before_pixels(2 * 3 * width * height);
  const HeifOwner<heif_decoding_options> options(heif_decoding_options_alloc());
  options->convert_hdr_to_8bit = 1;
  heif_image* decoded = nullptr;
  const heif_error error = heif_decode_image(picture.handle.get(), &decoded, heif_colorspace_RGB,
                                             heif_chroma_interleaved_RGB, options.get());
  const HeifOwner<heif_image> image(decoded);
  if (error.code == heif_error_Memory_allocation_error) throw Error(name + kNoMemory);
  if (const std::string fault = HeifFault(error); !fault.empty()) damaged(fault);
  int stride = 0;
  const std::uint8_t* rows = heif_image_get_plane_readonly(image.get(), heif_channel_interleaved, &stride);
  const int columns = heif_image_get_width(image.get(), heif_channel_interleaved);
  const int lines = heif_image_get_height(image.get(), heif_channel_interleaved);
  if (rows == nullptr || columns <= 0 || lines <= 0 || stride < 3 * columns) damaged("no pixels");
  const cv::Mat there(lines, columns, CV_8UC3, const_cast<std::uint8_t*>(rows), static_cast<std::size_t>(stride));
  const cv::Mat pixels = there.clone();  // the image goes
  return {pixels, pixels.size()};
}

std::string ExifOfHeif(std::string_view bytes) {
  const HeifPicture picture(bytes);
  if (!picture.fault.empty()) return "";
  heif_item_id id = 0;
  if (heif_image_handle_get_list_of_metadata_block_IDs(picture.handle.get(), "Exif", &id, 1) != 1) return "";
  std::string block(heif_image_handle_get_metadata_size(picture.handle.get(), id), '\0');
  if (block.size() < 4) return "";
  const std::string fault = HeifFault(heif_image_handle_get_metadata(picture.handle.get(), id, block.data()));
  if (!fault.empty()) return "";
  // Its first four bytes say how far behind them the TIFF header is.
  std::size_t offset = 0;
  for (int i = 0; i < 4; ++i) offset = offset << 8 | static_cast<unsigned char>(block[static_cast<std::size_t>(i)]);
  return offset > block.size() - 4 ? "" : block.substr(4 + offset);
}

#else

DecodedPhoto DecodeHeif(std::string_view bytes, const std::string& name, const PhotoDecoding&) {
  throw InputError(name + ": " + DescribeOtherFile(bytes, FileUse::kPhoto).value_or("a HEIF picture") +
                   ", or build dualgeo where libheif is (Debian: libheif-dev), which reads HEIC and AVIF");
}

std::string ExifOfHeif(std::string_view) { return ""; }

#endif

}  // namespace dualgeo
