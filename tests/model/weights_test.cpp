#include "dualgeo/model/weights.h"

#include <gmock/gmock.h>

#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "tests/model/support.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

TensorMap ToMap(const std::vector<std::pair<std::string, torch::Tensor>>& state) {
  return {state.begin(), state.end()};
}

std::string MessageOf(const std::function<void()>& action) {
  try {
    action();
    return "";
  } catch (const InputError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
}

// Names and shapes of a real checkpoint, as tensors without memory of their own.
TensorMap Inventory(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  TensorMap tensors;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name, kind, shape, extent;
    std::getline(fields, name, ',');
    std::getline(fields, kind, ',');
    std::getline(fields, shape, ',');
    std::vector<std::int64_t> sizes;
    std::istringstream extents(shape);
    while (std::getline(extents, extent, 'x')) sizes.push_back(std::stoll(extent));
    tensors[name] = torch::zeros({}).expand(sizes);
  }
  return tensors;
}

// Both ways: every tensor of the file has its place, and every place its tensor. Loading needs no memory worth the
// name: uninitialised parameters are not touched before this fails or copies.
void ExpectSameNamesAndShapes(const torch::nn::Module& module, const TensorMap& file) {
  std::set<std::string> matched;
  for (const auto& [name, own] : StateDict(module)) {
    if (name.find("num_batches_tracked") != std::string::npos) continue;
    const auto found = file.find(name);
    ASSERT_NE(found, file.end()) << name << " is not in the file";
    EXPECT_EQ(found->second.sizes(), own.sizes()) << name;
    matched.insert(name);
  }
  for (const auto& entry : file) {
    if (entry.first.find("position_ids") != std::string::npos) continue;
    EXPECT_EQ(matched.count(entry.first), 1u) << entry.first << " has no place in the model";
  }
}

class ClipInventory : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ClipInventory, PresetHasTheRealNamesAndShapes) {
  const auto [preset, inventory] = GetParam();
  SHARED_PATH_OR_SKIP(path, std::string("data/weights/param_inventory_clip_vit_") + inventory + "_hf.csv");
  const TensorMap file = Inventory(path);
  EXPECT_EQ(NamesOf(file).name(), "CLIP (Hugging Face)");
  ImageEncoderOptions options;
  options.preset = preset;
  const ClipVision clip(Resolve(options, 768));
  ExpectSameNamesAndShapes(*clip, MapNames(file, NamesOf(file), WeightPart::kClipVision));
}

INSTANTIATE_TEST_SUITE_P(Real, ClipInventory,
                         ::testing::Values(std::pair("vit-b-32", "base_patch32"),
                                           std::pair("vit-l-14", "large_patch14")),
                         [](const auto& test) { return test.index == 0 ? "vit_b_32" : "vit_l_14"; });

// No inventories at hand for these: by their papers they differ from the two above in the patch and the grid alone.
TEST(ClipInventories, DerivedForTheOtherPresets) {
  struct Derived {
    const char* preset;
    const char* from;
    std::int64_t patch;
    std::int64_t rows;
  };
  for (const auto& other : {Derived{"vit-b-16", "base_patch32", 16, 1 + 14 * 14},
                            Derived{"vit-l-14-336", "large_patch14", 14, 1 + 24 * 24}}) {
    SHARED_PATH_OR_SKIP(path, std::string("data/weights/param_inventory_clip_vit_") + other.from + "_hf.csv");
    TensorMap file = Inventory(path);
    auto& patches = file.at("vision_model.embeddings.patch_embedding.weight");
    patches = torch::zeros({}).expand({patches.size(0), 3, other.patch, other.patch});
    auto& positions = file.at("vision_model.embeddings.position_embedding.weight");
    positions = torch::zeros({}).expand({other.rows, positions.size(1)});
    ImageEncoderOptions options;
    options.preset = other.preset;
    const ClipVision clip(Resolve(options, 0));
    ExpectSameNamesAndShapes(*clip, MapNames(file, NamesOf(file), WeightPart::kClipVision));
  }
}

class SegFormerInventory : public ::testing::TestWithParam<std::tuple<const char*, int, const char*>> {};

