// Options of the models and of the loss: the `model:` and `loss:` sections of a config file, with the paper's values as
// defaults (DualGeo, arXiv 2604.25533). No LibTorch here, so that any layer may include it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dualgeo/model/kinds.h"
#include "dualgeo/util/field.h"

namespace dualgeo {

// ---- image encoder --------------------------------------------------------------------------------------------------

struct ImageEncoderOptions {
  std::string type = "clip_vit";
  std::string preset = "vit-l-14";
  std::optional<std::string> weights;
  std::string activation = "quick_gelu";
  std::optional<std::string> pooling;
  std::string mask_input = "colors";
  bool freeze = true;
  std::string crops = "one";
  std::string crops_resize = "shorter";
  std::string crops_pooling = "mean";
  std::string crops_of = "vectors";
  // Each of these, where given, replaces the preset's value.
  std::optional<int> width;
  std::optional<int> layers;
  std::optional<int> heads;
  std::optional<int> patch;
  std::optional<int> image_size;
  std::optional<int> projection_dim;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field(
        "type", type,
        "network for photos: CLIP's vision transformer; the plain one (timm's names), or two of them, for photo and "
        "mask (after TransLocator); ResNet, VGG-16 or Inception v3 (torchvision's names); SegFormer's encoder (mit); "
        "or features that no network makes (classical, after IM2GPS; gallery.index classical compares them)",
        OneOf{{DUALGEO_IMAGE_ENCODERS(DUALGEO_KIND_NAME)}});
    v.Field(
        "preset", preset,
        "size. clip_vit: vit-b-32, vit-b-16, vit-l-14, vit-l-14-336, or vit-tiny, small enough to train on a CPU; "
        "vit, two_branch_vit: vit_tiny_patch16_224, vit_small_patch16_224, vit_base_patch32_224, vit_base_patch16_224, "
        "vit_large_patch16_224; resnet: resnet18, resnet34, resnet50, resnet101, resnet152; mit: b0 to b5, or tiny, "
        "small enough to train on a CPU");
    v.Field("weights", weights,
            "file with weights under the type's names (CLIP: Hugging Face's or OpenAI's, or a DualGeo checkpoint); "
            "segmenter (of type mit): what the run's segmenter has learned, or model.segmenter.weights; null: random",
            Affects::kContent);
    v.Field(
        "activation", activation,
        "of the feed-forward layers: quick_gelu (OpenAI's weights) or gelu (some of OpenCLIP's); names and shapes of "
        "weights do not tell, features of the wrong one are off",
        OneOf{{"quick_gelu", "gelu"}}, For{"type", {"clip_vit"}});
    v.Field("pooling", pooling,
            "which vector stands for the photo. clip_vit: projected (CLIP's embedding), class (the class token before "
            "the projection), mean (over all tokens) or mean_before_norm (PIGEON); vit: class, mean (over the patches) "
            "or mean_before_norm (over all tokens, before the last norm); resnet, inception_v3, mit: mean or max (over "
            "the last map); vgg16: fc7, fc6, mean or max; null: the type's first",
            OneOf{{"projected", "class", "mean", "mean_before_norm", "max", "fc6", "fc7"}}, Added{});
    v.Field("mask_input", mask_input,
            "how the mask enters: drawn in ADE20K's colours, or as 150 channels, of the classes that cover more than a "
            "hundredth of it",
            OneOf{{"colors", "channels"}}, For{"type", {"two_branch_vit"}}, Added{});
    v.Field("freeze", freeze, "keep the image encoder as it is loaded; only the rest is trained", Affects::kTraining);
    v.Field(
        "crops", crops,
        "what is looked at when a photo is asked about (training draws its own): one square, three along the longer "
        "side (strip), the corners and the centre (five), or these and their mirror images (ten)",
        OneOf{{"one", "strip", "five", "ten"}}, Added{});
    v.Field(
        "crops_resize", crops_resize,
        "what of the photo gets the length of 256 for a square of 224 before five or ten are cut: its shorter edge, "
        "or both, whatever shape it has (squash, TransLocator)",
        OneOf{{"shorter", "squash"}}, For{"crops", {"five", "ten"}}, Added{});
    v.Field("crops_pooling", crops_pooling, "how several crops become one", OneOf{{"mean", "max"}},
            For{"crops", {"strip", "five", "ten"}}, Added{});
    v.Field("crops_of", crops_of,
            "what is pooled where cells are found: the vectors of the crops, as everywhere else, or the probabilities "
            "or logits that the head cells gives each of them",
            OneOf{{"vectors", "probabilities", "logits"}}, For{"crops", {"strip", "five", "ten"}}, Added{});
    v.Field("width", width, "channels; null: the preset's", Range{8, 8192},
            For{"type", {"clip_vit", "vit", "two_branch_vit"}});
    v.Field("layers", layers, "blocks; null: the preset's", Range{1, 128},
            For{"type", {"clip_vit", "vit", "two_branch_vit"}});
    v.Field("heads", heads, "attention heads, must divide width; null: the preset's", Range{1, 128},
            For{"type", {"clip_vit", "vit", "two_branch_vit"}});
    v.Field("patch", patch, "side of a patch in pixels, must divide image_size; null: the preset's", Range{1, 256},
            For{"type", {"clip_vit", "vit", "two_branch_vit"}});
    v.Field("image_size", image_size, "side of the square input in pixels; null: the preset's", Range{8, 2048});
    v.Field("projection_dim", projection_dim,
            "size of the projected embedding, must equal model.embed_dim; null: the preset's (vit-tiny: "
            "embed_dim)",
            Range{2, 8192}, For{"type", {"clip_vit"}});
  }
};

