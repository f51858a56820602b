#include "model/onehot_conv.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

constexpr int kIgnore = 255;
// One-hot floats held at once: 64 MB.
constexpr std::int64_t kChunkElements = 16 << 20;

// The classes that occur, ascending, without "ignore".
torch::Tensor PresentClasses(const torch::Tensor& mask, std::int64_t num_labels) {
  const auto counts = torch::bincount(mask.flatten(), {}, 256).to(torch::kCPU);
  const auto* count = counts.data_ptr<std::int64_t>();
  std::vector<std::int64_t> classes;
  for (std::int64_t id = 0; id < kIgnore; ++id) {
    if (count[id] == 0) continue;
    if (id >= num_labels) {
      throw Error("a mask holds class " + std::to_string(id) + " and the model knows 0 to " +
                  std::to_string(num_labels - 1) + " (and 255, ignore)");
    }
    classes.push_back(id);
  }
  return torch::tensor(classes, torch::kInt64).to(mask.device());
}

torch::Tensor Encode(const torch::Tensor& mask, const torch::Tensor& classes, torch::Dtype dtype) {
  return mask.unsqueeze(1).eq(classes.to(torch::kUInt8).view({1, -1, 1, 1})).to(dtype);
}

// Calls visit(begin, end, classes in mask[begin, end)) for consecutive groups of photos.
void ForEachChunk(const torch::Tensor& mask, std::int64_t num_labels,
                  const std::function<void(std::int64_t, std::int64_t, const torch::Tensor&)>& visit) {
  const auto all = PresentClasses(mask, num_labels);
  const std::int64_t per_photo = std::max<std::int64_t>(1, all.numel() * mask.size(1) * mask.size(2));
  const std::int64_t step = std::max<std::int64_t>(1, kChunkElements / per_photo);
  for (std::int64_t begin = 0; begin < mask.size(0); begin += step) {
    const std::int64_t end = std::min(mask.size(0), begin + step);
    visit(begin, end, step >= mask.size(0) ? all : PresentClasses(mask.slice(0, begin, end), num_labels));
  }
}

class OneHotConvFunction : public torch::autograd::Function<OneHotConvFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& mask,
                               const torch::Tensor& weight, std::int64_t stride, std::int64_t padding) {
    context->save_for_backward({mask, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    std::vector<torch::Tensor> outputs;
    ForEachChunk(mask, weight.size(1), [&](std::int64_t begin, std::int64_t end, const torch::Tensor& classes) {
      if (classes.numel() == 0) {
        const auto side = [&](std::int64_t n, std::int64_t k) { return (n + 2 * padding - k) / stride + 1; };
        outputs.push_back(torch::zeros(
            {end - begin, weight.size(0), side(mask.size(1), weight.size(2)), side(mask.size(2), weight.size(3))},
            weight.options()));
        return;
      }
      outputs.push_back(torch::conv2d(Encode(mask.slice(0, begin, end), classes, weight.scalar_type()),
                                      weight.index_select(1, classes), {}, stride, padding));
    });
    return outputs.size() == 1 ? outputs[0] : torch::cat(outputs);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& mask = saved[0];
    const auto& weight = saved[1];
    const std::int64_t stride = context->saved_data["stride"].toInt();
    const std::int64_t padding = context->saved_data["padding"].toInt();
    // Under autocast the gradient is of a smaller type than the weight.
    const auto gradient = gradients[0].contiguous();
    auto result = torch::zeros_like(weight);
    ForEachChunk(mask, weight.size(1), [&](std::int64_t begin, std::int64_t end, const torch::Tensor& classes) {
      if (classes.numel() == 0) return;
      const auto input = Encode(mask.slice(0, begin, end), classes, gradient.scalar_type());
      const auto part = std::get<1>(at::convolution_backward(
          gradient.slice(0, begin, end), input, weight.index_select(1, classes).to(gradient.scalar_type()),
          c10::nullopt, {stride, stride}, {padding, padding}, {1, 1}, false, {0, 0}, 1, {false, true, false}));
      result.index_add_(1, classes, part.to(weight.scalar_type()));
    });
    return {torch::Tensor(), result, torch::Tensor(), torch::Tensor()};
  }
};

void CheckMask(const torch::Tensor& mask) {
  TORCH_CHECK(mask.defined() && mask.dim() == 3 && mask.scalar_type() == torch::kUInt8,
              "a batch of masks is [N, M, M] uint8");
}

}  // namespace

torch::Tensor OneHotConv2d(const torch::Tensor& mask, const torch::Tensor& weight, int stride, int padding) {
  CheckMask(mask);
  return OneHotConvFunction::apply(mask, weight, static_cast<std::int64_t>(stride), static_cast<std::int64_t>(padding));
}

}  // namespace dualgeo
