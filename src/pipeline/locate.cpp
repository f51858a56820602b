#include "dualgeo/pipeline/locate.h"

#include <glob.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <unordered_map>

#include "data/photo_listing.h"
#include "dualgeo/gallery/embed_job.h"
#include "dualgeo/gallery/gallery_file.h"
#include "dualgeo/gallery/search.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/model/photo_input.h"
#include "dualgeo/refine/place_posterior.h"
#include "dualgeo/refine/posterior_parameters.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "geo/land.h"
#include "geo/place_names.h"
#include "lmm/place_similarity.h"
#include "pipeline/photo_sets.h"
#include "pipeline/stages.h"
#include "refine/reranker.h"
#include "stages/cell_search.h"

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

// A photo that is only asked about excludes nothing.
SearchOptions WithoutExclusions(SearchOptions search) {
  search.negatives = 0;
  search.exclude_same_author = false;
  search.exclude_same_id = false;
  search.exclude_within_km = 0;
  search.exclude_similarity_above.reset();
  return search;
}

// GIF and JPEG XL as well, so that they are told and not passed over.
bool LooksLikeAPhoto(const fs::path& path) {
  const std::string extension = LowerCase(path.extension().string());
  return HasPhotoName(path.string()) || extension == ".gif" || extension == ".jxl";
}

constexpr std::size_t kMostCells = 4000;

// What a shell would make of a pattern, for those that did not get one ('photos/*.jpg').
std::vector<fs::path> Matches(const fs::path& path) {
  std::error_code code;
  if (fs::exists(path, code) || path.string().find_first_of("*?[") == std::string::npos) return {path};
  glob_t found = {};
  const int failed = glob(path.c_str(), 0, nullptr, &found);
  std::vector<fs::path> matches(found.gl_pathv, found.gl_pathv + (failed == 0 ? found.gl_pathc : 0));
  globfree(&found);
  if (matches.empty()) throw InputError(Printable(path.string(), 200) + ": no file matches");
  return matches;
}

// The options that photos are located with, of a run that may have been moved.
ExperimentOptions LocatorOptions(const RunPaths& paths, const std::vector<std::string>& overrides) {
  ExperimentOptions options = ReadKeptExperiment(RunFile(paths.config(), paths.root));
  const SearchOptions own = options.search;
  const OptionGroup tree = OptionTree(options);
  for (const auto& assignment : overrides) ApplyConfigOverride(tree, assignment);
  options.run_dir = paths.root.string();
  SearchOptions& search = options.search;
  if (search.within != own.within) {
    if (!FindsInGallery(options)) throw InputError("--within: this run finds cells, and a gallery keeps to a region");
    // The file that the run names is that of its own polygons.
    if (search.within_polygons == own.within_polygons && !search.within.starts_with("polygons:")) {
      search.within_polygons.clear();
    }
  }
  search = WithoutExclusions(search);
  ValidateConfig(tree);
  if (Routes(options)) {
    throw InputError(paths.root.string() +
                     ": is a router between other runs, with no model of its own; locate with one of these");
  }
  return options;
}

}  // namespace

struct Locator::State {
  State(const fs::path& run_dir, const std::vector<std::string>& overrides, const fs::path& places)
      : paths(run_dir),
        options(LocatorOptions(paths, overrides)),
        model(ModelFromConfig(options, RunFile(paths.checkpoint(), run_dir))),
        embedder(model, SegmenterOf(options, paths), options.gallery.raw()),
        rerank(RerankOf(options, paths)),
        reranker(MakeReranker(rerank)) {
    if (!places.empty()) names = PlaceNames::Read(places);
    if (!rerank.parameters.empty()) fitted.emplace(ReadPosteriorParameters(rerank.parameters));
    // What a search would load for each photo anew.
    if (options.search.gps_scores) coordinates = std::make_shared<const CoordinateEmbedder>(model);
    if (!FindsInGallery(options)) {
      cells.emplace(options, model.checkpoint, paths.prototypes());
      return;
    }
    galleries = GalleriesFromConfig(options, {RunFile(paths.gallery(), run_dir)});
    if (options.search.scores == "probability") cosine_factor = CosineFactor(model, {});
  }

  const PlacePosterior& posterior() const { return fitted ? *fitted : DefaultPosterior(); }

  std::vector<CandidateList> Search(const FeatureSet& features) {
    PhotoTable table;
    for (const auto& id : features.ids) table.rows.emplace_back().id = id;
    if (table.rows.empty()) return {};
    auto lists =
        cells ? cells->Find(features) : SearchAll(galleries, features, table, options.search, {}, cosine_factor);
    if (coordinates) AddGpsScores(ModelSimilarity(coordinates, features, "the photos' features"), lists);
    return lists;
  }

