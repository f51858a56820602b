// Pieces that several networks share.
#pragma once

#include "dualgeo/io/torch.h"

#include <cstdint>

#include "dualgeo/util/random.h"

namespace dualgeo {

// y = x W^T + b. As torch::nn::Linear, but the constructor leaves the weights uninitialised: LibTorch's draws random
// numbers for all of them, which takes seconds for a large model whose weights are then read from a file.
class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(std::int64_t in, std::int64_t out, bool with_bias = true);
  // LibTorch's default: uniform in +-1 / sqrt(in).
  void Initialise();
  // On a CPU without gradients by oneDNN, and under autocast with a copy of the weights in the lower precision; frozen
  // weights (requires_grad off) keep theirs, so that it is made once and not for every batch.
  torch::Tensor forward(const torch::Tensor& x);

  torch::Tensor weight;
  torch::Tensor bias;

 private:
  struct Cast {
    torch::Tensor weight;
    torch::Tensor bias;
    const void* source = nullptr;  // whose copy it is, and of which version
    std::int64_t version = -1;
  };
  Cast InType(torch::Dtype type);

  Cast kept_;
};
TORCH_MODULE(Linear);

// softmax(q k^T / sqrt(d)) v over the last two dimensions, q [N, heads, Lq, d], k and v [N, heads, Lk, d]; dropout on
// the attention weights while `training`.
torch::Tensor Attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, double dropout = 0,
                        bool training = false);
// The same where row i of q sees rows 0 to i of k and v (Lq = Lk).
torch::Tensor CausalAttention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);
// x * sigmoid(1.702 x), OpenAI's approximation of GELU; the exact one gives other features. May write over x.
torch::Tensor QuickGelu(torch::Tensor x);
// [N, L, heads * d] -> [N, heads, L, d] and back.
torch::Tensor SplitHeads(const torch::Tensor& x, std::int64_t heads);
torch::Tensor MergeHeads(const torch::Tensor& x);

// Within its life LibTorch's CPU generator is seeded with `seed`; afterwards it goes on as if nothing had been drawn.
class SeedScope {
 public:
  explicit SeedScope(std::uint64_t seed);
  ~SeedScope();
  SeedScope(const SeedScope&) = delete;
  SeedScope& operator=(const SeedScope&) = delete;

 private:
  torch::Tensor state_;
};

// module->Initialise() with a seed of its own.
template <class Module>
void InitialisePart(std::uint64_t seed, const char* part, Module& module) {
  const SeedScope scope(DeriveSeed(seed, part));
  module->Initialise();
}

}  // namespace dualgeo
