#include "dualgeo/model/options.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/kinds.h"
#include "dualgeo/util/text.h"
#include "model/caption.h"
#include "model/classical_blocks.h"
#include "option_rules.h"

namespace dualgeo {
namespace {

template <class Table>
const typename Table::mapped_type& Preset(const Table& table, const std::string& name, const std::string& key) {
  const auto found = table.find(name);
  if (found != table.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& entry : table) known.push_back(entry.first);
  throw InputError(key + ": unknown preset \"" + Printable(name) + "\"; known: " + Join(known));
}

void RequireMultipleOf32(int size, const std::string& key) {
  if (size < 32 || size % 32 != 0) throw InputError(key + ": " + std::to_string(size) + " is not a multiple of 32");
}

struct SegFormerPreset {
  std::vector<int> hidden_sizes;
  std::vector<int> depths;
  int decoder_dim;
  std::vector<int> heads = {1, 2, 5, 8};
};

// The published sizes, and one that learns on a CPU; sr_ratios are the same for all.
const SegFormerPreset& FindSegFormer(const std::string& name, const std::string& key) {
  static const std::map<std::string, SegFormerPreset> kTable = {
      {"b0", {{32, 64, 160, 256}, {2, 2, 2, 2}, 256}},
      {"b1", {{64, 128, 320, 512}, {2, 2, 2, 2}, 256}},
      {"b2", {{64, 128, 320, 512}, {3, 4, 6, 3}, 768}},
      {"b3", {{64, 128, 320, 512}, {3, 4, 18, 3}, 768}},
      {"b4", {{64, 128, 320, 512}, {3, 8, 27, 3}, 768}},
      {"b5", {{64, 128, 320, 512}, {3, 6, 40, 3}, 768}},
      {"tiny", {{16, 32, 48, 64}, {1, 1, 1, 1}, 64, {1, 2, 3, 4}}}};
  return Preset(kTable, name, key);
}

const std::vector<int> kMitSrRatios = {8, 4, 2, 1};

// The vector of a photo that a head takes must be there.
void RequireView(const ModelOptions& model, const std::string& vector, const std::string& key) {
  const bool segmentation = vector.ends_with("segmentation");
  if (segmentation ? !model.has_segmentation() : !model.has_image()) {
    throw InputError(key + ": " + vector + " is not there with model.views " + model.views);
  }
}

void ValidateContrastiveText(const ModelOptions& model) {
  const ContrastiveTextOptions& text = model.contrastive_text;
  const std::string key = "model.contrastive_text.";
  if (text.captions.empty()) throw InputError(key + "captions: the list is empty; give at least one sentence");
  for (const auto& sentence : text.captions) CaptionSentence(sentence, key + "captions");
  if (!text.keep.empty() && text.keep.size() != text.captions.size()) {
    throw InputError(key + "keep: " + std::to_string(text.keep.size()) + " values for " +
                     std::to_string(text.captions.size()) + " captions");
  }
  RequireView(model, text.vector, key + "vector");
  Resolve(model.text_encoder, model.embed_dim);
}

void ValidateCells(const ModelOptions& model) {
  const CellsOptions& cells = model.cells;
  if (cells.partitions.empty()) {
    throw InputError(
        "model.cells.partitions: the list is empty; the head cells needs a partition (dualgeo cells build)");
  }
  if (!cells.weights.empty() && cells.weights.size() != cells.partitions.size()) {
    throw InputError("model.cells.weights: " + std::to_string(cells.weights.size()) + " values for " +
                     std::to_string(cells.partitions.size()) + " partitions");
  }
  if (std::ranges::count(cells.weights, 0.0) == std::ssize(cells.weights) && !cells.weights.empty()) {
    throw InputError("model.cells.weights: all are 0, so nothing would be learned");
  }
  RequireView(model, cells.vector, "model.cells.vector");
}

void ValidateContrastiveGps(const ModelOptions& model) {
  const ContrastiveGpsOptions& options = model.contrastive_gps;
  if (options.location_projection == "none" && model.gps_encoder.embed_dim != model.gps_space()) {
    throw InputError("model.contrastive_gps.location_projection: none: GPS embeddings have " +
                     std::to_string(model.gps_encoder.embed_dim) +
                     " values (model.gps_encoder.embed_dim), the space shared with photos has " +
                     std::to_string(model.gps_space()) +
                     " (model.contrastive_gps.dimension, else model.embed_dim); without a projection they must agree");
  }
  for (const auto& [key, file] : {std::pair{"image_projection_weights", &options.image_projection_weights},
                                  std::pair{"logit_scale_weights", &options.logit_scale_weights}}) {
    if (*file && !model.has_image()) {
      throw InputError(std::string("model.contrastive_gps.") + key + ": there is no image view with model.views " +
                       model.views);
    }
  }
}

void ValidateAttributes(const ModelOptions& model) {
  if (!model.has_head("attributes")) {
    if (model.attributes.empty()) return;
    throw InputError("model.attributes: " + model.attributes.begin()->first +
                     " would not be learned: attributes is not among model.heads");
  }
  if (model.attributes.empty()) {
    throw InputError("model.attributes: there are none; the head attributes needs one, NAME: {column: ...}");
  }
  bool learns = false;
  for (const auto& [name, attribute] : model.attributes) {
    const std::string key = "model.attributes." + name;
    const bool plain =
        std::ranges::all_of(name, [](char c) { return IsAlpha(c) || IsDigit(c) || c == '_' || c == '-'; });
    if (name.empty() || !plain) {
      throw InputError(key + ": the name is part of the names of weights: letters, digits, _ and - are allowed");
    }
    if (attribute.column.empty()) throw InputError(key + ".column is not set; it is a column of the photo table");
    RequireView(model, attribute.vector, key + ".vector");
    const std::set<std::string> classes(attribute.classes.begin(), attribute.classes.end());
    if (classes.size() < attribute.classes.size() || classes.contains("")) {
      throw InputError(key + ".classes: " + Printable(Join(attribute.classes), 200) + ": one is empty or named twice");
    }
    if (classes.size() == 1) {
      throw InputError(key + ".classes: " + Printable(*classes.begin()) + " alone; there must be two at least");
    }
    learns = learns || attribute.weight > 0;
  }
  if (!learns) throw InputError("model.attributes: all weights are 0, so nothing would be learned");
}

}  // namespace

void RequireDivides(int divisor, int number, const std::string& what, const std::string& of_what) {
  if (divisor < 1 || number < 1 || number % divisor != 0) {
    throw InputError(what + ": " + std::to_string(divisor) + " does not divide " + of_what + " " +
                     std::to_string(number));
  }
}

ClipVisionSizes Resolve(const ImageEncoderOptions& options, int embed_dim) {
  // The last number is 0 where the projection has no published size.
  static const std::map<std::string, ClipVisionSizes> kTable = {{"vit-b-32", {768, 12, 12, 32, 224, 512}},
                                                                {"vit-b-16", {768, 12, 12, 16, 224, 512}},
                                                                {"vit-l-14", {1024, 24, 16, 14, 224, 768}},
                                                                {"vit-l-14-336", {1024, 24, 16, 14, 336, 768}},
                                                                {"vit-tiny", {128, 4, 4, 16, 96, 0}}};
  ClipVisionSizes sizes = Preset(kTable, options.preset, "model.image_encoder.preset");
  if (sizes.projection_dim == 0) sizes.projection_dim = embed_dim;
  sizes.width = options.width.value_or(sizes.width);
  sizes.layers = options.layers.value_or(sizes.layers);
  sizes.heads = options.heads.value_or(sizes.heads);
  sizes.patch = options.patch.value_or(sizes.patch);
  sizes.image_size = options.image_size.value_or(sizes.image_size);
  sizes.projection_dim = options.projection_dim.value_or(sizes.projection_dim);
  sizes.quick_gelu = options.activation == "quick_gelu";
  const std::vector<std::string> poolings = {"projected", "class", "mean", "mean_before_norm"};
  const std::string pooling = options.pooling.value_or(poolings.front());
  sizes.pooling = poolings[FindName(poolings, pooling, "model.image_encoder.pooling of type clip_vit:")];
  RequireDivides(sizes.heads, sizes.width, "model.image_encoder.heads", "width");
  RequireDivides(sizes.patch, sizes.image_size, "model.image_encoder.patch", "image_size");
  return sizes;
}

ClipTextSizes Resolve(const TextEncoderOptions& options, int embed_dim) {
  // As above, a projection of 0 is embed_dim.
  static const std::map<std::string, ClipTextSizes> kTable = {{"vit-b-32", {512, 12, 8, 0, 512}},
                                                              {"vit-b-16", {512, 12, 8, 0, 512}},
                                                              {"vit-l-14", {768, 12, 12, 0, 768}},
                                                              {"vit-l-14-336", {768, 12, 12, 0, 768}},
                                                              {"vit-tiny", {128, 4, 4, 0, 0}}};
  ClipTextSizes sizes = Preset(kTable, options.preset, "model.text_encoder.preset");
  if (sizes.projection_dim == 0) sizes.projection_dim = embed_dim;
  sizes.width = options.width.value_or(sizes.width);
  sizes.layers = options.layers.value_or(sizes.layers);
  sizes.heads = options.heads.value_or(sizes.heads);
  sizes.mlp_width = options.mlp_width.value_or(4 * sizes.width);
  sizes.projection_dim = options.projection_dim.value_or(sizes.projection_dim);
  sizes.vocabulary_size = options.vocabulary_size;
  sizes.quick_gelu = options.activation == "quick_gelu";
  RequireDivides(sizes.heads, sizes.width, "model.text_encoder.heads", "width");
  return sizes;
}

MitSizes MitPreset(const std::string& preset, const std::string& key) {
  const SegFormerPreset& found = FindSegFormer(preset, key);
  return {found.hidden_sizes, found.depths, found.heads, kMitSrRatios, 0.0};
}

SegFormerSizes Resolve(const SegmenterOptions& options) {
  const SegFormerPreset preset = FindSegFormer(options.preset, "model.segmenter.preset");
  const auto pick = [](const std::vector<int>& given, const std::vector<int>& otherwise, const char* key) {
    if (given.empty()) return otherwise;
    if (given.size() != 4) {
      throw InputError(std::string("model.segmenter.") + key + ": " + std::to_string(given.size()) +
                       " values; four are needed, one per stage");
    }
    return given;
  };
  SegFormerSizes sizes;
  sizes.encoder.hidden_sizes = pick(options.hidden_sizes, preset.hidden_sizes, "hidden_sizes");
  sizes.encoder.depths = pick(options.depths, preset.depths, "depths");
  sizes.encoder.heads = pick(options.heads, preset.heads, "heads");
  sizes.encoder.sr_ratios = pick(options.sr_ratios, kMitSrRatios, "sr_ratios");
  sizes.encoder.drop_path = options.drop_path;
  sizes.decoder_dim = options.decoder_dim.value_or(preset.decoder_dim);
  sizes.num_labels = options.num_labels;
  sizes.dropout = options.dropout;
  for (std::size_t stage = 0; stage < 4; ++stage) {
    RequireDivides(sizes.encoder.heads[stage], sizes.encoder.hidden_sizes[stage], "model.segmenter.heads",
                   "the stage's hidden size");
    // The keys of a stage come from a convolution of this size and stride over the stage's map.
    const int side = options.image_size / (4 << stage);
    if (sizes.encoder.sr_ratios[stage] > side) {
      throw InputError("model.segmenter.sr_ratios: " + std::to_string(sizes.encoder.sr_ratios[stage]) +
                       " is more than the side " + std::to_string(side) + " of stage " + std::to_string(stage + 1) +
                       " at image_size " + std::to_string(options.image_size));
    }
  }
  RequireMultipleOf32(options.image_size, "model.segmenter.image_size");
  return sizes;
}

void ModelOptions::Validate() const {
  if (has_image() && image_encoder.type == "clip_vit") {
    const ClipVisionSizes sizes = Resolve(image_encoder, embed_dim);
    if (sizes.pooling != "projected" && sizes.width != embed_dim) {
      throw InputError("model.embed_dim: " + std::to_string(embed_dim) + " differs from the image encoder's width " +
                       std::to_string(sizes.width) + ", the size of its vectors with pooling " + sizes.pooling);
    }
    if (sizes.pooling == "projected" && sizes.projection_dim != embed_dim) {
      throw InputError("model.embed_dim: " + std::to_string(embed_dim) +
                       " differs from the image encoder's projection " + std::to_string(sizes.projection_dim) +
                       " (preset " + image_encoder.preset +
                       "); set model.embed_dim to it, or model.image_encoder.projection_dim for weights of your own");
    }
  }
  Resolve(segmenter);
  if (image_encoder.crops != "one" && views == "both" && fusion.type == "cross_attention" && fusion.scope == "batch") {
    throw InputError("model.image_encoder.crops: " + image_encoder.crops +
                     " with model.fusion.scope batch: the crops of a photo would attend to each other");
  }
  if (image_encoder.type == "two_branch_vit" && segmenter.num_labels > 150) {
    throw InputError("model.segmenter.num_labels: " + std::to_string(segmenter.num_labels) +
                     " is more than ADE20K's 150 classes, which the image encoder two_branch_vit knows");
  }
  if (has_segmentation()) {
    RequireMultipleOf32(segmentation_encoder.image_size, "model.segmentation_encoder.image_size");
    if (segmentation_encoder.resize == "bilinear" && segmentation_encoder.input != "gray") {
      throw InputError("model.segmentation_encoder.resize: bilinear invents class ids, which input " +
                       Printable(segmentation_encoder.input) + " cannot take; it goes with input gray");
    }
  }
  if (views == "both" && fusion.type == "cross_attention") {
    RequireDivides(fusion.heads, embed_dim, "model.fusion.heads", "model.embed_dim");
  }
  const bool classical = has_image() && image_encoder.type == "classical";
  if (classical && (!heads.empty() || views != "image" || embed_dim != ClassicalSize())) {
    throw InputError(
        "model.image_encoder.type: classical is no network that learns; it goes with model.heads [], views image and "
        "embed_dim " +
        std::to_string(ClassicalSize()) + ", not with heads [" + Join(heads) + "], views " + views + " and embed_dim " +
        std::to_string(embed_dim));
  }
  if (heads.empty() && !classical) throw InputError("model.heads: the list is empty; give at least one");
  if (std::set<std::string>(heads.begin(), heads.end()).size() < heads.size()) {
    throw InputError("model.heads: " + Join(heads) + ": one is named twice");
  }
  if (has_head("contrastive_gps")) ValidateContrastiveGps(*this);
  if (has_head("cells")) ValidateCells(*this);
  ValidateAttributes(*this);
  if (has_head("contrastive_text")) ValidateContrastiveText(*this);
  if (gps_encoder.sigmas.empty()) throw InputError("model.gps_encoder.sigmas: the list is empty; give at least one");
}

void LossOptions::Validate() const {
  if (image_gps == 0 && segmentation_gps == 0) {
    throw InputError("loss: image_gps and segmentation_gps are both 0, so nothing would be learned");
  }
  if (queue == 0 && queue_noise_m > 0) {
    throw InputError("loss.queue_noise_m: " + FormatDouble(queue_noise_m) +
                     " moves a queue that is not there (loss.queue is 0)");
  }
  if (queue == 0 && queue_start != "empty") {
    throw InputError("loss.queue_start: " + queue_start + " is of a queue that is not there (loss.queue is 0)");
  }
}

void LossOptions::RequireQueueFits(std::int64_t batch) const {
  if (queue == 0) return;
  if (queue < batch) {
    throw InputError("loss.queue: " + std::to_string(queue) + " is shorter than a batch of " + std::to_string(batch) +
                     " photos; take a multiple of it");
  }
  if (queue % batch != 0) {
    throw InputError("loss.queue: " + std::to_string(queue) + " is not a multiple of the " + std::to_string(batch) +
                     " photos of a batch");
  }
}

}  // namespace dualgeo
