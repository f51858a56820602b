#include "dualgeo/gallery/gallery_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <unordered_map>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/text.h"
#include "dualgeo/util/version.h"
#include "gallery/descriptor.h"
#include "gallery_writer.h"
#include "io/csv.h"
#include "util/atomic_file.h"
#include "util/output_path.h"

namespace dualgeo {
namespace {

constexpr const char* kIndexFile = "index.faiss";
constexpr const char* kItemsFile = "items.csv";
constexpr const char* kInfoFile = "gallery.json";
constexpr const char* kCheckedFile = "checked.json";

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

std::int64_t NanosecondsOf(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

constexpr std::int64_t kSettledAfterNs = 2'000'000'000;

// What is compared instead of hashes; null for a file that is not there.
nlohmann::json StampsOf(const std::filesystem::path& folder, const GalleryInfo& info) {
  nlohmann::json stamps = nlohmann::json::object();
  for (const auto& [name, hash] :
       {std::pair(kIndexFile, info.index_sha256), std::pair(kItemsFile, info.items_sha256)}) {
    struct stat file = {};
    if (stat((folder / name).c_str(), &file) != 0) continue;
    stamps[name] = {{"size", static_cast<std::int64_t>(file.st_size)},
                    {"modified_ns", NanosecondsOf(file.st_mtim)},
                    {"sha256", hash}};
  }
  return stamps;
}

bool Settled(const nlohmann::json& stamps) {
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return std::ranges::all_of(stamps, [&](const auto& stamp) {
    return stamp["modified_ns"].template get<std::int64_t>() < now - kSettledAfterNs;
  });
}

// Finishes a gallery whose index and items are written: gallery.json with their hashes, and what is known of the files.
void Sign(const std::filesystem::path& folder, GalleryInfo& info) {
  info.index_sha256 = Sha256File(folder / kIndexFile);
  info.items_sha256 = Sha256File(folder / kItemsFile);
  WriteFileAtomically(folder / kInfoFile, ToJson(info).dump(2) + "\n");
  // Their times go back by what must lie between a change and its hash: who writes to them from now on gives them
  // another time, even within this tick of the clock.
  for (const char* name : {kIndexFile, kItemsFile}) {
    struct stat file = {};
    if (stat((folder / name).c_str(), &file) != 0) continue;
    timespec times[2] = {file.st_atim, file.st_mtim};
    times[1].tv_sec -= kSettledAfterNs / 1'000'000'000;
    utimensat(AT_FDCWD, (folder / name).c_str(), times, 0);
  }
  WriteFileAtomically(folder / kCheckedFile, StampsOf(folder, info).dump(2) + "\n");
}

KeepIndex KeepBeside(const std::filesystem::path& folder) {
  return {folder.has_filename() ? folder : folder.parent_path()};
}

GalleryInfo BuildInMemory(const Matrix& vectors, const std::vector<GalleryItem>& items, GalleryInfo info,
                          const GalleryOptions& options, const std::filesystem::path& folder) {
  const auto index = VectorIndex::Build(vectors, options.index, options.metric, KeepBeside(folder));
  info.metric = index.metric();
  info.index = options.index;
  info.dimension = vectors.columns;
  info.count = vectors.rows;
  info = WriteGallery(items, info, folder, [&](const std::filesystem::path& path) { index.Write(path); });
  index.RemovePartial();  // not before: a full disk must not cost the graph
  return info;
}

GalleryInfo BuildStreamed(const VectorBlocks& vectors, const std::string& made_from,
                          const std::vector<GalleryItem>& items, GalleryInfo info, const GalleryOptions& options,
                          const std::filesystem::path& folder) {
  info.metric = options.metric;
  info.index = options.index;
  info.dimension = vectors.columns;
  info.count = vectors.rows;
  const StreamedBuild build{options.memory_gb, made_from, KeepBeside(folder)};
  std::filesystem::path kept;
  info = WriteGallery(items, info, folder, [&](const std::filesystem::path& path) {
    kept = VectorIndex::BuildFile(vectors, options.index, options.metric, build, path);
  });
  VectorIndex::RemoveKept(kept);
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

// Hashing an index takes longer than reading what a search needs of it. So a gallery remembers at which size and time
// its files had the hashes of gallery.json (neither inode nor ctime: a copy made with its times is the same), and any
// other size or time has them hashed again. What FAISS is given is walked in any case (index_file.h).
void CheckFiles(const std::filesystem::path& folder, const GalleryInfo& info, GalleryCheck check) {
  const auto path = folder / kCheckedFile;
  nlohmann::json known;
  std::error_code ignored;
  if (check == GalleryCheck::kChanges && std::filesystem::exists(path, ignored)) {
    known = nlohmann::json::parse(ReadFile(path, std::size_t{1} << 16), nullptr, /*allow_exceptions=*/false);
  }
  const nlohmann::json now = StampsOf(folder, info);
  bool hashed = false;
  for (const auto& [name, expected] :
       {std::pair(kIndexFile, info.index_sha256), std::pair(kItemsFile, info.items_sha256)}) {
    if (known.is_object() && known.contains(name) && now.contains(name) && known[name] == now[name]) continue;
    CheckHash(folder / name, expected);
    hashed = true;
  }
  // A file that changed just now could change once more within the same tick of its clock.
  if (!hashed || !Settled(now)) return;
  try {
    WriteFileAtomically(path, now.dump(2) + "\n");
  } catch (const Error&) {  // a folder that cannot be written: hashed each time
  }
}

[[noreturn]] void Disagree(const std::filesystem::path& folder, const std::string& a, const std::string& b) {
  throw InputError(folder.string() + ": the gallery's files disagree: " + a + ", but " + b +
                   "; build the gallery again");
}

std::vector<GalleryItem> ReadCountedItems(const std::filesystem::path& folder, const GalleryInfo& info) {
  auto items = ReadItems(folder / kItemsFile);
  if (static_cast<std::int64_t>(items.size()) != info.count) {
    Disagree(folder, std::string(kItemsFile) + " has " + std::to_string(items.size()) + " rows",
             std::string(kInfoFile) + " says count " + std::to_string(info.count));
  }
  return items;
}

}  // namespace

GalleryInfo WriteGallery(const std::vector<GalleryItem>& items, GalleryInfo info, const std::filesystem::path& folder,
                         const std::function<void(const std::filesystem::path&)>& write_index) {
  WriteFolderAtomically(folder, [&](const std::filesystem::path& temporary) {
    write_index(temporary / kIndexFile);
    AtomicFile file(temporary / kItemsFile);
    CsvWriter csv(file.stream(), {"row", "IMG_ID", "LAT", "LON", "AUTHOR"});
    for (std::size_t i = 0; i < items.size(); ++i) {
      csv.Row({std::to_string(i), items[i].id, FormatDouble(items[i].location.lat), FormatDouble(items[i].location.lon),
               items[i].author});
    }
    file.Commit();
    Sign(temporary, info);
  });
  return info;
}

void CheckGalleryFolder(const std::filesystem::path& folder) {
  CheckFolderIsOurs(folder, "a gallery", kInfoFile, {kIndexFile, kItemsFile, kInfoFile, kCheckedFile});
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

}  // namespace

Matrix Remaining(Matrix matrix, const std::vector<char>& out) {
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

std::vector<GalleryItem> ImageItems(const FeatureSet& set, const PhotoTable& table, const GalleryOptions& options,
                                    std::vector<char>& left_out, GalleryInfo& info) {
  if (set.kind != "photos")
    throw InputError("gallery.kind images needs features of photos, and these are of GPS points");
  std::unordered_map<std::string_view, const PhotoRow*> rows;
  for (const auto& row : table.rows) rows.emplace(row.id, &row);
  left_out = LeaveOut(set, options, info);
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
  info.kind = "images";
  info.features = options.features;
  info.normalize = options.normalize;
  info.model = set.model;
  return items;
}

std::vector<GalleryItem> GpsItems(const FeatureSet& set, GalleryInfo& info) {
  if (set.kind != "gps") throw InputError("gallery.kind gps needs features of GPS points (dualgeo embed gps)");
  std::vector<GalleryItem> items;
  for (std::size_t i = 0; i < set.ids.size(); ++i) items.push_back({set.ids[i], set.locations[i], ""});
  info.kind = "gps";
  info.features = {"projected_gps"};
  info.model = set.model;
  return items;
}

namespace {

// The features of a file that go into a gallery, a block of photos at a time.
class FileVectors {
 public:
  FileVectors(FeatureFile& file, const GalleryInfo& info, const std::vector<char>& left_out)
      : file_(file), info_(info), made_from_(StampOf(file.path())) {
    const auto there = file.names();
    for (const auto& name : info.features) {
      // What ImageDescriptors wants and does not find, it says better.
      if (info.normalize || std::ranges::find(there, name + kRawSuffix) != there.end()) {
        names_.push_back(info.normalize ? name : name + kRawSuffix);
      }
    }
    made_from_ += " " + Join(names_) + (left_out.empty() ? "" : " " + Sha256({left_out.data(), left_out.size()}));
    for (std::int64_t i = 0; i < file.head().size(); ++i) {
      if (left_out.empty() || left_out[static_cast<std::size_t>(i)] == 0) rows_.push_back(i);
    }
    blocks_.rows = static_cast<std::int64_t>(rows_.size());
    blocks_.columns = Read(0, std::min<std::int64_t>(1, blocks_.rows)).columns;
    blocks_.read = [this](std::int64_t first, std::int64_t count) { return Read(first, count); };
  }
  FileVectors(const FileVectors&) = delete;
  FileVectors& operator=(const FileVectors&) = delete;

  const VectorBlocks& blocks() const { return blocks_; }
  // The file as it is now, and what is read of it.
  const std::string& made_from() const { return made_from_; }

 private:
  static std::string StampOf(const std::filesystem::path& path) {
    struct stat file = {};
    if (stat(path.c_str(), &file) != 0) throw InputError(path.string() + ": cannot be read");
    return std::to_string(file.st_size) + " " + std::to_string(NanosecondsOf(file.st_mtim));
  }

  Matrix Read(std::int64_t first, std::int64_t count) {
    Matrix all;
    for (std::int64_t done = 0; done < count;) {
      // Rows that follow each other in the file.
      const std::int64_t begin = rows_[static_cast<std::size_t>(first + done)];
      std::int64_t run = 1;
      while (done + run < count && rows_[static_cast<std::size_t>(first + done + run)] == begin + run) ++run;
      Matrix part = Descriptors(file_.Read(names_, begin, run));
      done += run;
      if (run == count) return part;
      all.columns = part.columns;
      all.rows += run;
      all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    }
    return all;
  }
  Matrix Descriptors(const FeatureSet& block) const {
    return info_.kind == "gps" ? GpsDescriptors(block) : ImageDescriptors(block, info_.features, info_.normalize);
  }

  FeatureFile& file_;
  const GalleryInfo& info_;
  std::string made_from_;
  std::vector<std::string> names_;
  std::vector<std::int64_t> rows_;  // of the file
  VectorBlocks blocks_;
};

}  // namespace

GalleryInfo BuildImageGallery(const FeatureSet& set, const PhotoTable& table, const GalleryOptions& options,
                              const std::filesystem::path& folder) {
  options.Validate();
  CheckGalleryFolder(folder);
  GalleryInfo info;
  std::vector<char> left_out;
  const auto items = ImageItems(set, table, options, left_out, info);
  return BuildInMemory(Remaining(ImageDescriptors(set, options.features, options.normalize), left_out), items, info,
                       options, folder);
}

GalleryInfo BuildGpsGallery(const FeatureSet& set, const GalleryOptions& options, const std::filesystem::path& folder) {
  CheckGalleryFolder(folder);
  GalleryInfo info;
  const auto items = GpsItems(set, info);
  return BuildInMemory(GpsDescriptors(set), items, info, options, folder);
}

GalleryInfo BuildGallery(const std::filesystem::path& features, const PhotoTable& table, const GalleryOptions& options,
                         const std::filesystem::path& folder) {
  options.Validate();
  CheckGalleryFolder(folder);
  FeatureFile file(features);
  GalleryInfo info;
  std::vector<char> left_out;
  const auto items =
      options.kind == "gps" ? GpsItems(file.head(), info) : ImageItems(file.head(), table, options, left_out, info);
  const FileVectors vectors(file, info, left_out);
  return BuildStreamed(vectors.blocks(), vectors.made_from(), items, info, options, folder);
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

std::vector<GalleryItem> LoadItems(const std::filesystem::path& folder, const GalleryInfo& info) {
  CheckFiles(folder, info, GalleryCheck::kChanges);
  return ReadCountedItems(folder, info);
}

std::filesystem::path IndexFileOf(const std::filesystem::path& folder) { return folder / kIndexFile; }

std::string DifferenceOf(const GalleryInfo& a, const GalleryInfo& b) {
  const auto vectors = [](const GalleryInfo& info) {
    return info.normalize ? std::string("normalised") : std::string("as networks give them");
  };
  const std::tuple<const char*, std::string, std::string> all[] = {
      {"its kind is", a.kind, b.kind},
      {"its metric is", a.metric, b.metric},
      {"its features are", Join(a.features), Join(b.features)},
      {"its vectors have the dimension", std::to_string(a.dimension), std::to_string(b.dimension)},
      {"its vectors are", vectors(a), vectors(b)},
      {"its model is", a.model.empty() ? b.model : a.model, b.model.empty() ? a.model : b.model}};
  for (const auto& [what, first, second] : all) {
    if (first == second) continue;
    return std::string(what) + " " + Printable(second, 200) + ", not " + Printable(first, 200);
  }
  return "";
}

Gallery LoadGallery(const std::filesystem::path& folder, GalleryCheck check_files) {
  auto info = ReadGalleryInfo(folder);
  CheckFiles(folder, info, check_files);
  auto items = ReadCountedItems(folder, info);
  auto index = VectorIndex::Load(folder / kIndexFile);
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

Gallery CheckGallery(const std::filesystem::path& folder) {
  Gallery gallery = LoadGallery(folder, GalleryCheck::kAll);
  const auto values = gallery.index.vectors();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw InputError((folder / kIndexFile).string() + ": vector " +
                     std::to_string(i / static_cast<std::size_t>(gallery.info.dimension)) +
                     " has a value that is not finite");
  }
  return gallery;
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
