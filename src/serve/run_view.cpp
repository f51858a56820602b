#include "run_view.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "data/data_url.h"
#include "data/mask.h"
#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "geo/land.h"
#include "io/csv.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostConditionValues = 40;  // of a column that can be filtered by

Json OrNull(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json PlaceJson(const std::optional<LatLon>& place) {
  return place ? Json::array({place->lat, place->lon}) : Json(nullptr);
}

// The columns of the truth table that say something of a few kinds: weather, season, camera ...
struct ConditionTable {
  std::vector<std::string> columns;
  std::vector<std::set<std::string>> values;
  std::unordered_map<std::string, std::vector<std::string>> of;  // by photo
  std::unordered_map<std::string, std::string> country;
};

ConditionTable ReadConditions(const fs::path& path, const PhotoColumns& names) {
  ConditionTable table;
  if (path.empty() || !fs::exists(path)) return table;
  const CsvTable csv = CsvTable::Read(path);
  const auto id = csv.Find(names.id);
  if (!id) return table;
  std::vector<std::size_t> kept;
  for (std::size_t c = 0; c < csv.header().size(); ++c) {
    const std::string& name = csv.header()[c];
    if (c == *id || name == names.lat || name == names.lon || name == names.author || name == "COUNTRY") continue;
    std::set<std::string> values;
    for (std::size_t row = 0; row < csv.rows() && values.size() <= kMostConditionValues; ++row) {
      values.emplace(csv.Text(row, c));
    }
    if (values.size() < 2 || values.size() > kMostConditionValues) continue;
    kept.push_back(c);
    table.columns.push_back(name);
    table.values.push_back(std::move(values));
  }
  const auto country = csv.Find("COUNTRY");
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    auto& values = table.of[std::string(csv.Cell(row, *id))];
    for (const std::size_t c : kept) values.emplace_back(csv.Text(row, c));
    if (country) table.country[std::string(csv.Cell(row, *id))] = csv.Text(row, *country);
  }
  return table;
}

}  // namespace

struct RunView::Set {
  std::string json;
  std::unordered_map<std::string, LatLon> truth;
  std::unordered_map<std::string, std::optional<LatLon>> answer;
  std::unordered_map<std::string, CandidateList> lists;
  fs::path images, masks;
};

RunView::RunView(const fs::path& run_dir) : paths_(run_dir) {
  if (!fs::is_directory(run_dir)) throw InputError(run_dir.string() + ": no such folder");
  if (!fs::exists(paths_.config())) throw InputError(run_dir.string() + ": not a run's folder: config.yaml is missing");
  options_ = ReadKeptExperiment(paths_.config());
  options_.run_dir = run_dir.string();
  paths_ = RunPaths(options_);
  for (const auto& entry : fs::directory_iterator(paths_.root)) {
    if (entry.is_directory() && fs::exists(entry.path() / "errors.csv")) {
      benchmarks_.push_back(entry.path().filename().string());
    }
  }
  std::ranges::sort(benchmarks_);
  if (const fs::path items = paths_.gallery() / "items.csv"; fs::exists(items) && options_.gallery.kind == "images") {
    const CsvTable csv = CsvTable::Read(items);
    const auto id = csv.Require("IMG_ID");
    for (std::size_t row = 0; row < csv.rows(); ++row) gallery_ids_.emplace(csv.Cell(row, id));
  }
}

nlohmann::ordered_json RunView::Summary() const {
  Json json = {{"title", options_.name}, {"benchmarks", Json::array()}};
  for (const auto& name : benchmarks_) {
    Json metrics = Json::object();
    if (const auto file = paths_.of(name, "metrics.json"); fs::exists(file)) {
      metrics = Json::parse(ReadFile(file), nullptr, /*allow_exceptions=*/false);
    }
    Json scores = {{"name", name}};
    for (const char* key : {"method", "note", "count", "answered", "accuracy", "ci95", "median_km", "geoscore"}) {
      if (metrics.is_object() && metrics.contains(key)) scores[key] = metrics[key];
    }
    json["benchmarks"].push_back(std::move(scores));
  }
  return json;
}

