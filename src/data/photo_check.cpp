#include "data/photo_check.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "data/photo.h"
#include "data/photo_listing.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "io/other_names.h"
#include "util/atomic_file.h"
#include "util/parallel.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

constexpr double kPlaceholderKm = 1;
constexpr std::size_t kPlaceholderIds = 3;

// What became of one photo.
struct Opened {
  bool there = false;
  std::string unreadable;  // why; empty: it is a photo
  std::optional<Sha256Digest> digest;
};

Opened OpenOne(const PhotoSource& source, const std::string& id) {
  Opened opened;
  if (!source.Has(id)) return opened;
  opened.there = true;
  const std::string name = source.Name(id);
  try {
    const std::string bytes = source.Read(id);
    opened.digest = Sha256Bytes(bytes);
    DecodePhoto(bytes, name, {.least_side = 1});
  } catch (const InputError& error) {
    opened.unreadable = error.what();
    if (opened.unreadable.starts_with(name + ": ")) opened.unreadable.erase(0, name.size() + 2);
  }
  return opened;
}

std::vector<Opened> OpenAll(const PhotoTable& table, const PhotoSource& source, int threads) {
  std::vector<Opened> opened(table.rows.size());
  Progress progress("photos", static_cast<std::int64_t>(opened.size()), "photos");
  std::mutex mutex;
  ForEachInParallel(opened.size(), threads, [&](std::size_t i) {
    ThrowIfStopped();
    opened[i] = OpenOne(source, table.rows[i].id);
    const std::lock_guard lock(mutex);
    progress.Add(1);
  });
  progress.Finish();
  return opened;
}

// Of rows that are one file: whether they claim to show places apart, or none is known.
bool StandsForManyPlaces(const PhotoTable& table, const std::vector<std::size_t>& rows) {
  if (rows.size() < kPlaceholderIds) return false;
  std::optional<LatLon> first;
  for (const std::size_t row : rows) {
    const auto& place = table.rows[row].location;
    if (!place) continue;
    if (!first) first = place;
    if (GreatCircleKm(*first, *place) > kPlaceholderKm) return true;
  }
  return !first;
}

void FindIdentical(const PhotoTable& table, const std::vector<Opened>& opened, PhotoCheck& check) {
  std::map<Sha256Digest, std::vector<std::size_t>> rows_of;
  for (std::size_t row = 0; row < opened.size(); ++row) {
    if (opened[row].digest) rows_of[*opened[row].digest].push_back(row);
  }
  for (const auto& [digest, rows] : rows_of) {
    if (rows.size() < 2) continue;
    const bool placeholder = StandsForManyPlaces(table, rows);
    if (placeholder) {
      check.placeholders += rows.size();
      ++check.placeholder_pictures;
    } else {
      check.identical += rows.size();
      ++check.identical_groups;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      check.findings.push_back({rows[i], placeholder ? PhotoProblem::kPlaceholder : PhotoProblem::kIdentical,
                                table.rows[rows[i == 0 ? 1 : 0]].id});
    }
  }
}

void FindMissing(const PhotoTable& table, const std::vector<std::string>& names, const std::vector<Opened>& opened,
                 PhotoCheck& check) {
  std::vector<std::string> wanted;
  for (std::size_t row = 0; row < opened.size(); ++row) {
    if (!opened[row].there) wanted.push_back(table.rows[row].id);
  }
  check.missing = wanted.size();
  if (wanted.empty()) return;
  check.what_makes_them_match = WhatMakesThemMatch(wanted, names);
  const OtherNames there(names);
  for (std::size_t row = 0; row < opened.size(); ++row) {
    if (opened[row].there) continue;
    const auto near = there.Find(table.rows[row].id);
    check.nearly_right += near ? 1 : 0;
    check.findings.push_back({row, PhotoProblem::kMissing, near ? near->name : ""});
  }
}

}  // namespace

const char* NameOf(PhotoProblem problem) {
  switch (problem) {
    case PhotoProblem::kMissing:
      return "missing";
    case PhotoProblem::kUnreadable:
      return "unreadable";
    case PhotoProblem::kIdentical:
      return "identical";
    case PhotoProblem::kPlaceholder:
      return "placeholder";
  }
  return "";
}

PhotoCheck CheckPhotos(const PhotoTable& table, const PhotoSource& source, int threads) {
  PhotoCheck check;
  check.photos = table.rows.size();
  const std::vector<Opened> opened = OpenAll(table, source, threads);
  std::unordered_set<std::string_view> in_table;
  for (const auto& row : table.rows) in_table.insert(row.id);
  std::vector<std::string> names = source.Names(std::numeric_limits<std::size_t>::max());
  // What a row names exactly is not what another one means.
  std::erase_if(names, [&](const std::string& name) { return in_table.contains(name); });
  check.not_in_table = static_cast<std::size_t>(std::ranges::count_if(names, HasPhotoName));
  FindMissing(table, names, opened, check);
  for (std::size_t row = 0; row < opened.size(); ++row) {
    if (opened[row].unreadable.empty()) continue;
    ++check.unreadable;
    check.findings.push_back({row, PhotoProblem::kUnreadable, opened[row].unreadable});
  }
  FindIdentical(table, opened, check);
  std::ranges::stable_sort(check.findings, {}, &PhotoFinding::row);
  return check;
}

void WritePhotoFindings(const std::filesystem::path& path, const PhotoTable& table, const PhotoCheck& check) {
  CsvRows rows;
  for (const char* column : {"IMG_ID", "LINE", "PROBLEM", "DETAIL"}) rows.Name(column);
  rows.EndRow();
  for (const auto& finding : check.findings) {
    rows.Field(table.rows[finding.row].id);
    rows.Number(std::int64_t{table.rows[finding.row].line});
    rows.Field(NameOf(finding.problem));
    rows.Field(finding.detail);
    rows.EndRow();
  }
  WriteFileAtomically(path, rows.text);
}

}  // namespace dualgeo
