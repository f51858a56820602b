// CLIP's text tower (Radford et al., ICML 2021, arXiv 2103.00020): a causal transformer over tokens
// (io/clip_tokenizer.h) whose vector at the first end token, normed and projected without bias, is the text's.
// Parameter names are those of Hugging Face's CLIPModel (text_model.…, text_projection.weight).
#pragma once

#include "dualgeo/io/torch.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dualgeo/io/clip_tokenizer.h"
#include "dualgeo/model/layers.h"
#include "dualgeo/model/options.h"

namespace dualgeo {

class ClipBlockImpl;

// Texts as the tower takes them.
struct ClipTextInput {
  torch::Tensor ids;   // int64 [N, L], start and end included, L at most kClipContext; behind the end anything
  torch::Tensor ends;  // int64 [N]: where the first end token stands
};

// rows: ids without start and end, cut already (CutToClipContext).
ClipTextInput MakeClipTextInput(const ClipTokenizer& tokenizer, std::span<const std::vector<std::int64_t>> rows);

// text_model.…
class ClipTextTransformerImpl : public torch::nn::Module {
 public:
  explicit ClipTextTransformerImpl(const ClipTextSizes& sizes);
  void Initialise();

  // ids [N, L] -> [N, L, width], after final_layer_norm.
  torch::Tensor Forward(const torch::Tensor& ids);

  const ClipTextSizes& sizes() const { return sizes_; }

 private:
  ClipTextSizes sizes_;
  torch::Tensor token_embedding_;
  torch::Tensor position_embedding_;
  std::vector<std::shared_ptr<ClipBlockImpl>> blocks_;
  torch::nn::LayerNorm final_layer_norm_{nullptr};
};
TORCH_MODULE(ClipTextTransformer);

// Transformer and projection together.
class ClipTextImpl : public torch::nn::Module {
 public:
  explicit ClipTextImpl(const ClipTextSizes& sizes);
  void Initialise();

  // -> [N, projection_dim], CLIP's text embedding, not normalised.
  torch::Tensor Forward(const ClipTextInput& input);

  const ClipTextSizes& sizes() const { return text_model_->sizes(); }
  ClipTextTransformer text_model() const { return text_model_; }
  Linear text_projection() const { return text_projection_; }

 private:
  ClipTextTransformer text_model_{nullptr};
  Linear text_projection_{nullptr};
};
TORCH_MODULE(ClipText);

// The vocabulary that the options name. Throws InputError when they name none, as ClipTokenizer::Read, and when it has
// not as many tokens as the tower (model.text_encoder.vocabulary_size).
ClipTokenizer ReadTokenizer(const TextEncoderOptions& options);

}  // namespace dualgeo
