#include "gallery/descriptor.h"

#include <algorithm>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

namespace {

const Matrix& RawFeature(const FeatureSet& set, const std::string& name) {
  if (const auto found = set.features.find(name + kRawSuffix); found != set.features.end()) return found->second;
  throw InputError("there is no feature " + name + kRawSuffix +
                   ", which a gallery with normalize false compares; embed the photos with gallery.normalize: false");
}

}  // namespace

Matrix ImageDescriptors(const FeatureSet& set, const std::vector<std::string>& features, bool normalize) {
  std::vector<const Matrix*> parts;
  std::int64_t columns = 0;
  for (const auto& name : features) {
    parts.push_back(normalize ? &set.Require(name) : &RawFeature(set, name));
    columns += parts.back()->columns;
  }
  Matrix descriptors(set.size(), columns);
  for (std::int64_t i = 0; i < set.size(); ++i) {
    auto left = descriptors.Row(i);
    for (std::size_t p = 0; p < parts.size(); ++p) {
      const auto part = left.first(static_cast<std::size_t>(parts[p]->columns));
      std::ranges::copy(parts[p]->Row(i), part.begin());
      // Files made elsewhere may hold vectors of any length. Blocks are compared as they are.
      if (normalize && features[p] != kClassical) NormalizeRow(part);
      left = left.subspan(part.size());
    }
  }
  return descriptors;
}

Matrix GpsDescriptors(const FeatureSet& set) { return set.Require("projected_gps"); }

Matrix GpsQueries(const FeatureSet& photos) {
  std::vector<const Matrix*> views;
  for (const char* name : {"projected_image", "projected_segmentation"}) {
    if (const auto found = photos.features.find(name); found != photos.features.end()) views.push_back(&found->second);
  }
  if (views.empty()) photos.Require("projected_image");  // throws, naming what there is
  Matrix queries = *views.front();
  if (views.size() == 2) {
    if (views[1]->columns != queries.columns) {
      throw InputError("projected_image and projected_segmentation have different dimensions");
    }
    for (std::size_t i = 0; i < queries.values.size(); ++i) {
      queries.values[i] = 0.5F * (queries.values[i] + views[1]->values[i]);
    }
  }
  return queries;
}

Matrix TextQueries(const FeatureSet& texts, const std::string& kind, const std::vector<std::string>& features) {
  if (kind == "gps") return texts.Require("projected_text");
  if (features == std::vector<std::string>{"image"}) return texts.Require("text");
  if (features == std::vector<std::string>{"image_text"}) return texts.Require("caption");
  throw InputError("a gallery of [" + Join(features) +
                   "] cannot be asked with texts, which are compared with GPS points, with image or with image_text "
                   "alone");
}

}  // namespace dualgeo
