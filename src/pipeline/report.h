// `dualgeo report`: what a run folder holds, gathered for the HTML report.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "report/report.h"

namespace dualgeo {

struct ReportOptions {
  int photos = 6;      // best and worst photos of each benchmark; 0: none
  int candidates = 5;  // of each such photo
};

// A picture that the report shows where it is found.
struct PictureRequest {
  enum class Kind { kPhoto, kThumbnail, kMask };
  Kind kind = Kind::kPhoto;
  std::string images;  // folder or tar; it exists
  std::string id;      // the photo's, of a mask too
  int num_labels = 0;  // of a mask
};
struct Picture {
  std::string url;   // data URL; empty: not there or damaged
  std::string text;  // a mask in words
};

// Draws them here. Damaged ones are logged.
std::vector<Picture> DrawPictures(const std::vector<PictureRequest>& requests);

// Reads what `run` left in the folder (docs/formats.md): every BENCHMARK/errors.csv with its lists, train.jsonl,
// gallery/items.csv, config.yaml, run.json, and robustness.json and ablation.json where those commands wrote them. The
// photos are looked for where config.yaml says, from the current folder; without them the report has no thumbnails.
// `draw` is called once with all pictures, or not at all when there are none: decoding photos is the one thing here
// that needs OpenCV, and may be another process's work. Throws InputError when the folder is missing, holds none of
// these, or one of them is damaged.
Report GatherReport(const std::filesystem::path& run_dir, const ReportOptions& options = {},
                    const std::function<std::vector<Picture>(const std::vector<PictureRequest>&)>& draw = DrawPictures);

// Files that a report of this run would be made from, whether they are there or not; for the step of `run`.
std::vector<std::filesystem::path> ReportInputs(const std::filesystem::path& run_dir);

}  // namespace dualgeo
