#include "dualgeo/pipeline/locate.h"

#include <stdlib.h>

#include <algorithm>
#include <cstdio>

#include "dualgeo/data/photo.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/pipeline/stages.h"
#include "dualgeo/refine/reranker.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "dualgeo-locate-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw Error("cannot create a folder in " + fs::temp_directory_path().string());
    path = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  fs::path path;
};

// The photos under plain names in one folder, as a photo table wants them; whatever their own paths look like.
PhotoSet Gather(const std::vector<fs::path>& photos, const fs::path& folder) {
  std::vector<PhotoRow> rows;
  fs::create_directory(folder / "images");
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const std::string bytes = ReadFile(photos[i]);
    DecodePhoto(bytes, photos[i].string());  // a damaged photo is named by its own path
    PhotoRow row;
    row.id = std::to_string(i) + photos[i].extension().string();
    WriteFileAtomically(folder / "images" / row.id, bytes);
    rows.push_back(std::move(row));
  }
  WritePhotoTable(folder / "photos.csv", rows);
  return {"locate", folder / "photos.csv", folder / "images", {}, {}};
}

fs::path RunFile(const fs::path& path, const fs::path& run_dir) {
  if (!fs::exists(path)) {
    throw InputError(run_dir.string() + ": not a finished run: " + path.string() +
                     " is missing (dualgeo run makes it)");
  }
  return path;
}

}  // namespace

std::vector<Location> Locate(const std::vector<fs::path>& photos, const fs::path& run_dir, int count) {
  const RunPaths paths(run_dir);
  ExperimentOptions options = ReadExperiment({RunFile(paths.config(), run_dir)}, {});
  const fs::path checkpoint = RunFile(paths.checkpoint(), run_dir);
  Gallery gallery = LoadGallery(RunFile(paths.gallery(), run_dir));

  const ScratchFolder scratch;
  PhotoSet set = Gather(photos, scratch.path);
  if (options.model.has_segmentation()) {
    set.masks = scratch.path / "masks";
    const fs::path weights = options.model.segmenter.weights ? fs::path(*options.model.segmenter.weights)
                                                             : RunFile(paths.segmenter(), run_dir);
    SegmentFromConfig(options, set, weights, set.masks);
  }
  const EmbedResult embedded = EmbedFromConfig(options, set, checkpoint);
  const PhotoTable table = ReadPhotoTable(set.csv, set.columns, Locations::kOptional);
  SearchOptions& search = options.search;
  search.negatives = 0;
  search.exclude_same_author = false;
  search.exclude_same_id = false;
  search.exclude_within_km = 0;
  search.exclude_similarity_above.reset();
  std::vector<CandidateList> lists =
      Rerank(RerankOf(options, paths),
             SearchFromConfig(options, ModelFromConfig(options, checkpoint), gallery, embedded.features, table),
             options.runtime.threads);

  std::vector<Location> locations;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    Location location;
    location.photo = photos[i];
    auto& candidates = lists[i].candidates;
    candidates.resize(std::min(candidates.size(), static_cast<std::size_t>(count)));
    location.candidates = std::move(candidates);
    for (const auto& candidate : location.candidates) {
      location.spread_km =
          std::max(location.spread_km, GeodesicKm(location.candidates.front().location, candidate.location));
    }
    locations.push_back(std::move(location));
  }
  return locations;
}

std::string MapLink(LatLon place) {
  char text[128];
  std::snprintf(text, sizeof text, "https://www.openstreetmap.org/?mlat=%.5f&mlon=%.5f#map=12/%.5f/%.5f", place.lat,
                place.lon, place.lat, place.lon);
  return text;
}

}  // namespace dualgeo
