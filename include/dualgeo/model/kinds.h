// The kinds of each part of a network: one line a kind, its name in a config and the function that makes it. Its file
// in src/model/ defines that function; the table of factories, the allowed values of `type` and docs/config.md come
// from here. (No LibTorch here: the names alone are what options need.)
#pragma once

#include "dualgeo/util/kinds.h"

// model.image_encoder.type: PhotoInput input(const ImageEncoderOptions&), and std::shared_ptr<ImageEncoderImpl>
// make(const ImageEncoderOptions&, int embed_dim)
#define DUALGEO_IMAGE_ENCODERS(KIND)                          \
  KIND("clip_vit", ClipVitInput, MakeClipVit)                 \
  KIND("vit", VitInput, MakeVit)                              \
  KIND("two_branch_vit", TwoBranchVitInput, MakeTwoBranchVit) \
  KIND("resnet", ResNetInput, MakeResNet)                     \
  KIND("vgg16", Vgg16Input, MakeVgg16)                        \
  KIND("inception_v3", InceptionV3Input, MakeInceptionV3)     \
  KIND("mit", MitInput, MakeMit)                              \
  KIND("classical", ClassicalInput, MakeClassical)

// model.fusion.type: std::shared_ptr<FusionImpl> make(const FusionOptions&, int embed_dim)
#define DUALGEO_FUSIONS(KIND)                       \
  KIND("cross_attention", MakeCrossAttentionFusion) \
  KIND("concat", MakeConcatFusion)                  \
  KIND("gated", MakeGatedFusion)                    \
  KIND("none", MakeNoFusion)

// model.segmentation_encoder.type: std::shared_ptr<MaskBackboneImpl> make(const SegmentationEncoderOptions&, const
// MaskStem&)
#define DUALGEO_MASK_BACKBONES(KIND)     \
  KIND("resnet18", MakeResNet18Backbone) \
  KIND("mit", MakeMitBackbone)

// model.heads: std::shared_ptr<HeadImpl> make(const ModelOptions&, const LossOptions&), and
// std::vector<std::string> columns(const ModelOptions&), those of the photo table that it learns from, or NoColumns
#define DUALGEO_HEADS(KIND)                                                 \
  KIND("contrastive_gps", MakeContrastiveGpsHead, NoColumns)                \
  KIND("cells", MakeCellsHead, NoColumns)                                   \
  KIND("contrastive_text", MakeContrastiveTextHead, ContrastiveTextColumns) \
  KIND("attributes", MakeAttributesHead, AttributeColumns)

// model.gps_encoder.projection, and in how many dimensions: Tensor project(lat, lon), of degrees
#define DUALGEO_GPS_PROJECTIONS(KIND)         \
  KIND("mercator", 2, Mercator)               \
  KIND("equal_earth", 2, EqualEarth)          \
  KIND("equirectangular", 2, Equirectangular) \
  KIND("ecef", 3, Ecef)