  void AddAreas(std::span<const Candidate> similar, Location& location) const {
    PlacePosterior::Distribution distribution;
    posterior().Condition({similar, {}}, distribution);
    const PosteriorCells places(posterior(), distribution);
    for (const double share : {0.5, 0.9}) {
      const PosteriorArea area = places.Smallest(share);
      double reach_km = 0;
      const LatLon answer = location.estimate ? location.estimate->location : similar.front().location;
      for (const AreaCell& cell : area.cells) reach_km = std::max(reach_km, GreatCircleKm(answer, cell.cell.Center()));
      location.areas.push_back({share, area.probability, area.km2, reach_km, Merged(area.cells)});
      location.cells.assign(area.cells.begin(),
                            area.cells.begin() + static_cast<std::ptrdiff_t>(std::min(kMostCells, area.cells.size())));
    }
  }

  void NamePlace(Location& location) const {
    if (!location.estimate) return;
    if (const CountryShape* country = CountryAt(location.estimate->location, 20)) {
      location.country_code = country->code;
      location.country = country->name;
    }
    if (!names) return;
    const auto nearest = names->Find(location.estimate->location);
    const NamedPlace& town = names->places()[nearest.index];
    location.town = {town.name, town.region, town.country, nearest.km};
  }

  Location Answer(CandidateList list, const LocateOptions& asked) const {
    list = Rerank(*reranker, posterior(), std::move(list), rerank.top_k);
    Location location;
    location.estimate = list.estimate;
    const auto dissimilar = std::ranges::find(list.candidates, false, &Candidate::similar);
    list.candidates.erase(dissimilar, list.candidates.end());
    if (asked.areas && !list.candidates.empty()) AddAreas(list.candidates, location);
    NamePlace(location);
    location.candidates = std::move(list.candidates);
    location.candidates.resize(std::min(location.candidates.size(), static_cast<std::size_t>(asked.candidates)));
    for (const auto& candidate : location.candidates) {
      location.spread_km =
          std::max(location.spread_km, GeodesicKm(location.candidates.front().location, candidate.location));
    }
    return location;
  }

  RunPaths paths;
  ExperimentOptions options;
  EmbedModel model;
  std::vector<Gallery> galleries;
  std::optional<CellSearch> cells;  // in place of galleries
  Embedder embedder;
  RerankOptions rerank;
  std::unique_ptr<Reranker> reranker;
  std::optional<PlacePosterior> fitted;
  std::shared_ptr<const CoordinateEmbedder> coordinates;
  std::optional<double> cosine_factor;
  std::optional<PlaceNames> names;
};

Locator::Locator(const fs::path& run_dir, const std::vector<std::string>& overrides, const fs::path& places)
    : state_(std::make_unique<State>(run_dir, overrides, places)) {}
Locator::~Locator() = default;
Locator::Locator(Locator&&) noexcept = default;
Locator& Locator::operator=(Locator&&) noexcept = default;

std::vector<Location> Locator::Locate(const std::vector<fs::path>& photos, int count) {
  return Locate(photos, LocateOptions{.candidates = count});
}

std::vector<Location> Locator::Locate(const std::vector<fs::path>& photos, const LocateOptions& options) {
  std::vector<fs::path> distinct;  // a photo may well be given twice
  std::set<fs::path> seen;
  for (const auto& photo : photos) {
    if (seen.insert(photo).second) distinct.push_back(photo);
  }
  std::vector<BadPhoto> bad;
  const FeatureSet features = state_->embedder.Photos(distinct, &bad);
  std::unordered_map<std::string, Location> location_of;
  for (const auto& photo : bad) location_of[photo.photo.string()].error = photo.reason;
  for (auto& list : state_->Search(features)) {
    const std::string id = list.query_id;
    location_of[id] = state_->Answer(std::move(list), options);
  }
  std::vector<Location> locations;
  for (const auto& photo : photos) {
    locations.push_back(location_of[photo.string()]);
    locations.back().photo = photo;
  }
  return locations;
}

Location Locator::Locate(std::string_view bytes, const std::string& name, const LocateOptions& options) {
  Location location;
  PhotoView view;
  try {
    const FeatureSet features = state_->embedder.Photo(bytes, name, options.view ? &view : nullptr);
    location = state_->Answer(std::move(state_->Search(features).at(0)), options);
  } catch (const InputError& error) {
    location.error = error.what();
  }
  location.photo = name;
  location.view = std::move(view);
  return location;
}

std::vector<fs::path> ExpandFolders(const std::vector<fs::path>& paths) {
  std::vector<fs::path> photos;
  for (const auto& path : paths) {
    std::error_code code;
    if (!fs::is_directory(path, code)) {
      const std::vector<fs::path> matches = Matches(path);
      photos.insert(photos.end(), matches.begin(), matches.end());
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file() && LooksLikeAPhoto(entry.path())) found.push_back(entry.path());
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