// The sizes that remain when preset and overrides are resolved. MLP width is 4 x width, as in every published CLIP.
struct ClipVisionSizes {
  int width = 0;
  int layers = 0;
  int heads = 0;
  int patch = 0;
  int image_size = 0;
  int projection_dim = 0;
  bool quick_gelu = true;
  std::string pooling = "projected";  // else the vectors have `width` values
};

// Throws InputError for an unknown preset or pooling, or sizes that do not fit each other (heads must divide width,
// patch must divide image_size). embed_dim is the projection of vit-tiny, which has no published one.
ClipVisionSizes Resolve(const ImageEncoderOptions& options, int embed_dim);

// ---- segmenter: SegFormer -------------------------------------------------------------------------------------------

struct SegmenterOptions {
  std::string preset = "b5";
  int num_labels = 150;
  std::optional<std::string> weights;
  int image_size = 512;
  // Four values each, one per stage; empty: the preset's.
  std::vector<int> hidden_sizes;
  std::vector<int> depths;
  std::vector<int> heads;
  std::vector<int> sr_ratios;
  std::optional<int> decoder_dim;
  double dropout = 0.1;
  double drop_path = 0.1;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("preset", preset, "size of SegFormer", OneOf{{"tiny", "b0", "b1", "b2", "b3", "b4", "b5"}});
    v.Field("num_labels", num_labels, "classes of the masks (ADE20K: 150); 255 in a mask is 'ignore'", Range{2, 255});
    v.Field("weights", weights, "file with SegFormer weights under Hugging Face's names; null: random",
            Affects::kContent);
    v.Field("image_size", image_size, "side of the square input in pixels, a multiple of 32", Range{32, 4096});
    v.Field("hidden_sizes", hidden_sizes, "channels of the four stages; []: the preset's", Range{1, 4096});
    v.Field("depths", depths, "blocks of the four stages; []: the preset's", Range{1, 100});
    v.Field("heads", heads, "attention heads of the four stages, each divides its hidden size; []: the preset's",
            Range{1, 64});
    v.Field("sr_ratios", sr_ratios, "reduction of the keys' side in the four stages; []: the preset's", Range{1, 64});
    v.Field("decoder_dim", decoder_dim, "channels of the all-MLP head; null: the preset's", Range{1, 4096});
    v.Field("dropout", dropout, "dropout before the classifier while training", Range{0, 0.99}, Affects::kTraining);
    v.Field("drop_path", drop_path, "stochastic depth of the last block while training (linear from 0 at the first)",
            Range{0, 0.99}, Affects::kTraining);
  }
};

