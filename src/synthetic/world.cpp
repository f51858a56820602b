#include "synthetic/world.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <set>
#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "synthetic/world_contact_sheet.h"
#include "synthetic/world_places.h"
#include "synthetic/world_render.h"
#include "util/atomic_file.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kMarker = "world.incomplete";
constexpr const char* kTables[] = {"photos.csv", "train.csv", "query.csv", "new_places.csv", "places.csv"};
constexpr const char* kSplits[] = {"train", "query", "new_places"};

// A photo to be made: everything but its pixels.
struct Shot {
  std::size_t place = 0;
  std::string id;
  int split = 0;  // of kSplits
  std::string author;
  Conditions conditions;
  LatLon location;
  std::uint64_t seed = 0;
  double heading = 0;     // filled when it is drawn
  std::string condition;  // of conditions/; empty: a photo of the world itself
};

// Below which images/, masks/ and tables lie.
fs::path FolderOf(const fs::path& out, const std::string& condition) {
  return condition.empty() ? out : out / "conditions" / condition;
}

std::string Fixed(double value, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Three people photograph a base place and its neighbours for training, two others for testing.
std::string Author(std::size_t base, int split, std::uint64_t which) {
  const auto number = base * 10 + (split == 0 ? 0 : 5) + which;
  return "author-" + Fixed(static_cast<double>(number), "%05.0f");
}

// Europe/Oslo~street, view 3 -> Europe-Oslo/street_03.jpg
std::string PhotoId(const WorldPlace& place, int view) {
  std::string folder = place.base;
  std::replace(folder.begin(), folder.end(), '/', '-');
  return folder + "/" + Name(place.kind) + "_" + Fixed(view, "%02.0f") + ".jpg";
}

std::vector<Shot> PlanShots(const WorldOptions& o, const std::vector<WorldPlace>& places, std::uint64_t seed) {
  const auto train = MakeConditionChoices(o.times, o.seasons, o.weathers, o.exposure);
  const auto or_train = [](const auto& own, const auto& trains) { return own.empty() ? trains : own; };
  const auto test = MakeConditionChoices(or_train(o.query_times, o.times), or_train(o.query_seasons, o.seasons),
                                         or_train(o.query_weathers, o.weathers), o.exposure);
  const int query = std::clamp(static_cast<int>(std::lround(o.views * o.query_fraction)), 1, o.views - 1);
  std::vector<Shot> shots;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const WorldPlace& place = places[i];
    const auto climate = SketchClimate(place.base_location, seed);
    const int views = place.held_out ? query : o.views;
    for (int v = 0; v < views; ++v) {
      Shot shot;
      shot.place = i;
      shot.id = PhotoId(place, v);
      shot.split = place.held_out ? 2 : (v < o.views - query ? 0 : 1);
      shot.seed = DeriveSeed(DeriveSeed(seed, "world-view", place.base_index, static_cast<std::uint64_t>(place.kind)),
                             "view", static_cast<std::uint64_t>(v));
      Random random(DeriveSeed(shot.seed, "shot"));
      shot.author = Author(place.base_index, shot.split, random.Below(shot.split == 0 ? 3 : 2));
      shot.conditions = DrawConditions(shot.split == 0 ? train : test, climate, random);
      // Photographers stand a few steps apart, and receivers are not exact: some 15 m.
      const double metre = 1 / 111195.0, north = std::clamp(random.Normal(), -2.5, 2.5) * 15 * metre,
                   east = std::clamp(random.Normal(), -2.5, 2.5) * 15 * metre;
      const double lat = std::clamp(place.location.lat + north, -90.0, 90.0);
      shot.location = {
          lat, std::clamp(place.location.lon + east / std::max(0.01, std::cos(lat * CV_PI / 180)), -180.0, 180.0)};
      shots.push_back(shot);
      if (shot.split != 1) continue;
      // All draws are as they were: only the conditions differ.
      for (const std::string& condition : o.conditions) {
        Shot again = shot;
        again.condition = condition;
        again.conditions = Change(shot.conditions, condition);
        shots.push_back(std::move(again));
      }
    }
  }
  return shots;
}

void WritePixels(const fs::path& path, const std::vector<uchar>& bytes) {
  std::error_code code;
  if (const auto size = fs::file_size(path, code); !code && size == bytes.size()) return;  // of an earlier try
  WriteFileAtomically(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, Durability::kUnsynced);
}

void WriteShot(const WorldOptions& o, const Scene& scene, const fs::path& out, Shot& shot) {
  const WorldView view = RenderView(scene, shot.conditions, shot.seed, o.size);
  shot.heading = view.heading;
  std::vector<uchar> bytes;
  cv::imencode(".jpg", view.photo, bytes, {cv::IMWRITE_JPEG_QUALITY, o.jpeg_quality});
  const fs::path folder = FolderOf(out, shot.condition);
  WritePixels(folder / "images" / shot.id, bytes);
  cv::imencode(".png", view.mask, bytes, {cv::IMWRITE_PNG_COMPRESSION, 3});
  WritePixels((folder / "masks" / shot.id).replace_extension(".png"), bytes);
}

