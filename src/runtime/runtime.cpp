#include "runtime/runtime.h"

#include <malloc.h>
#include <sched.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/library.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <opencv2/core.hpp>
#include <set>
#include <utility>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "model/instruction_set.h"
#include "runtime/process_place.h"

// There when LibTorch's BLAS is OpenBLAS.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace dualgeo {
namespace {

// LibTorch 2.4 replaced the per-device functions by ones with a device type.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
at::DeviceType TypeOf(bool cuda) { return cuda ? at::kCUDA : at::kCPU; }
bool AutocastEnabled(bool cuda) { return at::autocast::is_autocast_enabled(TypeOf(cuda)); }
void EnableAutocast(bool cuda, bool on) { at::autocast::set_autocast_enabled(TypeOf(cuda), on); }
at::ScalarType AutocastType(bool cuda) { return at::autocast::get_autocast_dtype(TypeOf(cuda)); }
void SetAutocastType(bool cuda, at::ScalarType type) { at::autocast::set_autocast_dtype(TypeOf(cuda), type); }
#else
bool AutocastEnabled(bool cuda) { return cuda ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled(); }
void EnableAutocast(bool cuda, bool on) { cuda ? at::autocast::set_enabled(on) : at::autocast::set_cpu_enabled(on); }
at::ScalarType AutocastType(bool cuda) {
  return cuda ? at::autocast::get_autocast_gpu_dtype() : at::autocast::get_autocast_cpu_dtype();
}
void SetAutocastType(bool cuda, at::ScalarType type) {
  cuda ? at::autocast::set_autocast_gpu_dtype(type) : at::autocast::set_autocast_cpu_dtype(type);
}
#endif

// LibTorch 1's normalisations on a CPU cannot read bfloat16 beside float32 weights. They run in float32, then, as
// autocast runs them on CUDA.
#if TORCH_VERSION_MAJOR < 2
at::Tensor LayerNormInFloat(const at::Tensor& input, at::IntArrayRef shape, const c10::optional<at::Tensor>& weight,
                            const c10::optional<at::Tensor>& bias, double eps, bool cudnn) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
  return at::layer_norm(input.to(at::kFloat), shape, weight, bias, eps, cudnn);
}

at::Tensor BatchNormInFloat(const at::Tensor& input, const c10::optional<at::Tensor>& weight,
                            const c10::optional<at::Tensor>& bias, const c10::optional<at::Tensor>& mean,
                            const c10::optional<at::Tensor>& variance, bool training, double momentum, double eps,
                            bool cudnn) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
  return at::batch_norm(input.to(at::kFloat), weight, bias, mean, variance, training, momentum, eps, cudnn);
}

TORCH_LIBRARY_IMPL(aten, AutocastCPU, library) {
  library.impl("layer_norm", TORCH_FN(LayerNormInFloat));
  library.impl("batch_norm", TORCH_FN(BatchNormInFloat));
}
#endif

}  // namespace

int DefaultThreads() {
  if (const char* set = std::getenv("OMP_NUM_THREADS")) {
    if (const auto number = ParseInteger(set); number && *number > 0) return static_cast<int>(*number);
  }
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::set<std::pair<std::string, std::string>> cores;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      const auto read = [&](const char* name) {
        std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + name);
        std::string text;
        file >> text;
        return text.empty() ? std::to_string(cpu) : text;  // no such listing: each is a core of its own
      };
      cores.emplace(read("physical_package_id"), read("core_id"));
    }
  }
  return std::max(1, static_cast<int>(cores.size()));
}

void SetThreads(int threads) {
  if (threads <= 0) threads = DefaultThreads();
  at::set_num_threads(threads);  // OpenMP's too, which oneDNN and FAISS use
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(threads);
  cv::setNumThreads(1);
}

void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, -1);  // never: a training step frees more than any threshold, and takes it again
}

torch::Device SelectDevice(const std::string& name) {
  const bool has_cuda = torch::cuda::is_available();
  if (name == "cpu" || (name == "auto" && !has_cuda)) return torch::Device(torch::kCPU);
  // Of several processes on a machine each has a GPU of its own, as far as there are so many.
  const int own = PlaceFromEnvironment().local_rank % std::max(1, static_cast<int>(torch::cuda::device_count()));
  if (name == "auto" || (name == "cuda" && has_cuda && own > 0)) {
    return torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(own));
  }
  RuntimeOptions options;
  options.device = name;
  options.Validate();
  if (!has_cuda) {
    throw InputError(
        "device: " + name + ": " +
        (torch::cuda::device_count() > 0 ? "the GPU cannot be used" : "this LibTorch or this machine has no CUDA GPU") +
        "; allowed here: auto, cpu");
  }
  const auto count = static_cast<long long>(torch::cuda::device_count());
  const long long index = name == "cuda" ? 0 : *ParseInteger(name.substr(5));
  if (index >= count) {
    throw InputError("device: " + name + ": there are " + std::to_string(count) +
                     " GPUs, cuda:0 to cuda:" + std::to_string(count - 1));
  }
  return torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(index));
}

torch::Device SetupRuntime(const RuntimeOptions& options) {
  options.Validate();
  UsedInstructionSet();  // a wrong DUALGEO_CPU is found before any work
  const torch::Device device = SelectDevice(options.device);
  if (options.precision == "fp16" && !device.is_cuda()) {
    throw InputError("precision: fp16: only on cuda, and the device is " + device.str() + "; use bf16 on a CPU");
  }
  SetThreads(options.threads);
  auto& context = at::globalContext();
  // Only a warning where CUDA has no deterministic kernel: on a CPU all that is used here has one.
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
  // A help for finding reads of uninitialised memory; it costs a pass over every new tensor.
  context.setDeterministicFillUninitializedMemory(false);
#endif
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuBLAS(options.tf32);
  context.setAllowTF32CuDNN(options.tf32);
  return device;
}

std::string DescribeDevice(const torch::Device& device) {
  if (!device.is_cpu()) return device.str();
  const int threads = at::get_num_threads();
  return "cpu, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

AutocastGuard::AutocastGuard(const torch::Device& device, const std::string& precision) {
  if (precision == "fp32") return;
  active_ = true;
  cuda_ = device.is_cuda();
  was_enabled_ = AutocastEnabled(cuda_);
  previous_dtype_ = AutocastType(cuda_);
  at::autocast::increment_nesting();
  SetAutocastType(cuda_, precision == "bf16" ? at::kBFloat16 : at::kHalf);
  EnableAutocast(cuda_, true);
}

AutocastGuard::~AutocastGuard() {
  if (!active_) return;
  EnableAutocast(cuda_, was_enabled_);
  SetAutocastType(cuda_, previous_dtype_);
  // The cache holds weights in the lower precision: the next step has new ones.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
}

}  // namespace dualgeo
