// `dualgeo locate`: where were these photos taken, by a finished run.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"

namespace dualgeo {

struct Location {
  std::filesystem::path photo;
  std::string error;                      // why it could not be read, in a line that names it; empty: it could
  std::vector<Candidate> candidates;      // best first, after the run's re-ranker
  double spread_km = 0;                   // greatest geodesic distance of a candidate from the first
  std::optional<PlaceEstimate> estimate;  // one place and how sure it is, of re-rankers that make one
};

// A run's model, segmenter and galleries, loaded once; nothing is written anywhere.
class Locator {
 public:
  // within, within_polygons: instead of the run's search.within and search.within_polygons, where not empty.
  // Throws InputError when the run has no config, checkpoint, gallery or, where the model needs one, segmenter, and for
  // a part of the Earth that is none or that a run which finds cells cannot keep to.
  explicit Locator(const std::filesystem::path& run_dir, const std::string& within = {},
                   const std::string& within_polygons = {});
  ~Locator();
  Locator(Locator&&) noexcept;
  Locator& operator=(Locator&&) noexcept;

  // Segments, embeds, searches and re-ranks with the run's own settings, without its exclusions, and keeps the first
  // `count` candidates of each photo. One answer a photo, in the order given; a photo that cannot be read has an error
  // and costs its own answer only.
  std::vector<Location> Locate(const std::vector<std::filesystem::path>& photos, int count = 5);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Each folder replaced by the photos below it, in order of their names: files with a photo's extension (jpg, jpeg, png,
// webp, tif, tiff, bmp; and heic, heif, avif, gif, jxl, which are then told apart). Throws InputError for a folder
// without any.
std::vector<std::filesystem::path> ExpandFolders(const std::vector<std::filesystem::path>& paths);

// A link that shows the place on a map (OpenStreetMap); nothing is fetched.
std::string MapLink(LatLon place);

}  // namespace dualgeo
