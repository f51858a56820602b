#include "data/photo_listing.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>

#include "data/photo_facts.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "io/file_kind.h"
#include "util/parallel.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

constexpr double kOnePlaceKm = 1;
constexpr std::size_t kMostExamples = 3;

// Hidden files, and the copies of attributes that macOS puts into archives.
bool IsPassedOver(std::string_view id) {
  return id.starts_with('.') || id.find("/.") != id.npos || id.starts_with("__MACOSX/");
}

std::string ExtensionOf(std::string_view id) {
  const std::string_view name = id.substr(id.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  return dot == name.npos || dot == 0 ? "" : LowerCase(name.substr(dot));
}

// What one file turned out to be.
struct Looked {
  std::optional<PhotoRow> row;
  std::string without;     // why the photo has no place
  std::string unreadable;  // why it is no photo
  bool from_name = false, contradicts = false;
};

Looked LookAtPhoto(const PhotoSource& source, const std::string& id) {
  Looked looked;
  PhotoFacts facts;
  try {
    const std::string bytes = source.Read(id);
    if (bytes.empty()) throw InputError(source.Name(id) + ": empty file, not a photo");
    const auto kind = RecogniseFile(std::string_view(bytes).substr(0, kFileHeadBytes));
    const bool picture = kind && (kind->group == FileGroup::kPhoto || kind->group == FileGroup::kPicture);
    if (!picture) {
      throw InputError(source.Name(id) + ": " +
                       DescribeOtherFile(bytes, FileUse::kPhoto).value_or("not a photo, by its first bytes"));
    }
    facts = FactsInPhoto(bytes);
  } catch (const InputError& error) {
    looked.unreadable = error.what();
    return looked;
  }
  if (const auto named = FactsInName(id)) {
    looked.from_name = true;
    looked.contradicts = facts.location && GreatCircleKm(*facts.location, *named->location) > kOnePlaceKm;
    facts.location = named->location;
    if (named->heading_deg) facts.heading_deg = named->heading_deg;
    if (named->altitude_m) facts.altitude_m = named->altitude_m;
    if (facts.taken.empty()) facts.taken = named->taken;
  }
  if (!facts.location) {
    looked.without = facts.without_location.empty() ? "no place in EXIF or name" : facts.without_location;
    // Out of range in one way or another.
    looked.without = looked.without.substr(0, looked.without.find(" ("));
  }
  const auto number = [](const std::optional<double>& value) { return value ? FormatDouble(*value) : ""; };
  const char* from = !facts.location ? "" : looked.from_name ? "name" : "exif";
  looked.row = PhotoRow{
      id,
      facts.location,
      facts.author,
      0,
      {facts.taken, std::to_string(facts.orientation), number(facts.altitude_m), number(facts.heading_deg), from}};
  return looked;
}

void Count(PhotoListing& listing, Looked looked, bool all) {
  if (!looked.row) {
    ++listing.others["unreadable, or no photo in spite of its name"];
    if (listing.examples_of_unreadable.size() < kMostExamples) {
      listing.examples_of_unreadable.push_back(looked.unreadable);
    }
    return;
  }
  ++listing.photos;
  if (!looked.row->location)
    ++listing.without[looked.without];
  else
    ++(looked.from_name ? listing.from_name : listing.from_exif);
  listing.contradictions += looked.contradicts ? 1 : 0;
  if (looked.row->location || all) listing.table.rows.push_back(std::move(*looked.row));
}

}  // namespace

bool HasPhotoName(std::string_view id) {
  static constexpr std::array<std::string_view, 12> kExtensions = {".jpg", ".jpeg", ".jpe", ".jfif", ".png",  ".webp",
                                                                   ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif"};
  return std::ranges::find(kExtensions, ExtensionOf(id)) != kExtensions.end();
}

PhotoListing ListPhotos(const PhotoSource& source, const PhotoListingOptions& options) {
  PhotoListing listing;
  listing.table.columns = {"TAKEN", "ORIENTATION", "ALTITUDE", "HEADING", "PLACE_FROM"};
  std::vector<std::string> ids = source.Names(std::numeric_limits<std::size_t>::max());
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::erase_if(ids, [&](const std::string& id) {
    if (IsPassedOver(id)) return true;
    const std::string extension = ExtensionOf(id);
    if (HasPhotoName(id) || extension.empty()) return false;
    ++listing.others["*" + extension];
    return true;
  });
  if (ids.empty()) throw InputError(source.Name("") + ": no file there is named as photos are (.jpg, .png, .heic ...)");
  std::vector<Looked> looked(ids.size());
  Progress progress("photos", static_cast<std::int64_t>(ids.size()), "files");
  std::mutex mutex;
  ForEachInParallel(ids.size(), options.threads, [&](std::size_t i) {
    ThrowIfStopped();
    looked[i] = LookAtPhoto(source, ids[i]);
    const std::lock_guard lock(mutex);
    progress.Add(1);
  });
  progress.Finish();
  for (auto& one : looked) Count(listing, std::move(one), options.all);
  return listing;
}

}  // namespace dualgeo
