// Inception v3 (Szegedy et al., CVPR 2016, arXiv 1512.00567) under torchvision's names, without the auxiliary
// classifier: the image encoder of CPlaNet, and in place of PlaNet's (an Inception with batch norm).
#include <initializer_list>

#include "dualgeo/model/batch_norm.h"
#include "image_encoder_kinds.h"
#include "photo_network.h"

namespace dualgeo {
namespace {

class InceptionBlockImpl : public torch::nn::Module {
 public:
  virtual torch::Tensor Forward(const torch::Tensor& x) = 0;
  virtual void Initialise() = 0;
};

// A convolution without bias, batch norm (eps 0.001) and ReLU; pads so that at stride 1 the map keeps its size, unless
// `valid`.
class InceptionUnitImpl : public InceptionBlockImpl {
 public:
  InceptionUnitImpl(int in, int out, int height, int width, int stride, bool valid) {
    auto options = torch::nn::Conv2dOptions(in, out, {height, width}).stride(stride).bias(false);
    if (!valid) options.padding({height / 2, width / 2});
    conv_ = register_module("conv", torch::nn::Conv2d(options));
    bn_ = register_module("bn", BatchNorm2d(out, 0.001));
  }
  void Initialise() override { InitialiseConv(conv_); }
  torch::Tensor Forward(const torch::Tensor& x) override { return torch::relu(bn_(conv_(x))); }

 private:
  torch::nn::Conv2d conv_{nullptr};
  BatchNorm2d bn_{nullptr};
};

// Units by name; a block's Forward says how they are joined.
class InceptionUnitsImpl : public InceptionBlockImpl {
 public:
  void Initialise() override {
    for (auto& unit : units_) unit->Initialise();
  }

 protected:
  using Unit = std::shared_ptr<InceptionUnitImpl>;
  Unit Add(const std::string& name, int in, int out, int height, int width, int stride = 1, bool valid = false) {
    units_.push_back(register_module(name, std::make_shared<InceptionUnitImpl>(in, out, height, width, stride, valid)));
    return units_.back();
  }
  static torch::Tensor Through(std::initializer_list<Unit> units, torch::Tensor x) {
    for (const auto& unit : units) x = unit->Forward(x);
    return x;
  }
  static torch::Tensor Around(const torch::Tensor& x) { return torch::avg_pool2d(x, 3, 1, 1); }

 private:
  std::vector<Unit> units_;
};

// 35 x 35 cells: 1 x 1, 5 x 5, twice 3 x 3, and the average around.
class InceptionAImpl : public InceptionUnitsImpl {
 public:
  InceptionAImpl(int in, int pool) {
    one_ = Add("branch1x1", in, 64, 1, 1);
    five1_ = Add("branch5x5_1", in, 48, 1, 1);
    five2_ = Add("branch5x5_2", 48, 64, 5, 5);
    three1_ = Add("branch3x3dbl_1", in, 64, 1, 1);
    three2_ = Add("branch3x3dbl_2", 64, 96, 3, 3);
    three3_ = Add("branch3x3dbl_3", 96, 96, 3, 3);
    pool_ = Add("branch_pool", in, pool, 1, 1);
  }
  torch::Tensor Forward(const torch::Tensor& x) override {
    return torch::cat({one_->Forward(x), Through({five1_, five2_}, x), Through({three1_, three2_, three3_}, x),
                       pool_->Forward(Around(x))},
                      1);
  }

 private:
  Unit one_, five1_, five2_, three1_, three2_, three3_, pool_;
};

// To 17 x 17.
class InceptionBImpl : public InceptionUnitsImpl {
 public:
  explicit InceptionBImpl(int in) {
    three_ = Add("branch3x3", in, 384, 3, 3, 2, true);
    double1_ = Add("branch3x3dbl_1", in, 64, 1, 1);
    double2_ = Add("branch3x3dbl_2", 64, 96, 3, 3);
    double3_ = Add("branch3x3dbl_3", 96, 96, 3, 3, 2, true);
  }
  torch::Tensor Forward(const torch::Tensor& x) override {
    return torch::cat({three_->Forward(x), Through({double1_, double2_, double3_}, x), torch::max_pool2d(x, 3, 2)}, 1);
  }

