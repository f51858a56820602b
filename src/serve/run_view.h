// A run's files as JSON for the page: scores, photos with their errors, conditions and candidates, pictures.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_set>

#include "data/photo_source.h"
#include "dualgeo/gallery/candidates.h"
#include "pipeline/experiment.h"
#include "pipeline/run_paths.h"

namespace dualgeo {

// Several threads may ask at once. What is asked for and not there: InputError.
class RunView {
 public:
  explicit RunView(const std::filesystem::path& run_dir);

  // {name, title, benchmarks: [...], gallery_photos}
  nlohmann::ordered_json Summary() const;
  // {name, metrics, conditions: {column: [values]}, fields: [...], photos: [[...], ...]}, a row a photo.
  const std::string& Benchmark(const std::string& name);
  // {id, truth, answer, candidates}
  nlohmann::ordered_json Photo(const std::string& benchmark, const std::string& id);
  // JPEG of a photo, or PNG of its mask, of a benchmark; benchmark empty: of the gallery. side: of the longer side.
  struct Image {
    std::string bytes, type;
  };
  Image Picture(const std::string& benchmark, const std::string& id, bool mask, int side);
  bool HasGalleryPhoto(const std::string& id) const { return gallery_ids_.contains(id); }

 private:
  struct Set;
  Set& Load(const std::string& name);
  const PhotoSource* Source(const std::string& place);

  RunPaths paths_;
  ExperimentOptions options_;
  std::vector<std::string> benchmarks_;
  std::unordered_set<std::string> gallery_ids_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Set>> sets_;
  std::map<std::string, std::unique_ptr<PhotoSource>> sources_;
};

}  // namespace dualgeo
