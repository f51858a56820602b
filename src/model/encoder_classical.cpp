// Features that no network makes, after IM2GPS (Hays and Efros, CVPR 2008): tiny image, colour histogram, textons, line
// features, gist, and in place of geometric context a layout of the segmentation map, one block behind the other
// (model/classical_blocks.h). They are compared block by block (gallery.index classical), so they are not normalised.
// Only the textons are learned, by k-means over training photos, before any other training.
#include <spdlog/spdlog.h>

#include "dualgeo/model/weights.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "image_encoder_kinds.h"
#include "model/classical_blocks.h"
#include "model/classical_features.h"

namespace dualgeo {
namespace {

constexpr std::int64_t kTextons = 512;
constexpr std::int64_t kTextonChannels = 24;
constexpr std::int64_t kSamplesAPhoto = 500;

// The checkpoint's name for the textons.
class TextonsImpl : public torch::nn::Module {
 public:
  TextonsImpl() {
    values = register_parameter("textons", torch::empty({kTextons, kTextonChannels}), /*requires_grad=*/false);
  }
  torch::Tensor values;
};

class ClassicalImpl : public ImageEncoderImpl {
 public:
  ClassicalImpl() { register_module("network", textons_); }

  void Initialise() override { textons_->values.normal_(0, 1); }
  void Load(const std::filesystem::path& path) override { LoadStateDict(*textons_, ReadWeights(path), path.string()); }

  void Learn(const std::function<std::optional<ImageInput>()>& next, std::uint64_t seed) override {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> samples;
    std::uint64_t photo = 0;
    while (const auto input = next()) {
      const FullPrecision full;
      const auto responses = TextonResponses(FilterResponses(InLab(input->pixels.to(torch::kFloat32))));
      for (const auto& one : responses.flatten(2).transpose(1, 2).unbind(0)) {  // [pixels, channels]
        Random random(DeriveSeed(seed, "texture samples", photo++));
        std::vector<std::int64_t> pixels(kSamplesAPhoto);
        for (auto& pixel : pixels)
          pixel = static_cast<std::int64_t>(random.Below(static_cast<std::uint64_t>(one.size(0))));
        samples.push_back(one.index_select(0, torch::tensor(pixels, torch::kInt64).to(one.device())));
      }
    }
    if (samples.empty()) throw InputError("model.image_encoder.type: classical: no photo to learn textons from");
    const auto all = torch::cat(samples);
    spdlog::info("classical: {} textons of {} samples from {} photos", kTextons, all.size(0), photo);
    textons_->values.copy_(LearnTextons(all, kTextons, seed));
  }

  bool learns() const override { return true; }

  torch::Tensor Tokens(const ImageInput& input) override { return Forward(input).unsqueeze(1); }

  torch::Tensor Forward(const ImageInput& input) override {
    TORCH_CHECK(input.mask.defined(), "the image encoder classical wants a mask beside each photo");
    const FullPrecision full;
    const auto photos = input.pixels.to(torch::kFloat32);
    const auto lab = InLab(photos);
    const auto responses = FilterResponses(lab);
    std::vector<torch::Tensor> angles, lengths;
    const auto grey = (lab.select(1, 0) / 100).cpu().contiguous();
    const auto side = grey.size(1);
    for (const auto& one : grey.unbind(0)) {
      const auto segments =
          FindLineSegments({one.data_ptr<float>(), static_cast<std::size_t>(one.numel())}, static_cast<int>(side));
      angles.push_back(LineAngles(segments));
      lengths.push_back(LineLengths(segments, side));
    }
    const std::vector<torch::Tensor> blocks = {TinyImage(photos),
                                               ColorHistogram(lab),
                                               TextonHistogram(TextonResponses(responses), textons_->values),
                                               torch::stack(angles).to(photos.device()),
                                               torch::stack(lengths).to(photos.device()),
                                               Gist(responses),
                                               GistColors(lab),
                                               Layout(input.mask)};
    return torch::cat(blocks, 1);
  }

  std::shared_ptr<torch::nn::Module> network() const override { return textons_; }
  Linear projection() const override { return Linear(nullptr); }

 private:
  // Histograms and distances are of single precision whatever the run's.
  struct FullPrecision {
    c10::impl::ExcludeDispatchKeyGuard no_autocast{
        c10::DispatchKeySet({c10::DispatchKey::AutocastCPU, c10::DispatchKey::AutocastCUDA})};
  };

  std::shared_ptr<TextonsImpl> textons_ = std::make_shared<TextonsImpl>();
};

}  // namespace

// Red, green and blue from 0 to 1, of the square in the photo's middle.
PhotoInput ClassicalInput(const ImageEncoderOptions& options) {
  const int size = options.image_size.value_or(256);
  if (size < 128 || size % 16 != 0) {
    throw InputError("model.image_encoder.image_size: " + std::to_string(size) +
                     " with type classical; it takes multiples of 16 from 128 on");
  }
  PhotoInput input{.size = size, .normalization = {{0, 0, 0}, {1, 1, 1}}};
  input.wants_mask = true;
  return input;
}

std::shared_ptr<ImageEncoderImpl> MakeClassical(const ImageEncoderOptions& options, int embed_dim) {
  if (options.pooling) throw InputError("model.image_encoder.pooling: type classical has none");
  if (embed_dim != ClassicalSize()) {
    throw InputError("model.embed_dim: " + std::to_string(embed_dim) +
                     "; the vectors of image_encoder.type classical have " + std::to_string(ClassicalSize()) +
                     " values");
  }
  return std::make_shared<ClassicalImpl>();
}

}  // namespace dualgeo
