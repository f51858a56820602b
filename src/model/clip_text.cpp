#include "dualgeo/model/clip_text.h"

#include <algorithm>
#include <cmath>

#include "clip_block.h"
#include "dualgeo/util/error.h"

namespace dualgeo {

ClipTextInput MakeClipTextInput(const ClipTokenizer& tokenizer, std::span<const std::vector<std::int64_t>> rows) {
  std::size_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, row.size());
  const auto count = static_cast<std::int64_t>(rows.size());
  ClipTextInput input{torch::full({count, static_cast<std::int64_t>(longest) + 2}, tokenizer.end(), torch::kInt64),
                      torch::empty({count}, torch::kInt64)};
  auto ids = input.ids.accessor<std::int64_t, 2>();
  auto ends = input.ends.accessor<std::int64_t, 1>();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& row = rows[static_cast<std::size_t>(i)];
    ids[i][0] = tokenizer.start();
    std::copy(row.begin(), row.end(), ids[i].data() + 1);
    // One in the text ends it, as in the original.
    ends[i] = 1 + (std::ranges::find(row, tokenizer.end()) - row.begin());
  }
  return input;
}

ClipTextTransformerImpl::ClipTextTransformerImpl(const ClipTextSizes& sizes) : sizes_(sizes) {
  auto embeddings = register_module("embeddings", std::make_shared<torch::nn::Module>());
  auto token = embeddings->register_module("token_embedding", std::make_shared<torch::nn::Module>());
  token_embedding_ = token->register_parameter("weight", torch::empty({sizes.vocabulary_size, sizes.width}));
  auto position = embeddings->register_module("position_embedding", std::make_shared<torch::nn::Module>());
  position_embedding_ = position->register_parameter("weight", torch::empty({kClipContext, sizes.width}));
  auto encoder = register_module("encoder", std::make_shared<torch::nn::Module>());
  auto layers = encoder->register_module("layers", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < sizes.layers; ++i) {
    blocks_.push_back(layers->register_module(
        std::to_string(i), std::make_shared<ClipBlockImpl>(sizes.width, sizes.heads, sizes.mlp_width, sizes.quick_gelu,
                                                           /*causal=*/true)));
  }
  final_layer_norm_ = register_module("final_layer_norm", ClipNorm(sizes.width));
}

void ClipTextTransformerImpl::Initialise() {
  torch::NoGradGuard no_grad;
  token_embedding_.normal_(0, 0.02);
  position_embedding_.normal_(0, 0.01);
  for (auto& block : blocks_) block->Initialise(sizes_.layers);
}

torch::Tensor ClipTextTransformerImpl::Forward(const torch::Tensor& ids) {
  TORCH_CHECK(ids.dim() == 2 && ids.size(1) <= kClipContext, "the text encoder takes [N, L], L at most ", kClipContext,
              ", not ", ids.sizes());
  auto x = torch::embedding(token_embedding_, ids) + position_embedding_.slice(0, 0, ids.size(1));
  for (auto& block : blocks_) x = block->Forward(x);
  return final_layer_norm_(x);
}

ClipTextImpl::ClipTextImpl(const ClipTextSizes& sizes) {
  text_model_ = register_module("text_model", ClipTextTransformer(sizes));
  text_projection_ = register_module("text_projection", Linear(sizes.width, sizes.projection_dim, false));
}

void ClipTextImpl::Initialise() {
  text_model_->Initialise();
  torch::NoGradGuard no_grad;
  text_projection_->weight.normal_(0, std::pow(text_model_->sizes().width, -0.5));
}

torch::Tensor ClipTextImpl::Forward(const ClipTextInput& input) {
  const auto device = text_projection_->weight.device();
  const auto tokens = text_model_->Forward(input.ids.to(device));
  const auto rows = torch::arange(tokens.size(0), torch::TensorOptions(torch::kInt64).device(device));
  return text_projection_(tokens.index({rows, input.ends.to(device)}));
}

ClipTokenizer ReadTokenizer(const TextEncoderOptions& options) {
  const std::string key = "model.text_encoder.vocabulary";
  if (!options.vocabulary) {
    throw InputError(key +
                     ": no file is named; texts need CLIP's vocabulary (tokenizer.json, vocab.json with "
                     "merges.txt, or bpe_simple_vocab_16e6.txt.gz)");
  }
  auto tokenizer = ClipTokenizer::Read(*options.vocabulary);
  if (tokenizer.size() != options.vocabulary_size) {
    throw InputError(*options.vocabulary + ": has " + std::to_string(tokenizer.size()) + " tokens, the text encoder " +
                     std::to_string(options.vocabulary_size) +
                     " (model.text_encoder.vocabulary_size): another model's vocabulary");
  }
  return tokenizer;
}

}  // namespace dualgeo
