#include "gallery/feature_blocks.h"

#include <numeric>

#include "dualgeo/util/error.h"
#include "dualgeo/util/log.h"
#include "io/safetensors.h"

namespace dualgeo {

// On a GPU a second is a thousand photos; more would only cost memory.
static constexpr std::int64_t kMaxBlockRows = 8192;

FeatureBlocks::FeatureBlocks(const std::string& kind, const std::string& model, std::int64_t total,
                             const KeepParts& keep, std::string made_from)
    : total_(total),
      parts_(keep.folder, std::move(made_from)),
      interval_(keep.interval),
      saved_(std::chrono::steady_clock::now()) {
  empty_.kind = kind;
  empty_.model = model;
  block_ = empty_;
  for (std::size_t i = 0; i < parts_.parts().size(); ++i) {
    try {
      const SafetensorsFile part(parts_.parts()[i].file);
      rows_of_parts_.push_back(part.View("id_offsets").numel() - 1);
      for (const auto& entry : part.entries()) {
        if (entry.dtype == torch::kFloat32 && entry.shape.size() == 2) columns_[entry.name] = entry.shape.at(1);
      }
    } catch (const InputError& error) {
      spdlog::warn("{}; made again", error.what());
      parts_.DropFrom(i);
    }
  }
}

std::int64_t FeatureBlocks::rows() const {
  const auto end = rows_of_parts_.begin() + static_cast<std::ptrdiff_t>(parts_.parts().size());
  return std::accumulate(rows_of_parts_.begin(), end, block_.size());
}

void FeatureBlocks::Covered(std::int64_t items) {
  if (columns_.empty()) {
    for (const auto& [name, matrix] : block_.features) columns_[name] = matrix.columns;
  }
  covered_ = items;
  if (!parts_.keeps()) {
    // Known at the first block: six growing vectors would hold up to twice their size.
    for (auto& [name, matrix] : block_.features) {
      matrix.values.reserve(static_cast<std::size_t>(total_ * matrix.columns));
    }
    return;
  }
  if (std::chrono::steady_clock::now() - saved_ >= interval_ || block_.size() >= kMaxBlockRows) Save();
}

// Only blocks with rows: a file must tell what features it has.
void FeatureBlocks::Save() {
  if (block_.ids.empty() || covered_ <= parts_.done()) return;
  parts_.Add(covered_ - parts_.done(), [this](const std::filesystem::path& file) { WriteFeatures(file, block_); });
  rows_of_parts_.resize(parts_.parts().size() - 1);
  rows_of_parts_.push_back(block_.size());
  block_ = empty_;
  saved_ = std::chrono::steady_clock::now();
}

FeatureSet FeatureBlocks::Take() {
  FeatureSet all = empty_;
  for (const auto& part : parts_.parts()) AppendRows(ReadFeatures(part.file), all);
  if (!block_.ids.empty()) AppendRows(std::move(block_), all);
  block_ = empty_;
  return all;
}

void FeatureBlocks::Write(const std::filesystem::path& path) {
  if (parts_.parts().empty()) {
    WriteFeatures(path, block_);
    return;
  }
  Save();
  std::vector<std::filesystem::path> files;
  for (const auto& part : parts_.parts()) files.push_back(part.file);
  JoinFeatures(files, path);
  parts_.Remove();
}

}  // namespace dualgeo
