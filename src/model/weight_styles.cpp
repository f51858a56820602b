#include "weight_styles.h"

namespace dualgeo {
namespace {

using Rules = std::vector<NameRule>;

constexpr WeightPart kClip = WeightPart::kClipVision;
constexpr WeightPart kText = WeightPart::kClipText;
constexpr WeightPart kSeg = WeightPart::kSegFormer;
constexpr WeightPart kMask = WeightPart::kMaskEncoder;
constexpr WeightPart kGps = WeightPart::kGpsEncoder;
constexpr WeightPart kProjection = WeightPart::kImageProjection;
constexpr WeightPart kScale = WeightPart::kLogitScale;
constexpr WeightPart kOther = WeightPart::kOther;

const char* const kNoSuchEncoder = "this build has no such encoder";
const char* const kNoDecodeHead =
    "no decode head stands beside it; take a SegFormer trained for segmentation, such as Hugging Face's "
    "nvidia/segformer-b0-finetuned-ade-512-512";
const char* const kNoProjection =
    "visual_projection.weight is not in it; save CLIPModel or CLIPVisionModelWithProjection, which have it";

Rules ClipOfHuggingFace() {
  return {{kClip, "vision_model.**", "vision_model.**"},
          {kClip, "visual_projection.weight", "visual_projection.weight"},
          {kText, "text_model.**", "text_model.**"},
          {kText, "text_projection.weight", "text_projection.weight"},
          {kOther, "logit_scale"}};
}

// Blocks as OpenAI names them, in either tower.
void AddOpenAiBlocks(Rules& rules, WeightPart part, const std::string& theirs, const std::string& ours) {
  const std::vector<std::string> qkv = {"q", "k", "v"};
  const Rules block = {{part, theirs + "attn.in_proj_weight", ours + "self_attn.?_proj.weight", false, qkv},
                       {part, theirs + "attn.in_proj_bias", ours + "self_attn.?_proj.bias", false, qkv},
                       {part, theirs + "attn.out_proj.*", ours + "self_attn.out_proj.*"},
                       {part, theirs + "ln_1.*", ours + "layer_norm1.*"},
                       {part, theirs + "ln_2.*", ours + "layer_norm2.*"},
                       {part, theirs + "mlp.c_fc.*", ours + "mlp.fc1.*"},
                       {part, theirs + "mlp.c_proj.*", ours + "mlp.fc2.*"}};
  rules.insert(rules.end(), block.begin(), block.end());
}

// below: what stands before the text tower's names.
void AddOpenAiText(Rules& rules, const std::string& below) {
  const Rules tower = {{kText, below + "token_embedding.weight", "text_model.embeddings.token_embedding.weight"},
                       {kText, below + "positional_embedding", "text_model.embeddings.position_embedding.weight"},
                       {kText, below + "ln_final.*", "text_model.final_layer_norm.*"},
                       {kText, below + "text_projection", "text_projection.weight", /*transpose=*/true}};
  rules.insert(rules.end(), tower.begin(), tower.end());
  AddOpenAiBlocks(rules, kText, below + "transformer.resblocks.*.", "text_model.encoder.layers.*.");
}

// The text tower alone.
Rules TextOfHuggingFace() {
  return {{kText, "text_model.**", "text_model.**"},
          {kText, "text_projection.weight", "text_projection.weight"},
          {kOther, "logit_scale"}};
}

Rules TextOfOpenAi() {
  Rules rules;
  AddOpenAiText(rules, "");
  rules.push_back({kOther, "logit_scale"});
  return rules;
}

// OpenCLIP's names are the same but for a text tower below text. and a bias beside the scale.
Rules ClipOfOpenAi() {
  Rules rules = {{kClip, "visual.class_embedding", "vision_model.embeddings.class_embedding"},
                 {kClip, "visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"},
                 {kClip, "visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"},
                 {kClip, "visual.proj", "visual_projection.weight", /*transpose=*/true},
                 {kClip, "visual.ln_pre.*", "vision_model.pre_layrnorm.*"},
                 {kClip, "visual.ln_post.*", "vision_model.post_layernorm.*"}};
  AddOpenAiBlocks(rules, kClip, "visual.transformer.resblocks.*.", "vision_model.encoder.layers.*.");
  AddOpenAiText(rules, "");
  AddOpenAiText(rules, "text.");
  for (const char* other : {"transformer.**", "text.**", "attn_mask", "logit_scale", "logit_bias", "input_resolution",
                            "context_length", "vocab_size"}) {
    rules.push_back({kOther, other});
  }
  return rules;
}

// What save_pretrained writes, and state_dict() of transformers up to 4, are ours. state_dict() of transformers 5 has
// the stages outermost and other names in them.
Rules SegFormerOfHuggingFace() {
  const std::string stage = "segformer.stages.*.";
  const std::string block = stage + "blocks.*.";
  const std::string ours = "segformer.encoder.block.*.*.";
  return {{kSeg, stage + "patch_embeddings.**", "segformer.encoder.patch_embeddings.*.**"},
          {kSeg, stage + "layer_norm.*", "segformer.encoder.layer_norm.*.*"},
          {kSeg, block + "layernorm_before.*", ours + "layer_norm_1.*"},
          {kSeg, block + "layernorm_after.*", ours + "layer_norm_2.*"},
          {kSeg, block + "attention.q_proj.*", ours + "attention.self.query.*"},
          {kSeg, block + "attention.k_proj.*", ours + "attention.self.key.*"},
          {kSeg, block + "attention.v_proj.*", ours + "attention.self.value.*"},
          {kSeg, block + "attention.o_proj.*", ours + "attention.output.dense.*"},
          {kSeg, block + "attention.sequence_reduction.sequence_reduction.*", ours + "attention.self.sr.*"},
          {kSeg, block + "attention.sequence_reduction.layer_norm.*", ours + "attention.self.layer_norm.*"},
          {kSeg, block + "mlp.fc1.*", ours + "mlp.dense1.*"},
          {kSeg, block + "mlp.fc2.*", ours + "mlp.dense2.*"},
          {kSeg, block + "mlp.dwconv.**", ours + "mlp.dwconv.**"},
          {kSeg, "decode_head.linear_projections.**", "decode_head.linear_c.**"},
          {kSeg, "segformer.**", "segformer.**"},
          {kSeg, "decode_head.**", "decode_head.**"}};
}

// The authors' own: stages counted from 1 inside a segment, k and v in one matrix (k first), and the unused conv_seg
// that every head of mmseg has.
Rules SegFormerOfNvlabs() {
  Rules rules;
  for (int i = 0; i < 4; ++i) {
    const std::string theirs = std::to_string(i + 1) + ".";
    const std::string ours = std::to_string(i) + ".";
    const std::string from = "backbone.block" + theirs + "*.";
    const std::string to = "segformer.encoder.block." + ours + "*.";
    const Rules stage = {
        {kSeg, "backbone.patch_embed" + theirs + "proj.*", "segformer.encoder.patch_embeddings." + ours + "proj.*"},
        {kSeg, "backbone.patch_embed" + theirs + "norm.*",
         "segformer.encoder.patch_embeddings." + ours + "layer_norm.*"},
        {kSeg, from + "norm1.*", to + "layer_norm_1.*"},
        {kSeg, from + "norm2.*", to + "layer_norm_2.*"},
        {kSeg, from + "attn.q.*", to + "attention.self.query.*"},
        {kSeg, from + "attn.kv.*", to + "attention.self.?.*", false, {"key", "value"}},
        {kSeg, from + "attn.proj.*", to + "attention.output.dense.*"},
        {kSeg, from + "attn.sr.*", to + "attention.self.sr.*"},
        {kSeg, from + "attn.norm.*", to + "attention.self.layer_norm.*"},
        {kSeg, from + "mlp.fc1.*", to + "mlp.dense1.*"},
        {kSeg, from + "mlp.fc2.*", to + "mlp.dense2.*"},
        {kSeg, from + "mlp.dwconv.**", to + "mlp.dwconv.**"},
        {kSeg, "backbone.norm" + theirs + "*", "segformer.encoder.layer_norm." + ours + "*"},
        {kSeg, "decode_head.linear_c" + theirs + "proj.*", "decode_head.linear_c." + ours + "proj.*"}};
    rules.insert(rules.end(), stage.begin(), stage.end());
  }
  const Rules head = {{kSeg, "decode_head.linear_fuse.conv.*", "decode_head.linear_fuse.*"},
                      {kSeg, "decode_head.linear_fuse.bn.*", "decode_head.batch_norm.*"},
                      {kSeg, "decode_head.linear_pred.*", "decode_head.classifier.*"},
                      {kOther, "decode_head.conv_seg.*"},
                      {kOther, "backbone.head.*"}};
  rules.insert(rules.end(), head.begin(), head.end());
  return rules;
}

Rules ResNetOfTorchvision() {
  return {{kMask, "conv1.*", "features.0.*"},
          {kMask, "bn1.*", "features.1.*"},
          {kMask, "layer1.**", "features.4.**"},
          {kMask, "layer2.**", "features.5.**"},
          {kMask, "layer3.**", "features.6.**"},
          {kMask, "layer4.**", "features.7.**"},
          {kOther, "fc.*"}};
}

Rules ResNetOfHuggingFace() {
  Rules rules = {{kMask, "embedder.embedder.convolution.*", "features.0.*"},
                 {kMask, "embedder.embedder.normalization.*", "features.1.*"}};
  for (int i = 0; i < 4; ++i) {
    const std::string from = "encoder.stages." + std::to_string(i) + ".layers.*.";
    const std::string to = "features." + std::to_string(4 + i) + ".*.";
    const Rules stage = {{kMask, from + "layer.0.convolution.*", to + "conv1.*"},
                         {kMask, from + "layer.0.normalization.*", to + "bn1.*"},
                         {kMask, from + "layer.1.convolution.*", to + "conv2.*"},
                         {kMask, from + "layer.1.normalization.*", to + "bn2.*"},
                         {kMask, from + "shortcut.convolution.*", to + "downsample.0.*"},
                         {kMask, from + "shortcut.normalization.*", to + "downsample.1.*"}};
    rules.insert(rules.end(), stage.begin(), stage.end());
  }
  return rules;
}

Rules GeoClip() {
  return {{kGps, "location_encoder.**", "**"},
          {kClip, "image_encoder.CLIP.vision_model.**", "vision_model.**"},
          {kClip, "image_encoder.CLIP.visual_projection.weight", "visual_projection.weight"},
          {kText, "image_encoder.CLIP.text_model.**", "text_model.**"},
          {kText, "image_encoder.CLIP.text_projection.weight", "text_projection.weight"},
          {kProjection, "image_encoder.mlp.**", "**"},
          {kOther, "image_encoder.**"},
          {kScale, "logit_scale", "logit_scale"},
          {kOther, "gps_queue"},
          {kOther, "gps_queue_ptr"}};
}

Rules DualGeo() {
  return {{kClip, "vision_model_rgb.**", "vision_model.**"},
          {kClip, "vision_projection_rgb.**", "visual_projection.**"},
          {kOther, "semantic_encoder.resnet.**"},  // semantic_encoder.features again
          {kMask, "semantic_encoder.**", "**"},
          {kGps, "location_encoder.**", "**"},
          {kText, "text_model.**", "text_model.**"},
          {kText, "text_projection.weight", "text_projection.weight"},
          {kProjection, "rgb_projection_else.**", "**"},
          {kScale, "logit_scale_rgb", "logit_scale"},
          {kOther, "**"}};  // fusion and heads
}

// Towers before whole models would hide these, and models before those that share their names.
void AddOurs(std::vector<WeightStyle>& styles) {
  styles.push_back({"DualGeo", {{"rgb_projection_else."}, {"seg_projection_else."}, {"vision_model_rgb."}}, DualGeo()});
  WeightStyle lora{"adapters (PEFT, LoRA)", {{"lora_A."}, {"lora_embedding_A."}}};
  lora.note = "merge them into their model first (merge_and_unload) and save that";
  lora.anywhere = true;
  styles.push_back(lora);
  styles.push_back({"GeoCLIP", {{"location_encoder.LocEnc0."}}, GeoClip()});
  styles.push_back({"GeoCLIP", {{"LocEnc0."}}, {{kGps, "**", "**"}}});
}

void AddClips(std::vector<WeightStyle>& styles) {
  const auto refused = [&](const char* name, std::vector<WeightStyle::Signs> signs, std::string note = kNoSuchEncoder,
                           WeightStyle::Signs without = {}) {
    styles.push_back({name, std::move(signs), {}, std::move(note), std::move(without)});
  };
  refused("OpenCLIP with a timm tower", {{"visual.trunk."}});
  refused("EVA-CLIP (BAAI)", {{"visual.blocks."}, {"visual.patch_embed."}});
  refused("CoCa (OpenCLIP)", {{"visual.attn_pool."}, {"visual.", "text_decoder."}});
  refused("CLIP with a ResNet (OpenAI)", {{"visual.attnpool."}, {"visual.layer1."}});
  styles.push_back({"CLIP (OpenCLIP)",
                    {{"visual.class_embedding", "text."}, {"visual.transformer.resblocks.", "text."}},
                    ClipOfOpenAi()});
  styles.push_back({"CLIP (OpenAI)", {{"visual.class_embedding"}, {"visual.transformer.resblocks."}}, ClipOfOpenAi()});
  styles.push_back({"CLIP (OpenAI), the image tower alone",
                    {{"class_embedding", "conv1.weight", "transformer.resblocks."}},
                    ClipOfOpenAi(),
                    "",
                    {},
                    "visual."});
  styles.push_back(
      {"CLIP (OpenAI), the text tower alone", {{"token_embedding.weight", "transformer.resblocks."}}, TextOfOpenAi()});

  refused("BLIP (Hugging Face)", {{"vision_model.encoder.layers.0.self_attn.qkv."}});
  refused("InternViT (Hugging Face)", {{"vision_model.encoder.layers.0.attn.qkv."}});
  refused("OWL-ViT (Hugging Face)", {{"vision_model.pre_layernorm."}});
  refused("SigLIP (Hugging Face)",
          {{"vision_model.head.probe"},
           {"vision_model.head.attention."},
           {"vision_model.embeddings.patch_embedding.bias"},
           {"vision_model.", "logit_bias"},
           {"embeddings.patch_embedding.bias", "encoder.layers.0.self_attn.q_proj."}},
          "it has no class token, and " + std::string(kNoSuchEncoder),
          {"vision_model.embeddings.class_embedding", "embeddings.class_embedding"});
  refused("CLIP (Hugging Face), the image tower alone", {{"vision_model.pre_layrnorm."}}, kNoProjection,
          {"visual_projection.weight"});
  styles.push_back({"CLIP (Hugging Face)", {{"vision_model.pre_layrnorm."}}, ClipOfHuggingFace()});
  refused("CLIP (Hugging Face), the image tower alone", {{"embeddings.class_embedding", "pre_layrnorm."}},
          kNoProjection);
  styles.push_back({"CLIP (Hugging Face), the text tower alone",
                    {{"text_model.embeddings.token_embedding.weight"}},
                    TextOfHuggingFace()});
}

void AddSegFormers(std::vector<WeightStyle>& styles) {
  const auto refused = [&](const char* name, std::vector<WeightStyle::Signs> signs, const char* note) {
    styles.push_back({name, std::move(signs), {}, note});
  };
  styles.push_back({"SegFormer (Hugging Face)", {{"segformer.encoder.", "decode_head."}}, SegFormerOfHuggingFace()});
  styles.push_back(
      {"SegFormer (Hugging Face, transformers 5)", {{"segformer.stages.", "decode_head."}}, SegFormerOfHuggingFace()});
  refused("SegFormer (Hugging Face), the encoder alone",
          {{"segformer.encoder."}, {"encoder.patch_embeddings.0.proj.", "encoder.block.0.0."}}, kNoDecodeHead);
  refused("SegFormer (Hugging Face, transformers 5), the encoder alone",
          {{"segformer.stages."}, {"stages.0.patch_embeddings.proj.", "stages.0.blocks.0.attention."}}, kNoDecodeHead);
  WeightStyle nvlabs{"SegFormer (NVlabs, mmseg)",
                     {{"backbone.patch_embed1.", "decode_head."}, {"backbone.block1.", "decode_head.linear_c1."}},
                     SegFormerOfNvlabs()};
  nvlabs.note = "where this file is not whole, take that of the same model from Hugging Face";
  nvlabs.without = {"decode_head.convs."};
  styles.push_back(nvlabs);
  refused("SegFormer (segmentation_models_pytorch)", {{"encoder.patch_embed1.", "decoder.mlp_stage."}},
          "its output is enlarged in another way; take the file of the same model from Hugging Face");
  refused("SegFormer (NVlabs, mmseg), the encoder alone",
          {{"patch_embed1.proj.", "block1.0.attn."}, {"block1.0.attn.kv."}}, kNoDecodeHead);
  refused("SegFormer (OpenMMLab, mmseg)", {{"backbone.layers.0.0.projection.", "decode_head."}, {"decode_head.convs."}},
          "its decode head has a norm and a ReLU after each stage, which this build has not; take the file of the same "
          "model from Hugging Face");
  refused("SegFormer (OpenMMLab, mmseg), the encoder alone", {{"layers.0.0.projection.", "layers.0.1.0."}},
          kNoDecodeHead);
}

void AddResNets(std::vector<WeightStyle>& styles) {
  const std::string note = "it has bottlenecks, as ResNet-50 and larger; model.segmentation_encoder is a ResNet-18";
  WeightStyle deep{"ResNet (torchvision)", {{"layer1.0.conv3.", "conv1.weight"}}};
  deep.note = note;
  styles.push_back(deep);
  styles.push_back({"ResNet (torchvision)", {{"layer1.0.conv1.", "conv1.weight"}}, ResNetOfTorchvision()});
  WeightStyle deep_hf{"ResNet (Hugging Face)",
                      {{"embedder.embedder.convolution.", "encoder.stages.0.layers.0.layer.2."}}};
  deep_hf.note = note;
  styles.push_back(deep_hf);
  styles.push_back({"ResNet (Hugging Face)",
                    {{"embedder.embedder.convolution.", "encoder.stages.0.layers.0.layer.0."}},
                    ResNetOfHuggingFace()});
}

// Known by name alone.
void AddStrangers(std::vector<WeightStyle>& styles) {
  const auto stranger = [&](const char* name, std::vector<WeightStyle::Signs> signs) {
    styles.push_back({name, std::move(signs), {}, kNoSuchEncoder});
  };
  stranger("SAM (Meta)", {{"image_encoder.patch_embed.", "mask_decoder."}});
  stranger("SAM (Hugging Face)", {{"vision_encoder.patch_embed.", "mask_decoder."}});
  stranger("DINOv3 (timm)", {{"reg_token", "blocks.0.gamma_1"}});
  stranger("DINOv3 (Meta)", {{"storage_tokens", "blocks.0."}, {"rope_embed.periods", "blocks.0."}});
  stranger("DINOv3 (Hugging Face)",
           {{"embeddings.register_tokens", "layer.0."}, {"embeddings.register_tokens", "model.layer.0."}});
  stranger("DINOv2 (Hugging Face)", {{"embeddings.cls_token", "encoder.layer.0.layer_scale1."}});
  stranger("DINOv2 (Meta)", {{"cls_token", "mask_token", "blocks.0."}});
  stranger("Swin Transformer (Hugging Face)",
           {{"encoder.layers.0.blocks.0.attention.", "embeddings.patch_embeddings."}});
  stranger("ViT, DeiT, BEiT or MAE (Hugging Face)",
           {{"embeddings.cls_token", "encoder.layer.0."}, {"embeddings.cls_token", "layers.0."}});
  stranger("ViT (torchvision)", {{"conv_proj.weight", "encoder.layers.encoder_layer_0."}});
  stranger("EVA or BEiT (BAAI, Microsoft, timm)",
           {{"blocks.0.attn.q_bias", "patch_embed.proj."}, {"blocks.0.attn.q_proj.", "patch_embed.proj."}});
  stranger("ViT (timm)", {{"patch_embed.proj.", "blocks.0.attn.qkv."}, {"pos_embed", "blocks.0.attn."}});
  stranger("Swin Transformer (Microsoft, timm)", {{"layers.0.blocks.0.attn.relative_position_bias_table"}});
  stranger("ConvNeXt (Hugging Face)", {{"encoder.stages.0.layers.0.dwconv."}});
  stranger("ConvNeXt (timm)", {{"stages.0.blocks.0.conv_dw."}});
  stranger("ConvNeXt (Meta)", {{"downsample_layers.0.", "stages.0.0.dwconv."}});
  stranger("VGG (torchvision)", {{"features.0.weight", "classifier.0.weight", "classifier.6.weight"}});
}

void AddSmall(std::vector<WeightStyle>& styles) {
  const auto small = [&](const char* name, WeightStyle::Signs names, Rules rules) {
    WeightStyle style{name, {std::move(names)}, std::move(rules)};
    style.only = true;
    styles.push_back(style);
  };
  small("GeoCLIP's image projection (an MLP of two layers)", {"0.bias", "0.weight", "2.bias", "2.weight"},
        {{kProjection, "**", "**"}});
  small("GeoCLIP's logit scale", {"logit_scale"}, {{kScale, "logit_scale", "logit_scale"}});
}

}  // namespace

const std::vector<WeightStyle>& WeightStyles() {
  static const std::vector<WeightStyle> kStyles = [] {
    std::vector<WeightStyle> styles;
    AddOurs(styles);
    AddClips(styles);
    AddSegFormers(styles);
    AddResNets(styles);
    AddStrangers(styles);
    AddSmall(styles);
    return styles;
  }();
  return kStyles;
}

}  // namespace dualgeo
