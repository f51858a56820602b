// Two vision transformers side by side, for the photo and for its mask, whose class tokens meet after every layer,
// after TransLocator (Pramanick et al., ECCV 2022, arXiv 2204.13861; its release has no such model). Where its text
// leaves room, the rule is ours:
//
//   after layer l   c = P_photo z_photo + P_mask z_mask, of both class tokens z, as wide as they are;
//                   z_photo = Q_photo c, z_mask = Q_mask c go on in front of each branch's patches. At first P halves
//                   and Q passes on: both branches go on with the mean
//   at the end      (w_photo, w_mask) = softmax of two dense layers with ReLU between over both normed class tokens;
//                   the vector is [(1 + w_photo) z_photo ; (1 + w_mask) z_mask], a token both branches' patch
//
// Names: photo.… and mask.… as timm's, exchange.l.{photo,mask}_{in,out}, attention.{0,1}. A file of one transformer is
// loaded into both.
#include <spdlog/spdlog.h>

#include <algorithm>

#include "cpu_kernels.h"
#include "image_encoder_kinds.h"
#include "model/ade_colors.h"
#include "model/onehot_conv.h"
#include "photo_network.h"
#include "vit_network.h"

namespace dualgeo {
namespace {

// [N, M, M] -> [N, size, size], the class under each pixel's centre.
torch::Tensor MaskOfSize(const torch::Tensor& mask, std::int64_t size) {
  if (mask.size(1) == size && mask.size(2) == size) return mask;
  const auto at = [&](std::int64_t length) {
    const auto centres =
        (torch::arange(size, torch::kFloat64) + 0.5) * (static_cast<double>(length) / static_cast<double>(size));
    return centres.to(torch::kInt64).to(mask.device());
  };
  return mask.index_select(1, at(mask.size(1))).index_select(2, at(mask.size(2)));
}

// [N, S, S] class ids -> [N, 3, S, S]: ADE20K's colours from -1 to 1, black where there is no class.
torch::Tensor InAdeColors(const torch::Tensor& mask) {
  auto table = torch::zeros({256, 3}, torch::kUInt8);
  auto* color = table.data_ptr<std::uint8_t>();
  for (const auto& rgb : kAdeColors) color = std::copy(rgb.begin(), rgb.end(), color);
  const auto colors = table.to(mask.device()).index_select(0, mask.flatten().to(torch::kInt64));
  return colors.view({mask.size(0), mask.size(1), mask.size(2), 3}).permute({0, 3, 1, 2}).to(torch::kFloat32) / 127.5 -
         1;
}

// [N, S, S] class ids, "ignore" in place of a class that covers a hundredth of its mask or less.
torch::Tensor LargeClasses(const torch::Tensor& mask) {
  std::vector<torch::Tensor> kept;
  for (const auto& one : mask.unbind(0)) {
    const auto ids = one.to(torch::kInt64);
    const auto large = torch::bincount(ids.flatten(), {}, 256) * 100 > ids.numel();
    kept.push_back(torch::where(large.index({ids}), one, torch::full_like(one, 255)));
  }
  return torch::stack(kept);
}

class ClassTokenExchangeImpl : public torch::nn::Module {
 public:
  explicit ClassTokenExchangeImpl(int width) {
    photo_in_ = register_module("photo_in", Linear(width, width));
    mask_in_ = register_module("mask_in", Linear(width, width));
    photo_out_ = register_module("photo_out", Linear(width, width));
    mask_out_ = register_module("mask_out", Linear(width, width));
  }

  void Initialise() {
    for (auto* linear : {&photo_in_, &mask_in_, &photo_out_, &mask_out_}) {
      torch::nn::init::eye_((*linear)->weight);
      (*linear)->bias.zero_();
    }
    photo_in_->weight.mul_(0.5);
    mask_in_->weight.mul_(0.5);
  }

  void Forward(torch::Tensor& photo, torch::Tensor& mask) {
    const auto common = photo_in_(photo.select(1, 0)) + mask_in_(mask.select(1, 0));
    const auto with_class = [](const torch::Tensor& x, const torch::Tensor& token) {
      return torch::cat({token.unsqueeze(1).to(x.dtype()), x.slice(1, 1)}, 1);
    };
    photo = with_class(photo, photo_out_(common));
    mask = with_class(mask, mask_out_(common));
  }

