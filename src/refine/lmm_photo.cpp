#include "lmm_photo.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "dualgeo/data/photo.h"
#include "dualgeo/util/error.h"

namespace dualgeo {

std::string PhotoDataUrl(std::string_view bytes, const std::string& name, int side, int jpeg_quality) {
  cv::Mat photo = DecodePhoto(bytes, name);
  const int longer = std::max(photo.rows, photo.cols);
  if (longer > side) {
    const double scale = static_cast<double>(side) / longer;
    const cv::Size size(std::max(1, static_cast<int>(std::lround(photo.cols * scale))),
                        std::max(1, static_cast<int>(std::lround(photo.rows * scale))));
    cv::Mat smaller;
    cv::resize(photo, smaller, size, 0, 0, cv::INTER_AREA);
    photo = smaller;
  }
  cv::cvtColor(photo, photo, cv::COLOR_RGB2BGR);
  std::vector<unsigned char> jpeg;
  if (!cv::imencode(".jpg", photo, jpeg, {cv::IMWRITE_JPEG_QUALITY, jpeg_quality})) {
    throw Error(name + ": cannot be written as JPEG");
  }
  std::string url = "data:image/jpeg;base64,";
  const std::size_t head = url.size();
  url.resize(head + 4 * ((jpeg.size() + 2) / 3) + 1);  // EVP_EncodeBlock ends with a NUL
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(url.data()) + head, jpeg.data(), static_cast<int>(jpeg.size()));
  url.resize(head + static_cast<std::size_t>(length));
  return url;
}

}  // namespace dualgeo
