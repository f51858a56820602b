// Several sources as one: shards, or whatever a config lists.
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>

#include "dualgeo/util/log.h"
#include "dualgeo/util/text.h"
#include "photo_source_kinds.h"

namespace dualgeo {
namespace {

// An id of an archive, by its hash: 16 bytes for each of millions.
struct ListedId {
  std::uint64_t hash = 0;
  std::uint32_t source = 0;
  auto operator<=>(const ListedId&) const = default;
};

std::uint64_t HashOfId(std::string_view id) { return std::hash<std::string_view>{}(id); }

class SourceList : public NamedSource {
 public:
  SourceList(std::string text, std::vector<std::unique_ptr<PhotoSource>> sources)
      : text_(std::move(text)), sources_(std::move(sources)) {
    for (std::uint32_t i = 0; i < sources_.size(); ++i) {
      const bool listed = sources_[i]->List([&](std::string_view id) { ids_.push_back({HashOfId(id), i}); });
      if (!listed) searched_.push_back(i);
    }
    std::ranges::sort(ids_);
    SayRepeated();
  }

  std::string Name(const std::string& id) const override {
    const auto place = Find(id);
    return place ? sources_[place->source]->Name(place->id) : Printable(text_, 200) + ":" + Printable(id, 200);
  }
  std::optional<std::filesystem::file_time_type> LastChange(const std::string& id) const override {
    const auto place = Find(id);
    return place ? sources_[place->source]->LastChange(place->id) : std::nullopt;
  }
  bool List(const std::function<void(std::string_view)>& visit) const override {
    if (!searched_.empty()) return false;
    for (const auto& source : sources_) source->List(visit);
    return true;
  }

  std::vector<std::string> Names(std::size_t most) const override {
    std::vector<std::string> names;
    for (const auto& source : sources_) {
      const auto more = source->Names(most - names.size());
      names.insert(names.end(), more.begin(), more.end());
    }
    return names;
  }

 protected:
  std::string ReadChecked(const std::string& id) const override {
    const auto place = Find(id);
    if (!place) {
      throw InputError(Name(id) + ": no such photo in any of the " + std::to_string(sources_.size()) + " places" +
                       NearName(id));
    }
    return sources_[place->source]->Read(place->id);
  }
  bool HasChecked(const std::string& id) const override { return Find(id).has_value(); }

 private:
  struct Place {
    std::uint32_t source = 0;
    std::string id;  // there
  };

  // The first source that has exactly this id.
  std::optional<std::uint32_t> SourceOf(const std::string& id) const {
    std::optional<std::uint32_t> first;
    for (auto at = std::ranges::lower_bound(ids_, ListedId{HashOfId(id), 0}); at != ids_.end(); ++at) {
      if (at->hash != HashOfId(id)) break;
      if (!sources_[at->source]->Has(id)) continue;  // another id of the same hash
      first = at->source;
      break;
    }
    for (const std::uint32_t i : searched_) {
      if (first && *first < i) break;
      if (sources_[i]->Has(id)) return i;
    }
    return first;
  }

  std::optional<Place> Find(const std::string& id) const {
    if (const auto source = SourceOf(id)) return Place{*source, id};
    // A key of WebDataset: one name for all that belongs to a photo.
    if (std::filesystem::path(id).has_extension()) return std::nullopt;
    static constexpr std::array kExtensions = {".jpg",  ".jpeg", ".JPG",  ".JPEG", ".png",  ".PNG", ".webp",
                                               ".WEBP", ".tif",  ".tiff", ".TIF",  ".TIFF", ".bmp", ".BMP",
                                               ".heic", ".HEIC", ".heif", ".avif", ".AVIF"};
    for (const char* extension : kExtensions) {
      std::string name = id + extension;
      if (const auto source = SourceOf(name)) return Place{*source, std::move(name)};
    }
    return std::nullopt;
  }

  // Once, of archives; a folder would have to be searched.
  void SayRepeated() const {
    std::uint64_t repeated = 0;
    ListedId first;
    for (std::size_t i = 1; i < ids_.size(); ++i) {
      const bool again = ids_[i].hash == ids_[i - 1].hash && (i < 2 || ids_[i - 2].hash != ids_[i].hash);
      if (again && repeated++ == 0) first = ids_[i];
    }
    if (repeated == 0) return;
    std::string name;
    sources_[first.source]->List([&](std::string_view id) {
      if (HashOfId(id) == first.hash) name = id;
    });
    spdlog::warn("{}: {} names are in more than one of its archives, {} for one; the first archive's is read",
                 Printable(text_, 200), repeated, Printable(name));
  }

  std::string text_;
  std::vector<std::unique_ptr<PhotoSource>> sources_;
  std::vector<ListedId> ids_;            // of archives, sorted
  std::vector<std::uint32_t> searched_;  // folders, ascending
};

}  // namespace

std::unique_ptr<PhotoSource> JoinPhotoSources(const std::string& text,
                                              std::vector<std::unique_ptr<PhotoSource>> sources) {
  return std::make_unique<SourceList>(text, std::move(sources));
}

}  // namespace dualgeo