TEST_P(SegFormerInventory, PresetHasTheRealNamesAndShapes) {
  const auto [preset, labels, inventory] = GetParam();
  SHARED_PATH_OR_SKIP(path, std::string("data/weights/param_inventory_segformer_") + inventory + ".csv");
  const TensorMap file = Inventory(path);
  EXPECT_EQ(NamesOf(file).name(), "SegFormer (Hugging Face)");
  SegmenterOptions options;
  options.preset = preset;
  options.num_labels = labels;
  const SegFormer segformer(options, std::nullopt);
  ExpectSameNamesAndShapes(*segformer, MapNames(file, NamesOf(file), WeightPart::kSegFormer));
}

INSTANTIATE_TEST_SUITE_P(Real, SegFormerInventory,
                         ::testing::Values(std::tuple("b0", 150, "b0_ade_hf"), std::tuple("b2", 18, "b2_hf")),
                         [](const auto& test) { return std::get<0>(test.param); });

// The other sizes have the b2 inventory's blocks, more or fewer of them (table 6 of the paper); b1 has also b0's narrow
// decoder. Together with the published numbers of parameters, below, no name and no shape is left open.
TEST(SegFormerInventories, DerivedForTheOtherPresets) {
  SHARED_PATH_OR_SKIP(path, "data/weights/param_inventory_segformer_b2_hf.csv");
  const TensorMap b2 = Inventory(path);
  const std::tuple<const char*, std::vector<int>, std::int64_t> others[] = {
      {"b1", {2, 2, 2, 2}, 256}, {"b3", {3, 4, 18, 3}, 768}, {"b4", {3, 8, 27, 3}, 768}, {"b5", {3, 6, 40, 3}, 768}};
  for (const auto& [preset, depths, decoder] : others) {
    TensorMap file;
    for (const auto& [name, tensor] : b2) {
      const std::string block = "segformer.encoder.block.";
      if (name.rfind(block, 0) == 0) {
        const auto stage = static_cast<std::size_t>(name[block.size()] - '0');
        const auto dot = name.find('.', block.size() + 2);
        if (name.substr(block.size() + 2, dot - block.size() - 2) != "0") continue;
        for (int i = 0; i < depths[stage]; ++i) {
          file[block + std::to_string(stage) + "." + std::to_string(i) + name.substr(dot)] = tensor;
        }
        continue;
      }
      auto shape = tensor.sizes().vec();
      for (auto& extent : shape) {
        if (name.rfind("decode_head.", 0) == 0 && extent == 768) extent = decoder;
        if (name.rfind("decode_head.", 0) == 0 && extent == 4 * 768) extent = 4 * decoder;
      }
      file[name] = torch::zeros({}).expand(shape);
    }
    SegmenterOptions options;
    options.preset = preset;
    options.num_labels = 18;
    const SegFormer segformer(options, std::nullopt);
    ExpectSameNamesAndShapes(*segformer, MapNames(file, NamesOf(file), WeightPart::kSegFormer));
  }
}

TEST(SegFormerPresets, HaveThePublishedNumberOfParameters) {
  // Millions, table 1 of arXiv 2105.15203.
  const std::pair<const char*, double> published[] = {{"b0", 3.8},  {"b1", 13.7}, {"b2", 27.5},
                                                      {"b3", 47.3}, {"b4", 64.1}, {"b5", 84.7}};
  for (const auto& [preset, millions] : published) {
    SegmenterOptions options;
    options.preset = preset;
    const SegFormer segformer(options, std::nullopt);
    double count = 0;
    for (const auto& parameter : segformer->parameters()) count += static_cast<double>(parameter.numel());
    EXPECT_NEAR(count / 1e6, millions, 0.06) << preset;
  }
}

TEST(ResNetInventory, HasTheRealNamesAndShapes) {
  SHARED_PATH_OR_SKIP(path, "data/weights/param_inventory_resnet18_torchvision.csv");
  TensorMap file = Inventory(path);
  EXPECT_EQ(NamesOf(file).name(), "ResNet (torchvision)");
  // torchvision's file has these; the inventory lost them.
  for (int stage = 2; stage <= 4; ++stage) {
    const std::string norm = "layer" + std::to_string(stage) + ".0.downsample.1.";
    file.emplace(norm + "bias", file.at(norm + "weight"));
  }
  TensorMap mapped = MapNames(file, NamesOf(file), WeightPart::kMaskEncoder);
  SegmentationEncoderOptions options;
  options.input = "gray";
  const SegmentationEncoder encoder(options, 150, 768);
  mapped["features.0.weight"] = mapped.at("features.0.weight").sum(1, true);
  mapped["projection.weight"] = torch::zeros({768, 512});
  mapped["projection.bias"] = torch::zeros({768});
  ExpectSameNamesAndShapes(*encoder, mapped);
}

