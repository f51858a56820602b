// The block that both towers of CLIP are made of, under Hugging Face's names.
#pragma once

#include "dualgeo/io/torch.h"

#include <cmath>
#include <memory>

#include "dualgeo/model/layers.h"

namespace dualgeo {

inline torch::nn::LayerNorm ClipNorm(int width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(1e-5));
}

// encoder.layers.i: x + attention(norm(x)), then x + mlp(norm(x)).
class ClipBlockImpl : public torch::nn::Module {
 public:
  ClipBlockImpl(int width, int heads, int mlp_width, bool quick_gelu, bool causal = false)
      : heads_(heads), quick_gelu_(quick_gelu), causal_(causal) {
    auto attention = register_module("self_attn", std::make_shared<torch::nn::Module>());
    k_ = attention->register_module("k_proj", Linear(width, width));
    v_ = attention->register_module("v_proj", Linear(width, width));
    q_ = attention->register_module("q_proj", Linear(width, width));
    out_ = attention->register_module("out_proj", Linear(width, width));
    norm1_ = register_module("layer_norm1", ClipNorm(width));
    auto mlp = register_module("mlp", std::make_shared<torch::nn::Module>());
    fc1_ = mlp->register_module("fc1", Linear(width, mlp_width));
    fc2_ = mlp->register_module("fc2", Linear(mlp_width, width));
    norm2_ = register_module("layer_norm2", ClipNorm(width));
  }

  // CLIP's own scheme: narrower with depth, so that the residual stream keeps its size.
  void Initialise(int layers) {
    const double width = static_cast<double>(q_->weight.size(1));
    const double deep = std::pow(width, -0.5) * std::pow(2.0 * layers, -0.5);
    for (auto& linear : {q_, k_, v_, fc2_}) linear->weight.normal_(0, deep);
    out_->weight.normal_(0, std::pow(width, -0.5));
    fc1_->weight.normal_(0, std::pow(2.0 * width, -0.5));
    for (auto& linear : {q_, k_, v_, out_, fc1_, fc2_}) linear->bias.zero_();
  }

  torch::Tensor Forward(const torch::Tensor& input) {
    const auto x = norm1_(input);
    // In this order, by which gradients of x add up: another would change the last digits of every training.
    const auto v = SplitHeads(v_(x), heads_), k = SplitHeads(k_(x), heads_), q = SplitHeads(q_(x), heads_);
    const auto y = input + out_(MergeHeads(causal_ ? CausalAttention(q, k, v) : Attention(q, k, v)));
    const auto hidden = fc1_(norm2_(y));
    return y + fc2_(quick_gelu_ ? QuickGelu(hidden) : torch::gelu(hidden));
  }

 private:
  int heads_;
  bool quick_gelu_;
  bool causal_;  // a token sees those before it and itself
  Linear k_{nullptr}, v_{nullptr}, q_{nullptr}, out_{nullptr}, fc1_{nullptr}, fc2_{nullptr};
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
};

}  // namespace dualgeo
