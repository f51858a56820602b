#include "runtime/runtime.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <opencv2/core.hpp>
#include <thread>

#include "dualgeo/util/error.h"
#include "tests/train/tiny_set.h"

namespace dualgeo {
namespace {

TEST(RuntimeTest, DevicesThatAreNotThereAreNamed) {
  EXPECT_TRUE(SelectDevice("cpu").is_cpu());
  EXPECT_NE(MessageOf<InputError>([] { SelectDevice("cuda:99"); }).find("cuda:99"), std::string::npos);
  EXPECT_NE(MessageOf<InputError>([] { SelectDevice("tpu"); }).find("allowed: auto, cpu, cuda"), std::string::npos);
  if (torch::cuda::is_available()) return;
  EXPECT_TRUE(SelectDevice("auto").is_cpu());
  RuntimeOptions options;
  options.precision = "fp16";  // device auto
  EXPECT_THROW(SetupRuntime(options), InputError);
}

TEST(RuntimeTest, AutocastLowersMatrixProductsWhileItLives) {
  const torch::Tensor a = torch::randn({3, 4});
  const torch::Tensor b = torch::randn({4, 2});
  {
    const AutocastGuard outer(torch::kCPU, "bf16");
    EXPECT_EQ(a.matmul(b).scalar_type(), torch::kBFloat16);
    { const AutocastGuard inner(torch::kCPU, "bf16"); }
    EXPECT_EQ(a.matmul(b).scalar_type(), torch::kBFloat16);
  }
  EXPECT_EQ(a.matmul(b).scalar_type(), torch::kFloat32);
  const AutocastGuard none(torch::kCPU, "fp32");
  EXPECT_EQ(a.matmul(b).scalar_type(), torch::kFloat32);
}

TEST(RuntimeTest, AutocastNormalisesWhatProductsGive) {
  const AutocastGuard autocast(torch::kCPU, "bf16");
  torch::nn::Conv2d convolution(torch::nn::Conv2dOptions(3, 4, 3));
  torch::nn::BatchNorm2d batch_norm(4);
  torch::nn::Linear linear(6, 6);
  torch::nn::LayerNorm layer_norm(torch::nn::LayerNormOptions({6}));
  const torch::Tensor out = layer_norm(linear(batch_norm(convolution(torch::randn({2, 3, 8, 8})))));
  out.square().sum().backward();
  EXPECT_EQ(convolution->weight.grad().scalar_type(), torch::kFloat32);
  EXPECT_TRUE(torch::isfinite(convolution->weight.grad()).all().item<bool>());
}

TEST(RuntimeTest, OnePlaceSetsEveryThreadCount) {
  const char* const before = std::getenv("OMP_NUM_THREADS");
  const std::string kept = before == nullptr ? "" : before;
  setenv("OMP_NUM_THREADS", "3", 1);
  EXPECT_EQ(DefaultThreads(), 3);
  unsetenv("OMP_NUM_THREADS");
  EXPECT_GE(DefaultThreads(), 1);
  EXPECT_LE(DefaultThreads(), static_cast<int>(std::thread::hardware_concurrency()));
  SetThreads(2);
  EXPECT_EQ(at::get_num_threads(), 2);
  EXPECT_EQ(cv::getNumThreads(), 1);
  if (!kept.empty()) setenv("OMP_NUM_THREADS", kept.c_str(), 1);
  SetThreads(1);
}

TEST(RuntimeTest, ThreadsAreSet) {
  RuntimeOptions options;
  options.device = "cpu";
  options.threads = 1;
  EXPECT_EQ(DescribeDevice(SetupRuntime(options)), "cpu, 1 thread");
}

}  // namespace
}  // namespace dualgeo
