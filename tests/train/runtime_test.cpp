#include "dualgeo/train/runtime.h"

#include <gtest/gtest.h>

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

TEST(RuntimeTest, ThreadsAreSet) {
  RuntimeOptions options;
  options.device = "cpu";
  options.threads = 1;
  EXPECT_EQ(DescribeDevice(SetupRuntime(options)), "cpu, 1 thread");
}

}  // namespace
}  // namespace dualgeo
