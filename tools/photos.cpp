// dualgeo photos: what a user does with photos before anything is learnt from them.
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "data/photo_check.h"
#include "data/photo_listing.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "networks.h"
#include "util/output_path.h"

namespace dualgeo::tools {
namespace {

struct PhotosArguments {
  std::filesystem::path table, images, out;
  std::string columns;
  bool all = false, json = false;
  int threads = 0;
};

void PrintCounts(const nlohmann::ordered_json& object) {
  std::printf("%s\n", object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void MakeTable(const PhotosArguments& flags) {
  CheckOutputs({{"--out", flags.out}}, {{"images", flags.images, InputKind::kPhotos}});
  const auto source = OpenPhotoSource(flags.images);
  const PhotoListing listing = ListPhotos(*source, {flags.all, flags.threads});
  for (const auto& example : listing.examples_of_unreadable) spdlog::warn("{}", example);
  if (listing.contradictions > 0) {
    spdlog::warn("{} photos are by their names more than 1 km from where EXIF says; the names are taken",
                 listing.contradictions);
  }
  if (!listing.table.rows.empty()) WritePhotoTable(flags.out, listing.table);
  if (flags.json) {
    PrintCounts({{"photos", listing.photos},
                 {"rows", listing.table.rows.size()},
                 {"from_exif", listing.from_exif},
                 {"from_name", listing.from_name},
                 {"contradictions", listing.contradictions},
                 {"without_place", listing.without},
                 {"not_photos", listing.others}});
  } else {
    std::printf("%zu photos: %zu say their place in EXIF, %zu in their names\n", listing.photos, listing.from_exif,
                listing.from_name);
    for (const auto& [why, count] : listing.without) {
      std::printf("  %zu %s: %s\n", count, flags.all ? "without LAT and LON" : "left out", why.c_str());
    }
    for (const auto& [what, count] : listing.others) std::printf("  %zu files passed over: %s\n", count, what.c_str());
  }
  if (listing.table.rows.empty()) {
    throw InputError(
        Printable(flags.images.string(), 200) +
        ": none of the photos says where it was taken, so there is no table (--all makes one without places)");
  }
  if (!flags.json) std::printf("%zu rows in %s\n", listing.table.rows.size(), flags.out.c_str());
}

// "  12 missing, 10 of them there under another name: 10 of 12 match in lower case"
void PrintCheck(const PhotoTable& table, const PhotoCheck& check) {
  const auto example = [&](PhotoProblem problem) -> std::string {
    for (const auto& finding : check.findings) {
      if (finding.problem != problem) continue;
      std::string text = ", for one " + Printable(table.rows[finding.row].id);
      if (problem == PhotoProblem::kMissing && !finding.detail.empty())
        text += ", " + Printable(finding.detail) + " is there";
      if (problem == PhotoProblem::kUnreadable) text += ": " + finding.detail;
      if (problem == PhotoProblem::kIdentical || problem == PhotoProblem::kPlaceholder) {
        text += " and " + Printable(finding.detail);
      }
      return text;
    }
    return "";
  };
  std::printf("%zu photos in %s\n", check.photos, table.path.c_str());
  std::printf("  %zu missing%s\n", check.missing, example(PhotoProblem::kMissing).c_str());
  if (check.nearly_right > 0) {
    std::printf("      %zu of them are there under another name%s%s\n", check.nearly_right,
                check.what_makes_them_match.empty() ? "" : ": ", check.what_makes_them_match.c_str());
  }
  std::printf("  %zu unreadable%s\n", check.unreadable, example(PhotoProblem::kUnreadable).c_str());
  std::printf("  %zu the same file as another one, in %zu groups%s\n", check.identical, check.identical_groups,
              example(PhotoProblem::kIdentical).c_str());
  std::printf("  %zu placeholders: %zu pictures under many ids%s\n", check.placeholders, check.placeholder_pictures,
              example(PhotoProblem::kPlaceholder).c_str());
  std::printf("  %zu photos are there and not in the table\n", check.not_in_table);
}

void CheckTable(const PhotosArguments& flags) {
  CheckOutputs({{"--out", flags.out}}, {{"table", flags.table}, {"images", flags.images, InputKind::kPhotos}});
  const PhotoTable table =
      ReadPhotoTable(flags.table, ParsePhotoColumns("--columns", flags.columns), Locations::kOptional);
  const auto source = OpenPhotoSource(flags.images);
  const PhotoCheck check = CheckPhotos(table, *source, flags.threads);
  if (!flags.out.empty()) WritePhotoFindings(flags.out, table, check);
  if (flags.json) {
    PrintCounts({{"photos", check.photos},
                 {"missing", check.missing},
                 {"nearly_right", check.nearly_right},
                 {"what_makes_them_match", check.what_makes_them_match},
                 {"unreadable", check.unreadable},
                 {"identical", check.identical},
                 {"identical_groups", check.identical_groups},
                 {"placeholders", check.placeholders},
                 {"placeholder_pictures", check.placeholder_pictures},
                 {"not_in_table", check.not_in_table}});
  } else {
    PrintCheck(table, check);
    if (!flags.out.empty()) std::printf("each of them is in %s\n", flags.out.c_str());
  }
  if (check.missing + check.unreadable > 0) {
    throw Error("photos check: " + std::to_string(check.missing) + " missing and " + std::to_string(check.unreadable) +
                " unreadable of " + std::to_string(check.photos) + " photos");
  }
}

}  // namespace

void AddPhotos(CLI::App& root) {
  auto* command = root.add_subcommand("photos", "make a table of photos, and check that a table's photos can be used");
  command->require_subcommand(1);
  const auto flags = std::make_shared<PhotosArguments>();
  const auto threads = [&](CLI::App& sub) {
    sub.add_option("--threads", flags->threads, "0: all cores")->check(CLI::Range(0, 1024))->capture_default_str();
    sub.add_flag("--json", flags->json, "print the counts as JSON");
  };
  auto* table = command->add_subcommand(
      "table",
      "a photo table of a folder or archive: places from EXIF, or from names like @LAT@LON@ and "
      "@UTM_E@UTM_N@ZONE@BAND@LAT@LON@...");
  table->add_option("images", flags->images, "where the photos are: folder, tar, zip, shards (docs/sources.md)")
      ->required();
  table->add_option("--out", flags->out, "photo table (CSV)")->required();
  table->add_flag("--all", flags->all, "also photos that say no place, with empty LAT and LON");
  threads(*table);
  table->callback(WithNetworks([flags] { MakeTable(*flags); }));

  auto* check = command->add_subcommand(
      "check",
      "decode every photo of a table: what is missing or nearly right, unreadable, twice there, a placeholder");
  check->add_option("table", flags->table, "photo table; LAT and LON may be missing")->required();
  check->add_option("images", flags->images, "where its photos are: folder, tar, zip, shards")->required();
  check->add_option("--columns", flags->columns, "the table's columns, id,lat,lon[,author] (default: IMG_ID,LAT,LON)");
  check->add_option("--out", flags->out, "CSV of every finding: IMG_ID, LINE, PROBLEM, DETAIL");
  threads(*check);
  check->callback(WithNetworks([flags] { CheckTable(*flags); }));
}

}  // namespace dualgeo::tools
