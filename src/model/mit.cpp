#include "dualgeo/model/mit.h"

#include <cmath>

#include "cpu_kernels.h"
#include "dualgeo/model/layers.h"

namespace dualgeo {
namespace {

// The original uses both: LibTorch's default in the patch embeddings and before reduced keys, a smaller one in the
// blocks and after each stage. One for all is off by 4e-6 and more.
constexpr double kEmbeddingEps = 1e-5;
constexpr double kBlockEps = 1e-6;

torch::nn::LayerNorm MakeNorm(int width, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(eps));
}

// [N, H * W, C] -> [N, C, H, W] and back. On a CPU without gradients maps are channels-last, which is how tokens lie:
// nothing is copied, either way.
torch::Tensor ToMap(const torch::Tensor& x, std::int64_t height, std::int64_t width) {
  if (UseCpuKernels(x)) return x.reshape({x.size(0), height, width, x.size(2)}).permute({0, 3, 1, 2});
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), height, width});
}
torch::Tensor ToTokens(const torch::Tensor& map) { return map.flatten(2).transpose(1, 2); }

// The published scheme: truncated normal for linear layers, He's by fan-out for convolutions.
void Initialise(Linear& linear) {
  linear->weight.normal_(0, 0.02).clamp_(-0.04, 0.04);
  linear->bias.zero_();
}
void Initialise(torch::nn::Conv2d& conv) {
  const auto& w = conv->weight;
  const double fan_out = static_cast<double>(w.size(0) * w.size(2) * w.size(3)) / conv->options.groups();
  conv->weight.normal_(0, std::sqrt(2.0 / fan_out));
  if (conv->bias.defined()) conv->bias.zero_();
}

}  // namespace

// block.i.j: efficient self-attention and Mix-FFN, each with its norm before and a residual around.
class MitBlockImpl : public torch::nn::Module {
 public:
  MitBlockImpl(int width, int heads, int sr_ratio, double drop_path) : heads_(heads), drop_path_(drop_path) {
    norm1_ = register_module("layer_norm_1", MakeNorm(width, kBlockEps));
    auto attention = register_module("attention", std::make_shared<torch::nn::Module>());
    auto self = attention->register_module("self", std::make_shared<torch::nn::Module>());
    query_ = self->register_module("query", Linear(width, width));
    key_ = self->register_module("key", Linear(width, width));
    value_ = self->register_module("value", Linear(width, width));
    if (sr_ratio > 1) {
      sr_ = self->register_module("sr",
                                  torch::nn::Conv2d(torch::nn::Conv2dOptions(width, width, sr_ratio).stride(sr_ratio)));
      sr_norm_ = self->register_module("layer_norm", MakeNorm(width, kEmbeddingEps));
    }
    auto output = attention->register_module("output", std::make_shared<torch::nn::Module>());
    out_ = output->register_module("dense", Linear(width, width));
    norm2_ = register_module("layer_norm_2", MakeNorm(width, kBlockEps));
    auto mlp = register_module("mlp", std::make_shared<torch::nn::Module>());
    dense1_ = mlp->register_module("dense1", Linear(width, 4 * width));
    auto dwconv = mlp->register_module("dwconv", std::make_shared<torch::nn::Module>());
    depthwise_ = dwconv->register_module(
        "dwconv", torch::nn::Conv2d(torch::nn::Conv2dOptions(4 * width, 4 * width, 3).padding(1).groups(4 * width)));
    dense2_ = mlp->register_module("dense2", Linear(4 * width, width));
  }

  void Initialise() {
    for (auto* linear : {&query_, &key_, &value_, &out_, &dense1_, &dense2_}) dualgeo::Initialise(*linear);
    if (!sr_.is_empty()) dualgeo::Initialise(sr_);
    dualgeo::Initialise(depthwise_);
  }

  torch::Tensor Forward(const torch::Tensor& input, std::int64_t height, std::int64_t width) {
    const auto y = input + DropPath(SelfAttention(norm1_(input), height, width));
    return y + DropPath(FeedForward(norm2_(y), height, width));
  }

