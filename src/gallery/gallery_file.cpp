#include "dualgeo/gallery/gallery_file.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/gallery/descriptor.h"
#include "dualgeo/io/csv.h"
#include "dualgeo/util/atomic_file.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/output_path.h"
#include "dualgeo/util/text.h"
#include "dualgeo/util/version.h"

namespace dualgeo {
namespace {

constexpr const char* kIndexFile = "index.faiss";
constexpr const char* kItemsFile = "items.csv";
constexpr const char* kInfoFile = "gallery.json";

nlohmann::ordered_json ToJson(const GalleryInfo& info) {
  const nlohmann::ordered_json identical =
      info.identical_photos ? nlohmann::ordered_json(*info.identical_photos) : nlohmann::ordered_json();
  nlohmann::ordered_json json = {
      {"format", "dualgeo gallery 1"},    {"dualgeo", kVersion},           {"kind", info.kind},
      {"dimension", info.dimension},      {"count", info.count},           {"metric", info.metric},
      {"features", info.features},        {"index", info.index},           {"model", info.model},
      {"identical_photos", identical},    {"duplicates", info.duplicates}, {"index_sha256", info.index_sha256},
      {"items_sha256", info.items_sha256}};
  if (!info.normalize) json["normalize"] = false;
  return json;
}

// A checked reader of one JSON object, so that a hand-edited file gets a line that says what to mend.
class Fields {
 public:
  Fields(const nlohmann::json& json, std::string file) : json_(json), file_(std::move(file)) {}

  std::string Text(const char* key) const {
    if (!At(key).is_string()) Fail(key, "a text");
    return At(key).get<std::string>();
  }
  std::string Choice(const char* key, const std::vector<std::string>& allowed) const {
    auto value = Text(key);
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) Fail(key, "one of " + Join(allowed));
    return value;
  }
  bool Has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }
  bool Flag(const char* key) const {
    if (!At(key).is_boolean()) Fail(key, "true or false");
    return At(key).get<bool>();
  }
  std::int64_t Count(const char* key) const {
    const auto& value = At(key);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > (std::uint64_t{1} << 40)) {
      Fail(key, "a whole number");
    }
    return value.get<std::int64_t>();
  }
  std::vector<std::string> Texts(const char* key) const {
    std::vector<std::string> texts;
    if (!At(key).is_array()) Fail(key, "a list of texts");
    for (const auto& item : At(key)) {
      if (!item.is_string()) Fail(key, "a list of texts");
      texts.push_back(item.get<std::string>());
    }
    return texts;
  }

 private:
  const nlohmann::json& At(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) throw InputError(file_ + ": key " + std::string(key) + " is missing");
    return *found;
  }
  [[noreturn]] void Fail(const char* key, const std::string& expected) const {
    const auto value = At(key).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    throw InputError(file_ + ": key " + key + " is " + Printable(value) + ", not " + expected);
  }

  const nlohmann::json& json_;
  std::string file_;
};

GalleryInfo WriteGallery(const Matrix& vectors, const std::vector<GalleryItem>& items, GalleryInfo info,
                         const GalleryOptions& options, const std::filesystem::path& folder) {
  CheckGalleryFolder(folder);
  const auto index = VectorIndex::Build(vectors, options.index, options.metric,
                                        {folder.has_filename() ? folder : folder.parent_path()});
  info.kind = options.kind;
  info.metric = index.metric();
  info.index = options.index;
  info.dimension = vectors.columns;
  info.count = vectors.rows;
  WriteFolderAtomically(folder, [&](const std::filesystem::path& temporary) {
    index.Write(temporary / kIndexFile);
    AtomicFile file(temporary / kItemsFile);
    CsvWriter csv(file.stream(), {"row", "IMG_ID", "LAT", "LON", "AUTHOR"});
    for (std::size_t i = 0; i < items.size(); ++i) {
      csv.Row({std::to_string(i), items[i].id, FormatDouble(items[i].location.lat), FormatDouble(items[i].location.lon),
               items[i].author});
    }
    file.Commit();
    info.index_sha256 = Sha256File(temporary / kIndexFile);
    info.items_sha256 = Sha256File(temporary / kItemsFile);
    WriteFileAtomically(temporary / kInfoFile, ToJson(info).dump(2) + "\n");
  });
  index.RemovePartial();  // not before: a full disk must not cost the graph
  return info;
}

