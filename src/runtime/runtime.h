// The machine a run uses: device, threads, mixed precision, reproducible kernels.
#pragma once

#include <string>

#include "dualgeo/io/torch.h"

#include "dualgeo/runtime/options.h"

namespace dualgeo {

// "auto", "cpu", "cuda" or "cuda:N" -> a device that is there. Throws InputError naming what is missing.
torch::Device SelectDevice(const std::string& name);

// The physical cores that this process may run on, by Linux's own account; OMP_NUM_THREADS, where it is set, instead.
// Not LibTorch's: in some virtual machines it takes two cores for the halves of one.
int DefaultThreads();

// The one place where thread counts are set: of LibTorch and oneDNN, of OpenMP (which FAISS uses), of OpenBLAS and of
// OpenCV. OpenCV gets one: photos are prepared by many threads of our own (data/loader.h), and each would start a pool.
// 0: DefaultThreads(). Commands that compute call it, by SetupRuntime or SetIndexThreads.
void SetThreads(int threads);

// From now on freed memory stays with the process. Large tensors come and go with every layer; by default each is
// fetched from the system anew, and its pages filled with zeros. Call it once the weights are in place: what making and
// loading them frees is better given back.
void KeepFreedMemory();

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
