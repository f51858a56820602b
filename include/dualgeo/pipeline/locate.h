// `dualgeo locate`: where were these photos taken, by a finished run.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/embedder.h"
#include "dualgeo/geo/s2_cell.h"
#include "dualgeo/refine/posterior_area.h"

namespace dualgeo {

// A part of the Earth that holds a share of the probability (refine/posterior_area.h).
struct LocationArea {
  double share = 0;        // that was asked for
  double probability = 0;  // that it holds
  double km2 = 0;
  double reach_km = 0;        // how far its farthest cell is from the answer: it may be of several parts
  std::vector<S2Cell> cells;  // as few as cover it, by id
};

// The nearest town of a table of places.
struct TownNear {
  std::string name, region, country;
  double km = 0;
};

struct Location {
  std::filesystem::path photo;
  std::string error;                      // why it could not be read, in a line that names it; empty: it could
  std::vector<Candidate> candidates;      // best first, after the run's re-ranker
  double spread_km = 0;                   // greatest geodesic distance of a candidate from the first
  std::optional<PlaceEstimate> estimate;  // one place and how sure it is, of re-rankers that make one
  std::vector<LocationArea> areas;        // where asked for: the smallest that hold 50 and 90 %
  std::vector<AreaCell> cells;            // and the densest cells, those of 90 %, at most 4,000
  std::string country_code, country;      // of the estimate, within 20 km of the coast; empty: at sea, or of no code
  std::optional<TownNear> town;           // where the locator has a table of places
  PhotoView view;                         // where asked for
};

struct LocateOptions {
  int candidates = 5;  // that are kept of each photo
  bool areas = false;  // a few milliseconds a photo
  bool view = false;   // of photos in memory
};

// A run's model, segmenter and galleries, loaded once; nothing is written anywhere.
class Locator {
 public:
  // overrides: "key.path=value" as --set takes them, instead of the run's own settings (device=cpu,
  // search.within=radius:48.2,16.4,50). They hold for what is done here; what training alone looks at changes nothing.
  // places: a table for the names of towns (geo/place_names.h); empty: none.
  // Throws InputError when the run has no config, checkpoint, gallery or, where the model needs one, segmenter, for an
  // override that is none, and for a part of the Earth that a run which finds cells cannot keep to.
  explicit Locator(const std::filesystem::path& run_dir, const std::vector<std::string>& overrides = {},
                   const std::filesystem::path& places = {});
  ~Locator();
  Locator(Locator&&) noexcept;
  Locator& operator=(Locator&&) noexcept;

  // Segments, embeds, searches and re-ranks with the run's own settings, without its exclusions. One answer a photo, in
  // the order given; a photo that cannot be read has an error and costs its own answer only. Not for several threads
  // at once.
  std::vector<Location> Locate(const std::vector<std::filesystem::path>& photos, const LocateOptions& options);
  std::vector<Location> Locate(const std::vector<std::filesystem::path>& photos, int count = 5);
  // A photo in memory; `name` stands for it in the answer and in messages.
  Location Locate(std::string_view bytes, const std::string& name, const LocateOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Each folder replaced by the photos below it, and each pattern (*, ?, [...], where no file has that name) by what
// matches, in order of their names. Photos of a folder are files that HasPhotoName of data/photo_listing.h
// knows, and .gif and .jxl, which are then told to be none. Throws InputError for a folder without any and a pattern
// that matches nothing.
std::vector<std::filesystem::path> ExpandFolders(const std::vector<std::filesystem::path>& paths);

// A link that shows the place on a map (OpenStreetMap); nothing is fetched.
std::string MapLink(LatLon place);

}  // namespace dualgeo
