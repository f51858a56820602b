// The config's `data:` section.
#pragma once

#include <map>
#include <string>

#include "data/augment_options.h"
#include "dualgeo/data/loader_options.h"
#include "dualgeo/data/photo_table.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

// A table of photos and where the photos and masks are: one place or several (data/photo_source.h). Empty: not given.
struct PhotoSetOptions {
  std::string csv;
  std::string images;
  std::string masks;
  PhotoColumns columns;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("csv", csv, "photo table (IMG_ID, LAT, LON ...)", Affects::kContent);
    v.Field("images", images,
            "folder, tar or zip archive that IMG_ID is a path in, parts of a tar, shards, or a list of those",
            Affects::kContent, Several{});
    v.Field("masks", masks, "where class-id PNGs are, named as the photos; as images; empty: none", Affects::kContent,
            Several{});
    v.Group("columns", columns, "the table's column names");
  }
  // Throws InputError naming the key (e.g. "data.train.csv") when csv or images is not set, or masks where they are
  // needed.
  void Require(const std::string& key, bool with_masks) const;
};

struct ValidationOptions {
  double fraction = 0.05;
  std::string csv;
  std::string images;
  std::string masks;
  PhotoColumns columns;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("fraction", fraction, "share of the training photos held out, split by author where there is one; 0: none",
            Range{0, 0.9});
    v.Field("csv", csv, "photo table of its own, instead of a share of the training photos", Affects::kContent);
    v.Field("images", images, "where its photos are; empty: where those of training are", Affects::kContent, Several{});
    v.Field("masks", masks, "where their masks are; empty: where those of training are", Affects::kContent, Several{});
    v.Group("columns", columns, "the table's column names");
  }
  void Validate() const;
};

struct HoldoutOptions {
  double fraction = 0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("fraction", fraction,
            "share of train's photos, whole authors, that is kept out of training and gallery and scored as the "
            "benchmark 'holdout'; 0: none",
            Range{0, 0.9});
  }
};

struct DataOptions {
  PhotoSetOptions train;
  PhotoSetOptions segmenter;
  HoldoutOptions holdout;
  ValidationOptions validation;
  std::map<std::string, PhotoSetOptions> benchmarks;
  LoaderOptions loader;
  AugmentOptions augment;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Group("train", train, "training photos; also the gallery's");
    v.Group("segmenter", segmenter, "photos and true masks that train-segmenter learns from; no csv: train's");
    v.Group("holdout", holdout, "a benchmark made of the training table itself");
    v.Group("validation", validation, "photos that training is watched on");
    v.Map("benchmarks", benchmarks, "named sets of photos to locate and score");
    v.Group("loader", loader, "how photos are read");
    v.Group("augment", augment, "training-time augmentation");
  }
};

}  // namespace dualgeo