struct MitSizes {
  std::vector<int> hidden_sizes;
  std::vector<int> depths;
  std::vector<int> heads;
  std::vector<int> sr_ratios;
  double drop_path = 0;
};

struct SegFormerSizes {
  MitSizes encoder;
  int decoder_dim = 0;
  int num_labels = 0;
  double dropout = 0;
};

// Throws InputError for lists that do not have four values, heads that do not divide hidden sizes, or an image_size
// that is not a multiple of 32.
SegFormerSizes Resolve(const SegmenterOptions& options);

// The Mix Transformer of a SegFormer preset, b0..b5 or tiny, without stochastic depth. key: what an unknown one is said
// of.
MitSizes MitPreset(const std::string& preset, const std::string& key);

// ---- segmentation encoder: class-id map to vector -------------------------------------------------------------------

struct SegmentationEncoderOptions {
  std::string type = "resnet18";
  std::string input = "onehot";
  std::string geometry = "aligned";
  std::string resize = "nearest";
  std::optional<std::string> weights;
  int image_size = 224;
  int base_width = 64;
  std::string preset = "b0";

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("type", type, "network over the mask: ResNet-18 or a Mix Transformer",
            OneOf{{DUALGEO_MASK_BACKBONES(DUALGEO_KIND_NAME)}});
    v.Field("input", input,
            "how class ids enter: one channel per class (onehot), or id / 255 as a grey level (as the released code)",
            OneOf{{"onehot", "gray"}});
    v.Field("geometry", geometry,
            "at evaluation. aligned: the mask is cut as the photo is, so both views see the same pixels; squash: the "
            "whole mask beside the centre-cropped photo (as the released code)",
            OneOf{{"aligned", "squash"}});
    v.Field("resize", resize,
            "nearest: no class appears that was not there; bilinear: grey levels between classes appear (as the "
            "released code; only with input gray)",
            OneOf{{"nearest", "bilinear"}});
    v.Field("weights", weights,
            "resnet18: file with weights under torchvision's names; the first convolution is summed over colours for "
            "gray and stays random for onehot; null: random",
            Affects::kContent);
    v.Field("image_size", image_size, "side of the square mask in pixels, a multiple of 32", Range{32, 2048});
    v.Field("base_width", base_width, "channels of the first stage (64 is ResNet-18; 16 suits a CPU)", Range{4, 256},
            For{"type", {"resnet18"}});
    v.Field("preset", preset, "size of the Mix Transformer", OneOf{{"tiny", "b0", "b1", "b2", "b3", "b4", "b5"}},
            For{"type", {"mit"}});
  }
};

// ---- fusion of the two views ----------------------------------------------------------------------------------------

