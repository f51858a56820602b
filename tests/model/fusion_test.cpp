#include "dualgeo/model/fusion.h"

#include "dualgeo/util/error.h"
#include "tests/model/support.h"

namespace dualgeo {
namespace {

constexpr int kDim = 6;

struct Inputs {
  torch::Tensor image_tokens = torch::randn({3, 5, kDim}, torch::kFloat64);
  torch::Tensor segmentation_tokens = torch::randn({3, 4, kDim}, torch::kFloat64);

  FusionInput Get() const {
    return {image_tokens.select(1, 0), segmentation_tokens.mean(1), image_tokens, segmentation_tokens};
  }
  // The photos [begin, end) alone.
  FusionInput Get(std::int64_t begin, std::int64_t end) const {
    const auto image = image_tokens.slice(0, begin, end);
    const auto segmentation = segmentation_tokens.slice(0, begin, end);
    return {image.select(1, 0), segmentation.mean(1), image, segmentation};
  }
};

std::shared_ptr<FusionImpl> Make(const std::string& type, const std::string& scope = "tokens",
                                 const std::string& direction = "both") {
  FusionOptions options;
  options.type = type;
  options.scope = scope;
  options.direction = direction;
  options.heads = 2;
  auto fusion = MakeFusion(options, kDim);
  torch::manual_seed(11);
  fusion->Initialise();
  // Biases and norms that start at 0 and 1 would hide mistakes.
  torch::NoGradGuard no_grad;
  for (auto& parameter : fusion->parameters()) parameter.add_(0.1 * torch::randn_like(parameter));
  fusion->to(torch::kFloat64);
  fusion->eval();
  return fusion;
}

struct FusionCase {
  std::string type, scope, direction;
};

class FusionKinds : public ::testing::TestWithParam<FusionCase> {};

// By all inputs and weights.
void ExpectFusionGradients(FusionImpl& fusion) {
  torch::manual_seed(3);
  const Inputs inputs;
  const auto weight_image = torch::randn({3, kDim}, torch::kFloat64);
  const auto weight_segmentation = torch::randn({3, kDim}, torch::kFloat64);
  std::vector<std::pair<std::string, torch::Tensor>> variables = {{"image", inputs.image_tokens},
                                                                  {"segmentation", inputs.segmentation_tokens}};
  for (const auto& entry : fusion.named_parameters()) variables.emplace_back(entry.key(), entry.value());
  ExpectGradients(
      [&] {
        const auto out = fusion.Forward(inputs.Get());
        return (out.image.pow(2) * weight_image).sum() + (out.segmentation * weight_segmentation).sum();
      },
      variables);
}

TEST_P(FusionKinds, GradientsAreRight) {
  const auto& [type, scope, direction] = GetParam();
  ExpectFusionGradients(*Make(type, scope, direction));
}

TEST_P(FusionKinds, TheDirectionSaysWhoReceives) {
  const auto& [type, scope, direction] = GetParam();
  auto fusion = Make(type, scope, direction);
  torch::manual_seed(3);
  const Inputs inputs;
  const auto input = inputs.Get();
  const auto out = fusion->Forward(input);
  EXPECT_EQ(out.image.sizes(), input.image.sizes());
  EXPECT_EQ(out.segmentation.sizes(), input.segmentation.sizes());
  const bool none = type == "none";
  EXPECT_EQ(torch::equal(out.image, input.image), none || direction == "segmentation_from_image");
  EXPECT_EQ(torch::equal(out.segmentation, input.segmentation), none || direction == "image_from_segmentation");
}

TEST_P(FusionKinds, OnlyTheBatchScopeSeesTheBatch) {
  const auto& [type, scope, direction] = GetParam();
  auto fusion = Make(type, scope, direction);
  torch::manual_seed(3);
  const Inputs inputs;
  const auto together = fusion->Forward(inputs.Get());
  const auto alone = fusion->Forward(inputs.Get(1, 2));
  const double difference = std::max(MaxDifference(together.image[1], alone.image[0]),
                                     MaxDifference(together.segmentation[1], alone.segmentation[0]));
  if (type == "cross_attention" && scope == "batch") {
    EXPECT_GT(difference, 1e-3);
  } else {
    EXPECT_LT(difference, 1e-12);
  }
}

std::vector<FusionCase> AllCases() {
  std::vector<FusionCase> cases = {{"none", "tokens", "both"}};
  for (const std::string direction : {"both", "image_from_segmentation", "segmentation_from_image"}) {
    for (const std::string scope : {"tokens", "pooled", "batch"})
      cases.push_back({"cross_attention", scope, direction});
    cases.push_back({"concat", "tokens", direction});
    cases.push_back({"gated", "tokens", direction});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, FusionKinds, ::testing::ValuesIn(AllCases()), [](const auto& test) {
  return test.param.type + "_" + test.param.scope + "_" + test.param.direction;
});

FusionOptions Deep() {
  FusionOptions options;
  options.heads = 2;
  options.layers = 3;
  options.norm = "pre";
  options.gate = "zero";
  return options;
}

std::shared_ptr<FusionImpl> MakeDeep(const FusionOptions& options, double noise) {
  auto fusion = MakeFusion(options, kDim);
  torch::manual_seed(12);
  fusion->Initialise();
  torch::NoGradGuard no_grad;
  for (auto& parameter : fusion->parameters()) parameter.add_(noise * torch::randn_like(parameter));
  fusion->to(torch::kFloat64);
  fusion->eval();
  return fusion;
}

TEST(DeepCrossAttention, StartsAtNoFusionAndLearnsToLeaveIt) {
  auto fusion = MakeDeep(Deep(), 0);
  const Inputs inputs;
  const auto out = fusion->Forward(inputs.Get());
  EXPECT_LT(MaxDifference(out.image, inputs.Get().image), 1e-15);
  EXPECT_LT(MaxDifference(out.segmentation, inputs.Get().segmentation), 1e-15);
  (out.image.pow(2).sum() + out.segmentation.pow(2).sum()).backward();
  const auto parameters = fusion->named_parameters();
  for (const char* gate : {"gate_rgb", "gate_seg", "layers.2.gate_rgb"}) {
    EXPECT_GT(parameters[gate].grad().abs().item<double>(), 1e-4) << gate;
  }
}

TEST(DeepCrossAttention, GradientsAreRight) {
  for (const std::string norm : {"pre", "post"}) {
    FusionOptions options = Deep();
    options.norm = norm;
    options.layers = 2;
    ExpectFusionGradients(*MakeDeep(options, 0.3));
  }
}

// Two layers are two networks of one layer behind each other, the first of which keeps all its tokens.
TEST(DeepCrossAttention, LayersFollowEachOther) {
  FusionOptions options = Deep();
  options.layers = 2;
  auto both = MakeDeep(options, 0.3);
  options.layers = 1;
  auto first = MakeDeep(options, 0), second = MakeDeep(options, 0);
  {
    torch::NoGradGuard no_grad;
    const auto from = both->named_parameters();
    for (auto& entry : first->named_parameters()) entry.value().copy_(from[entry.key()]);
    for (auto& entry : second->named_parameters()) entry.value().copy_(from["layers.1." + entry.key()]);
  }
  const Inputs inputs;
  // One image token at a time, as if it were the class token.
  std::vector<torch::Tensor> images, maps;
  for (int i = 0; i < 5; ++i) {
    images.push_back(first
                         ->Forward({inputs.image_tokens.select(1, i), inputs.segmentation_tokens.mean(1),
                                    inputs.image_tokens, inputs.segmentation_tokens})
                         .image);
  }
  for (int i = 0; i < 4; ++i) {
    const auto token = inputs.segmentation_tokens.slice(1, i, i + 1);
    maps.push_back(
        first->Forward({inputs.image_tokens.select(1, 0), token.squeeze(1), inputs.image_tokens, token}).segmentation);
  }
  const auto image_tokens = torch::stack(images, 1), map_tokens = torch::stack(maps, 1);
  const auto expected = second->Forward({images[0], map_tokens.mean(1), image_tokens, map_tokens});
  const auto out = both->Forward(inputs.Get());
  EXPECT_LT(MaxDifference(out.image, expected.image), 1e-12);
  EXPECT_LT(MaxDifference(out.segmentation, expected.segmentation), 1e-12);
}

TEST(DeepCrossAttention, ModalityDropoutLeavesTheOtherViewOutPhotoByPhoto) {
  FusionOptions options = Deep();
  options.layers = 1;
  options.dropout = 0;
  options.modality_dropout = 0.5;
  auto fusion = MakeDeep(options, 0.3);
  torch::manual_seed(5);
  const auto tokens = torch::randn({64, 5, kDim}, torch::kFloat64), maps = torch::randn({64, 4, kDim}, torch::kFloat64);
  const FusionInput input{tokens.select(1, 0), maps.mean(1), tokens, maps};
  const auto asked = fusion->Forward(input);
  fusion->train();
  const auto trained = fusion->Forward(input);
  const auto alone = (trained.image == input.image).all(1), whole = (trained.image == asked.image).all(1);
  EXPECT_TRUE((alone != whole).all().item<bool>());
  EXPECT_GT(alone.sum().item<int>(), 16);
  EXPECT_LT(alone.sum().item<int>(), 48);
  // Each view by a draw of its own.
  EXPECT_FALSE(torch::equal(alone, (trained.segmentation == input.segmentation).all(1)));
}

TEST(DeepCrossAttention, RefusesWhatMakesNoSense) {
  FusionOptions options = Deep();
  options.scope = "pooled";
  EXPECT_THROW(MakeFusion(options, kDim), InputError);
  options.layers = 1;
  EXPECT_NO_THROW(MakeFusion(options, kDim));
  options.scope = "batch";
  options.modality_dropout = 0.1;
  EXPECT_THROW(MakeFusion(options, kDim), InputError);
}

// By the definition, token by token and head by head, without tensors of heads.
TEST(CrossAttention, EqualsTheDefinition) {
  auto fusion = Make("cross_attention");
  torch::manual_seed(4);
  const Inputs inputs;
  const auto parameters = fusion->named_parameters();
  // to, from: rgb or seg, as the released checkpoint names them.
  const auto direction = [&](const std::string& to, const std::string& from, const torch::Tensor& receiver,
                             const torch::Tensor& giver) {
    const auto linear = [&](const std::string& part, const torch::Tensor& x) {
      return torch::matmul(parameters[part + ".weight"], x) + parameters[part + ".bias"];
    };
    const auto q = linear("q_proj_" + to, receiver);
    auto attended = torch::zeros({kDim}, torch::kFloat64);
    for (int head = 0; head < 2; ++head) {
      const auto part = [&](const torch::Tensor& x) { return x.slice(0, head * kDim / 2, (head + 1) * kDim / 2); };
      auto weights = torch::zeros({giver.size(0)}, torch::kFloat64);
      for (int i = 0; i < giver.size(0); ++i) {
        weights[i] = torch::exp(torch::dot(part(q), part(linear("k_proj_" + from, giver[i]))) / std::sqrt(kDim / 2.0));
      }
      weights /= weights.sum();
      for (int i = 0; i < giver.size(0); ++i) part(attended) += weights[i] * part(linear("v_proj_" + from, giver[i]));
    }
    const auto sum = receiver + linear("output_proj_" + to, attended);
    const auto centred = sum - sum.mean();
    return centred / torch::sqrt(centred.pow(2).mean() + 1e-5) * parameters["norm_" + to + ".weight"] +
           parameters["norm_" + to + ".bias"];
  };
  const auto out = fusion->Forward(inputs.Get());
  for (int n = 0; n < 3; ++n) {
    const auto image = inputs.image_tokens[n];
    const auto segmentation = inputs.segmentation_tokens[n];
    EXPECT_LT(MaxDifference(out.image[n], direction("rgb", "seg", image[0], segmentation)), 1e-12);
    auto mean = torch::zeros({kDim}, torch::kFloat64);
    for (int i = 0; i < 4; ++i) mean += direction("seg", "rgb", segmentation[i], image) / 4;
    EXPECT_LT(MaxDifference(out.segmentation[n], mean), 1e-12);
  }
}

TEST(CrossAttention, WithASingleKeyOnlyTheValuePathActs) {
  for (const std::string scope : {"pooled", "batch"}) {
    auto fusion = Make("cross_attention", scope);
    torch::manual_seed(3);
    const Inputs inputs;
    const auto before = fusion->Forward(inputs.Get(0, 1));
    torch::NoGradGuard no_grad;
    for (auto& entry : fusion->named_parameters()) {
      if (entry.key().find("q_proj") != std::string::npos || entry.key().find("k_proj") != std::string::npos) {
        entry.value().normal_();
      }
    }
    const auto after = fusion->Forward(inputs.Get(0, 1));
    EXPECT_LT(MaxDifference(before.image, after.image), 1e-12) << scope;
    EXPECT_LT(MaxDifference(before.segmentation, after.segmentation), 1e-12) << scope;
  }
}

TEST(Fusion, DropoutActsOnlyWhileTraining) {
  for (const std::string type : {"cross_attention", "concat", "gated"}) {
    auto fusion = Make(type);
    const Inputs inputs;
    EXPECT_TRUE(torch::equal(fusion->Forward(inputs.Get()).image, fusion->Forward(inputs.Get()).image)) << type;
    fusion->train();
    bool differs = false;
    for (int i = 0; i < 5 && !differs; ++i) {
      differs = !torch::equal(fusion->Forward(inputs.Get()).image, fusion->Forward(inputs.Get()).image);
    }
    EXPECT_TRUE(differs) << type;
  }
}

TEST(Fusion, RefusesUnknownTypesAndHeads) {
  FusionOptions options;
  options.type = "mixer";
  EXPECT_THROW(MakeFusion(options, 8), InputError);
  options.type = "cross_attention";
  options.heads = 3;
  EXPECT_THROW(MakeFusion(options, 8), InputError);
}

}  // namespace
}  // namespace dualgeo
