#include "dualgeo/model/dualgeo_model.h"

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"

namespace dualgeo {
namespace {

// Full precision also under autocast; double stays double.
torch::Tensor Normalise(const torch::Tensor& x) {
  const auto full = x.to(torch::promote_types(x.scalar_type(), torch::kFloat32));
  return torch::nn::functional::normalize(full, torch::nn::functional::NormalizeFuncOptions().dim(-1));
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

DualGeoModelImpl::DualGeoModelImpl(const ModelOptions& model, const LossOptions& loss,
                                   std::optional<std::uint64_t> seed)
    : options_(model), loss_options_(loss) {
  options_.Validate();
  loss_options_.Validate();
  if ((!options_.has_image() && loss.segmentation_gps == 0) || (!options_.has_segmentation() && loss.image_gps == 0)) {
    throw InputError("loss: the weight of the only view (model.views " + options_.views +
                     ") is 0, so nothing would be learned");
  }
  const int dim = options_.embed_dim;
  // Constructors of LibTorch's own layers draw, too: keep that from the caller's generator.
  const SeedScope scope(0);
  // Each part draws from its own seed.
  const auto initialise = [&](const char* part, auto& module) {
    if (!seed) return;
    const SeedScope part_scope(DeriveSeed(*seed, part));
    module->Initialise();
  };
  if (options_.has_image()) {
    image_encoder_ = ClipVision(Resolve(options_.image_encoder, dim));
    register_module("vision_model_rgb", image_encoder_->vision_model());
    register_module("vision_projection_rgb", image_encoder_->visual_projection());
    initialise("image_encoder", image_encoder_);
    if (options_.image_encoder.freeze) {
      for (auto& parameter : image_encoder_->parameters()) parameter.set_requires_grad(false);
    }
  }
  if (options_.has_segmentation()) {
    semantic_encoder_ = register_module(
        "semantic_encoder", SegmentationEncoder(options_.segmentation_encoder, options_.segmenter.num_labels, dim));
    initialise("segmentation_encoder", semantic_encoder_);
    vision_projection_seg_ = register_module("vision_projection_seg", Linear(dim, dim, false));
    initialise("vision_projection_seg", vision_projection_seg_);
  }
  if (options_.has_image() && options_.has_segmentation()) {
    fusion_ = MakeFusion(options_.fusion, dim);
    register_module("cross_attn_fusion", fusion_);
    initialise("fusion", fusion_);
  }
  location_encoder_ = register_module("location_encoder", GpsEncoder(options_.gps_encoder));
  initialise("gps_encoder", location_encoder_);
  const auto log_scale = [&] { return torch::tensor(static_cast<float>(loss.logit_scale_init)); };
  if (options_.has_image()) {
    rgb_projection_else_ = register_module("rgb_projection_else", ProjectionHead(dim, dim));
    initialise("rgb_projection_else", rgb_projection_else_);
    logit_scale_rgb_ = register_parameter("logit_scale_rgb", log_scale());
  }
  if (options_.has_segmentation()) {
    seg_projection_else_ = register_module("seg_projection_else", ProjectionHead(dim, dim));
    initialise("seg_projection_else", seg_projection_else_);
    logit_scale_seg_ = register_parameter("logit_scale_seg", log_scale());
  }
  location_projection_else_ =
      register_module("location_projection_else", ProjectionHead(options_.gps_encoder.embed_dim, dim));
  initialise("location_projection_else", location_projection_else_);
}

void DualGeoModelImpl::train(bool on) {
  torch::nn::Module::train(on);
  if (!image_encoder_.is_empty() && options_.image_encoder.freeze) image_encoder_->train(false);
}

bool DualGeoModelImpl::needs_patch_tokens() const { return fusion_ && fusion_->needs_tokens(); }

torch::Tensor DualGeoModelImpl::ImageTokens(const torch::Tensor& pixels) {
  TORCH_CHECK(!image_encoder_.is_empty(), "the model has no image view");
  const torch::AutoGradMode gradients(torch::GradMode::is_enabled() && !options_.image_encoder.freeze);
  return needs_patch_tokens() ? image_encoder_->Tokens(pixels) : image_encoder_->Forward(pixels).unsqueeze(1);
}

DualGeoModelImpl::Features DualGeoModelImpl::Encode(const torch::Tensor& pixels, const torch::Tensor& mask) {
  return EncodeTokens(options_.has_image() ? ImageTokens(pixels) : torch::Tensor(), mask);
}

DualGeoModelImpl::Features DualGeoModelImpl::EncodeTokens(const torch::Tensor& image_tokens,
                                                          const torch::Tensor& mask) {
  FusionInput input;
  if (options_.has_image()) {
    input.image_tokens = image_tokens;
    input.image = image_tokens.select(1, 0);
  }
  if (options_.has_segmentation()) {
    input.segmentation_tokens = vision_projection_seg_(semantic_encoder_->Forward(mask));
    input.segmentation = input.segmentation_tokens.mean(1);
  }
  const FusionOutput fused = fusion_ ? fusion_->Forward(input) : FusionOutput{input.image, input.segmentation};
  return {input.image, input.segmentation, fused.image, fused.segmentation};
}

torch::Tensor DualGeoModelImpl::EncodeGps(const torch::Tensor& latlon) { return location_encoder_->Forward(latlon); }

torch::Tensor DualGeoModelImpl::ProjectImage(const torch::Tensor& fused_image) {
  return Normalise(rgb_projection_else_->Forward(fused_image));
}

torch::Tensor DualGeoModelImpl::ProjectSegmentation(const torch::Tensor& fused_segmentation) {
  return Normalise(seg_projection_else_->Forward(fused_segmentation));
}

torch::Tensor DualGeoModelImpl::ProjectGps(const torch::Tensor& gps_embedding) {
  return Normalise(location_projection_else_->Forward(gps_embedding));
}

DualGeoModelImpl::Projections DualGeoModelImpl::Project(const Features& features, const torch::Tensor& gps_embedding) {
  Projections projections;
  if (options_.has_image()) projections.image = ProjectImage(features.fused_image);
  if (options_.has_segmentation()) projections.segmentation = ProjectSegmentation(features.fused_segmentation);
  projections.gps = ProjectGps(gps_embedding);
  return projections;
}

LossTerms DualGeoModelImpl::Loss(const Projections& projections) {
  return DualViewLoss(projections.image, projections.segmentation, projections.gps, logit_scale_rgb_, logit_scale_seg_,
                      loss_options_);
}

int DualGeoModelImpl::image_size() const { return Resolve(options_.image_encoder, options_.embed_dim).image_size; }

int DualGeoModelImpl::mask_size() const { return options_.segmentation_encoder.image_size; }

}  // namespace dualgeo
