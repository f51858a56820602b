// Inference on a CPU, where LibTorch's own operations leave time lying, on some processors: Debian's LibTorch
// multiplies float32 matrices by OpenBLAS, one batch element at a time and perhaps with a thread pool beside its own,
// and has no attention in one pass. Which kernel is used where was measured (docs/performance.md). Training, GPUs and
// double precision go LibTorch's way.
#pragma once

#include "dualgeo/io/torch.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace dualgeo {

// Whether the functions below serve this tensor: float32 or bfloat16 on a CPU, gradients off, oneDNN there.
bool UseCpuKernels(const torch::Tensor& x);

// Full precision, or the lower one while an autocast is on.
torch::Dtype ComputeType(const torch::Tensor& x);

// Runs a network over a batch a few examples at a time, on a CPU: what lies between two of its layers then stays in the
// cache, and memory does not grow with the batch. forward: [n, ..] -> [n, ..].
template <class Forward>
torch::Tensor InSlices(const torch::Tensor& batch, std::int64_t examples, const Forward& forward) {
  if (!UseCpuKernels(batch) || batch.size(0) <= examples) return forward(batch);
  std::vector<torch::Tensor> parts;
  for (const auto& slice : batch.split(examples)) parts.push_back(forward(slice));
  return torch::cat(parts);
}

// x [.., in], weight [out, in], bias [out] or undefined, all of one type -> [.., out]: by oneDNN, or by MKL where
// LibTorch has it and it is faster.
torch::Tensor LinearOnCpu(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);
// As a convolution by 1 x 1 over one image of all rows, channels last, whatever BLAS LibTorch was built with.
torch::Tensor LinearByOneDnn(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

// x * sigmoid(1.702 x), written over x, which must be contiguous.
void QuickGeluOnCpu(torch::Tensor& x);

// softmax(q k^T / sqrt(d)) v in one pass, without the matrix of weights in memory. q [N, heads, Lq, d], k and v
// [N, heads, Lk, d], d a multiple of 16 and contiguous; sums are float32. -> [N, heads, Lq, d], a view of memory in
// which a token's heads are neighbours. PrefersAttentionOnCpu: these tensors are such, and LibTorch's own attention is
// slower for this processor (measured: docs/performance.md).
bool PrefersAttentionOnCpu(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);
torch::Tensor AttentionOnCpu(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);

}  // namespace dualgeo