 private:
  Unit three_, double1_, double2_, double3_;
};

// 17 x 17: 7 x 7 in one dimension at a time.
class InceptionCImpl : public InceptionUnitsImpl {
 public:
  InceptionCImpl(int in, int inner) {
    one_ = Add("branch1x1", in, 192, 1, 1);
    seven1_ = Add("branch7x7_1", in, inner, 1, 1);
    seven2_ = Add("branch7x7_2", inner, inner, 1, 7);
    seven3_ = Add("branch7x7_3", inner, 192, 7, 1);
    double1_ = Add("branch7x7dbl_1", in, inner, 1, 1);
    double2_ = Add("branch7x7dbl_2", inner, inner, 7, 1);
    double3_ = Add("branch7x7dbl_3", inner, inner, 1, 7);
    double4_ = Add("branch7x7dbl_4", inner, inner, 7, 1);
    double5_ = Add("branch7x7dbl_5", inner, 192, 1, 7);
    pool_ = Add("branch_pool", in, 192, 1, 1);
  }
  torch::Tensor Forward(const torch::Tensor& x) override {
    return torch::cat({one_->Forward(x), Through({seven1_, seven2_, seven3_}, x),
                       Through({double1_, double2_, double3_, double4_, double5_}, x), pool_->Forward(Around(x))},
                      1);
  }

 private:
  Unit one_, seven1_, seven2_, seven3_, double1_, double2_, double3_, double4_, double5_, pool_;
};

// To 8 x 8.
class InceptionDImpl : public InceptionUnitsImpl {
 public:
  explicit InceptionDImpl(int in) {
    three1_ = Add("branch3x3_1", in, 192, 1, 1);
    three2_ = Add("branch3x3_2", 192, 320, 3, 3, 2, true);
    seven1_ = Add("branch7x7x3_1", in, 192, 1, 1);
    seven2_ = Add("branch7x7x3_2", 192, 192, 1, 7);
    seven3_ = Add("branch7x7x3_3", 192, 192, 7, 1);
    seven4_ = Add("branch7x7x3_4", 192, 192, 3, 3, 2, true);
  }
  torch::Tensor Forward(const torch::Tensor& x) override {
    return torch::cat(
        {Through({three1_, three2_}, x), Through({seven1_, seven2_, seven3_, seven4_}, x), torch::max_pool2d(x, 3, 2)},
        1);
  }

 private:
  Unit three1_, three2_, seven1_, seven2_, seven3_, seven4_;
};

// 8 x 8: 3 x 3 in each dimension, side by side.
class InceptionEImpl : public InceptionUnitsImpl {
 public:
  explicit InceptionEImpl(int in) {
    one_ = Add("branch1x1", in, 320, 1, 1);
    three_ = Add("branch3x3_1", in, 384, 1, 1);
    three_a_ = Add("branch3x3_2a", 384, 384, 1, 3);
    three_b_ = Add("branch3x3_2b", 384, 384, 3, 1);
    double1_ = Add("branch3x3dbl_1", in, 448, 1, 1);
    double2_ = Add("branch3x3dbl_2", 448, 384, 3, 3);
    double_a_ = Add("branch3x3dbl_3a", 384, 384, 1, 3);
    double_b_ = Add("branch3x3dbl_3b", 384, 384, 3, 1);
    pool_ = Add("branch_pool", in, 192, 1, 1);
  }
  torch::Tensor Forward(const torch::Tensor& x) override {
    const auto three = three_->Forward(x);
    const auto twice = Through({double1_, double2_}, x);
    return torch::cat({one_->Forward(x), three_a_->Forward(three), three_b_->Forward(three), double_a_->Forward(twice),
                       double_b_->Forward(twice), pool_->Forward(Around(x))},
                      1);
  }

