#include "dualgeo/model/segformer.h"

#include <cmath>

#include "cpu_kernels.h"
#include "dualgeo/util/random.h"

namespace dualgeo {

SegFormerHeadImpl::SegFormerHeadImpl(const SegFormerSizes& sizes) : dropout_(sizes.dropout) {
  const int width = sizes.decoder_dim;
  const auto stages = static_cast<int>(sizes.encoder.hidden_sizes.size());
  auto linears = register_module("linear_c", std::make_shared<torch::nn::Module>());
  for (int i = 0; i < stages; ++i) {
    auto stage = linears->register_module(std::to_string(i), std::make_shared<torch::nn::Module>());
    linear_c_.push_back(
        stage->register_module("proj", Linear(sizes.encoder.hidden_sizes[static_cast<std::size_t>(i)], width)));
  }
  linear_fuse_ =
      register_module("linear_fuse", torch::nn::Conv2d(torch::nn::Conv2dOptions(stages * width, width, 1).bias(false)));
  batch_norm_ = register_module("batch_norm", BatchNorm2d(width));
  classifier_ = register_module("classifier", torch::nn::Conv2d(torch::nn::Conv2dOptions(width, sizes.num_labels, 1)));
}

void SegFormerHeadImpl::Initialise() {
  torch::NoGradGuard no_grad;
  for (auto& linear : linear_c_) linear->Initialise();
  linear_fuse_->weight.normal_(0, std::sqrt(2.0 / static_cast<double>(linear_fuse_->weight.size(1))));
  classifier_->weight.normal_(0, 0.02);
  classifier_->bias.zero_();
}

torch::Tensor SegFormerHeadImpl::Forward(const std::vector<torch::Tensor>& features) {
  // As published: each map through linear_c, upsampled, concatenated (last stage first), through linear_fuse. Both
  // layers act on each pixel alone and bilinear weights sum to one, so they commute with the upsampling: their product
  // is taken first and applied at each map's own resolution, for a fraction of the arithmetic.
  const std::size_t stages = linear_c_.size();
  const auto width = linear_fuse_->weight.size(0);
  const auto fuse = linear_fuse_->weight.view({width, -1});
  const std::vector<std::int64_t> size = {features[0].size(2), features[0].size(3)};
  torch::Tensor sum;
  for (std::size_t i = 0; i < stages; ++i) {
    const auto part =
        fuse.slice(1, static_cast<std::int64_t>(stages - 1 - i) * width, static_cast<std::int64_t>(stages - i) * width);
    const auto weight = torch::matmul(part, linear_c_[i]->weight).unsqueeze(-1).unsqueeze(-1);
    const auto bias = torch::matmul(part, linear_c_[i]->bias);
    auto map = torch::conv2d(features[i], weight, bias);
    if (i > 0) map = torch::upsample_bilinear2d(map, size, /*align_corners=*/false);
    sum = i == 0 ? map : sum + map;
  }
  auto x = torch::relu(batch_norm_(sum));
  if (is_training() && dropout_ > 0) x = torch::dropout(x, dropout_, true);
  return classifier_(x);
}

SegFormerImpl::SegFormerImpl(const SegmenterOptions& options, std::optional<std::uint64_t> seed)
    : num_labels_(options.num_labels), image_size_(options.image_size) {
  const SegFormerSizes sizes = Resolve(options);
  const SeedScope scope(DeriveSeed(seed.value_or(0), "segmenter"));
  auto segformer = register_module("segformer", std::make_shared<torch::nn::Module>());
  encoder_ = segformer->register_module("encoder", MitEncoder(sizes.encoder, 3));
  decode_head_ = register_module("decode_head", SegFormerHead(sizes));
  if (seed) {
    encoder_->Initialise();
    decode_head_->Initialise();
  }
}

std::vector<torch::Tensor> SegFormerImpl::Features(const torch::Tensor& pixels) { return encoder_->Forward(pixels); }

torch::Tensor SegFormerImpl::Forward(const torch::Tensor& pixels) {
  TORCH_CHECK(pixels.dim() == 4 && pixels.size(1) == 3 && pixels.size(2) % 32 == 0 && pixels.size(3) % 32 == 0,
              "SegFormer takes [N, 3, H, W] with H and W multiples of 32, not ", pixels.sizes());
  return InSlices(pixels, 1, [&](const torch::Tensor& slice) { return decode_head_->Forward(Features(slice)); });
}

}  // namespace dualgeo
