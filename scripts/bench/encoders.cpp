// How fast the networks alone are, without photos to read, and the kernels that they are made of: the target
// encoders_bench, which is not built by default. scripts/bench/encoders.sh builds and runs it.
//   encoders_bench MODEL forward|train SECONDS   MODEL: vit-b-32, vit-l-14, segformer-b0, segformer-b5 or masks
//   encoders_bench kernels                       each kernel of ours beside LibTorch's, on one thread
// Times are the process's own CPU seconds, which other programs on the machine disturb least.
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "cpu_kernels.h"
#include "dualgeo/model/clip_vit.h"
#include "dualgeo/model/segformer.h"
#include "dualgeo/model/segmentation_encoder.h"
#include "model/instruction_set.h"
#include "runtime/runtime.h"

namespace dualgeo {
namespace {

double Seconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// CPU and wall seconds of one call: after one to warm up, the least of those that fit into `seconds`, three at least.
std::pair<double, double> Time(const std::function<void()>& call, double seconds) {
  call();
  std::pair<double, double> least = {1e9, 1e9};
  const double start = Seconds(CLOCK_MONOTONIC);
  for (int i = 0; i < 3 || Seconds(CLOCK_MONOTONIC) - start < seconds; ++i) {
    const double cpu = Seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double wall = Seconds(CLOCK_MONOTONIC);
    call();
    least.first = std::min(least.first, Seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    least.second = std::min(least.second, Seconds(CLOCK_MONOTONIC) - wall);
  }
  return least;
}

struct Network {
  std::shared_ptr<torch::nn::Module> module;
  std::function<torch::Tensor(const torch::Tensor&)> forward;
  torch::Tensor batch;
};

Network Make(const std::string& name, bool train) {
  if (name.starts_with("vit")) {
    ImageEncoderOptions options;
    options.preset = name;
    ClipVision clip(Resolve(options, 0));
    clip->Initialise();
    return {clip.ptr(), [clip](const torch::Tensor& x) mutable { return clip->Forward(x); },
            torch::randn({name == "vit-l-14" ? (train ? 2 : 8) : 16, 3, 224, 224})};
  }
  if (name.starts_with("segformer-")) {
    SegmenterOptions options;
    options.preset = name.substr(10);
    SegFormer segformer(options);
    return {segformer.ptr(), [segformer](const torch::Tensor& x) mutable { return segformer->Forward(x); },
            torch::randn({2, 3, 512, 512})};
  }
  SegmentationEncoder encoder(SegmentationEncoderOptions{}, 150, 768);
  encoder->Initialise();
  // Blocks of one class, as masks have them.
  const auto classes = torch::randint(150, {16, 7, 7}, torch::kInt64).to(torch::kUInt8);
  return {encoder.ptr(), [encoder](const torch::Tensor& x) mutable { return encoder->Forward(x); },
          classes.repeat_interleave(32, 1).repeat_interleave(32, 2)};
}

void TimeNetwork(const std::string& name, bool train, double seconds) {
  torch::manual_seed(1);
  SetThreads(0);
  Network network = Make(name, train);
  network.module->train(train);
  const torch::AutoGradMode gradients(train);
  KeepFreedMemory();
  const auto [cpu, wall] = Time(
      [&] {
        const auto result = network.forward(network.batch);
        if (!train) return;
        for (auto& parameter : network.module->parameters()) parameter.mutable_grad() = torch::Tensor();
        result.sum().backward();
      },
      seconds);
  const auto photos = static_cast<double>(network.batch.size(0));
  std::printf("%.4f photos/s\n%.5f CPU s a photo\n", photos / wall, cpu / photos);
}

void TimeKernel(const char* what, const std::string& path, const std::function<void()>& call) {
  std::printf("| %s | %s | %.3f |\n", what, path.c_str(), 1e3 * Time(call, 0.3).first);
  std::fflush(stdout);
}

void TimeKernels() {
  SetThreads(1);
  const torch::NoGradGuard no_gradients;
  std::printf("| kernel | path | CPU ms |\n| --- | --- | ---: |\n");
  struct Shape {
    const char* name;
    std::int64_t photos, heads, queries, keys, size;
  };
  for (const auto& s : std::vector<Shape>{{"attention, ViT-L/14, 4 photos", 4, 16, 257, 257, 64},
                                          {"attention, ViT-B/32, 20 photos", 20, 12, 50, 50, 64},
                                          {"attention, SegFormer-B0, stage 1", 1, 1, 16384, 256, 32},
                                          {"attention, SegFormer-B5, stage 3", 1, 5, 1024, 256, 64}}) {
    const auto tensor = [&](std::int64_t tokens) {
      return torch::randn({s.photos, tokens, s.heads, s.size}).transpose(1, 2);
    };
    const auto q = tensor(s.queries);
    const auto k = tensor(s.keys);
    const auto v = tensor(s.keys);
    for (const auto set : InstructionSetsHere()) {
      const InstructionSetScope scope(set);
      TimeKernel(s.name, NameOf(set), [&] { AttentionOnCpu(q, k, v); });
    }
    TimeKernel(s.name, "products and softmax", [&] {
      torch::matmul(torch::softmax(torch::matmul(q / std::sqrt(static_cast<double>(s.size)), k.transpose(2, 3)), -1), v)
          .transpose(1, 2)
          .contiguous();
    });
#if TORCH_VERSION_MAJOR >= 2
    TimeKernel(s.name, "scaled_dot_product_attention",
               [&] { at::scaled_dot_product_attention(q, k, v).transpose(1, 2).contiguous(); });
#endif
  }
  auto hidden = torch::randn({4, 257, 4096});
  for (const auto set : InstructionSetsHere()) {
    const InstructionSetScope scope(set);
    TimeKernel("QuickGELU, ViT-L/14, 4 photos", NameOf(set), [&] { QuickGeluOnCpu(hidden); });
  }
  TimeKernel("QuickGELU, ViT-L/14, 4 photos", "x * sigmoid(1.702 x)", [&] { hidden* torch::sigmoid(1.702 * hidden); });
  struct Product {
    const char* name;
    std::int64_t rows, in, out;
  };
  for (const auto& p : std::vector<Product>{{"linear, 1028 x 1024 -> 4096", 1028, 1024, 4096},
                                            {"linear, 1028 x 4096 -> 1024", 1028, 4096, 1024},
                                            {"linear, 16384 x 32 -> 128", 16384, 32, 128},
                                            {"linear, 1024 x 320 -> 1280", 1024, 320, 1280}}) {
    const auto x = torch::randn({p.rows, p.in});
    const auto weight = torch::randn({p.out, p.in});
    const auto bias = torch::randn({p.out});
    TimeKernel(p.name, "oneDNN", [&] { LinearByOneDnn(x, weight, bias); });
    TimeKernel(p.name, "BLAS", [&] { torch::nn::functional::linear(x, weight, bias); });
  }
}

}  // namespace
}  // namespace dualgeo

int main(int argc, char** argv) {
  const std::string model = argc > 1 ? argv[1] : "";
  if (argc == 2 && model == "kernels") {
    dualgeo::TimeKernels();
    return 0;
  }
  const std::string what = argc > 2 ? argv[2] : "";
  if (argc != 4 || (what != "forward" && what != "train")) {
    std::fprintf(stderr, "usage: encoders_bench MODEL forward|train SECONDS, or encoders_bench kernels\n");
    return 2;
  }
  dualgeo::TimeNetwork(model, what == "train", std::atof(argv[3]));
  return 0;
}