TEST(LoadStateDict, NamesTheFirstProblemsAndChangesNothing) {
  torch::nn::Module module;
  auto a = module.register_parameter("a", torch::zeros({2, 3}));
  auto b = module.register_parameter("b", torch::zeros({2}));
  const auto message = MessageOf([&] {
    LoadStateDict(module, {{"a", torch::ones({3, 2})}, {"c", torch::ones({1})}, {"x.position_ids", torch::ones({1})}},
                  "w.safetensors");
  });
  EXPECT_EQ(message,
            "w.safetensors: the weights do not fit the model: b is missing; c is unexpected; a is [3, 2] in the file, "
            "[2, 3] in the model");
  EXPECT_EQ(a.abs().sum().item<float>(), 0.0f);
  LoadStateDict(module, {{"a", torch::ones({2, 3}, torch::kFloat16)}, {"b", torch::ones({2}, torch::kFloat64)}}, "w");
  EXPECT_EQ(a.sum().item<float>(), 6.0f);
  EXPECT_EQ(a.scalar_type(), torch::kFloat32);
}

// Weights read from a file are in memory once; what a copy was asked for is not touched by the module.
TEST(LoadStateDict, SharesOnlyWhenAsked) {
  torch::nn::Module module;
  auto a = module.register_parameter("a", torch::zeros({2, 3}));
  const auto file = torch::ones({2, 3});
  LoadStateDict(module, {{"a", file}}, "w");
  EXPECT_NE(a.data_ptr(), file.data_ptr());
  LoadStateDict(module, {{"a", file}}, "w", Memory::kShare);
  EXPECT_EQ(a.data_ptr(), file.data_ptr());
  EXPECT_TRUE(a.requires_grad());
  const auto strided = torch::arange(6, torch::kFloat32).view({3, 2}).t();
  LoadStateDict(module, {{"a", strided}}, "w", Memory::kShare);
  EXPECT_TRUE(a.is_contiguous());
  EXPECT_TRUE(torch::equal(a, strided));
}

TEST(LoadStateDict, LongListsAreCounted) {
  torch::nn::Module module;
  module.register_parameter("a", torch::zeros({2}));
  module.register_parameter("b", torch::zeros({2}));
  TensorMap many = {{"a", torch::ones({3})}, {"b", torch::ones({3})}};
  for (int i = 0; i < 100; ++i) many["extra." + std::to_string(i)] = torch::ones({1});
  EXPECT_EQ(MessageOf([&] { LoadStateDict(module, many, "w"); }),
            "w: the weights do not fit the model: extra.0 and 99 more are unexpected; a is [3] in the file, [2] in the "
            "model, and 1 more of another shape");
}

ModelOptions SmallModel() {
  ModelOptions options;
  options.embed_dim = 20;
  options.image_encoder.preset = "vit-tiny";
  options.image_encoder.width = 48;
  options.image_encoder.layers = 2;
  options.image_encoder.heads = 6;
  options.image_encoder.patch = 14;
  options.image_encoder.image_size = 56;
  options.segmenter.num_labels = 9;
  options.segmentation_encoder.image_size = 32;
  options.segmentation_encoder.base_width = 4;
  options.fusion.heads = 4;
  options.gps_encoder.rff_size = 8;
  options.gps_encoder.hidden = 32;
  options.gps_encoder.embed_dim = 24;
  return options;
}

TEST(Checkpoint, ComesBackBitForBit) {
  const TemporaryFolder folder;
  DualGeoModel model(SmallModel(), LossOptions{}, 1);
  WriteSafetensors(folder / "model.safetensors", StateDict(*model));
  DualGeoModel other(SmallModel(), LossOptions{}, std::nullopt);
  LoadStateDict(*other, ReadWeights(folder.path()), folder.path().string());
  const auto a = StateDict(*model);
  const auto b = StateDict(*other);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i].second, b[i].second)) << a[i].first;

  auto options = SmallModel();
  options.fusion.type = "gated";
  DualGeoModel of_another_kind(options, LossOptions{}, 1);
  const auto message = MessageOf([&] { LoadStateDict(*of_another_kind, ReadWeights(folder.path()), "ckpt"); });
  EXPECT_THAT(message, HasSubstr("cross_attn_fusion.image_from_segmentation.gate.bias and"));
  EXPECT_THAT(message, HasSubstr("cross_attn_fusion.k_proj_rgb.bias and"));
}