// Exactly: `tokens`: the image's class and patch tokens (post-norm, projected to embed_dim) and the segmentation
// encoder's map tokens (projected) attend to each other within one photo; fused_image is the fused class token,
// fused_segmentation the mean of the fused map tokens. `pooled`: one vector per view, so each attends to a single key.
// `batch`: pooled vectors attend over the photos of the batch, as the released code does: a photo's result then depends
// on its batch-mates.
struct FusionOptions {
  std::string type = "cross_attention";
  std::string direction = "both";
  std::string scope = "tokens";
  int heads = 8;
  double dropout = 0.1;
  // Beyond the paper, whose values these are (docs/findings.md, "A fusion that earns its place").
  int layers = 1;
  std::string norm = "post";
  std::string gate = "none";
  double modality_dropout = 0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("type", type, "how the two views are mixed", OneOf{{DUALGEO_FUSIONS(DUALGEO_KIND_NAME)}});
    v.Field("direction", direction, "which view receives from the other; the other one then passes unchanged",
            OneOf{{"both", "image_from_segmentation", "segmentation_from_image"}});
    v.Field("scope", scope,
            "over the tokens of one photo, over its two pooled vectors, or over the photos of the "
            "batch (as the released code behaves; results then depend on the batch)",
            OneOf{{"tokens", "pooled", "batch"}}, For{"type", {"cross_attention"}});
    v.Field("heads", heads, "attention heads, must divide embed_dim", Range{1, 128}, For{"type", {"cross_attention"}});
    v.Field("dropout", dropout, "dropout while training", Range{0, 0.99}, Affects::kTraining);
    v.Field("layers", layers, "layers of cross-attention, one behind the other", Range{1, 24},
            For{"type", {"cross_attention"}}, Added{});
    v.Field("norm", norm,
            "post: norm(view + what it receives), as in the paper; pre: view + what the normed view asks for",
            OneOf{{"post", "pre"}}, For{"type", {"cross_attention"}}, Added{});
    v.Field("gate", gate,
            "zero: a learned factor, the tanh of a number that is 0 at first, on what a view receives (Flamingo, arXiv "
            "2204.14198): with norm pre training starts at no fusion",
            OneOf{{"none", "zero"}}, For{"type", {"cross_attention"}}, Added{});
    v.Field("modality_dropout", modality_dropout,
            "while training, the probability that a view of a photo receives nothing from the other", Range{0, 1},
            Affects::kTraining, For{"type", {"cross_attention"}}, Added{});
  }
};

// ---- GPS encoder ----------------------------------------------------------------------------------------------------

struct GpsEncoderOptions {
  std::string projection = "mercator";
  std::vector<double> sigmas = {1, 16, 256};
  int rff_size = 256;
  int hidden = 1024;
  int embed_dim = 512;
  std::optional<std::string> weights;
  std::string beyond_mercator = "clamp";

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("projection", projection, "how latitude and longitude become plane (or space) coordinates",
            OneOf{{DUALGEO_GPS_PROJECTIONS(DUALGEO_KIND_NAME)}});
    v.Field("sigmas", sigmas, "frequency scale of each random-Fourier capsule", Range{1e-6, 1e6});
    v.Field("rff_size", rff_size, "random frequencies per capsule (cosine and sine of each)", Range{1, 65536});
    v.Field("hidden", hidden, "width of each capsule's three hidden layers", Range{1, 65536});
    v.Field("embed_dim", embed_dim, "size of the GPS embedding", Range{1, 65536});
    v.Field("weights", weights, "file with weights under GeoCLIP's LocEnc names; null: random", Affects::kContent);
    v.Field("beyond_mercator", beyond_mercator,
            "latitudes beyond 85.05112878 degrees are moved to that limit, or are an error", OneOf{{"clamp", "error"}},
            For{"projection", {"mercator"}});
  }
};

// ---- text encoder: CLIP's text tower --------------------------------------------------------------------------------

// For `embed text`, and for the head contrastive_text, which trains it or beside it.
struct TextEncoderOptions {
  std::string preset = "vit-l-14";
  std::optional<std::string> weights;
  std::optional<std::string> vocabulary;
  std::string activation = "quick_gelu";
  bool freeze = true;
  int vocabulary_size = 49408;
  // Each of these, where given, replaces the preset's value.
  std::optional<int> width;
  std::optional<int> layers;
  std::optional<int> heads;
  std::optional<int> mlp_width;
  std::optional<int> projection_dim;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("preset", preset, "size: that of the text tower beside this image tower",
            OneOf{{"vit-b-32", "vit-b-16", "vit-l-14", "vit-l-14-336", "vit-tiny"}}, Added{});
    v.Field(
        "weights", weights,
        "file with a CLIP's weights (Hugging Face's, OpenAI's or OpenCLIP's names, or a DualGeo checkpoint), of which "
        "the text tower is taken; null: random",
        Affects::kContent, Added{});
    v.Field(
        "vocabulary", vocabulary,
        "CLIP's vocabulary: tokenizer.json, vocab.json (with merges.txt beside it) or bpe_simple_vocab_16e6.txt.gz, "
        "or a folder with one of these",
        Affects::kContent, Added{});
    v.Field("activation", activation, "of the feed-forward layers, as model.image_encoder.activation",
            OneOf{{"quick_gelu", "gelu"}}, Added{});
    v.Field("freeze", freeze, "with the head contrastive_text: keep the tower as it is loaded", Affects::kTraining,
            Added{});
    v.Field("vocabulary_size", vocabulary_size, "tokens, as many as the vocabulary has", Range{3, 1048576}, Added{});
    v.Field("width", width, "channels; null: the preset's", Range{8, 8192}, Added{});
    v.Field("layers", layers, "blocks; null: the preset's", Range{1, 128}, Added{});
    v.Field("heads", heads, "attention heads, must divide width; null: the preset's", Range{1, 128}, Added{});
    v.Field("mlp_width", mlp_width, "channels inside the feed-forward layers; null: 4 x width", Range{1, 65536},
            Added{});
    v.Field("projection_dim", projection_dim,
            "size of the text's vector; null: the preset's (vit-tiny: model.embed_dim)", Range{2, 8192}, Added{});
  }
};

