#include "degrade/degradation_sheet.h"

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "data/photo.h"
#include "degrade/degrade.h"
#include "util/atomic_file.h"

namespace dualgeo {

void WriteDegradationSheet(const std::vector<std::filesystem::path>& photos, const std::filesystem::path& out) {
  std::vector<cv::Mat> decoded;
  for (const auto& photo : photos) decoded.push_back(ReadPhoto(photo));
  cv::Mat bgr;
  cv::cvtColor(DegradationSheet(decoded, DegradationNames(), 0), bgr, cv::COLOR_RGB2BGR);
  std::vector<uchar> png;
  cv::imencode(".png", bgr, png);
  WriteFileAtomically(out, {reinterpret_cast<const char*>(png.data()), png.size()});
}

}  // namespace dualgeo
