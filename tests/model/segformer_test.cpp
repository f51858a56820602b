#include "dualgeo/model/segformer.h"

#include <torch/optim/adamw.h>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "io/safetensors.h"
#include "tests/model/support.h"
#include "tests/support/temporary_folder.h"

namespace dualgeo {
namespace {

// The sizes of the golden network.
SegmenterOptions TinySegmenter() {
  SegmenterOptions options;
  options.hidden_sizes = {8, 16, 24, 32};
  options.heads = {1, 2, 3, 4};
  options.depths = {1, 2, 1, 2};
  options.decoder_dim = 32;
  options.num_labels = 11;
  options.image_size = 96;
  options.sr_ratios = {8, 4, 2, 1};
  return options;
}

void ExpectTheOriginalsOutputs(const std::filesystem::path& weights) {
  torch::NoGradGuard no_grad;
  SegFormer segformer(TinySegmenter(), std::nullopt);
  segformer->eval();
  LoadSegFormer(*segformer, weights);
  const SafetensorsFile io(Golden("segformer_tiny_io"));
  const auto pixels = io.Get("pixel_values");
  const auto features = segformer->Features(pixels);
  ASSERT_EQ(features.size(), 4u);
  // Tight enough to tell a wrong eps in any LayerNorm.
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_LT(RelativeError(features[i], io.Get("feature" + std::to_string(i))), 1e-6) << i;
  }
  const auto logits = segformer->Forward(pixels);
  EXPECT_EQ(logits.sizes(), io.Get("logits").sizes());
  const double error = RelativeError(logits, io.Get("logits"));
  ::testing::Test::RecordProperty("relative_error", std::to_string(1e6 * error) + "e-6");
  EXPECT_LT(error, 1e-6);
}

TEST(SegFormer, GivesTheOriginalsFeaturesAndLogits) { ExpectTheOriginalsOutputs(Golden("segformer_tiny_weights")); }

// state_dict() of transformers 5 has other names for the same tensors.
TEST(SegFormer, GivesThemFromTransformers5Names) {
  ExpectTheOriginalsOutputs(Golden("segformer_tiny_weights_transformers5"));
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// The golden weights as the authors' own code (mmseg) names and packs them: stages counted from 1, k over v in one
// matrix, and a head that has a classifier more than it uses.
std::vector<std::pair<std::string, torch::Tensor>> AsNvlabs(const std::string& prefix) {
  const SafetensorsFile file(Golden("segformer_tiny_weights"));
  std::vector<std::pair<std::string, torch::Tensor>> theirs;
  for (const auto& name : file.names()) {
    if (name.find(".self.value.") != std::string::npos) continue;
    auto tensor = file.Get(name);
    if (name.find(".self.key.") != std::string::npos) {
      tensor = torch::cat({tensor, file.Get(Replaced(name, ".self.key.", ".self.value."))});
    }
    std::string to = name;
    for (int i = 3; i >= 0; --i) {
      const std::string ours = "." + std::to_string(i) + ".";
      const std::string stage = std::to_string(i + 1) + ".";
      to = Replaced(to, "segformer.encoder.patch_embeddings" + ours, "backbone.patch_embed" + stage);
      to = Replaced(to, "segformer.encoder.block" + ours, "backbone.block" + stage);
      to = Replaced(to, "segformer.encoder.layer_norm" + ours, "backbone.norm" + stage);
      to = Replaced(to, "decode_head.linear_c" + ours, "decode_head.linear_c" + stage);
    }
    const std::pair<const char*, const char*> words[] = {{"layer_norm_1", "norm1"},
                                                         {"layer_norm_2", "norm2"},
                                                         {"attention.self.query", "attn.q"},
                                                         {"attention.self.key", "attn.kv"},
                                                         {"attention.output.dense", "attn.proj"},
                                                         {"attention.self.sr", "attn.sr"},
                                                         {"attention.self.layer_norm", "attn.norm"},
                                                         {".layer_norm.", ".norm."},
                                                         {"mlp.dense", "mlp.fc"},
                                                         {"head.linear_fuse", "head.linear_fuse.conv"},
                                                         {"head.batch_norm", "head.linear_fuse.bn"},
                                                         {"head.classifier", "head.linear_pred"}};
    for (const auto& [from, into] : words) to = Replaced(to, from, into);
    theirs.emplace_back(prefix + to, tensor);
  }
  theirs.emplace_back(prefix + "decode_head.conv_seg.weight", torch::ones({11, 32, 1, 1}));
  theirs.emplace_back(prefix + "decode_head.conv_seg.bias", torch::ones({11}));
  return theirs;
}

TEST(SegFormer, GivesThemFromTheAuthorsOwnNames) {
  const TemporaryFolder folder;
  for (const std::string prefix : {"", "module.", "net."}) {
    auto tensors = AsNvlabs(prefix);
    if (prefix == "net.") tensors.emplace_back("loss.weight", torch::ones({11}));
    WriteSafetensors(folder / "nvlabs.safetensors", tensors);
    ExpectTheOriginalsOutputs(folder / "nvlabs.safetensors");
  }
}

TEST(SegFormer, TheSameSeedGivesTheSameWeights) {
  torch::manual_seed(5);
  SegFormer a(TinySegmenter(), 1);
  const auto drawn = torch::rand({3});
  torch::manual_seed(5);
  EXPECT_TRUE(torch::equal(drawn, torch::rand({3}))) << "construction moved the caller's generator";
  SegFormer b(TinySegmenter(), 1);
  SegFormer c(TinySegmenter(), 2);
  bool differs = false;
  for (const auto& entry : a->named_parameters()) {
    EXPECT_TRUE(torch::equal(entry.value(), b->named_parameters()[entry.key()])) << entry.key();
    differs = differs || !torch::equal(entry.value(), c->named_parameters()[entry.key()]);
  }
  EXPECT_TRUE(differs);
}

TEST(SegFormer, LearnsAPicture) {
  torch::set_num_threads(1);
  SegFormer segformer(TinySegmenter(), 3);
  torch::manual_seed(0);
  // Left is dark and class 1, right is bright and class 4.
  auto pixels = torch::randn({2, 3, 64, 64}) * 0.3;
  pixels.slice(3, 32) += 2;
  auto target = torch::ones({2, 16, 16}, torch::kInt64);
  target.slice(2, 8).fill_(4);
  torch::optim::AdamW optimizer(segformer->parameters(), torch::optim::AdamWOptions(5e-3));
  double first = 0;
  double last = 0;
  for (int step = 0; step < 40; ++step) {
    optimizer.zero_grad();
    const auto loss = torch::cross_entropy_loss(segformer->Forward(pixels), target);
    loss.backward();
    optimizer.step();
    (step == 0 ? first : last) = loss.item<double>();
  }
  EXPECT_LT(last, 0.2 * first);
}

TEST(SegFormer, SizesAreChecked) {
  auto options = TinySegmenter();
  options.depths = {1, 2};
  EXPECT_THROW(Resolve(options), InputError);
  options = TinySegmenter();
  options.heads = {3, 2, 3, 4};
  EXPECT_THROW(Resolve(options), InputError);
  options = TinySegmenter();
  options.image_size = 100;
  EXPECT_THROW(Resolve(options), InputError);
  options.image_size = 32;
  options.sr_ratios = {16, 4, 2, 1};
  EXPECT_THROW(Resolve(options), InputError);
  SegFormer segformer(TinySegmenter());
  EXPECT_THROW(segformer->Forward(torch::zeros({1, 3, 40, 64})), c10::Error);
}

}  // namespace
}  // namespace dualgeo