TEST(LoadPretrained, TakesEachPartFromItsFileOrFromACheckpoint) {
  const TemporaryFolder folder;
  auto options = SmallModel();
  options.image_encoder.weights = Golden("clip_tiny_weights_openai").string();
  options.gps_encoder.weights = Golden("gps_encoder_mercator_weights").string();
  DualGeoModel model(options, LossOptions{}, 1);
  LoadPretrained(*model);
  const SafetensorsFile clip(Golden("clip_tiny_weights"));
  const auto own = ToMap(StateDict(*model));
  for (const auto& name : clip.names()) {
    const std::string ours = name == "visual_projection.weight"
                                 ? "vision_projection_rgb.weight"
                                 : "vision_model_rgb." + name.substr(strlen("vision_model."));
    EXPECT_TRUE(torch::equal(own.at(ours), clip.Get(name))) << name;
  }
  const SafetensorsFile gps(Golden("gps_encoder_mercator_weights"));
  for (const auto& name : gps.names()) EXPECT_TRUE(torch::equal(own.at("location_encoder." + name), gps.Get(name)));

  // The same parts out of our own checkpoint, whatever heads it has beside them.
  auto checkpoint = StateDict(*model);
  checkpoint.emplace_back("cells_0.weight", torch::ones({2, 8}));
  checkpoint.emplace_back("attributes.scene.bias", torch::ones({2}));
  WriteSafetensors(folder / "model.safetensors", checkpoint);
  options.image_encoder.weights = options.gps_encoder.weights = folder.path().string();
  options.segmentation_encoder.weights = folder.path().string();
  DualGeoModel again(options, LossOptions{}, 2);
  LoadPretrained(*again);
  for (const auto& [name, tensor] : StateDict(*again)) {
    if (name.rfind("vision_model_rgb", 0) == 0 || name.rfind("location_encoder", 0) == 0 ||
        name.rfind("semantic_encoder", 0) == 0) {
      EXPECT_TRUE(torch::equal(tensor, own.at(name))) << name;
    }
  }
}

TEST(LoadPretrained, TakesOtherEncodersOutOfACheckpoint) {
  const TemporaryFolder folder;
  auto options = SmallPhotoModel();
  options.image_encoder.type = "vit";
  options.image_encoder.preset = "vit_tiny_patch16_224";
  options.image_encoder.patch = 16;
  DualGeoModel model(options, LossOptions{}, 1), again(options, LossOptions{}, 2);
  const auto file = folder / "model.safetensors";
  WriteSafetensors(file, StateDict(*model));
  again->image_encoder()->Load(file);
  const auto own = ToMap(StateDict(*model));
  for (const auto& [name, tensor] : StateDict(*again)) {
    if (!name.starts_with("vision_model_rgb")) continue;
    EXPECT_TRUE(torch::equal(tensor, own.at(name))) << name;
  }
}

TEST(LoadPretrained, TheTextTowerIsKnownAndOtherNamesAreNot) {
  const TemporaryFolder folder;
  const SafetensorsFile clip(Golden("clip_tiny_weights"));
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const auto& name : clip.names()) tensors.emplace_back(name, clip.Get(name));
  tensors.emplace_back("text_model.encoder.layers.0.mlp.fc1.weight", torch::ones({2, 2}));
  tensors.emplace_back("text_projection.weight", torch::ones({2, 2}));
  tensors.emplace_back("logit_scale", torch::tensor(4.6f));
  tensors.emplace_back("vision_model.embeddings.position_ids", torch::arange(17).unsqueeze(0));
  WriteSafetensors(folder / "full.safetensors", tensors);
  ClipVision encoder(Resolve(SmallModel().image_encoder, 20));
  EXPECT_NO_THROW(LoadClipVision(*encoder, folder / "full.safetensors"));
  tensors.emplace_back("adapter.weight", torch::ones({1}));
  WriteSafetensors(folder / "odd.safetensors", tensors);
  EXPECT_THAT(
      MessageOf([&] { LoadClipVision(*encoder, folder / "odd.safetensors"); }),
      HasSubstr(
          "odd.safetensors: CLIP (Hugging Face): the weights do not fit the model: adapter.weight is unexpected"));
}

