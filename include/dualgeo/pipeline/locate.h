// `dualgeo locate`: where were these photos taken, by a finished run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"

namespace dualgeo {

struct Location {
  std::filesystem::path photo;
  std::vector<Candidate> candidates;  // best first, after the run's re-ranker
  double spread_km = 0;               // greatest geodesic distance of a candidate from the first: how much they agree
};

// Segments, embeds, searches and re-ranks with the run's own settings and weights, and returns the first `count`
// candidates of each photo. Throws InputError for a photo that cannot be read, or a run without checkpoint or gallery.
std::vector<Location> Locate(const std::vector<std::filesystem::path>& photos, const std::filesystem::path& run_dir,
                             int count = 5);

// A link that shows the place on a map (OpenStreetMap); nothing is fetched.
std::string MapLink(LatLon place);

}  // namespace dualgeo
