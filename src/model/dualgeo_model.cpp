#include "dualgeo/model/dualgeo_model.h"

#include "dualgeo/util/error.h"
#include "head_contrastive_gps.h"

namespace dualgeo {
DualGeoModelImpl::DualGeoModelImpl(const ModelOptions& model, const LossOptions& loss,
                                   std::optional<std::uint64_t> seed)
    : options_(model), loss_options_(loss) {
  options_.Validate();
  const int dim = options_.embed_dim;
  // Constructors of LibTorch's own layers draw, too: keep that from the caller's generator.
  const SeedScope scope(0);
  // Each part draws from its own seed.
  const auto initialise = [&](const char* part, auto& module) {
    if (seed) InitialisePart(*seed, part, module);
  };
  if (options_.has_image()) {
    image_encoder_ = MakeImageEncoder(options_.image_encoder, dim);
    register_module("vision_model_rgb", image_encoder_->network());
    if (!image_encoder_->projection().is_empty()) {
      register_module("vision_projection_rgb", image_encoder_->projection());
    }
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
  for (const std::string& name : options_.heads) AddHead(name, seed);
}

void DualGeoModelImpl::AddHead(const std::string& name, std::optional<std::uint64_t> seed) {
  const auto head = MakeHead(name, options_, loss_options_);
  if (seed) head->Initialise(*seed);
  for (const auto& child : head->named_children()) register_module(child.key(), child.value());
  for (const auto& parameter : head->named_parameters(/*recurse=*/false)) {
    register_parameter(parameter.key(), parameter.value());
  }
  for (const auto& buffer : head->named_buffers(/*recurse=*/false)) register_buffer(buffer.key(), buffer.value());
  heads_.push_back(head);
  if (const auto contrastive = std::dynamic_pointer_cast<ContrastiveGpsHeadImpl>(head)) contrastive_ = contrastive;
}

void DualGeoModelImpl::train(bool on) {
  torch::nn::Module::train(on);
  for (const auto& head : heads_) head->train(on);  // only what they are made of is a part of this module
  if (image_encoder_ && options_.image_encoder.freeze) image_encoder_->train(false);
}

bool DualGeoModelImpl::needs_patch_tokens() const { return fusion_ && fusion_->needs_tokens(); }

torch::Tensor DualGeoModelImpl::ImageTokens(const ImageInput& input) {
  TORCH_CHECK(image_encoder_ != nullptr, "the model has no image view");
  const torch::AutoGradMode gradients(torch::GradMode::is_enabled() && !options_.image_encoder.freeze);
  return needs_patch_tokens() ? image_encoder_->Tokens(input) : image_encoder_->Forward(input).unsqueeze(1);
}

ViewFeatures DualGeoModelImpl::Encode(const torch::Tensor& pixels, const torch::Tensor& mask) {
  return EncodeTokens(options_.has_image() ? ImageTokens({pixels, mask}) : torch::Tensor(), mask);
}

ViewFeatures DualGeoModelImpl::EncodeTokens(const torch::Tensor& image_tokens, const torch::Tensor& mask) {
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

namespace {

NamedTensors InFloat(NamedTensors outputs) {
  for (auto& [name, tensor] : outputs) {
    tensor = tensor.to(torch::promote_types(tensor.scalar_type(), torch::kFloat32));
  }
  return outputs;
}

}  // namespace

std::vector<NamedTensors> DualGeoModelImpl::RunHeads(const ViewFeatures& features, const Targets& targets) {
  std::vector<NamedTensors> all;
  for (const auto& head : heads_) {
    all.push_back(InFloat(head->Forward(features, targets)));
    for (auto& output : InFloat(head->StepOutputs())) all.back().push_back(std::move(output));
    head->Remember(targets);
  }
  return all;
}

std::vector<NamedTensors> DualGeoModelImpl::ForwardHeads(const ViewFeatures& features, const Targets& targets) {
  std::vector<NamedTensors> all;
  for (const auto& head : heads_) all.push_back(InFloat(head->Forward(features, targets)));
  return all;
}

std::vector<NamedTensors> DualGeoModelImpl::StepOutputs() {
  std::vector<NamedTensors> all;
  for (const auto& head : heads_) all.push_back(InFloat(head->StepOutputs()));
  return all;
}

void DualGeoModelImpl::Remember(const Targets& batch) {
  for (const auto& head : heads_) head->Remember(batch);
}

TrainingLoss DualGeoModelImpl::Loss(const std::vector<NamedTensors>& outputs, const Targets& targets) {
  TrainingLoss sum;
  if (heads_.empty()) sum.total = torch::zeros({});
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    TrainingLoss loss = heads_[i]->Loss(outputs[i], targets);
    sum.total = sum.total.defined() ? sum.total + loss.total : loss.total;
    for (auto& detail : loss.details) sum.details.push_back(std::move(detail));
  }
  return sum;
}

ContrastiveGpsHeadImpl& DualGeoModelImpl::Contrastive() const {
  if (!contrastive_) throw InputError("the model has no GPS encoder: contrastive_gps is not among model.heads");
  return *contrastive_;
}

torch::Tensor DualGeoModelImpl::EncodeGps(const torch::Tensor& latlon) {
  return Contrastive().gps_encoder()->Forward(latlon);
}

torch::Tensor DualGeoModelImpl::ProjectImage(const torch::Tensor& fused_image) {
  return Contrastive().ProjectImage(fused_image);
}

torch::Tensor DualGeoModelImpl::ProjectSegmentation(const torch::Tensor& fused_segmentation) {
  return Contrastive().ProjectSegmentation(fused_segmentation);
}

torch::Tensor DualGeoModelImpl::ProjectGps(const torch::Tensor& gps_embedding) {
  return Contrastive().ProjectGps(gps_embedding);
}

double DualGeoModelImpl::CosineFactor() const { return Contrastive().CosineFactor(); }

int DualGeoModelImpl::image_size() const { return ImageEncoderInput(options_.image_encoder).size; }

int DualGeoModelImpl::mask_size() const {
  return options_.has_segmentation() ? options_.segmentation_encoder.image_size : image_size();
}

}  // namespace dualgeo
