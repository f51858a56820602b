#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "dualgeo/gallery/gallery_file.h"
#include "embed_flags.h"
#include "gallery/advise.h"
#include "gallery/duplicates.h"
#include "gallery/faiss_version.h"
#include "gallery_edit.h"
#include "io/csv.h"
#include "networks.h"
#include "pipeline/stages.h"
#include "ranks.h"
#include "util/atomic_file.h"

namespace dualgeo::tools {
namespace {

struct BuildArguments {
  ModelFlags model;
  PhotoFlags photos;
  std::filesystem::path features, coordinates, out;
};

// What the command line leaves out, the config names.
PhotoSet Photos(BuildArguments& flags, const ExperimentOptions& options) {
  const bool gps = options.gallery.kind == "gps";
  if (gps && flags.features.empty() && flags.coordinates.empty()) {
    throw InputError("gallery.kind gps: --coordinates X.csv or --features F.safetensors (of embed gps) is needed");
  }
  if (!gps && !flags.photos.given()) {
    if (options.data.train.csv.empty()) {
      throw InputError("gallery.kind images: --photos P.csv is needed, or data.train.csv in the config");
    }
    flags.photos.Default(options.data.train);
  }
  return flags.photos.Set(!gps && flags.features.empty());
}

void PrintInfo(const std::filesystem::path& folder, bool json) {
  const auto gallery = LoadGallery(folder);
  const auto& info = gallery.info;
  const auto authors = std::count_if(gallery.items.begin(), gallery.items.end(),
                                     [](const GalleryItem& item) { return !item.author.empty(); });
  const nlohmann::ordered_json identical =
      info.identical_photos ? nlohmann::ordered_json(*info.identical_photos) : nlohmann::ordered_json();
  if (json) {
    const nlohmann::ordered_json object = {{"gallery", folder.string()},
                                           {"kind", info.kind},
                                           {"count", info.count},
                                           {"dimension", info.dimension},
                                           {"metric", info.metric},
                                           {"index", info.index},
                                           {"features", info.features},
                                           {"normalize", info.normalize},
                                           {"model", info.model},
                                           {"items_with_author", authors},
                                           {"identical_photos", identical},
                                           {"duplicates", info.duplicates},
                                           {"index_sha256", info.index_sha256},
                                           {"items_sha256", info.items_sha256}};
    std::printf("%s\n", object.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return;
  }
  std::printf("gallery    %s\n", folder.c_str());
  std::printf("kind       %s\n", info.kind.c_str());
  std::printf("items      %lld (%lld with an author)\n", static_cast<long long>(info.count),
              static_cast<long long>(authors));
  if (info.identical_photos.value_or(0) > 0) {
    std::printf("identical  %lld photos were byte-identical to another one (gallery.duplicates: %s)\n",
                static_cast<long long>(*info.identical_photos), info.duplicates.c_str());
  }
  std::printf("vectors    %lld-d, %s\n", static_cast<long long>(info.dimension), info.metric.c_str());
  std::printf("features   %s%s\n", Printable(Join(info.features)).c_str(), info.normalize ? "" : " (not normalised)");
  std::printf("index      %s\n", Printable(info.index).c_str());
  std::printf("model      %s\n", info.model.empty() ? "not known" : Printable(info.model).c_str());
  std::printf("files      (index.faiss %s, items.csv %s)\n", info.index_sha256.substr(0, 12).c_str(),
              info.items_sha256.substr(0, 12).c_str());
}

struct DuplicateArguments {
  std::filesystem::path features, others, out;
  std::string feature = "image";
  std::optional<double> above;
};

void TellDuplicates(const DuplicateArguments& flags) {
  CheckOutputs({{"--out", flags.out}}, {{"features", flags.features}, {"--against", flags.others}});
  const bool between = !flags.others.empty();
  const FeatureSet photos = ReadFeatures(flags.features), others = between ? ReadFeatures(flags.others) : FeatureSet{};
  const FeatureSet& there = between ? others : photos;
  if (photos.photo_sha256.empty() || there.photo_sha256.empty()) {
    spdlog::warn("gallery duplicates: features without the photos' hashes do not tell which are the same file");
  }
  const auto identical = between ? IdenticalPhotos(photos, others) : IdenticalPhotos(photos);
  std::vector<PhotoPair> similar;
  if (flags.above) {
    const Matrix& feature = photos.Require(flags.feature);
    similar = between ? SimilarPhotos(feature, others.Require(flags.feature), *flags.above)
                      : SimilarPhotos(feature, *flags.above);
  }
  if (!flags.out.empty()) {
    AtomicFile file(flags.out);
    CsvWriter writer(file.stream(), {"IMG_ID", "OTHER_ID", "kind", "similarity"});
    const auto write = [&](const std::vector<PhotoPair>& pairs, const std::string& kind) {
      for (const auto& pair : pairs) {
        writer.Row({photos.ids[static_cast<std::size_t>(pair.photo)], there.ids[static_cast<std::size_t>(pair.other)],
                    kind, FormatDouble(pair.similarity)});
      }
    };
    write(identical, "identical");
    write(similar, "similar");
    file.Commit();
  }
  const auto tell = [&](const std::vector<PhotoPair>& pairs, const std::string& how) {
    const std::string text = TellPairs(pairs, photos, there, how);
    std::printf("%s\n", text.empty() ? ("no photos are " + how).c_str() : text.c_str());
  };
  tell(identical, between ? "byte for byte one of the others" : "byte for byte another one");
  if (flags.above) tell(similar, "nearer than a cosine of " + FormatDouble(*flags.above) + " (" + flags.feature + ")");
}

struct AdviseArguments {
  std::int64_t count = 0;
  double memory_gb = 0;
  std::int64_t dimension = 1536;
  bool json = false;
};

void PrintAdvice(const AdviseArguments& flags) {
  const FaissVersion faiss = DescribeFaiss();
  const auto all = AdviseIndex(flags.count, flags.dimension, flags.memory_gb, faiss.uses);
  if (flags.json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& one : all) {
      list.push_back({{"index", one.index},
                      {"bytes_a_vector", one.bytes_a_vector},
                      {"memory_gb", one.memory_gb},
                      {"disk_gb", one.disk_gb},
                      {"recall_at_20", one.recall},
                      {"queries_a_second", one.queries_a_second},
                      {"fits", one.fits},
                      {"remark", one.remark}});
    }
    std::printf("%s\n", list.dump(2).c_str());
    return;
  }
  const auto& best = all.front();
  std::printf("gallery.index: %s\n", best.index.c_str());
  std::printf(
      "for %lld vectors of %lld dimensions in %g GB: %.2f GB of memory, %.2f GB on the disk, recall@20 about %.4g, "
      "about "
      "%.2g queries a second; %s\n\n",
      static_cast<long long>(flags.count), static_cast<long long>(flags.dimension), flags.memory_gb, best.memory_gb,
      best.disk_gb, best.recall, best.queries_a_second, best.remark.c_str());
  std::printf("%-24s %10s %10s %8s %8s %9s  %s\n", "index", "B a vector", "memory GB", "disk GB", "recall", "queries/s",
              "");
  for (const auto& one : all) {
    std::printf("%-24s %10.0f %10.2f %8.2f %8.4g %9.2g  %s\n", one.index.c_str(), one.bytes_a_vector, one.memory_gb,
                one.disk_gb, one.recall, one.queries_a_second, one.remark.c_str());
  }
  std::printf(
      "\nExpected of thousands of photos at once on two threads, scaled from 100,000 clustered vectors and a FAISS for "
      "the instructions of this one (%s, %s); recall depends on the photos: compare with flat on your own.\n",
      faiss.version.c_str(), NameOf(faiss.uses).c_str());
}

}  // namespace

void AddGallery(CLI::App& root) {
  auto* command = root.add_subcommand("gallery", "build, change or inspect what is searched");
  command->require_subcommand(1);

  auto* build = command->add_subcommand("build", "index photos, or GPS points (gallery.kind gps)");
  const auto flags = std::make_shared<BuildArguments>();
  flags->model.Add(*build);
  flags->photos.Add(*build)->description("photo table with places (default: data.train of the config)");
  build->add_option("--features", flags->features, "features made by dualgeo embed, instead of --images");
  build->add_option("--coordinates", flags->coordinates, "gallery.kind gps: CSV with LAT, LON");
  build->add_option("--out", flags->out, "gallery folder")->required();
  build->callback(WithNetworks(OnAllRanks([flags] {
    const auto options = flags->model.Resolve();
    options.gallery.Validate();
    const auto& train = options.data.train;
    const bool from_config = !flags->photos.given() && options.gallery.kind == "images";
    CheckOutputs({{"--out", flags->out, OutputKind::kReplacedFolder}},
                 AllInputs({flags->model.Inputs(options),
                            flags->photos.Inputs(),
                            {{"--features", flags->features},
                             {"--coordinates", flags->coordinates},
                             {"data.train.csv", from_config ? train.csv : ""},
                             {"data.train.images", from_config ? train.images : "", InputKind::kPhotos},
                             {"data.train.masks", from_config ? train.masks : "", InputKind::kPhotos}}}));
    CheckGalleryFolder(flags->out);
    SetIndexThreads(options.runtime.threads);
    const auto info =
        GalleryFromConfig(options, Photos(*flags, options),
                          {flags->model.Checkpoint(options), flags->features, flags->coordinates, flags->out});
    spdlog::info("gallery: {} vectors of {} dimensions ({}, {}) -> {}", info.count, info.dimension, info.index,
                 info.metric, flags->out.string());
  })));

  AddGalleryEdits(*command);

  auto* duplicates = command->add_subcommand("duplicates", "photos that are the same file, or nearly the same picture");
  const auto told = std::make_shared<DuplicateArguments>();
  duplicates->add_option("features", told->features, "features made by dualgeo embed or run")->required();
  duplicates->add_option("--against", told->others, "features of other photos (queries against a gallery's)");
  duplicates->add_option("--above", told->above, "also near duplicates: a cosine above this")
      ->check(CLI::Range(-1.0, 1.0));
  duplicates->add_option("--feature", told->feature, "of near duplicates")->capture_default_str();
  duplicates->add_option("--out", told->out, "CSV of all pairs");
  duplicates->callback(WithNetworks([told] { TellDuplicates(*told); }));

  auto* advise = command->add_subcommand("advise", "name the index for so many vectors in so much memory");
  const auto advised = std::make_shared<AdviseArguments>();
  advise->add_option("--count", advised->count, "vectors")->required();
  advise->add_option("--memory", advised->memory_gb, "memory to search in, in GB (10^9 bytes)")->required();
  advise->add_option("--dimension", advised->dimension, "of the vectors")->capture_default_str();
  advise->add_flag("--json", advised->json, "print JSON");
  advise->callback(WithNetworks([advised] { PrintAdvice(*advised); }));

  auto* show = command->add_subcommand("info", "print what a gallery is");
  const auto folder = std::make_shared<std::filesystem::path>();
  const auto json = std::make_shared<bool>(false);
  show->add_option("gallery", *folder, "gallery folder")->required();
  show->add_flag("--json", *json, "print JSON");
  show->callback(WithNetworks([folder, json] { PrintInfo(*folder, *json); }));

  auto* check = command->add_subcommand("check", "read a gallery whole: hashes, counts, places, index");
  const auto checked = std::make_shared<std::filesystem::path>();
  check->add_option("gallery", *checked, "gallery folder")->required();
  check->callback(WithNetworks([checked] {
    const GalleryInfo info = CheckGallery(*checked).info;
    std::printf("%s: sound: %lld items, %lld-d, index %s (index.faiss %s, items.csv %s)\n", checked->c_str(),
                static_cast<long long>(info.count), static_cast<long long>(info.dimension),
                Printable(info.index).c_str(), info.index_sha256.substr(0, 12).c_str(),
                info.items_sha256.substr(0, 12).c_str());
  }));
}

}  // namespace dualgeo::tools