struct ClipTextSizes {
  int width = 0;
  int layers = 0;
  int heads = 0;
  int mlp_width = 0;
  int projection_dim = 0;
  int vocabulary_size = 0;
  bool quick_gelu = true;
};

// Throws InputError for an unknown preset or heads that do not divide width. embed_dim: as for the image encoder.
ClipTextSizes Resolve(const TextEncoderOptions& options, int embed_dim);

// ---- the head contrastive_gps ---------------------------------------------------------------------------------------

// Its loss is the section loss. GeoCLIP: dimension 512, location_projection none.
struct ContrastiveGpsOptions {
  std::optional<int> dimension;
  std::string location_projection = "mlp";
  std::optional<std::string> image_projection_weights;
  std::optional<std::string> logit_scale_weights;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("dimension", dimension, "size of the space that photos share with GPS; null: model.embed_dim",
            Range{2, 8192}, Added{});
    v.Field("location_projection", location_projection,
            "mlp: two layers take GPS embeddings into that space; none: they are in it as they are (GeoCLIP), so "
            "model.gps_encoder.embed_dim is its size",
            OneOf{{"mlp", "none"}}, Added{});
    v.Field("image_projection_weights", image_projection_weights,
            "file with the image view's two layers: GeoCLIP's image_encoder_mlp_weights.pth, a whole GeoCLIP or its "
            "release folder, a DualGeo checkpoint; null: random",
            Affects::kContent, Added{});
    v.Field("logit_scale_weights", logit_scale_weights,
            "file with the image view's logit scale: GeoCLIP's logit_scale_weights.pth, or as above; null: "
            "loss.logit_scale_init",
            Affects::kContent, Added{});
  }
};

// ---- the head cells -------------------------------------------------------------------------------------------------

// A class for each cell of one partition or of several (geo/partition.h).
struct CellsOptions {
  std::vector<std::string> partitions;
  std::vector<double> weights;
  std::string labels = "one_hot";
  double tau_km = 75;
  std::string smooth_from = "nearest";
  std::string vector = "fused_image";

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("partitions", partitions, "files of `cells build`, coarse to fine: a classifier for each",
            Affects::kContent);
    v.Field("weights", weights, "of each partition's loss; []: 1 for each", Range{0, 1000}, Affects::kTraining,
            Added{});
    v.Field("labels", labels,
            "one_hot: the photo's cell; haversine: other cells, too, the less the farther they are (PIGEON)",
            OneOf{{"one_hot", "haversine"}}, Affects::kTraining, Added{});
    v.Field("tau_km", tau_km, "distance at which a cell counts 1/e of the photo's own", Range{1e-3, 20100},
            For{"labels", {"haversine"}}, Affects::kTraining, Added{});
    v.Field("smooth_from", smooth_from,
            "the cell that counts 1. nearest: that of the nearest mean (PIGEON's released code); own: the photo's "
            "cell (its paper), so that a cell whose mean is nearer counts more than 1",
            OneOf{{"nearest", "own"}}, For{"labels", {"haversine"}}, Affects::kTraining, Added{});
    v.Field("vector", vector, "which of the photo's vectors is classified",
            OneOf{{"image", "segmentation", "fused_image", "fused_segmentation"}}, Added{});
  }
};