 private:
  Unit one_, three_, three_a_, three_b_, double1_, double2_, double_a_, double_b_, pool_;
};

class InceptionV3Impl : public PhotoNetworkImpl {
 public:
  explicit InceptionV3Impl(const ImageEncoderOptions& options) : pooling_(PoolingOf(options, {"mean", "max"})) {
    Add("Conv2d_1a_3x3", std::make_shared<InceptionUnitImpl>(3, 32, 3, 3, 2, true));
    Add("Conv2d_2a_3x3", std::make_shared<InceptionUnitImpl>(32, 32, 3, 3, 1, true));
    Add("Conv2d_2b_3x3", std::make_shared<InceptionUnitImpl>(32, 64, 3, 3, 1, false));
    pools_.push_back(blocks_.size());
    Add("Conv2d_3b_1x1", std::make_shared<InceptionUnitImpl>(64, 80, 1, 1, 1, true));
    Add("Conv2d_4a_3x3", std::make_shared<InceptionUnitImpl>(80, 192, 3, 3, 1, true));
    pools_.push_back(blocks_.size());
    Add("Mixed_5b", std::make_shared<InceptionAImpl>(192, 32));
    Add("Mixed_5c", std::make_shared<InceptionAImpl>(256, 64));
    Add("Mixed_5d", std::make_shared<InceptionAImpl>(288, 64));
    Add("Mixed_6a", std::make_shared<InceptionBImpl>(288));
    Add("Mixed_6b", std::make_shared<InceptionCImpl>(768, 128));
    Add("Mixed_6c", std::make_shared<InceptionCImpl>(768, 160));
    Add("Mixed_6d", std::make_shared<InceptionCImpl>(768, 160));
    Add("Mixed_6e", std::make_shared<InceptionCImpl>(768, 192));
    Add("Mixed_7a", std::make_shared<InceptionDImpl>(768));
    Add("Mixed_7b", std::make_shared<InceptionEImpl>(1280));
    Add("Mixed_7c", std::make_shared<InceptionEImpl>(2048));
  }

  void Initialise() override {
    for (auto& block : blocks_) block->Initialise();
  }

  torch::Tensor Tokens(const ImageInput& input) override { return MapTokens(Map(input.pixels), pooling_); }
  torch::Tensor Pooled(const ImageInput& input) override { return PooledMap(Map(input.pixels), pooling_); }
  int width() const override { return 2048; }
  std::vector<std::string> left_aside() const override { return {"fc.", "AuxLogits."}; }

 private:
  void Add(const std::string& name, std::shared_ptr<InceptionBlockImpl> block) {
    blocks_.push_back(register_module(name, std::move(block)));
  }

  torch::Tensor Map(torch::Tensor x) {
    auto pool = pools_.begin();
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (pool != pools_.end() && *pool == i) {
        x = torch::max_pool2d(x, 3, 2);
        ++pool;
      }
      x = blocks_[i]->Forward(x);
    }
    return x;
  }

  std::string pooling_;
  std::vector<std::shared_ptr<InceptionBlockImpl>> blocks_;
  std::vector<std::size_t> pools_;  // before these blocks
};

}  // namespace

// The published weights want every colour from -1 to 1; torchvision's class reaches that from ImageNet's colours by
// transform_input.
PhotoInput InceptionV3Input(const ImageEncoderOptions& options) {
  PhotoInput input = ImageNetInput(options.image_size.value_or(299));
  input.normalization = kHalfNormalization;
  return input;
}

std::shared_ptr<ImageEncoderImpl> MakeInceptionV3(const ImageEncoderOptions& options, int embed_dim) {
  return EncoderOf(std::make_shared<InceptionV3Impl>(options), embed_dim);
}

}  // namespace dualgeo
