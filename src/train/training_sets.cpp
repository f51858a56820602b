#include "train/training_sets.h"

#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/random.h"

namespace dualgeo {

std::string TableFingerprint(const PhotoTable& table) {
  std::string text;
  for (const auto& row : table.rows) {
    text += row.id + '\n';
    if (row.location) text += FormatDouble(row.location->lat) + ' ' + FormatDouble(row.location->lon);
    text += '\n';
    for (const auto& value : row.values) text += value + '\n';
  }
  return std::to_string(table.rows.size()) + " photos, sha256 " + Sha256(text).substr(0, 16);
}

PhotoSplit SplitTrainingTable(const PhotoTable& train, const ValidationOptions& validation, std::uint64_t seed) {
  return SplitByAuthor(train, validation.fraction, DeriveSeed(seed, "validation"));
}

TrainingSets OpenTrainingSets(const DataOptions& data, ViewOptions train_view, ViewOptions validation_view,
                              std::uint64_t seed, const std::vector<std::string>& columns) {
  data.train.Require("data.train", train_view.with_masks);
  train_view.fast_decoding = validation_view.fast_decoding = data.loader.fast_decoding();
  PhotoTable train = ReadPhotoTable(data.train.csv, data.train.columns, Locations::kRequired, columns);
  const ValidationOptions& held_out = data.validation;
  if (!held_out.csv.empty()) {
    PhotoTable validation = ReadPhotoTable(held_out.csv, held_out.columns, Locations::kRequired, columns);
    const std::string& images = held_out.images.empty() ? data.train.images : held_out.images;
    const std::string& masks = held_out.masks.empty() ? data.train.masks : held_out.masks;
    return {PhotoDataset(std::move(train), data.train.images, data.train.masks, train_view, data.augment),
            PhotoDataset(std::move(validation), images, masks, validation_view, data.augment)};
  }
  if (held_out.fraction <= 0) {
    return {PhotoDataset(std::move(train), data.train.images, data.train.masks, train_view, data.augment),
            std::nullopt};
  }
  PhotoSplit split = SplitTrainingTable(train, held_out, seed);
  return {
      PhotoDataset(std::move(split.train), data.train.images, data.train.masks, train_view, data.augment),
      PhotoDataset(std::move(split.validation), data.train.images, data.train.masks, validation_view, data.augment)};
}

void AddDataSettings(Settings& settings, const TrainingSets& sets, const DataOptions& data) {
  settings["data.train"] = TableFingerprint(sets.train.table());
  settings["data.loader.on_bad_image"] = data.loader.on_bad_image;
  if (data.loader.fast_decoding()) settings["data.loader.decode"] = data.loader.decode;
  AddSettings(settings, "data.augment", data.augment);
}

}  // namespace dualgeo