std::vector<GalleryItem> ReadItems(const std::filesystem::path& path) {
  const auto table = CsvTable::Read(path);
  const auto row = table.Require("row");
  const auto id = table.Require("IMG_ID");
  const auto lat = table.Require("LAT");
  const auto lon = table.Require("LON");
  const auto author = table.Require("AUTHOR");
  std::vector<GalleryItem> items;
  items.reserve(table.rows());
  for (std::size_t i = 0; i < table.rows(); ++i) {
    if (table.Integer(i, row) != static_cast<std::int64_t>(i)) {
      throw InputError(table.At(i, "row is " + std::string(table.Cell(i, row)) + ", expected " + std::to_string(i)));
    }
    const LatLon place{table.Number(i, lat), table.Number(i, lon)};
    if (!IsValid(place)) throw InputError(table.At(i, ToString(place) + " is not a latitude and longitude"));
    items.push_back({std::string(table.Cell(i, id)), place, std::string(table.Cell(i, author))});
  }
  return items;
}

void CheckHash(const std::filesystem::path& path, const std::string& expected) {
  if (Sha256File(path) == expected) return;
  throw InputError(path.string() + ": is not the file that " + kInfoFile +
                   " describes (its sha256 differs): damaged, edited, or of another gallery; build the gallery again");
}

[[noreturn]] void Disagree(const std::filesystem::path& folder, const std::string& a, const std::string& b) {
  throw InputError(folder.string() + ": the gallery's files disagree: " + a + ", but " + b +
                   "; build the gallery again");
}

}  // namespace

void CheckGalleryFolder(const std::filesystem::path& folder) {
  CheckFolderIsOurs(folder, "a gallery", kInfoFile, {kIndexFile, kItemsFile, kInfoFile});
}

