// The vision transformer (Dosovitskiy et al., ICLR 2021, arXiv 2010.11929) under timm's names: pre-norm blocks with one
// matrix for queries, keys and values, exact GELU, LayerNorm of eps 1e-6.
#include "cpu_kernels.h"
#include "image_encoder_kinds.h"
#include "photo_network.h"
#include "vit_network.h"

namespace dualgeo {
namespace {

class VitImpl : public PhotoNetworkImpl {
 public:
  explicit VitImpl(const ImageEncoderOptions& options)
      : vit_(*this, VitSizesOf(options)), pooling_(PoolingOf(options, {"class", "mean", "mean_before_norm"})) {}

  void Initialise() override { vit_.Initialise(); }

  torch::Tensor Tokens(const ImageInput& input) override {
    vit_.CheckPhotos(input.pixels);
    return InSlices(input.pixels, PhotosASlice(vit_.tokens()), [&](const torch::Tensor& slice) {
      auto x = vit_.Embed(vit_.Patches(slice));
      for (int i = 0; i < vit_.sizes().layers; ++i) x = vit_.Block(i, x);
      const auto normed = vit_.Norm(x);
      if (pooling_ == "class") return normed;
      // timm's mean leaves the class token out; PIGEON's, before the norm, does not.
      const auto mean = pooling_ == "mean" ? normed.slice(1, 1).mean(1, true) : x.mean(1, true);
      return torch::cat({mean.to(normed.dtype()), normed.slice(1, 1)}, 1);
    });
  }

  int width() const override { return vit_.sizes().width; }
  std::vector<std::string> left_aside() const override { return {"head.", "pre_logits."}; }
  void Fit(TensorMap& tensors) const override { vit_.FitPositions(tensors, "pos_embed"); }

 private:
  VitNetwork vit_;
  std::string pooling_;
};

}  // namespace

PhotoInput VitInput(const ImageEncoderOptions& options) { return VitPhotoInput(VitSizesOf(options)); }

std::shared_ptr<ImageEncoderImpl> MakeVit(const ImageEncoderOptions& options, int embed_dim) {
  return EncoderOf(std::make_shared<VitImpl>(options), embed_dim);
}

}  // namespace dualgeo
