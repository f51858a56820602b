// Pictures for the report: photos and masks of one benchmark, and photos of the gallery, as far as they are found.
#pragma once

#include <memory>
#include <string>

#include "dualgeo/data/photo_source.h"
#include "dualgeo/eval/report.h"
#include "dualgeo/pipeline/experiment.h"

namespace dualgeo {

class ReportPictures {
 public:
  // Folders are those of the config; one that is missing, or is not named, has no pictures.
  ReportPictures(const ExperimentOptions& options, const std::string& benchmark);

  // Fills photo, mask and mask_text.
  void Show(ReportPhoto& photo) const;
  // Of a photo of the gallery; empty when there is none.
  std::string Thumbnail(const std::string& gallery_id) const;

 private:
  std::unique_ptr<PhotoSource> photos_, gallery_, masks_;
  int num_labels_;
};

}  // namespace dualgeo
