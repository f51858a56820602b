#include "dualgeo/pipeline/locate.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <optional>
#include <unordered_map>

#include "dualgeo/gallery/embedder.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/model/photo_input.h"
#include "dualgeo/pipeline/photo_sets.h"
#include "dualgeo/pipeline/stages.h"
#include "dualgeo/refine/reranker.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

fs::path RunFile(const fs::path& path, const fs::path& run_dir) {
  if (!fs::exists(path)) {
    throw InputError(run_dir.string() + ": not a finished run: " + path.string() +
                     " is missing (dualgeo run makes it)");
  }
  return path;
}

fs::path SegmenterOf(const ExperimentOptions& options, const RunPaths& paths) {
  if (!WantsMasks(options.model)) return {};
  if (options.model.segmenter.weights) return *options.model.segmenter.weights;
  return RunFile(paths.segmenter(), paths.root);
}

// Of a run that may have been moved.
ExperimentOptions OptionsOf(const RunPaths& paths) {
  ExperimentOptions options = ReadExperiment({RunFile(paths.config(), paths.root)}, {});
  options.run_dir = paths.root.string();
  return options;
}

// A photo that is only asked about excludes nothing.
SearchOptions WithoutExclusions(SearchOptions search) {
  search.negatives = 0;
  search.exclude_same_author = false;
  search.exclude_same_id = false;
  search.exclude_within_km = 0;
  search.exclude_similarity_above.reset();
  return search;
}

bool HasPhotoExtension(const fs::path& path) {
  static const std::vector<std::string> kExtensions = {".jpg", ".jpeg", ".png",  ".webp", ".tif", ".tiff",
                                                       ".bmp", ".heic", ".heif", ".avif", ".gif", ".jxl"};
  std::string extension = path.extension().string();
  for (char& letter : extension) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

ExperimentOptions OneModel(ExperimentOptions options, const fs::path& run_dir) {
  if (!Routes(options)) return options;
  throw InputError(run_dir.string() +
                   ": is a router between other runs, with no model of its own; locate with one of these");
}

// The options that photos are located with.
ExperimentOptions SearchedWithin(ExperimentOptions options, const std::string& within,
                                 const std::string& within_polygons) {
  options.search = WithoutExclusions(options.search);
  if (within.empty() && within_polygons.empty()) return options;
  if (!FindsInGallery(options)) throw InputError("--within: this run finds cells, and a gallery keeps to a region");
  if (!within.empty()) options.search.within = within;
  // A file that the run names goes on being that of its polygons.
  if (!within_polygons.empty() || !options.search.within.starts_with("polygons:")) {
    options.search.within_polygons = within_polygons;
  }
  options.search.Validate();
  return options;
}

}  // namespace

struct Locator::State {
  State(const fs::path& run_dir, const std::string& within, const std::string& within_polygons)
      : paths(run_dir),
        options(SearchedWithin(OneModel(OptionsOf(paths), run_dir), within, within_polygons)),
        model(ModelFromConfig(options, RunFile(paths.checkpoint(), run_dir))),
        embedder(model, SegmenterOf(options, paths), options.gallery.raw()) {
    if (FindsInGallery(options)) galleries = GalleriesFromConfig(options, {RunFile(paths.gallery(), run_dir)});
  }

  RunPaths paths;
  ExperimentOptions options;
  EmbedModel model;
  std::vector<Gallery> galleries;
  Embedder embedder;
};

Locator::Locator(const fs::path& run_dir, const std::string& within, const std::string& within_polygons)
    : state_(std::make_unique<State>(run_dir, within, within_polygons)) {}
Locator::~Locator() = default;
Locator::Locator(Locator&&) noexcept = default;
Locator& Locator::operator=(Locator&&) noexcept = default;

std::vector<Location> Locator::Locate(const std::vector<fs::path>& photos, int count) {
  std::vector<fs::path> distinct;  // a photo may well be given twice
  for (const auto& photo : photos) {
    if (std::ranges::find(distinct, photo) == distinct.end()) distinct.push_back(photo);
  }
  std::vector<BadPhoto> bad;
  const FeatureSet features = state_->embedder.Photos(distinct, &bad);
  std::unordered_map<std::string, Location> location_of;
  for (const auto& photo : bad) location_of[photo.photo.string()].error = photo.reason;

  PhotoTable table;
  for (const auto& id : features.ids) table.rows.emplace_back().id = id;
  std::vector<CandidateList> lists;
  if (!table.rows.empty()) {
    lists = Rerank(RerankOf(state_->options, state_->paths),
                   SearchFromConfig(state_->options, state_->model.checkpoint, state_->galleries,
                                    state_->paths.prototypes(), features, table),
                   state_->options.runtime.threads);
  }
  for (auto& list : lists) {
    Location& location = location_of[list.query_id];
    location.estimate = list.estimate;
    location.candidates = std::move(list.candidates);
    location.candidates.resize(std::min(location.candidates.size(), static_cast<std::size_t>(count)));
    for (const auto& candidate : location.candidates) {
      location.spread_km =
          std::max(location.spread_km, GeodesicKm(location.candidates.front().location, candidate.location));
    }
  }

  std::vector<Location> locations;
  for (const auto& photo : photos) {
    locations.push_back(location_of[photo.string()]);
    locations.back().photo = photo;
  }
  return locations;
}

std::vector<fs::path> ExpandFolders(const std::vector<fs::path>& paths) {
  std::vector<fs::path> photos;
  for (const auto& path : paths) {
    std::error_code code;
    if (!fs::is_directory(path, code)) {
      photos.push_back(path);
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file() && HasPhotoExtension(entry.path())) found.push_back(entry.path());
    }
    if (found.empty()) throw InputError(Printable(path.string(), 200) + ": a folder without photos");
    std::ranges::sort(found);
    photos.insert(photos.end(), found.begin(), found.end());
  }
  return photos;
}

std::string MapLink(LatLon place) {
  char text[128];
  std::snprintf(text, sizeof text, "https://www.openstreetmap.org/?mlat=%.5f&mlon=%.5f#map=12/%.5f/%.5f", place.lat,
                place.lon, place.lat, place.lon);
  return text;
}

}  // namespace dualgeo
