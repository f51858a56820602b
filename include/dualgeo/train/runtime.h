// The machine a run uses: device, threads, mixed precision, reproducible kernels.
#pragma once

#include <string>

#include <torch/torch.h>

#include "dualgeo/train/options.h"

namespace dualgeo {

// "auto", "cpu", "cuda" or "cuda:N" -> a device that is there. Throws InputError naming what is missing.
torch::Device SelectDevice(const std::string& name);

// Sets thread count and deterministic kernels for the whole process and returns the device.
// Throws InputError when the device is absent, or does not do the precision.
torch::Device SetupRuntime(const RuntimeOptions& options);

// "cpu, 2 threads" or "cuda:0 (name)"; for logs and run folders.
std::string DescribeDevice(const torch::Device& device);

// Mixed precision while it lives: matrix products and convolutions run in the lower precision, weights stay float32.
// precision fp32: does nothing. Guards nest.
class AutocastGuard {
 public:
  AutocastGuard(const torch::Device& device, const std::string& precision);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  bool active_ = false;
  bool cuda_ = false;
  bool was_enabled_ = false;
  torch::ScalarType previous_dtype_ = torch::kFloat32;
};

}  // namespace dualgeo