 private:
  Linear photo_in_{nullptr}, mask_in_{nullptr}, photo_out_{nullptr}, mask_out_{nullptr};
};

class TwoBranchVitImpl : public PhotoNetworkImpl {
 public:
  explicit TwoBranchVitImpl(const ImageEncoderOptions& options)
      : channels_(options.mask_input == "channels"),
        photo_(*register_module("photo", std::make_shared<torch::nn::Module>()), VitSizesOf(options)),
        mask_(*register_module("mask", std::make_shared<torch::nn::Module>()), VitSizesOf(options),
              channels_ ? kAdeClasses : 3) {
    PoolingOf(options, {"class"});
    const VitSizes& sizes = photo_.sizes();
    auto exchange = register_module("exchange", std::make_shared<torch::nn::Module>());
    for (int i = 0; i < sizes.layers; ++i) {
      exchanges_.push_back(
          exchange->register_module(std::to_string(i), std::make_shared<ClassTokenExchangeImpl>(sizes.width)));
    }
    auto attention = register_module("attention", std::make_shared<torch::nn::Module>());
    attention0_ = attention->register_module("0", Linear(2 * sizes.width, sizes.width));
    attention1_ = attention->register_module("1", Linear(sizes.width, 2));
  }

  void Initialise() override {
    photo_.Initialise();
    mask_.Initialise();
    for (auto& exchange : exchanges_) exchange->Initialise();
    attention0_->Initialise();
    attention1_->Initialise();
  }

  torch::Tensor Tokens(const ImageInput& input) override {
    photo_.CheckPhotos(input.pixels);
    TORCH_CHECK(input.mask.defined(), "the image encoder two_branch_vit wants a mask beside each photo");
    // The ids travel as a fourth colour, so that both are cut into the same slices.
    const auto ids = MaskOfSize(input.mask, input.pixels.size(2)).unsqueeze(1).to(input.pixels.dtype());
    return InSlices(torch::cat({input.pixels, ids}, 1), PhotosASlice(2 * photo_.tokens()),
                    [&](const torch::Tensor& slice) {
                      return Forward(slice.slice(1, 0, 3), slice.select(1, 3).to(torch::kUInt8));
                    });
  }

  int width() const override { return 2 * photo_.sizes().width; }
  std::vector<std::string> left_aside() const override { return {"head.", "pre_logits."}; }

  void Fit(TensorMap& tensors) const override {
    const bool one = tensors.contains("cls_token");
    if (one) {
      TensorMap both;
      for (const auto& [name, tensor] : tensors) {
        both["photo." + name] = tensor;
        both["mask." + name] = tensor.clone();  // a branch of its own, that learns of its own
      }
      tensors = std::move(both);
      for (const auto& item : named_parameters()) {
        const bool own = item.key().starts_with("exchange.") || item.key().starts_with("attention.");
        if (own) tensors[item.key()] = item.value().detach();
      }
      if (channels_) {
        spdlog::info(
            "two_branch_vit: the first layer is for colours, not for {} classes; that of the masks stays random",
            kAdeClasses);
        tensors["mask.patch_embed.proj.weight"] = mask_.patches()->weight.detach();
      }
    }
    photo_.FitPositions(tensors, "photo.pos_embed");
    mask_.FitPositions(tensors, "mask.pos_embed");
  }

 private:
  torch::Tensor MaskPatches(const torch::Tensor& ids) {
    if (!channels_) return mask_.Patches(InAdeColors(ids));
    const auto convolution = mask_.patches();
    const auto map = OneHotConv2d(LargeClasses(ids), convolution->weight, photo_.sizes().patch, 0);
    return map + convolution->bias.view({1, -1, 1, 1});
  }

  torch::Tensor Forward(const torch::Tensor& pixels, const torch::Tensor& ids) {
    auto photo = photo_.Embed(photo_.Patches(pixels));
    auto mask = mask_.Embed(MaskPatches(ids));
    for (int i = 0; i < photo_.sizes().layers; ++i) {
      photo = photo_.Block(i, photo);
      mask = mask_.Block(i, mask);
      exchanges_[static_cast<std::size_t>(i)]->Forward(photo, mask);
    }
    photo = photo_.Norm(photo);
    mask = mask_.Norm(mask);
    const auto photo_class = photo.select(1, 0), mask_class = mask.select(1, 0);
    const auto hidden = torch::relu(attention0_(torch::cat({photo_class, mask_class}, 1)));
    const auto weights = 1 + torch::softmax(attention1_(hidden), 1).to(photo.dtype());
    const auto vector = torch::cat({weights.slice(1, 0, 1) * photo_class, weights.slice(1, 1, 2) * mask_class}, 1);
    const auto patches = torch::cat({photo.slice(1, 1), mask.slice(1, 1)}, 2);
    return torch::cat({vector.unsqueeze(1), patches}, 1);
  }

  bool channels_;
  VitNetwork photo_, mask_;
  std::vector<std::shared_ptr<ClassTokenExchangeImpl>> exchanges_;
  Linear attention0_{nullptr}, attention1_{nullptr};
};

}  // namespace

PhotoInput TwoBranchVitInput(const ImageEncoderOptions& options) {
  PhotoInput input = VitPhotoInput(VitSizesOf(options));
  input.wants_mask = true;
  return input;
}

std::shared_ptr<ImageEncoderImpl> MakeTwoBranchVit(const ImageEncoderOptions& options, int embed_dim) {
  return EncoderOf(std::make_shared<TwoBranchVitImpl>(options), embed_dim);
}

}  // namespace dualgeo