// ---- the head contrastive_text --------------------------------------------------------------------------------------

// Photos and captions made of the photo table's columns, in one space (G3; PIGEON's sentences).
struct ContrastiveTextOptions {
  std::vector<std::string> captions = {"A photo taken in {city}, {region}, {country}."};
  std::vector<double> keep;
  std::string vector = "fused_image";

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("captions", captions,
            "sentences with the table's columns in braces, which make a photo's caption one behind the other. A column "
            "that is empty in a photo's row is left out with the comma beside it, a sentence all of whose columns are "
            "empty altogether, and a photo without a sentence from this head's loss",
            Affects::kTraining, Added{});
    v.Field("keep", keep,
            "probability of each sentence to stand in a caption while training; []: 1 for each (one that is drawn "
            "without any keeps all)",
            Range{0, 1}, Affects::kTraining, Added{});
    v.Field("vector", vector, "which of the photo's vectors is compared with the caption",
            OneOf{{"image", "segmentation", "fused_image", "fused_segmentation"}}, Added{});
  }
};

// ---- the head attributes --------------------------------------------------------------------------------------------

// One thing that is known of the training photos: a column of their table.
struct AttributeOptions {
  std::string column;
  std::string type = "class";
  std::vector<std::string> classes;
  std::string scale = "linear";
  double weight = 1;
  double smoothing = 0;
  std::string vector = "fused_image";

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("column", column, "of the tables of training and validation photos; an empty cell: not known",
            Affects::kContent);
    v.Field("type", type,
            "class: a classifier of its values, by cross-entropy; value: a number, standardised, by squared error",
            OneOf{{"class", "value"}});
    v.Field("classes", classes, "the values that there are; []: those of the training photos", For{"type", {"class"}},
            Affects::kTraining);
    v.Field("scale", scale,
            "of the number, before it is standardised: linear, log (of positive numbers), or symlog: sign(x) log(1 + "
            "|x|)",
            OneOf{{"linear", "log", "symlog"}}, For{"type", {"value"}});
    v.Field("weight", weight, "of its loss", Range{0, 1000}, Affects::kTraining);
    v.Field("smoothing", smoothing, "label smoothing: this share of a label is spread over all classes", Range{0, 0.99},
            For{"type", {"class"}}, Affects::kTraining);
    v.Field("vector", vector, "which of the photo's vectors it is read from",
            OneOf{{"image", "segmentation", "fused_image", "fused_segmentation"}});
  }
};

// ---- the whole model and its loss -----------------------------------------------------------------------------------

