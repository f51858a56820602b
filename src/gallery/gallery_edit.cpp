#include "dualgeo/gallery/gallery_edit.h"

#include <faiss/Index.h>
#include <faiss/IndexNSG.h>

#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "dualgeo/data/photo_table.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "dualgeo/util/text.h"
#include "faiss_build.h"
#include "faiss_edit.h"
#include "faiss_io.h"
#include "gallery/descriptor.h"
#include "gallery_writer.h"
#include "index_backend.h"
#include "partial_index.h"

namespace dualgeo {
namespace {

struct EditedGallery {
  std::filesystem::path folder;
  GalleryInfo info;
  std::vector<GalleryItem> items;
  std::unique_ptr<faiss::Index> index;

  // With which messages begin.
  std::string what() const { return folder.string() + ": "; }
};

EditedGallery LoadToEdit(const std::filesystem::path& folder) {
  EditedGallery gallery{folder, ReadGalleryInfo(folder), {}, nullptr};
  gallery.items = LoadItems(folder, gallery.info);
  const auto path = IndexFileOf(folder);
  if (const std::string kind = IndexKindOfFile(path); kind != "faiss") {
    throw InputError(gallery.what() + "an index " + Printable(gallery.info.index) +
                     " cannot be changed; build the gallery again from the features");
  }
  gallery.index = ReadFaissIndex(path);
  if (gallery.index->ntotal != gallery.info.count || gallery.index->d != gallery.info.dimension) {
    throw InputError(gallery.what() + "index.faiss holds " + std::to_string(gallery.index->ntotal) + " vectors of " +
                     std::to_string(gallery.index->d) + " dimensions, gallery.json says " +
                     std::to_string(gallery.info.count) + " of " + std::to_string(gallery.info.dimension));
  }
  return gallery;
}

GalleryInfo WriteEdited(EditedGallery gallery, const std::filesystem::path& out) {
  gallery.info.count = static_cast<std::int64_t>(gallery.items.size());
  gallery.info.identical_photos.reset();  // the photos' hashes are not kept
  return WriteGallery(gallery.items, gallery.info, out,
                      [&](const std::filesystem::path& path) { WriteFaissIndex(*gallery.index, path); });
}

// Items of `more` behind those of the gallery.
void AppendItems(EditedGallery& gallery, std::vector<GalleryItem> more, const std::string& of) {
  std::unordered_set<std::string_view> known;
  for (const auto& item : gallery.items) known.insert(item.id);
  std::size_t twice = 0;
  std::string first;
  for (const auto& item : more) {
    if (!known.contains(item.id)) continue;
    if (twice++ == 0) first = item.id;
  }
  if (twice > 0 && gallery.info.kind != "gps") {
    throw InputError(gallery.what() + "holds photo '" + Printable(first) + "' already, which is in " + of +
                     " as well (" + std::to_string(twice) +
                     " such); remove them from one first (dualgeo gallery remove)");
  }
  if (twice > 0) {
    spdlog::warn("gallery: {} points have ids that other points have, too (first: {})", twice, Printable(first));
  }
  std::ranges::move(more, std::back_inserter(gallery.items));
}

}  // namespace

GalleryInfo AddToGallery(const std::filesystem::path& folder, const FeatureSet& set, const PhotoTable& table,
                         const std::string& duplicates, const std::filesystem::path& out) {
  CheckGalleryFolder(out);
  EditedGallery gallery = LoadToEdit(folder);
  const GalleryInfo old = gallery.info;
  if (dynamic_cast<const faiss::IndexNSG*>(&Innermost(*gallery.index)) != nullptr) {
    throw InputError(gallery.what() + "an NSG graph takes no further vectors; build the gallery again");
  }
  if (!old.model.empty() && !set.model.empty() && old.model != set.model) {
    throw InputError(gallery.what() + "was made by another model (" + Printable(old.model.substr(0, 12)) +
                     ") than these features (" + Printable(set.model.substr(0, 12)) + ")");
  }
  GalleryOptions options;
  options.features = old.features;
  options.normalize = old.normalize;
  options.duplicates = duplicates;
  GalleryInfo added;
  std::vector<char> left_out;
  const bool gps = old.kind == "gps";
  auto items = gps ? GpsItems(set, added) : ImageItems(set, table, options, left_out, added);
  const Matrix vectors =
      gps ? GpsDescriptors(set) : Remaining(ImageDescriptors(set, old.features, old.normalize), left_out);
  if (vectors.columns != old.dimension) {
    throw InputError(gallery.what() + "its vectors have " + std::to_string(old.dimension) + " dimensions, these " +
                     std::to_string(vectors.columns));
  }
  AppendItems(gallery, std::move(items), "the features");
  const std::int64_t rows = old.count + vectors.rows;
  PartialIndex none({}, [] { return std::string(); });
  WithFaiss(old.index, rows, old.dimension, [&] {
    AddVectors(
        *gallery.index, rows, [&](std::int64_t first, std::int64_t) { return vectors.Row(first - old.count).data(); },
        none);
  });
  return WriteEdited(std::move(gallery), out);
}

GalleryInfo RemoveFromGallery(const std::filesystem::path& folder, const std::vector<std::string>& ids,
                              const std::filesystem::path& out) {
  CheckGalleryFolder(out);
  EditedGallery gallery = LoadToEdit(folder);
  std::unordered_map<std::string_view, bool> found;
  for (const auto& id : ids) found.emplace(id, false);
  std::vector<char> marked(gallery.items.size(), 0);
  std::vector<GalleryItem> kept;
  for (std::size_t i = 0; i < marked.size(); ++i) {
    const auto at = found.find(gallery.items[i].id);
    if (at == found.end()) continue;
    at->second = true;
    marked[i] = 1;
  }
  std::size_t missing = 0;
  std::string first;
  for (const auto& id : ids) {
    if (found.at(id)) continue;
    if (missing++ == 0) first = id;
  }
  if (missing > 0) {
    throw InputError(gallery.what() + "holds no '" + Printable(first) + "' (" + std::to_string(missing) + " of the " +
                     std::to_string(ids.size()) + " ids are not there)");
  }
  for (std::size_t i = 0; i < marked.size(); ++i) {
    if (marked[i] == 0) kept.push_back(std::move(gallery.items[i]));
  }
  if (kept.empty()) throw InputError(gallery.what() + "nothing would be left of it");
  RemoveRows(*gallery.index, marked, gallery.what());
  gallery.items = std::move(kept);
  return WriteEdited(std::move(gallery), out);
}

GalleryInfo MergeGalleries(const std::vector<std::filesystem::path>& folders, const std::filesystem::path& out) {
  CheckGalleryFolder(out);
  if (folders.size() < 2) throw InputError("gallery merge: needs two galleries or more");
  EditedGallery gallery = LoadToEdit(folders.front());
  for (std::size_t i = 1; i < folders.size(); ++i) {
    EditedGallery more = LoadToEdit(folders[i]);
    std::string difference = DifferenceOf(gallery.info, more.info);
    if (difference.empty() && gallery.info.index != more.info.index) {
      difference = "its index is " + Printable(more.info.index) + ", not " + Printable(gallery.info.index);
    }
    if (!difference.empty()) {
      throw InputError(folders[i].string() + " cannot be merged with " + folders.front().string() + ": " + difference);
    }
    if (gallery.info.model.empty()) gallery.info.model = more.info.model;
    AppendItems(gallery, std::move(more.items), folders[i].string());
    AppendIndex(*gallery.index, *more.index, more.what());
  }
  return WriteEdited(std::move(gallery), out);
}

}  // namespace dualgeo
