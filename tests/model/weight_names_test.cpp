#include "dualgeo/model/weight_names.h"

#include <gmock/gmock.h>

namespace dualgeo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A few names of a file, as tensors without meaning.
TensorMap Named(const std::vector<std::string>& names, const std::string& prefix = "") {
  TensorMap tensors;
  for (const auto& name : names) tensors[prefix + name] = torch::ones({6});
  return tensors;
}

struct StyleCase {
  const char* style;
  std::vector<std::string> names;
};

// What each project's files hold; a label is only given to what has it.
const std::vector<StyleCase>& StyleCases() {
  static const std::vector<StyleCase> kCases = {
      {"CLIP (Hugging Face)",
       {"vision_model.embeddings.class_embedding", "vision_model.pre_layrnorm.weight", "visual_projection.weight",
        "text_model.embeddings.token_embedding.weight", "logit_scale"}},
      {"CLIP (Hugging Face), the image tower alone",  // CLIPVisionModel, transformers 4
       {"vision_model.embeddings.class_embedding", "vision_model.pre_layrnorm.weight"}},
      {"CLIP (Hugging Face), the image tower alone",  // CLIPVisionModel, transformers 5
       {"embeddings.class_embedding", "pre_layrnorm.weight", "encoder.layers.0.self_attn.q_proj.weight"}},
      {"CLIP (Hugging Face), the text tower alone",
       {"text_model.embeddings.token_embedding.weight", "text_projection.weight"}},
      {"CLIP (OpenAI)",
       {"visual.class_embedding", "visual.conv1.weight", "visual.transformer.resblocks.0.ln_1.weight", "visual.proj",
        "token_embedding.weight", "transformer.resblocks.0.ln_1.weight", "logit_scale"}},
      {"CLIP (OpenAI), the image tower alone",
       {"class_embedding", "conv1.weight", "transformer.resblocks.0.ln_1.weight", "proj"}},
      {"CLIP (OpenAI), the text tower alone", {"token_embedding.weight", "transformer.resblocks.0.ln_1.weight"}},
      {"CLIP (OpenCLIP)",
       {"visual.class_embedding", "visual.transformer.resblocks.0.ln_1.weight",
        "text.transformer.resblocks.0.ln_1.weight"}},
      {"CLIP with a ResNet (OpenAI)",
       {"visual.conv1.weight", "visual.layer1.0.conv1.weight", "visual.attnpool.positional_embedding",
        "transformer.resblocks.0.ln_1.weight", "token_embedding.weight"}},
      {"OpenCLIP with a timm tower",
       {"visual.trunk.cls_token", "visual.trunk.pos_embed", "visual.trunk.patch_embed.proj.weight",
        "visual.trunk.blocks.0.attn.qkv.weight", "visual.head.proj.weight", "logit_scale"}},
      {"CoCa (OpenCLIP)",
       {"visual.class_embedding", "visual.transformer.resblocks.0.ln_1.weight", "visual.attn_pool.query",
        "text.transformer.resblocks.0.ln_1.weight", "text_decoder.ln_final.weight"}},
      {"EVA-CLIP (BAAI)",
       {"visual.cls_token", "visual.pos_embed", "visual.patch_embed.proj.weight", "visual.blocks.0.attn.q_bias",
        "text.token_embedding.weight"}},
      {"SigLIP (Hugging Face)",
       {"vision_model.embeddings.patch_embedding.bias", "vision_model.embeddings.position_embedding.weight",
        "vision_model.encoder.layers.0.self_attn.q_proj.weight", "vision_model.head.probe", "logit_scale",
        "logit_bias"}},
      {"SigLIP (Hugging Face)", {"vision_model.encoder.layers.0.self_attn.q_proj.weight", "logit_bias"}},
      {"BLIP (Hugging Face)",
       {"vision_model.embeddings.class_embedding", "vision_model.embeddings.patch_embedding.bias",
        "vision_model.encoder.layers.0.self_attn.qkv.weight"}},
      {"SegFormer (Hugging Face)",
       {"segformer.encoder.patch_embeddings.0.proj.weight", "decode_head.linear_c.0.proj.weight"}},
      {"SegFormer (Hugging Face), the encoder alone",
       {"segformer.encoder.patch_embeddings.0.proj.weight", "classifier.weight"}},
      {"SegFormer (Hugging Face, transformers 5)",
       {"segformer.stages.0.patch_embeddings.proj.weight", "decode_head.linear_projections.0.proj.weight"}},
      {"SegFormer (Hugging Face, transformers 5), the encoder alone",
       {"stages.0.patch_embeddings.proj.weight", "stages.0.blocks.0.attention.q_proj.weight"}},
      {"SegFormer (NVlabs, mmseg)",
       {"backbone.patch_embed1.proj.weight", "backbone.block1.0.attn.kv.weight", "decode_head.linear_c1.proj.weight"}},
      {"SegFormer (NVlabs, mmseg), the encoder alone",
       {"patch_embed1.proj.weight", "block1.0.attn.kv.weight", "norm1.weight", "head.weight"}},
      {"SegFormer (OpenMMLab, mmseg)",
       {"backbone.layers.0.0.projection.weight", "backbone.layers.0.1.0.attn.attn.in_proj_weight",
        "decode_head.convs.0.conv.weight", "decode_head.fusion_conv.conv.weight", "decode_head.conv_seg.weight"}},
      {"SegFormer (segmentation_models_pytorch)",
       {"encoder.patch_embed1.proj.weight", "encoder.block1.0.attn.kv.weight", "decoder.mlp_stage.0.linear.weight",
        "segmentation_head.0.weight"}},
      {"ResNet (torchvision)", {"conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "fc.weight"}},
      {"ResNet (Hugging Face)",
       {"resnet.embedder.embedder.convolution.weight", "resnet.encoder.stages.0.layers.0.layer.0.convolution.weight",
        "classifier.1.weight"}},
      {"DINOv2 (Meta)", {"cls_token", "pos_embed", "mask_token", "blocks.0.ls1.gamma", "blocks.0.attn.qkv.weight"}},
      {"DINOv2 (Hugging Face)",
       {"embeddings.cls_token", "embeddings.mask_token", "encoder.layer.0.layer_scale1.lambda1"}},
      {"ViT (timm)", {"cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.attn.qkv.weight"}},
      {"ViT, DeiT, BEiT or MAE (Hugging Face)",
       {"vit.embeddings.cls_token", "vit.encoder.layer.0.attention.attention.query.weight", "classifier.weight"}},
      {"GeoCLIP", {"location_encoder.LocEnc0.capsule.0.W", "image_encoder.CLIP.vision_model.pre_layrnorm.weight"}},
      {"adapters (PEFT, LoRA)",
       {"base_model.model.vision_model.encoder.layers.0.self_attn.q_proj.lora_A.weight",
        "base_model.model.vision_model.encoder.layers.0.self_attn.q_proj.lora_B.weight"}}};
  return kCases;
}

TEST(WeightNames, ALabelIsOnlyGivenToWhatHasIt) {
  for (const auto& one : StyleCases()) {
    EXPECT_EQ(NamesOf(Named(one.names)).name(), one.style) << one.names.front();
  }
}

TEST(WeightNames, PrefixesAndStrangersBesideThemChangeNoLabel) {
  for (const auto& one : StyleCases()) {
    for (const std::string prefix : {"net.", "model.encoder."}) {
      TensorMap tensors = Named(one.names, prefix);
      tensors["criterion.weight"] = torch::ones({1});
      EXPECT_EQ(NamesOf(tensors).name(), one.style) << prefix << one.names.front();
    }
  }
}

TEST(WeightNames, WhatIsNotReadSaysWhyOrWhatToTake) {
  for (const auto& one : StyleCases()) {
    const WeightNames names = NamesOf(Named(one.names));
    if (names.readable()) continue;
    EXPECT_FALSE(names.note().empty()) << one.style;
    for (const auto part : {WeightPart::kClipVision, WeightPart::kSegFormer, WeightPart::kMaskEncoder}) {
      EXPECT_THAT(MapNames(Named(one.names), names, part), IsEmpty()) << one.style;
    }
  }
}

TEST(WeightNames, NothingKnownIsSaidSo) {
  EXPECT_EQ(NamesOf({}).name(), "no style known here");
  EXPECT_EQ(NamesOf(Named({"encoder.layers.0", "decode_head.psp_modules.0.weight"})).name(), "no style known here");
  // "visual." and "decode_head." alone say nothing.
  EXPECT_EQ(NamesOf(Named({"visual.foo.weight", "logit_scale"})).name(), "no style known here");
}

TEST(WeightNames, SeveralSetsAreSeen) {
  TensorMap both = Named({"conv1.weight", "layer1.0.conv1.weight"}, "student.");
  both.merge(Named({"conv1.weight", "layer1.0.conv1.weight"}, "teacher."));
  EXPECT_THAT(NamesOf(both).prefixes, ElementsAre("student.", "teacher."));
}

TEST(WeightNames, NamesOutsideThePrefixAreLeftAside) {
  TensorMap tensors = Named({"conv1.weight", "layer1.0.conv1.weight"}, "net.");
  tensors["n_averaged"] = torch::ones({1});
  std::vector<std::string> aside;
  const TensorMap mapped = MapNames(tensors, NamesOf(tensors), WeightPart::kMaskEncoder, &aside);
  EXPECT_EQ(mapped.size(), 2U);
  EXPECT_EQ(mapped.count("features.4.0.conv1.weight"), 1U);
  EXPECT_THAT(aside, ElementsAre("n_averaged"));
}

TEST(WeightNames, HuggingFacesResNetIsTheSameNetwork) {
  const std::string layer = "resnet.encoder.stages.1.layers.0.";
  const TensorMap tensors =
      Named({"resnet.embedder.embedder.convolution.weight", "resnet.embedder.embedder.normalization.running_mean",
             "resnet.encoder.stages.0.layers.0.layer.0.convolution.weight", layer + "layer.1.normalization.bias",
             layer + "shortcut.convolution.weight", layer + "shortcut.normalization.weight"});
  std::vector<std::string> names;
  for (const auto& entry : MapNames(tensors, NamesOf(tensors), WeightPart::kMaskEncoder)) names.push_back(entry.first);
  EXPECT_THAT(names, ElementsAre("features.0.weight", "features.1.running_mean", "features.4.0.conv1.weight",
                                 "features.5.0.bn2.bias", "features.5.0.downsample.0.weight",
                                 "features.5.0.downsample.1.weight"));
}

TEST(WeightNames, RowsThatDoNotSplitStayWhole) {
  TensorMap tensors = Named({"visual.class_embedding"});
  tensors["visual.transformer.resblocks.0.attn.in_proj_weight"] = torch::ones({7, 2});
  const TensorMap mapped = MapNames(tensors, NamesOf(tensors), WeightPart::kClipVision);
  EXPECT_EQ(mapped.at("vision_model.encoder.layers.0.self_attn.q_proj.weight").size(0), 7);
}

TEST(NearestStyle, NamesTheNearestAndItsFirstDifference) {
  const TensorMap clip = Named({"vision_model.embeddings.class_embedding", "vision_model.pre_norm.weight",
                                "vision_model.encoder.layers.0.self_attn.q_proj.weight", "visual_projection.weight"});
  EXPECT_EQ(NearestStyle(clip, WeightPart::kClipVision),
            "nearest is CLIP (Hugging Face), which has \"vision_model.pre_layrnorm.…\"");
  const TensorMap segmenter = Named({"backbone.stages.0.blocks.0.attn.qkv.weight", "decode_head.conv.weight"});
  EXPECT_THAT(NearestStyle(segmenter, WeightPart::kSegFormer), HasSubstr("nearest is SegFormer ("));
  EXPECT_EQ(NearestStyle(Named({"zzz"}), WeightPart::kOther), "");
}

TEST(StripWrappers, TakesOffWhatTrainersAdd) {
  const TensorMap plain = Named({"layer1.0.conv1.weight", "fc.bias"});
  for (const std::string prefix : {"module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.model."}) {
    EXPECT_EQ(StripWrappers(Named({"layer1.0.conv1.weight", "fc.bias"}, prefix)).count("fc.bias"), 1U) << prefix;
  }
  EXPECT_EQ(StripWrappers(Named({"layer1._orig_mod.0.conv1.weight", "fc.bias"})).count("layer1.0.conv1.weight"), 1U);
  EXPECT_EQ(StripWrappers(Named({"a._fsdp_wrapped_module._checkpoint_wrapped_module.b"})).count("a.b"), 1U);
  TensorMap mixed = plain;
  mixed["module.x"] = torch::ones({1});
  EXPECT_EQ(StripWrappers(mixed).count("module.x"), 1U);
  // Two names would be one.
  EXPECT_EQ(StripWrappers(Named({"a.b", "a._orig_mod.b"})).size(), 2U);
}

}  // namespace
}  // namespace dualgeo