// Every combination of what trainers put around a model, with what stands beside it there.
TEST(LoadPretrained, PrefixesOfTrainersAreTakenOff) {
  const TemporaryFolder folder;
  ClipVision plain(Resolve(SmallModel().image_encoder, 20));
  LoadClipVision(*plain, Golden("clip_tiny_weights"));
  const auto expected = ToMap(StateDict(*plain));
  for (const std::string file : {"clip_tiny_weights", "clip_tiny_weights_openai"}) {
    const SafetensorsFile clip(Golden(file));
    for (const std::string prefix :
         {"module.", "_orig_mod.", "model.", "net.", "module.model._orig_mod.", "model.image_encoder.clip."}) {
      std::vector<std::pair<std::string, torch::Tensor>> tensors;
      for (const auto& name : clip.names()) tensors.emplace_back(prefix + name, clip.Get(name));
      for (const bool strangers : {false, true}) {
        if (strangers) {
          tensors.emplace_back("n_averaged", torch::ones({1}));
          tensors.emplace_back("criterion.weight", torch::ones({3}));
        }
        WriteSafetensors(folder / "wrapped.safetensors", tensors);
        ClipVision encoder(Resolve(SmallModel().image_encoder, 20));
        ASSERT_NO_THROW(LoadClipVision(*encoder, folder / "wrapped.safetensors")) << prefix << file;
        for (const auto& [name, tensor] : StateDict(*encoder)) {
          ASSERT_TRUE(torch::equal(tensor, expected.at(name))) << prefix << name;
        }
      }
    }
  }
}

TEST(LoadPretrained, SeveralSetsOfWeightsAreNotGuessedFrom) {
  const TemporaryFolder folder;
  const SafetensorsFile clip(Golden("clip_tiny_weights"));
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (const std::string prefix : {"model.", "model_ema."}) {
    for (const auto& name : clip.names()) tensors.emplace_back(prefix + name, clip.Get(name));
  }
  WriteSafetensors(folder / "both.safetensors", tensors);
  ClipVision encoder(Resolve(SmallModel().image_encoder, 20));
  EXPECT_THAT(
      MessageOf([&] { LoadClipVision(*encoder, folder / "both.safetensors"); }),
      HasSubstr("both.safetensors: holds several sets of CLIP (Hugging Face), under \"model.\", \"model_ema.\""));
}

// The vision tower of transformers' CLIPVisionModel has no projection; OpenAI's tower saved alone has.
TEST(LoadPretrained, TowersSavedAlone) {
  const TemporaryFolder folder;
  ClipVision encoder(Resolve(SmallModel().image_encoder, 20));
  const auto save = [&](const std::string& file, const std::string& prefix) {
    const SafetensorsFile clip(Golden(file));
    std::vector<std::pair<std::string, torch::Tensor>> tensors;
    for (const auto& name : clip.names()) {
      if (name.starts_with(prefix)) tensors.emplace_back(name.substr(prefix.size()), clip.Get(name));
    }
    WriteSafetensors(folder / "tower.safetensors", tensors);
  };
  save("clip_tiny_weights_openai", "visual.");
  EXPECT_NO_THROW(LoadClipVision(*encoder, folder / "tower.safetensors"));
  save("clip_tiny_weights", "vision_model.");
  EXPECT_THAT(MessageOf([&] { LoadClipVision(*encoder, folder / "tower.safetensors"); }),
              HasSubstr("visual_projection.weight is not in it; save CLIPModel"));
}

TEST(LoadPretrained, GpsEncoderFromAPyTorchFile) {
  SHARED_PATH_OR_SKIP(path, "fixtures/gps_encoder_mercator_weights.pth");
  GpsEncoder a(SmallModel().gps_encoder), b(SmallModel().gps_encoder);
  LoadGpsEncoder(*a, path);
  LoadGpsEncoder(*b, Golden("gps_encoder_mercator_weights"));
  const auto expected = ToMap(StateDict(*b));
  for (const auto& [name, tensor] : StateDict(*a)) EXPECT_TRUE(torch::equal(tensor, expected.at(name))) << name;
}