// Photos of one place share their scene, so a worker takes a place at a time.
void WriteShots(const WorldOptions& o, const std::vector<WorldPlace>& places, std::uint64_t seed, const fs::path& out,
                int threads, std::vector<Shot>& shots, double& photos_per_second) {
  std::vector<std::size_t> first(places.size() + 1, shots.size());
  for (std::size_t i = shots.size(); i-- > 0;) first[shots[i].place] = i;
  std::atomic<std::size_t> next{0}, done{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    try {
      for (std::size_t i; !stop && (i = next++) < places.size();) {
        const Scene scene = MakeScene(places[i], seed);
        for (std::size_t j = first[i]; j < first[i + 1]; ++j) {
          if (StopRequested()) stop = true;
          if (stop) return;
          WriteShot(o, scene, out, shots[j]);
          ++done;
        }
      }
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      stop = true;
    }
  };
  Progress progress("world", static_cast<std::int64_t>(shots.size()), "photos");
  const auto start = std::chrono::steady_clock::now();
  std::atomic<int> working{threads};
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      work();
      --working;
    });
  }
  while (working > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    progress.Update(static_cast<std::int64_t>(done));
  }
  workers.clear();
  if (failure) std::rethrow_exception(failure);
  ThrowIfStopped();
  progress.Finish();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  photos_per_second = static_cast<double>(shots.size()) / std::max(1e-9, seconds.count());
}

// split: of kSplits; -1: all.
std::size_t WriteTable(const fs::path& path, const std::vector<WorldPlace>& places, const std::vector<Shot>& shots,
                       int split, const std::string& condition = "") {
  AtomicFile file(path);
  CsvWriter csv(file.stream(), {"IMG_ID", "LAT", "LON", "AUTHOR", "COUNTRY", "PLACE", "BASE", "NEIGHBOUR", "TIME",
                                "SEASON", "WEATHER", "EXPOSURE", "HEADING", "SPLIT"});
  std::size_t rows = 0;
  for (const Shot& s : shots) {
    if ((split >= 0 && s.split != split) || s.condition != condition) continue;
    const WorldPlace& p = places[s.place];
    csv.Row({s.id, Fixed(s.location.lat, "%.6f"), Fixed(s.location.lon, "%.6f"), s.author, p.country, p.name, p.base,
             Name(p.kind), Name(s.conditions.time), Name(s.conditions.season), Name(s.conditions.weather),
             Fixed(s.conditions.exposure, "%.3f"), Fixed(s.heading, "%.1f"), kSplits[s.split]});
    ++rows;
  }
  file.Commit();
  return rows;
}

void WritePlaces(const fs::path& path, const std::vector<WorldPlace>& places, std::uint64_t seed) {
  AtomicFile file(path);
  CsvWriter csv(file.stream(), {"PLACE", "LAT", "LON", "COUNTRY", "BASE", "NEIGHBOUR", "HELD_OUT", "CLIMATE", "RIDGE",
                                "LANDMARK", "DRIVES"});
  for (const WorldPlace& p : places) {
    ThrowIfStopped();
    const Scene s = MakeScene(p, seed);
    csv.Row({p.name, Fixed(p.location.lat, "%.6f"), Fixed(p.location.lon, "%.6f"), p.country, p.base, Name(p.kind),
             p.held_out ? "1" : "0", Name(s.climate.climate), Name(s.ridge_kind), Name(s.landmark.kind),
             s.style.drives_left ? "left" : "right"});
  }
  file.Commit();
}

// The options as JSON, from the one list of fields.
struct JsonVisitor {
  Json json;
  template <class T, class... Rules>
  void Field(const char* name, const T& value, const char*, const Rules&...) {
    json[name] = value;
  }
};

Json SettingsJson(const WorldOptions& options) {
  JsonVisitor settings;
  WorldOptions copy = options;
  copy.Visit(settings);
  return settings.json;
}

// Of the world at `out`, whole or in the making; null when nobody knows.
Json SettingsOf(const fs::path& out) {
  for (const char* name : {"world.json", kMarker}) {
    if (!fs::exists(out / name)) continue;
    const Json json = Json::parse(ReadFile(out / name), nullptr, false);
    if (json.is_object() && json.contains("settings")) return json["settings"];
  }
  return nullptr;
}

// Ready for a world with `settings`: what is there of the same one stays, an older one is removed, anything else stays
// and is an error.
void PrepareFolder(const fs::path& out, const Json& settings) {
  if (fs::exists(out) && !fs::is_directory(out)) throw InputError(out.string() + ": is a file, not a folder");
  // A kill while the marker was written leaves its temporary file alone.
  const bool empty = !fs::exists(out) || std::all_of(fs::directory_iterator(out), fs::directory_iterator(),
                                                     [](const auto& entry) { return IsTemporary(entry.path()); });
  if (!empty && !fs::exists(out / "world.json") && !fs::exists(out / kMarker)) {
    throw InputError(out.string() + ": holds files that are not a world's; choose an empty or new folder");
  }
  const auto mark = [&](const Json& settings_of_photos) {
    const Json marker = {{"what", "this synthetic world is being written, or writing it was interrupted"},
                         {"settings", settings_of_photos}};
    WriteFileAtomically(out / kMarker, marker.dump(2) + "\n");
  };
  // First the marker: from here on the folder is a world in the making.
  const Json there = SettingsOf(out);
  mark(there);
  if (there == settings) return;
  for (const char* table : kTables) fs::remove(out / table);
  for (const char* file : {"world.json", "contact_sheet.png"}) fs::remove(out / file);
  for (const char* folder : {"images", "masks", "conditions"}) fs::remove_all(out / folder);
  mark(settings);  // last: after a kill no photo of the older world must pass for one of this
}