 private:
  torch::Tensor SelfAttention(const torch::Tensor& x, std::int64_t height, std::int64_t width) {
    auto reduced = x;
    if (!sr_.is_empty()) reduced = sr_norm_(ToTokens(sr_(ToMap(x, height, width))));
    return out_(MergeHeads(Attention(SplitHeads(query_(x), heads_), SplitHeads(key_(reduced), heads_),
                                     SplitHeads(value_(reduced), heads_))));
  }

  torch::Tensor FeedForward(const torch::Tensor& x, std::int64_t height, std::int64_t width) {
    return dense2_(torch::gelu(ToTokens(depthwise_(ToMap(dense1_(x), height, width)))));
  }

  // Stochastic depth (arXiv 1603.09382): the branch of some examples is left out, the others scaled up.
  torch::Tensor DropPath(const torch::Tensor& x) const {
    if (!is_training() || drop_path_ == 0) return x;
    const auto keep = torch::empty({x.size(0), 1, 1}, x.options()).bernoulli_(1 - drop_path_);
    return x * keep / (1 - drop_path_);
  }

  int heads_;
  double drop_path_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr}, sr_norm_{nullptr};
  Linear query_{nullptr}, key_{nullptr}, value_{nullptr}, out_{nullptr}, dense1_{nullptr}, dense2_{nullptr};
  torch::nn::Conv2d sr_{nullptr}, depthwise_{nullptr};
};

MitEncoderImpl::MitEncoderImpl(const MitSizes& sizes, int in_channels) {
  auto embeddings = register_module("patch_embeddings", std::make_shared<torch::nn::Module>());
  auto blocks = register_module("block", std::make_shared<torch::nn::Module>());
  auto norms = register_module("layer_norm", std::make_shared<torch::nn::Module>());
  int total = 0;
  for (const int depth : sizes.depths) total += depth;
  int index = 0;
  for (std::size_t i = 0; i < sizes.depths.size(); ++i) {
    const int width = sizes.hidden_sizes[i];
    const int kernel = i == 0 ? 7 : 3;
    Stage stage;
    auto embedding = embeddings->register_module(std::to_string(i), std::make_shared<torch::nn::Module>());
    stage.projection = embedding->register_module(
        "proj",
        torch::nn::Conv2d(torch::nn::Conv2dOptions(i == 0 ? in_channels : sizes.hidden_sizes[i - 1], width, kernel)
                              .stride(i == 0 ? 4 : 2)
                              .padding(kernel / 2)));
    stage.embedding_norm = embedding->register_module("layer_norm", MakeNorm(width, kEmbeddingEps));
    auto stage_blocks = blocks->register_module(std::to_string(i), std::make_shared<torch::nn::Module>());
    for (int j = 0; j < sizes.depths[i]; ++j, ++index) {
      const double drop_path = total > 1 ? sizes.drop_path * index / (total - 1) : 0.0;
      stage.blocks.push_back(stage_blocks->register_module(
          std::to_string(j), std::make_shared<MitBlockImpl>(width, sizes.heads[i], sizes.sr_ratios[i], drop_path)));
    }
    stage.norm = norms->register_module(std::to_string(i), MakeNorm(width, kBlockEps));
    stages_.push_back(std::move(stage));
  }
}

void MitEncoderImpl::Initialise() {
  torch::NoGradGuard no_grad;
  for (auto& stage : stages_) {
    dualgeo::Initialise(stage.projection);
    for (auto& block : stage.blocks) block->Initialise();
  }
}

std::vector<torch::Tensor> MitEncoderImpl::Forward(const torch::Tensor& pixels) {
  return ForwardFromStem(
      stem()->forward(UseCpuKernels(pixels) ? pixels.contiguous(torch::MemoryFormat::ChannelsLast) : pixels));
}

std::vector<torch::Tensor> MitEncoderImpl::ForwardFromStem(const torch::Tensor& stem) {
  std::vector<torch::Tensor> features;
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    auto& stage = stages_[i];
    const auto map = i == 0 ? stem : stage.projection(features.back());
    const std::int64_t height = map.size(2);
    const std::int64_t width = map.size(3);
    auto x = stage.embedding_norm(ToTokens(map));
    for (auto& block : stage.blocks) x = block->Forward(x, height, width);
    features.push_back(ToMap(stage.norm(x), height, width));
  }
  return features;
}

}  // namespace dualgeo
