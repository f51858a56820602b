// The photos to train on and to validate with, from the config's `data:` section.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/data_options.h"
#include "data/dataset.h"
#include "data/split.h"
#include "train/settings.h"

namespace dualgeo {

struct TrainingSets {
  PhotoDataset train;
  std::optional<PhotoDataset> validation;
};

// validation: a table of its own, or a share of the training photos, split by author from `seed`.
// columns: further ones of the tables that are needed (ReadPhotoTable).
// Throws InputError for keys that are not set and tables that cannot be used.
TrainingSets OpenTrainingSets(const DataOptions& data, ViewOptions train_view, ViewOptions validation_view,
                              std::uint64_t seed, const std::vector<std::string>& columns = {});

// The training table without and with only the share that validation holds out.
PhotoSplit SplitTrainingTable(const PhotoTable& train, const ValidationOptions& validation, std::uint64_t seed);

// "1000 photos, sha256 ...": ids, places and further values, in the order of rows.
std::string TableFingerprint(const PhotoTable& table);

// What of the data changes the trained weights: a fingerprint of the training photos' table, and the augmentation.
void AddDataSettings(Settings& settings, const TrainingSets& sets, const DataOptions& data);

}  // namespace dualgeo