namespace {

// Rows whose photo is the same file as another row's, in groups, each in the set's order; groups by their first row.
std::vector<std::vector<std::int64_t>> IdenticalPhotos(const std::vector<Sha256Digest>& hashes) {
  std::map<Sha256Digest, std::vector<std::int64_t>> rows_of;
  for (std::size_t i = 0; i < hashes.size(); ++i) rows_of[hashes[i]].push_back(static_cast<std::int64_t>(i));
  std::vector<std::vector<std::int64_t>> groups;
  for (auto& [hash, rows] : rows_of) {
    if (rows.size() > 1) groups.push_back(std::move(rows));
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

std::string Examples(const std::vector<std::vector<std::int64_t>>& groups, const std::vector<std::string>& ids) {
  constexpr std::size_t kShown = 6;
  std::vector<std::string> names;
  std::size_t all = 0;
  for (const auto& group : groups) {
    all += group.size();
    for (const auto row : group) {
      if (names.size() < kShown) names.push_back(Printable(ids[static_cast<std::size_t>(row)]));
    }
  }
  return Join(names) + (all > kShown ? ", ..." : "");
}

// Warns of byte-identical photos and marks those to leave out.
std::vector<char> LeaveOut(const FeatureSet& set, const GalleryOptions& options, GalleryInfo& info) {
  std::vector<char> out(set.ids.size(), 0);
  info.duplicates = options.duplicates;
  if (set.photo_sha256.empty()) {
    if (options.duplicates != "keep") {
      throw InputError("gallery.duplicates: " + options.duplicates +
                       " needs the photos' hashes, which these features do not have; embed the photos again");
    }
    return out;
  }
  const auto groups = IdenticalPhotos(set.photo_sha256);
  info.identical_photos = 0;
  for (const auto& group : groups) {
    *info.identical_photos += static_cast<std::int64_t>(group.size());
    for (const auto row : group) {
      if (options.duplicates == "drop" || (options.duplicates == "first" && row != group.front())) {
        out[static_cast<std::size_t>(row)] = 1;
      }
    }
  }
  if (groups.empty()) return out;
  const std::string kept = options.duplicates == "keep"    ? "all are kept"
                           : options.duplicates == "first" ? "the first of each group is kept"
                                                           : "they are left out";
  spdlog::warn(
      "gallery: {} of {} photos are byte-identical to another one, in {} group{}: {}; is it a placeholder of deleted "
      "photos? ({}; gallery.duplicates: keep, first or drop)",
      *info.identical_photos, set.size(), groups.size(), groups.size() == 1 ? "" : "s", Examples(groups, set.ids),
      kept);
  return out;
}

// The rows that are not left out.
Matrix Remaining(const Matrix& matrix, const std::vector<char>& out) {
  if (std::find(out.begin(), out.end(), 1) == out.end()) return matrix;
  Matrix kept(0, matrix.columns);
  for (std::int64_t i = 0; i < matrix.rows; ++i) {
    if (out[static_cast<std::size_t>(i)] != 0) continue;
    const auto row = matrix.Row(i);
    kept.values.insert(kept.values.end(), row.begin(), row.end());
    ++kept.rows;
  }
  return kept;
}

}  // namespace

GalleryInfo BuildImageGallery(const FeatureSet& set, const PhotoTable& table, const GalleryOptions& options,
                              const std::filesystem::path& folder) {
  options.Validate();
  CheckGalleryFolder(folder);
  if (set.kind != "photos")
    throw InputError("gallery.kind images needs features of photos, and these are of GPS points");
  std::unordered_map<std::string_view, const PhotoRow*> rows;
  for (const auto& row : table.rows) rows.emplace(row.id, &row);
  GalleryInfo info;
  const std::vector<char> left_out = LeaveOut(set, options, info);
  std::vector<GalleryItem> items;
  for (std::size_t i = 0; i < set.ids.size(); ++i) {
    const auto& id = set.ids[i];
    const auto found = rows.find(id);
    if (found == rows.end()) {
      throw InputError("features hold photo '" + Printable(id) + "', which is not in " + table.path.string());
    }
    if (!found->second->location) {
      throw InputError(table.path.string() + ":" + std::to_string(found->second->line) + ": photo '" + Printable(id) +
                       "' has no LAT, LON, which a gallery needs");
    }
    if (left_out[i] == 0) items.push_back({id, *found->second->location, found->second->author});
  }
  if (table.rows.size() > set.ids.size()) {
    spdlog::warn("gallery: {} of the {} photos in {} have no features and are left out",
                 table.rows.size() - set.ids.size(), table.rows.size(), table.path.string());
  }
  if (items.empty() && !set.ids.empty()) {
    throw InputError("gallery.duplicates: drop leaves no photo: each is byte-identical to another one");
  }
  info.features = options.features;
  info.normalize = options.normalize;
  info.model = set.model;
  auto as_images = options;
  as_images.kind = "images";
  const Matrix descriptors = ImageDescriptors(set, options.features, options.normalize);
  return WriteGallery(Remaining(descriptors, left_out), items, info, as_images, folder);
}

GalleryInfo BuildGpsGallery(const FeatureSet& set, const GalleryOptions& options, const std::filesystem::path& folder) {
  CheckGalleryFolder(folder);
  if (set.kind != "gps") throw InputError("gallery.kind gps needs features of GPS points (dualgeo embed gps)");
  std::vector<GalleryItem> items;
  for (std::size_t i = 0; i < set.ids.size(); ++i) items.push_back({set.ids[i], set.locations[i], ""});
  GalleryInfo info;
  info.features = {"projected_gps"};
  info.model = set.model;
  auto as_gps = options;
  as_gps.kind = "gps";
  return WriteGallery(GpsDescriptors(set), items, info, as_gps, folder);
}

GalleryInfo ReadGalleryInfo(const std::filesystem::path& folder) {
  const auto path = folder / kInfoFile;
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw InputError(folder.string() + ": no such gallery folder (dualgeo gallery build makes one)");
  }
  const auto json = nlohmann::json::parse(ReadFile(path, std::size_t{1} << 20), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw InputError(path.string() + ": is not a JSON object");
  const Fields fields(json, path.string());
  GalleryInfo info;
  info.kind = fields.Choice("kind", {"images", "gps"});
  info.metric = fields.Choice("metric", {"inner_product", "l2", "classical"});
  info.index = fields.Text("index");
  info.features = fields.Texts("features");
  info.model = fields.Text("model");
  info.dimension = fields.Count("dimension");
  info.count = fields.Count("count");
  // Not in galleries of earlier versions.
  if (fields.Has("identical_photos")) info.identical_photos = fields.Count("identical_photos");
  if (fields.Has("normalize")) info.normalize = fields.Flag("normalize");
  if (fields.Has("duplicates")) info.duplicates = fields.Choice("duplicates", {"keep", "first", "drop"});
  info.index_sha256 = fields.Text("index_sha256");
  info.items_sha256 = fields.Text("items_sha256");
  return info;
}

Gallery LoadGallery(const std::filesystem::path& folder) {
  auto info = ReadGalleryInfo(folder);
  const auto index_path = folder / kIndexFile;
  const auto items_path = folder / kItemsFile;
  // Hashes first: FAISS trusts what it reads.
  CheckHash(index_path, info.index_sha256);
  CheckHash(items_path, info.items_sha256);
  auto items = ReadItems(items_path);
  if (static_cast<std::int64_t>(items.size()) != info.count) {
    Disagree(folder, std::string(kItemsFile) + " has " + std::to_string(items.size()) + " rows",
             std::string(kInfoFile) + " says count " + std::to_string(info.count));
  }
  auto index = VectorIndex::Load(index_path);
  const auto check = [&](const std::string& what, const std::string& have, const std::string& want) {
    if (have != want) {
      Disagree(folder, std::string(kIndexFile) + " has " + what + " " + have,
               std::string(kInfoFile) + " says " + what + " " + want);
    }
  };
  check("count", std::to_string(index.size()), std::to_string(info.count));
  check("dimension", std::to_string(index.dimension()), std::to_string(info.dimension));
  check("metric", index.metric(), info.metric);
  return {folder, std::move(info), std::move(items), std::move(index)};
}

Matrix QueryDescriptors(const GalleryInfo& gallery, const FeatureSet& photos) {
  if (photos.kind == "gps") {
    throw InputError("a gallery is asked with features of photos or texts, and these are of GPS points");
  }
  if (!gallery.model.empty() && !photos.model.empty() && gallery.model != photos.model) {
    throw InputError("the gallery was made by another model (" + gallery.model.substr(0, 12) +
                     ") than the photos' features (" + photos.model.substr(0, 12) +
                     "); embed the photos with the gallery's checkpoint, or build the gallery again");
  }
  auto queries = photos.kind == "texts"  ? TextQueries(photos, gallery.kind, gallery.features)
                 : gallery.kind == "gps" ? GpsQueries(photos)
                                         : ImageDescriptors(photos, gallery.features, gallery.normalize);
  if (queries.columns != gallery.dimension) {
    throw InputError("the photos' descriptors [" + Join(gallery.features) + "] have " +
                     std::to_string(queries.columns) + " dimensions, the gallery's " +
                     std::to_string(gallery.dimension));
  }
  return queries;
}

}  // namespace dualgeo
