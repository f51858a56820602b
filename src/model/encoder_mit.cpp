// A Mix Transformer (SegFormer's encoder, arXiv 2105.15203) for photos: any SegFormer's weights start it, those of the
// run's own segmenter as well, so that what was learned in telling classes apart is not learned twice.
#include "dualgeo/model/mit.h"
#include "dualgeo/util/error.h"
#include "image_encoder_kinds.h"
#include "photo_network.h"

namespace dualgeo {
namespace {

class MitNetworkImpl : public PhotoNetworkImpl {
 public:
  explicit MitNetworkImpl(const ImageEncoderOptions& options)
      : pooling_(PoolingOf(options, {"mean", "max"})),
        sizes_(MitPreset(options.preset, "model.image_encoder.preset of type mit")) {
    auto segformer = register_module("segformer", std::make_shared<torch::nn::Module>());
    encoder_ = segformer->register_module("encoder", MitEncoder(sizes_, 3));
  }

  void Initialise() override { encoder_->Initialise(); }
  torch::Tensor Tokens(const ImageInput& input) override { return MapTokens(Map(input), pooling_); }
  torch::Tensor Pooled(const ImageInput& input) override { return PooledMap(Map(input), pooling_); }
  int width() const override { return sizes_.hidden_sizes.back(); }
  std::vector<std::string> left_aside() const override { return {"classifier."}; }

  // A whole SegFormer under any of its names; without a head, under Hugging Face's.
  void Fit(TensorMap& tensors) const override {
    const WeightNames names = NamesOf(tensors);
    if (names.readable()) tensors = MapNames(tensors, names, WeightPart::kSegFormer);
    std::erase_if(tensors, [](const auto& item) { return item.first.starts_with("decode_head."); });
  }

 private:
  torch::Tensor Map(const ImageInput& input) { return encoder_->Forward(input.pixels).back(); }

  std::string pooling_;
  MitSizes sizes_;
  MitEncoder encoder_{nullptr};
};

}  // namespace

PhotoInput MitInput(const ImageEncoderOptions& options) {
  const int size = options.image_size.value_or(224);
  // Each stage halves the map, and reduces its keys by a share of it.
  if (size % 32 != 0) {
    throw InputError("model.image_encoder.image_size of type mit: " + std::to_string(size) +
                     " is not a multiple of 32");
  }
  return {.size = size, .normalization = kImageNetNormalization};
}

std::shared_ptr<ImageEncoderImpl> MakeMit(const ImageEncoderOptions& options, int embed_dim) {
  return EncoderOf(std::make_shared<MitNetworkImpl>(options), embed_dim);
}

}  // namespace dualgeo
