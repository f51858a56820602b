#include "dualgeo/model/gps_encoder.h"

#include <numbers>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "model/gps_projection.h"

namespace dualgeo {

GpsEncoderImpl::GpsEncoderImpl(const GpsEncoderOptions& options) : options_(options) {
  const int dimensions = GpsProjectionDimensions(options.projection);
  for (std::size_t i = 0; i < options.sigmas.size(); ++i) {
    auto scale = register_module("LocEnc" + std::to_string(i), std::make_shared<torch::nn::Module>());
    auto capsule = scale->register_module("capsule", std::make_shared<torch::nn::Module>());
    Capsule parts;
    parts.frequencies = capsule->register_module("0", std::make_shared<torch::nn::Module>())
                            ->register_buffer("b", torch::empty({options.rff_size, dimensions}));
    // 2, 4 and 6 are the activations.
    for (int layer = 1; layer <= 5; layer += 2) {
      parts.hidden.push_back(capsule->register_module(
          std::to_string(layer), Linear(layer == 1 ? 2 * options.rff_size : options.hidden, options.hidden)));
    }
    parts.head = scale->register_module("head", std::make_shared<torch::nn::Module>())
                     ->register_module("0", Linear(options.hidden, options.embed_dim));
    capsules_.push_back(std::move(parts));
  }
}

void GpsEncoderImpl::Initialise() {
  torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < capsules_.size(); ++i) {
    capsules_[i].frequencies.normal_(0, options_.sigmas[i]);
    for (auto& layer : capsules_[i].hidden) layer->Initialise();
    capsules_[i].head->Initialise();
  }
}

torch::Tensor GpsEncoderImpl::Forward(const torch::Tensor& latlon) {
  if (options_.beyond_mercator == "error" && options_.projection == "mercator") {
    const auto beyond = latlon.select(1, 0).abs() > kMercatorLimitDegrees;
    if (beyond.any().item<bool>()) {
      const double latitude = latlon.select(1, 0).masked_select(beyond)[0].item<double>();
      throw InputError("latitude " + FormatDouble(latitude) + " is beyond the mercator projection's limit of " +
                       FormatDouble(kMercatorLimitDegrees) + " degrees (model.gps_encoder.beyond_mercator: error)");
    }
  }
  const auto device = capsules_.front().frequencies.device();
  const auto position = ProjectGps(options_.projection, latlon.to(device, /*non_blocking=*/true));
  torch::Tensor sum;
  for (auto& capsule : capsules_) {
    // At sigma = 256 a phase reaches thousands of radians, where float32 would keep three decimals.
    const auto phase = 2.0 * std::numbers::pi * torch::matmul(position, capsule.frequencies.to(torch::kFloat64).t());
    const auto type = capsule.head->weight.scalar_type();
    auto x = torch::cat({torch::cos(phase).to(type), torch::sin(phase).to(type)}, 1);
    for (auto& layer : capsule.hidden) x = layer(x).relu_();
    x = capsule.head(x);
    sum = sum.defined() ? sum + x : x;
  }
  return sum;
}

}  // namespace dualgeo
