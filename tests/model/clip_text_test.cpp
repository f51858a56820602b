#include "dualgeo/model/clip_text.h"

#include <gmock/gmock.h>

#include "dualgeo/model/weights.h"
#include "io/safetensors.h"
#include "tests/model/support.h"
#include "tests/support/refusal.h"
#include "tests/support/small_clip_vocabulary.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

// The sizes of the golden network, which its metadata tell.
TextEncoderOptions TinyText() {
  const auto metadata = SafetensorsFile(Golden("clip_text_tiny_io")).metadata();
  const auto size = [&](const char* key) { return std::stoi(metadata.at(key)); };
  TextEncoderOptions options;
  options.width = size("hidden_size");
  options.layers = size("layers");
  options.heads = size("heads");
  options.mlp_width = size("intermediate");
  options.projection_dim = size("projection");
  options.vocabulary_size = size("vocabulary");
  options.activation = metadata.at("activation");
  return options;
}

torch::Tensor FirstEnds(const torch::Tensor& ids, std::int64_t end) {
  auto ends = torch::zeros({ids.size(0)}, torch::kInt64);
  for (std::int64_t i = 0; i < ids.size(0); ++i) ends[i] = (ids[i] == end).nonzero()[0][0];
  return ends;
}

class ClipTextGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(ClipTextGolden, GivesTheOriginalsVectors) {
  torch::NoGradGuard no_grad;
  ClipText clip(Resolve(TinyText(), 20));
  clip->eval();
  LoadClipText(*clip, Golden(GetParam()));
  const SafetensorsFile io(Golden("clip_text_tiny_io"));
  const auto ids = io.Get("input_ids");
  const ClipTextInput input{ids, FirstEnds(ids, 599)};
  const double tokens = RelativeError(clip->text_model()->Forward(ids), io.Get("last_hidden_state"));
  const double vectors = RelativeError(clip->Forward(input), io.Get("text_embeds"));
  RecordProperty("relative_error", std::to_string(1e6 * tokens) + "e-6, " + std::to_string(1e6 * vectors) + "e-6");
  EXPECT_LT(tokens, 2e-6);
  EXPECT_LT(vectors, 2e-6);
  clip->to(torch::kFloat64);
  EXPECT_LT(RelativeError(clip->Forward(input), io.Get("text_embeds")), 1e-6);
  // What stands behind the end changes nothing.
  const std::int64_t longest = input.ends.max().item<std::int64_t>() + 1;
  const ClipTextInput shorter{ids.slice(1, 0, longest), input.ends};
  EXPECT_LT(RelativeError(clip->Forward(shorter), clip->Forward(input)), 1e-12);
}

INSTANTIATE_TEST_SUITE_P(BothKeyStyles, ClipTextGolden,
                         ::testing::Values("clip_text_tiny_weights", "clip_text_tiny_weights_openai"),
                         [](const auto& test) { return test.index == 0 ? "HuggingFace" : "OpenAi"; });

// A whole CLIP: each tower takes its own.
TEST(ClipText, IsTakenFromAWholeModel) {
  const TemporaryFolder folder;
  for (const std::string style : {"", "_openai"}) {
    auto tensors = ReadWeights(Golden("clip_tiny_weights" + style));
    tensors.merge(ReadWeights(Golden("clip_text_tiny_weights" + style)));
    WriteSafetensors(folder / "whole.safetensors", {tensors.begin(), tensors.end()});
    ClipText whole(Resolve(TinyText(), 20)), alone(Resolve(TinyText(), 20));
    LoadClipText(*whole, folder / "whole.safetensors");
    LoadClipText(*alone, Golden("clip_text_tiny_weights" + style));
    for (const auto& [name, tensor] : StateDict(*alone)) {
      EXPECT_TRUE(torch::equal(tensor, whole->named_parameters()[name])) << name;
    }
  }
}

TEST(ClipText, RefusesAnotherTowersWeights) {
  ClipText clip(Resolve(TinyText(), 20));
  EXPECT_THAT(RefusalOf([&] { LoadClipText(*clip, Golden("gps_encoder_mercator_weights")); }),
              HasSubstr("holds no CLIP text encoder: its names are those of GeoCLIP"));
  auto options = TinyText();
  options.vocabulary_size = 601;
  ClipText other(Resolve(options, 20));
  EXPECT_THAT(RefusalOf([&] { LoadClipText(*other, Golden("clip_text_tiny_weights")); }),
              HasSubstr("token_embedding.weight is [600, 32] in the file, [601, 32] in the model"));
  options.heads = 5;
  EXPECT_THAT(RefusalOf([&] { Resolve(options, 20); }),
              HasSubstr("model.text_encoder.heads: 5 does not divide width 32"));
}

TEST(ClipText, InputsEndAtTheFirstEnd) {
  const TemporaryFolder folder;
  const auto tokenizer = ClipTokenizer::Read(WriteSmallClipVocabulary(folder));
  const std::vector<std::vector<std::int64_t>> rows = {{5, 6, 7}, {}, {8, tokenizer.end(), 9}};
  const auto input = MakeClipTextInput(tokenizer, rows);
  const auto s = tokenizer.start(), e = tokenizer.end();
  EXPECT_TRUE(torch::equal(input.ids, torch::tensor({{s, std::int64_t{5}, std::int64_t{6}, std::int64_t{7}, e},
                                                     {s, e, e, e, e},
                                                     {s, std::int64_t{8}, e, std::int64_t{9}, e}})));
  EXPECT_TRUE(torch::equal(input.ends, torch::tensor({4, 1, 2}, torch::kInt64)));
}

TEST(ClipText, TheVocabularyMustBeTheTowers) {
  const TemporaryFolder folder;
  TextEncoderOptions options;
  EXPECT_THAT(RefusalOf([&] { ReadTokenizer(options); }), HasSubstr("model.text_encoder.vocabulary: no file is named"));
  options.vocabulary = WriteSmallClipVocabulary(folder).string();
  EXPECT_THAT(RefusalOf([&] { ReadTokenizer(options); }), HasSubstr("has 528 tokens, the text encoder 49408"));
  options.vocabulary_size = 528;
  EXPECT_EQ(ReadTokenizer(options).size(), 528);
}

}  // namespace
}  // namespace dualgeo
