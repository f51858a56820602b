#include "model/loss.h"

namespace dualgeo {

torch::Tensor SymmetricInfoNce(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& log_scale) {
  // Cosines times 54 in bfloat16 would be off by tenths: the loss is computed in full precision also under autocast,
  // and on a CPU in double, which costs nothing beside the encoders. The result is float32 (or double for double
  // input).
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto result = torch::promote_types(torch::promote_types(a.scalar_type(), b.scalar_type()), torch::kFloat32);
  const auto dtype = a.is_cpu() ? torch::kFloat64 : result;
  const auto logits = log_scale.to(dtype).exp() * torch::matmul(a.to(dtype), b.to(dtype).t());
  const auto target = torch::arange(logits.size(0), torch::TensorOptions(torch::kInt64).device(logits.device()));
  const auto sum = torch::cross_entropy_loss(logits, target) + torch::cross_entropy_loss(logits.t(), target);
  return (0.5 * sum).to(result);
}

torch::Tensor InfoNce(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& log_scale,
                      const torch::Tensor& negatives) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  const auto result = torch::promote_types(torch::promote_types(a.scalar_type(), b.scalar_type()), torch::kFloat32);
  const auto dtype = a.is_cpu() ? torch::kFloat64 : result;
  auto places = b.to(dtype);
  if (negatives.defined()) places = torch::cat({places, negatives.to(dtype)});
  const auto logits = log_scale.to(dtype).exp() * torch::matmul(a.to(dtype), places.t());
  const auto target = torch::arange(logits.size(0), torch::TensorOptions(torch::kInt64).device(logits.device()));
  return torch::cross_entropy_loss(logits, target).to(result);
}

namespace {

torch::Tensor ViewLoss(const torch::Tensor& view, const torch::Tensor& gps, const torch::Tensor& log_scale,
                       const LossOptions& options, const torch::Tensor& negatives) {
  if (options.direction == "image_to_gps") return InfoNce(view, gps, log_scale, negatives);
  if (!negatives.defined()) return SymmetricInfoNce(view, gps, log_scale);
  return 0.5 * (InfoNce(view, gps, log_scale, negatives) + InfoNce(gps, view, log_scale));
}

}  // namespace

LossTerms DualViewLoss(const torch::Tensor& image, const torch::Tensor& segmentation, const torch::Tensor& gps,
                       const torch::Tensor& log_scale_image, const torch::Tensor& log_scale_segmentation,
                       const LossOptions& options, const torch::Tensor& negatives) {
  LossTerms terms;
  if (image.defined() && options.image_gps > 0) {
    terms.image_gps = ViewLoss(image, gps, log_scale_image, options, negatives);
    terms.total = options.image_gps * terms.image_gps;
  }
  if (segmentation.defined() && options.segmentation_gps > 0) {
    terms.segmentation_gps = ViewLoss(segmentation, gps, log_scale_segmentation, options, negatives);
    const auto weighted = options.segmentation_gps * terms.segmentation_gps;
    terms.total = terms.total.defined() ? terms.total + weighted : weighted;
  }
  return terms;
}

}  // namespace dualgeo