TEST(LoadPretrained, AReleasedCheckpointsParts) {
  // The released state dict holds its ResNet twice; see MapWholeModel.
  const TensorMap released = {{"semantic_encoder.resnet.conv1.weight", torch::ones({1})},
                              {"semantic_encoder.features.0.weight", torch::ones({2})},
                              {"cross_attn_fusion.q_proj_rgb.weight", torch::ones({3})},
                              {"cross_attn_fusion.norm_seg.bias", torch::ones({4})},
                              {"rgb_projection_else.0.weight", torch::ones({5})}};
  EXPECT_EQ(NamesOf(released).name(), "DualGeo");
  const TensorMap part = MapNames(released, NamesOf(released), WeightPart::kMaskEncoder);
  ASSERT_EQ(part.size(), 1U);
  EXPECT_EQ(part.begin()->first, "features.0.weight");
  std::vector<std::string> names;
  for (const auto& entry : MapWholeModel(released)) names.push_back(entry.first);
  EXPECT_THAT(names, ::testing::ElementsAre("cross_attn_fusion.norm_seg.bias", "cross_attn_fusion.q_proj_rgb.weight",
                                            "rgb_projection_else.0.weight", "semantic_encoder.features.0.weight"));
}

TEST(LoadPretrained, SaysWhatAFileHoldsInstead) {
  ClipVision clip(Resolve(SmallModel().image_encoder, 20));
  EXPECT_THAT(MessageOf([&] { LoadClipVision(*clip, Golden("gps_encoder_mercator_weights")); }),
              HasSubstr("holds no CLIP image encoder: its names are those of GeoCLIP"));
  EXPECT_THAT(MessageOf([&] { LoadClipVision(*clip, Golden("dual_view_loss")); }),
              HasSubstr("holds no CLIP image encoder under names known here, but \"gps_proj\""));
  EXPECT_THAT(MessageOf([&] { LoadClipVision(*clip, "/nonexistent.safetensors"); }), HasSubstr("no such file"));
}

TEST(LoadPretrained, ResNetIsSummedOverColours) {
  const TemporaryFolder folder;
  auto options = SmallModel().segmentation_encoder;
  options.input = "gray";
  SegmentationEncoder source(options, 9, 20);
  torch::manual_seed(1);
  source->Initialise();
  // Back to torchvision's names, with a first convolution over three colours.
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  const auto colours = torch::randn({4, 3, 7, 7});
  for (const auto& [name, tensor] : StateDict(*source)) {
    std::string theirs;
    if (name == "features.0.weight")
      theirs = "conv1.weight";
    else if (name.rfind("features.1.", 0) == 0)
      theirs = "bn1." + name.substr(11);
    else if (name.rfind("features.", 0) == 0)
      theirs = "layer" + std::to_string(name[9] - '3') + name.substr(10);
    else
      continue;
    tensors.emplace_back(theirs, theirs == "conv1.weight" ? colours : tensor);
  }
  tensors.emplace_back("fc.weight", torch::ones({10, 32}));
  tensors.emplace_back("fc.bias", torch::ones({10}));
  WriteSafetensors(folder / "resnet.safetensors", tensors);

  SegmentationEncoder gray(options, 9, 20);
  gray->Initialise();
  const auto projection = gray->named_parameters()["projection.weight"].clone();
  LoadSegmentationEncoder(*gray, folder / "resnet.safetensors");
  const auto state = ToMap(StateDict(*gray));
  EXPECT_LT(MaxDifference(state.at("features.0.weight"), colours.sum(1, true)), 1e-6);
  EXPECT_TRUE(
      torch::equal(state.at("features.6.1.conv2.weight"), ToMap(StateDict(*source)).at("features.6.1.conv2.weight")));
  EXPECT_TRUE(torch::equal(state.at("projection.weight"), projection));

  options.input = "onehot";
  SegmentationEncoder onehot(options, 9, 20);
  onehot->Initialise();
  const auto first = onehot->named_parameters()["features.0.weight"].clone();
  LoadSegmentationEncoder(*onehot, folder / "resnet.safetensors");
  EXPECT_TRUE(torch::equal(onehot->named_parameters()["features.0.weight"], first));
}

}  // namespace
}  // namespace dualgeo