// Photos and masks of one table.
std::int64_t MissingOf(const fs::path& folder, const fs::path& table) {
  if (!fs::exists(table)) return 1;
  std::int64_t missing = 0;
  const CsvTable csv = CsvTable::Read(table);
  const std::size_t id = csv.Require("IMG_ID");
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const fs::path name = csv.Cell(row, id);
    missing += fs::exists(folder / "images" / name) ? 0 : 1;
    missing += fs::exists((folder / "masks" / name).replace_extension(".png")) ? 0 : 1;
  }
  return missing;
}

// OpenCV's own threads would only get in the way of ours.
class SingleThreadedOpenCv {
 public:
  SingleThreadedOpenCv() { cv::setNumThreads(1); }
  ~SingleThreadedOpenCv() { cv::setNumThreads(before_); }
  SingleThreadedOpenCv(const SingleThreadedOpenCv&) = delete;
  SingleThreadedOpenCv& operator=(const SingleThreadedOpenCv&) = delete;

 private:
  int before_ = cv::getNumThreads();
};

}  // namespace

bool IsWorldOf(const WorldOptions& options, const fs::path& out) { return SettingsOf(out) == SettingsJson(options); }

std::int64_t MissingWorldFiles(const fs::path& out) {
  std::int64_t missing = MissingOf(out, out / "photos.csv");
  for (const char* table : kTables) missing += fs::exists(out / table) ? 0 : 1;
  std::error_code code;
  for (const auto& condition : fs::directory_iterator(out / "conditions", code)) {
    missing += MissingOf(condition.path(), condition.path() / "query.csv");
  }
  return missing;
}

WorldSummary WriteWorld(const WorldOptions& options, const fs::path& out, int threads) {
  options.Validate();
  const auto seed = static_cast<std::uint64_t>(options.seed);
  const auto zones = SpreadZones(ReadZoneTable(options.zone_table), static_cast<std::size_t>(options.places));
  std::vector<Neighbour> kinds;
  for (const Neighbour kind : {Neighbour::kStreet, Neighbour::kCity, Neighbour::kRegion}) {
    if (std::count(options.neighbours.begin(), options.neighbours.end(), Name(kind)) != 0) kinds.push_back(kind);
  }
  const auto places = MakePlaces(zones, kinds, seed);
  auto shots = PlanShots(options, places, seed);

  PrepareFolder(out, SettingsJson(options));
  std::set<fs::path> folders;
  for (const Shot& shot : shots) {
    for (const char* kind : {"images", "masks"}) {
      folders.insert((FolderOf(out, shot.condition) / kind / shot.id).parent_path());
    }
  }
  for (const auto& folder : folders) CreateFolder(folder);
  if (threads <= 0) threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  WorldSummary summary;
  const SingleThreadedOpenCv single;
  WriteShots(options, places, seed, out, threads, shots, summary.photos_per_second);

  SyncFolder(out);  // the photos, before the tables that name them
  std::vector<uchar> sheet;
  cv::imencode(".png", DrawContactSheet(places, seed), sheet);
  WriteFileAtomically(out / "contact_sheet.png", {reinterpret_cast<const char*>(sheet.data()), sheet.size()});

  summary.base_places = zones.size();
  summary.places = places.size();
  summary.train = WriteTable(out / "train.csv", places, shots, 0);
  summary.query = WriteTable(out / "query.csv", places, shots, 1);
  summary.new_places = WriteTable(out / "new_places.csv", places, shots, 2);
  for (const std::string& condition : options.conditions) {
    WriteTable(FolderOf(out, condition) / "query.csv", places, shots, 1, condition);
  }
  WritePlaces(out / "places.csv", places, seed);
  summary.photos = WriteTable(out / "photos.csv", places, shots, -1);

  Json json;
  json["what"] = "synthetic world: rendered places, not photos; a laboratory, not evidence about real photos";
  json["synthetic"] = true;
  json["settings"] = SettingsJson(options);
  json["counts"] = {{"base_places", summary.base_places},
                    {"places", summary.places},
                    {"photos", summary.photos},
                    {"train", summary.train},
                    {"query", summary.query},
                    {"new_places", summary.new_places}};
  WriteFileAtomically(out / "world.json", json.dump(2) + "\n");
  fs::remove(out / kMarker);
  return summary;
}

}  // namespace dualgeo
