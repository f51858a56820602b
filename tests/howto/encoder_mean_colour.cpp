// A made-up image encoder: the mean colour of each eighth of the photo's side.
#include "image_encoder_kinds.h"
#include "photo_network.h"

namespace dualgeo {
namespace {

class MeanColourImpl : public PhotoNetworkImpl {
 public:
  MeanColourImpl() { mix_ = register_module("mix", Linear(3, 12)); }
  void Initialise() override { mix_->Initialise(); }
  torch::Tensor Tokens(const ImageInput& input) override {
    const auto cells = torch::adaptive_avg_pool2d(input.pixels, {8, 8}).flatten(2).transpose(1, 2);
    const auto tokens = mix_(cells);
    return torch::cat({tokens.mean(1, true), tokens}, 1);
  }
  int width() const override { return 12; }
  std::vector<std::string> left_aside() const override { return {}; }

 private:
  Linear mix_{nullptr};
};

}  // namespace

PhotoInput MeanColourInput(const ImageEncoderOptions& options) {
  return ImageNetInput(options.image_size.value_or(64));
}

std::shared_ptr<ImageEncoderImpl> MakeMeanColour(const ImageEncoderOptions&, int embed_dim) {
  return EncoderOf(std::make_shared<MeanColourImpl>(), embed_dim);
}

}  // namespace dualgeo
