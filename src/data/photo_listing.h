// A photo table made of the photos themselves: a folder or archive whose photos say where they were taken, in their
// EXIF blocks or in their names (data/photo_facts.h).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "data/photo_source.h"
#include "dualgeo/data/photo_table.h"

namespace dualgeo {

struct PhotoListingOptions {
  bool all = false;  // also photos that say no place, with empty LAT and LON
  int threads = 0;   // 0: one for each core
};

struct PhotoListing {
  // Ids in the order of their bytes; further columns TAKEN, ORIENTATION, ALTITUDE, HEADING and PLACE_FROM (exif, name).
  PhotoTable table;
  std::size_t photos = 0;                           // that were looked at
  std::size_t from_exif = 0, from_name = 0;         // that say a place
  std::size_t contradictions = 0;                   // whose name and EXIF are more than 1 km apart; the name is taken
  std::map<std::string, std::size_t> without;       // why photos have none -> how many
  std::map<std::string, std::size_t> others;        // what is no photo, by extension or reason -> how many
  std::vector<std::string> examples_of_unreadable;  // the first few, with the reason
};

// Looks at every file of `source` whose name is a photo's or has no extension; hidden ones, and what macOS leaves
// beside photos, are passed over. Throws InputError when there are none, Interrupted.
PhotoListing ListPhotos(const PhotoSource& source, const PhotoListingOptions& options = {});

// Whether a name ends as photos' do: .jpg, .jpeg, .jpe, .jfif, .png, .webp, .tif, .tiff, .bmp, .heic, .heif, .avif.
bool HasPhotoName(std::string_view id);

// Whether HEIC and AVIF are read: the build found libheif.
bool ReadsHeif();

}  // namespace dualgeo