struct ModelOptions {
  int embed_dim = 768;
  std::string views = "both";
  ImageEncoderOptions image_encoder;
  SegmenterOptions segmenter;
  SegmentationEncoderOptions segmentation_encoder;
  FusionOptions fusion;
  GpsEncoderOptions gps_encoder;
  std::vector<std::string> heads = {"contrastive_gps"};
  ContrastiveGpsOptions contrastive_gps;
  CellsOptions cells;
  TextEncoderOptions text_encoder;
  ContrastiveTextOptions contrastive_text;
  std::map<std::string, AttributeOptions> attributes;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field(
        "embed_dim", embed_dim,
        "size of the image and segmentation vectors and, unless contrastive_gps.dimension says otherwise, of the space "
        "they share with GPS",
        Range{2, 8192});
    v.Field("views", views, "what the model sees; with image, no masks are needed",
            OneOf{{"both", "image", "segmentation"}});
    v.Group("image_encoder", image_encoder, "the image view: CLIP's vision transformer");
    v.Group("segmenter", segmenter, "SegFormer, which makes the masks");
    v.Group("segmentation_encoder", segmentation_encoder, "the segmentation view: a network over the mask");
    v.Group("fusion", fusion, "how the two views are mixed");
    v.Group("gps_encoder", gps_encoder, "coordinates to vectors: random Fourier features and MLPs");
    v.Field(
        "heads", heads,
        "what is learned, one or several (with image_encoder classical: none). contrastive_gps: both views and "
        "coordinates in one space (section loss); cells: the cell of the photo; contrastive_text: the photo and its "
        "caption in one space; attributes: columns of the photo table",
        OneOf{{DUALGEO_HEADS(DUALGEO_KIND_NAME)}}, Added{});
    v.Group("contrastive_gps", contrastive_gps, "the head contrastive_gps");
    v.Group("cells", cells, "the head cells");
    v.Group("text_encoder", text_encoder, "texts to vectors: CLIP's text tower");
    v.Group("contrastive_text", contrastive_text, "the head contrastive_text");
    v.Map("attributes", attributes, "the head attributes: what it learns, by names of your choice");
  }

  bool has_image() const { return views != "segmentation"; }
  bool has_segmentation() const { return views != "image"; }
  // Of the space shared with GPS.
  int gps_space() const { return contrastive_gps.dimension.value_or(embed_dim); }
  bool has_head(const std::string& name) const { return std::ranges::find(heads, name) != heads.end(); }

  // Rules that span several fields. InputError naming field, value and rule.
  void Validate() const;
};

struct LossOptions {
  double image_gps = 1.0;
  double segmentation_gps = 1.0;
  double image_text = 1.0;
  double unfused = 0;
  double logit_scale_init = 3.99;
  std::string direction = "both";
  int queue = 0;
  std::string queue_start = "empty";
  double gps_noise_m = 0;
  double queue_noise_m = 0;

  template <class Visitor>
  void Visit(Visitor& v) {
    v.Field("image_gps", image_gps, "weight of the contrastive loss between image and GPS", Range{0, 1000});
    v.Field("segmentation_gps", segmentation_gps, "weight of the contrastive loss between segmentation and GPS",
            Range{0, 1000});
    v.Field("image_text", image_text,
            "weight of the contrastive loss between photo and caption (head contrastive_text)", Range{0, 1000},
            Added{});
    v.Field("unfused", unfused,
            "weight of the same losses on the two views' vectors before fusion, by the same projections: each view "
            "then has to find the place alone, too",
            Range{0, 1000}, Affects::kTraining, Added{});
    v.Field("logit_scale_init", logit_scale_init,
            "initial natural logarithm of the learnable factor on the cosine similarities (3.99: a factor of 54)",
            Range{-10, 10});
    v.Field("direction", direction,
            "both: photos find places and places photos (CLIP, DualGeo); image_to_gps: photos find places (GeoCLIP)",
            OneOf{{"both", "image_to_gps"}}, Affects::kTraining, Added{});
    v.Field("queue", queue,
            "so many coordinates of past batches are further places that photos are told from (GeoCLIP: 4096), a "
            "multiple of train.batch_size; 0: none",
            Range{0, 1e8}, Affects::kTraining, Added{});
    v.Field("queue_start", queue_start,
            "what the queue holds at first. empty: nothing, it grows batch by batch; near_zero: random points within a "
            "degree of latitude 0, longitude 0 (as GeoCLIP's released code)",
            OneOf{{"empty", "near_zero"}}, Affects::kTraining, Added{});
    v.Field("gps_noise_m", gps_noise_m,
            "standard deviation, to the north and to the east, by which a batch's coordinates are moved in training, "
            "in metres (GeoCLIP's paper: 150; its released code: 0)",
            Range{0, 1e6}, Affects::kTraining, Added{});
    v.Field("queue_noise_m", queue_noise_m, "the same of the queue's coordinates (GeoCLIP's paper: 1000)",
            Range{0, 1e6}, Affects::kTraining, Added{});
  }

  // InputError when both weights are 0 (nothing would be learned), or where a queue is spoken of that is not there.
  void Validate() const;
  // The queue takes whole batches and holds one at least: InputError otherwise.
  void RequireQueueFits(std::int64_t batch) const;
};

}  // namespace dualgeo