RunView::Set& RunView::Load(const std::string& name) {
  if (std::ranges::find(benchmarks_, name) == benchmarks_.end()) {
    throw InputError("no benchmark '" + Printable(name, 60) + "'; there are: " + Join(benchmarks_));
  }
  const std::lock_guard lock(mutex_);
  auto& slot = sets_[name];
  if (slot) return *slot;
  auto set = std::make_shared<Set>();
  ConditionTable conditions;
  if (const auto found = options_.data.benchmarks.find(name); found != options_.data.benchmarks.end()) {
    conditions = ReadConditions(found->second.csv, found->second.columns);
    set->images = found->second.images;
    set->masks = found->second.masks;
  } else {
    set->images = options_.data.train.images;
    set->masks = options_.data.train.masks;
  }
  if (const fs::path predicted = paths_.masks(name); fs::exists(predicted)) set->masks = predicted;
  fs::path lists = paths_.of(name, "reranked.csv");
  if (!fs::exists(lists)) lists = paths_.candidates(name);
  if (fs::exists(lists)) {
    for (auto& list : ReadCandidates(lists)) {
      std::string id = list.query_id;
      set->lists.emplace(std::move(id), std::move(list));
    }
  }

  Json json = {{"name", name}, {"conditions", Json::object()}};
  for (std::size_t c = 0; c < conditions.columns.size(); ++c)
    json["conditions"][conditions.columns[c]] = conditions.values[c];
  json["fields"] = {"id", "truth", "answer", "km", "radius_km", "p_25km", "first", "first_km", "country", "conditions"};
  json["photos"] = Json::array();
  const CsvTable csv = CsvTable::Read(paths_.of(name, "errors.csv"));
  const auto id = csv.Require("IMG_ID"), lat = csv.Require("LAT"), lon = csv.Require("LON");
  const auto lat_pred = csv.Require("LAT_pred"), lon_pred = csv.Require("LON_pred");
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    const std::string photo(csv.Cell(row, id));
    const LatLon truth{csv.Number(row, lat), csv.Number(row, lon)};
    std::optional<LatLon> answer, first;
    std::optional<double> km, first_km, radius, p25;
    if (!csv.Cell(row, lat_pred).empty()) {
      answer = LatLon{csv.Number(row, lat_pred), csv.Number(row, lon_pred)};
      km = GeodesicKm(truth, *answer);
    }
    if (const auto list = set->lists.find(photo); list != set->lists.end()) {
      for (const auto& candidate : list->second.candidates) {
        if (!candidate.similar || candidate.retrieval_rank.value_or(candidate.rank) != 1) continue;
        first = candidate.location;
        first_km = GeodesicKm(truth, candidate.location);
      }
      if (const auto& estimate = list->second.estimate) {
        radius = estimate->confidence_km;
        p25 = estimate->within[1];
      }
    }
    const auto named = conditions.country.find(photo);
    const CountryShape* country = named == conditions.country.end() ? CountryAt(truth, 20) : nullptr;
    const auto of = conditions.of.find(photo);
    json["photos"].push_back({photo, PlaceJson(truth), PlaceJson(answer), OrNull(km), OrNull(radius), OrNull(p25),
                              PlaceJson(first), OrNull(first_km),
                              named != conditions.country.end() ? named->second
                              : country                         ? country->code
                                                                : "",
                              of == conditions.of.end() ? Json::array() : Json(of->second)});
    set->truth[photo] = truth;
    set->answer[photo] = answer;
  }
  set->json = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  slot = std::move(set);
  return *slot;
}

const std::string& RunView::Benchmark(const std::string& name) { return Load(name).json; }

nlohmann::ordered_json RunView::Photo(const std::string& benchmark, const std::string& id) {
  const Set& set = Load(benchmark);
  const auto truth = set.truth.find(id);
  if (truth == set.truth.end()) throw InputError("no photo '" + Printable(id, 200) + "' in " + benchmark);
  Json json = {{"id", id}, {"truth", PlaceJson(truth->second)}, {"answer", PlaceJson(set.answer.at(id))}};
  json["candidates"] = Json::array();
  const auto list = set.lists.find(id);
  if (list == set.lists.end()) return json;
  if (const auto& estimate = list->second.estimate) {
    json["within"] = estimate->within;
    json["radius_km"] = estimate->confidence_km;
  }
  for (const auto& candidate : list->second.candidates) {
    if (!candidate.similar) continue;
    json["candidates"].push_back({{"rank", candidate.rank},
                                  {"lat", candidate.location.lat},
                                  {"lon", candidate.location.lon},
                                  {"gallery_id", candidate.gallery_id},
                                  {"km", GeodesicKm(truth->second, candidate.location)},
                                  {"photo", HasGalleryPhoto(candidate.gallery_id)}});
  }
  return json;
}

const PhotoSource* RunView::Source(const std::string& place) {
  if (place.empty() || !fs::exists(place)) return nullptr;
  const std::lock_guard lock(mutex_);
  auto& source = sources_[place];
  if (!source) source = OpenPhotoSource(place);
  return source.get();
}

// Of ids that the run's own tables name, and no others: whatever else lies in the folder is nobody's business.
RunView::Image RunView::Picture(const std::string& benchmark, const std::string& id, bool mask, int side) {
  fs::path images = options_.data.train.images, masks = options_.data.train.masks;
  bool known = HasGalleryPhoto(id);
  if (!benchmark.empty()) {
    const Set& set = Load(benchmark);
    known = set.truth.contains(id);
    images = set.images;
    masks = set.masks;
  }
  if (!known) throw InputError("no photo '" + Printable(id, 200) + "'");
  const PhotoSource* source = Source((mask ? masks : images).string());
  const std::string name = mask ? MaskId(id) : id;
  if (source == nullptr || !source->Has(name))
    throw InputError("the photo '" + Printable(name, 200) + "' is not there");
  if (!mask) return {PhotoThumbnail(source->Read(name), source->Name(name), side, 80), "image/jpeg"};
  return {MaskPng(DecodeMask(source->Read(name), source->Name(name), options_.model.segmenter.num_labels), side),
          "image/png"};
}

}  // namespace dualgeo
