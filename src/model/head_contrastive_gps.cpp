#include "head_contrastive_gps.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "dualgeo/geo/distance.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "head_kinds.h"
#include "model/loss.h"

namespace dualgeo {
torch::Tensor Normalise(const torch::Tensor& x) {
  const auto full = x.to(torch::promote_types(x.scalar_type(), torch::kFloat32));
  return torch::nn::functional::normalize(full, torch::nn::functional::NormalizeFuncOptions().dim(-1));
}

namespace {

// [N, 2] degrees, each moved by a normal number of metres to the north and to the east.
torch::Tensor MovedBy(double metres, const torch::Tensor& latlon) {
  // From the CPU's generator, so that every device moves them alike.
  const auto normal = torch::randn({latlon.size(0), 2}, torch::kFloat64).to(latlon.device());
  const auto degrees = normal * (metres / 1000 / kEarthRadiusKm * 180 / std::numbers::pi);
  const auto lat = (latlon.select(1, 0) + degrees.select(1, 0)).clamp(-90, 90);
  const auto circle = torch::cos(lat * (std::numbers::pi / 180)).clamp_min(1e-9);
  const auto lon = latlon.select(1, 1) + degrees.select(1, 1) / circle;
  return torch::stack({lat, torch::remainder(lon + 180, 360) - 180}, 1);
}

void AddDetails(const std::string& prefix, const LossTerms& terms, TrainingLoss& loss) {
  if (terms.image_gps.defined()) loss.details.emplace_back(prefix + "image_gps", terms.image_gps);
  if (terms.segmentation_gps.defined()) loss.details.emplace_back(prefix + "segmentation_gps", terms.segmentation_gps);
}

}  // namespace

ProjectionHeadImpl::ProjectionHeadImpl(int in, int out) {
  first_ = register_module("0", Linear(in, in));
  second_ = register_module("2", Linear(in, out));
}

void ProjectionHeadImpl::Initialise() {
  first_->Initialise();
  second_->Initialise();
}

torch::Tensor ProjectionHeadImpl::Forward(const torch::Tensor& x) { return second_(torch::relu(first_(x))); }

ContrastiveGpsHeadImpl::ContrastiveGpsHeadImpl(const ModelOptions& model, const LossOptions& loss)
    : loss_(loss), options_(model.contrastive_gps), gps_weights_(model.gps_encoder.weights) {
  loss.Validate();
  if ((!model.has_image() && loss.segmentation_gps == 0) || (!model.has_segmentation() && loss.image_gps == 0)) {
    throw InputError("loss: the weight of the only view (model.views " + model.views +
                     ") is 0, so nothing would be learned");
  }
  const bool fused = model.views == "both" && model.fusion.type != "none";
  if (loss.unfused > 0 && !fused) {
    throw InputError("loss.unfused: " + FormatDouble(loss.unfused) + ", and the model fuses nothing (model.views: " +
                     model.views + ", model.fusion.type: " + model.fusion.type + "); allowed: 0");
  }
  takes_texts_ = model.has_image() && !fused && model.image_encoder.type == "clip_vit";
  const int dim = model.embed_dim;
  const int space = model.gps_space();
  const auto log_scale = [&] { return torch::tensor(static_cast<float>(loss.logit_scale_init)); };
  location_encoder_ = register_module("location_encoder", GpsEncoder(model.gps_encoder));
  if (model.has_image()) {
    rgb_projection_else_ = register_module("rgb_projection_else", ProjectionHead(dim, space));
    logit_scale_rgb_ = register_parameter("logit_scale_rgb", log_scale());
  }
  if (model.has_segmentation()) {
    seg_projection_else_ = register_module("seg_projection_else", ProjectionHead(dim, space));
    logit_scale_seg_ = register_parameter("logit_scale_seg", log_scale());
  }
  if (options_.location_projection == "mlp") {
    location_projection_else_ =
        register_module("location_projection_else", ProjectionHead(model.gps_encoder.embed_dim, space));
  }
  if (loss.queue > 0) {
    constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
    queue_ = register_buffer("gps_queue", torch::full({2, loss.queue}, kNothing, torch::kFloat64));
    queue_pointer_ = register_buffer("gps_queue_ptr", torch::zeros({1}, torch::kInt64));
  }
}

void ContrastiveGpsHeadImpl::Initialise(std::uint64_t seed) {
  InitialisePart(seed, "gps_encoder", location_encoder_);
  if (rgb_projection_else_) InitialisePart(seed, "rgb_projection_else", rgb_projection_else_);
  if (seg_projection_else_) InitialisePart(seed, "seg_projection_else", seg_projection_else_);
  if (location_projection_else_) InitialisePart(seed, "location_projection_else", location_projection_else_);
  if (queue_.defined() && loss_.queue_start == "near_zero") {
    // Random vectors of length 1, taken for degrees.
    const SeedScope scope(DeriveSeed(seed, "gps_queue"));
    const auto points = torch::randn_like(queue_);
    queue_.copy_(points / points.norm(2, 0, true));
  }
}

void ContrastiveGpsHeadImpl::LoadPretrained() {
  if (gps_weights_) LoadGpsEncoder(*location_encoder_, *gps_weights_);
  if (options_.image_projection_weights) {
    LoadImageProjection(*rgb_projection_else_, *options_.image_projection_weights);
  }
  if (options_.logit_scale_weights) {
    const torch::NoGradGuard no_grad;
    logit_scale_rgb_.fill_(ReadLogitScale(*options_.logit_scale_weights));
  }
}

torch::Tensor ContrastiveGpsHeadImpl::ProjectImage(const torch::Tensor& fused_image) {
  return Normalise(rgb_projection_else_->Forward(fused_image));
}

torch::Tensor ContrastiveGpsHeadImpl::ProjectSegmentation(const torch::Tensor& fused_segmentation) {
  return Normalise(seg_projection_else_->Forward(fused_segmentation));
}

torch::Tensor ContrastiveGpsHeadImpl::ProjectGps(const torch::Tensor& gps_embedding) {
  return Normalise(location_projection_else_ ? location_projection_else_->Forward(gps_embedding) : gps_embedding);
}

double ContrastiveGpsHeadImpl::CosineFactor() const {
  double sum = 0;
  int views = 0;
  for (const auto* log_scale : {&logit_scale_rgb_, &logit_scale_seg_}) {
    if (!log_scale->defined()) continue;
    sum += std::exp(log_scale->item<double>());
    ++views;
  }
  return sum / views;
}

torch::Tensor ContrastiveGpsHeadImpl::ForwardGps(const torch::Tensor& latlon, double noise_m) {
  return location_encoder_->Forward(noise_m > 0 ? MovedBy(noise_m, latlon) : latlon);
}

void ContrastiveGpsHeadImpl::Enqueue(const torch::Tensor& latlon) {
  const torch::NoGradGuard no_grad;
  // On the device: a pointer that is read would wait for it.
  const auto columns =
      (torch::arange(latlon.size(0), queue_pointer_.options()) + queue_pointer_).remainder(queue_.size(1));
  queue_.index_copy_(1, columns, latlon.t().to(queue_.options(), /*non_blocking=*/true));
  queue_pointer_.add_(latlon.size(0)).remainder_(queue_.size(1));
}

NamedTensors ContrastiveGpsHeadImpl::Forward(const ViewFeatures& features, const Targets& targets) {
  const auto gps = ForwardGps(targets.latlon, is_training() ? loss_.gps_noise_m : 0);
  NamedTensors outputs;
  if (rgb_projection_else_) outputs.emplace_back("image", ProjectImage(features.fused_image));
  if (seg_projection_else_) outputs.emplace_back("segmentation", ProjectSegmentation(features.fused_segmentation));
  outputs.emplace_back("gps", ProjectGps(gps));
  if (loss_.unfused > 0) {
    if (rgb_projection_else_) outputs.emplace_back("unfused_image", ProjectImage(features.image));
    if (seg_projection_else_) outputs.emplace_back("unfused_segmentation", ProjectSegmentation(features.segmentation));
  }
  return outputs;
}

NamedTensors ContrastiveGpsHeadImpl::StepOutputs() {
  if (!queue_.defined() || !is_training()) return {};
  const auto places = queue_.t().to(torch::kFloat64);
  const auto past = places.index_select(0, torch::isfinite(places.select(1, 0)).nonzero().squeeze(1));
  if (past.size(0) == 0) return {};
  return {{"queue", ProjectGps(ForwardGps(past, loss_.queue_noise_m))}};
}

void ContrastiveGpsHeadImpl::Remember(const Targets& batch) {
  if (queue_.defined() && is_training()) Enqueue(batch.latlon);
}

NamedTensors ContrastiveGpsHeadImpl::PhotoVectors(const ViewFeatures& features) {
  NamedTensors vectors;
  if (rgb_projection_else_) vectors.emplace_back("projected_image", ProjectImage(features.fused_image));
  if (seg_projection_else_) {
    vectors.emplace_back("projected_segmentation", ProjectSegmentation(features.fused_segmentation));
  }
  return vectors;
}

TrainingLoss ContrastiveGpsHeadImpl::Loss(const NamedTensors& outputs, const Targets&) {
  const LossTerms terms = DualViewLoss(Find(outputs, "image"), Find(outputs, "segmentation"), Find(outputs, "gps"),
                                       logit_scale_rgb_, logit_scale_seg_, loss_, Find(outputs, "queue"));
  TrainingLoss loss{terms.total, {}};
  AddDetails("", terms, loss);
  if (loss_.unfused > 0) {
    const LossTerms alone =
        DualViewLoss(Find(outputs, "unfused_image"), Find(outputs, "unfused_segmentation"), Find(outputs, "gps"),
                     logit_scale_rgb_, logit_scale_seg_, loss_, Find(outputs, "queue"));
    loss.total = loss.total + loss_.unfused * alone.total;
    AddDetails("unfused_", alone, loss);
  }
  return loss;
}

NamedTensors ContrastiveGpsHeadImpl::TextVectors(const torch::Tensor& text) {
  if (!takes_texts_ || text.size(1) != rgb_projection_else_->in()) return {};
  return {{"projected_text", ProjectImage(text)}};
}

NamedTensors ContrastiveGpsHeadImpl::Places(const NamedTensors& outputs, const Targets& targets) {
  NamedTensors places;
  const torch::Tensor gps = Find(outputs, "gps").t();
  const torch::Tensor latlon = targets.latlon.cpu();
  for (const char* view : {"image", "segmentation"}) {
    const torch::Tensor vectors = Find(outputs, view);
    if (!vectors.defined()) continue;
    places.emplace_back(std::string(view) + "_to_gps", latlon.index_select(0, vectors.matmul(gps).argmax(1).cpu()));
  }
  return places;
}

std::shared_ptr<HeadImpl> MakeContrastiveGpsHead(const ModelOptions& model, const LossOptions& loss) {
  return std::make_shared<ContrastiveGpsHeadImpl>(model, loss);
}

}  // namespace dualgeo
