// bf16 features against fp32 ones on real photos. The network is CLIP ViT-B/32 with half its blocks and random weights
// that keep activations at their size (as scripts/peers/models.py draws them): trained weights are not to be had here,
// and under the small weights that training starts from all photos have nearly the same vector.
#include <gtest/gtest.h>

#include "dualgeo/model/layers.h"
#include "dualgeo/model/weights.h"
#include "gallery/embed.h"
#include "io/safetensors.h"
#include "runtime/runtime.h"
#include "runtime/views.h"
#include "tests/support/shared_data.h"

namespace dualgeo {
namespace {

torch::Tensor ToTensor(const Matrix& matrix) {
  return torch::tensor(matrix.values).reshape({matrix.rows, matrix.columns}).to(torch::kFloat64);
}

// Every matrix N(0, 1 / inputs), norms 1 + N(0, 0.01), biases and embeddings N(0, 0.0004).
void DrawWeights(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  const SeedScope scope(1);
  for (auto& item : module.named_parameters()) {
    torch::Tensor tensor = item.value();
    if (tensor.dim() > 1) {
      tensor.normal_(0, 1 / std::sqrt(static_cast<double>(tensor[0].numel())));
    } else if (item.key().find("norm") != std::string::npos && item.key().ends_with("weight")) {
      tensor.normal_(1, 0.1);
    } else {
      tensor.normal_(0, 0.02);
    }
  }
}

std::vector<std::int64_t> Nearest(const torch::Tensor& features) {
  auto similarity = torch::matmul(features, features.t());
  similarity.fill_diagonal_(-2);
  const auto nearest = similarity.argmax(1);
  return {nearest.data_ptr<std::int64_t>(), nearest.data_ptr<std::int64_t>() + nearest.numel()};
}

TEST(Precision, SlowBf16FeaturesKeepTheirDirectionAndTheirNeighbours) {
  SHARED_PATH_OR_SKIP(photos, "data/photos");
  ModelOptions options;
  options.views = "image";
  options.embed_dim = 512;
  options.image_encoder.preset = "vit-b-32";
  options.image_encoder.layers = 6;
  DualGeoModel model(options, LossOptions(), 1);
  DrawWeights(*model->image_encoder());
  PhotoTable table = ReadPhotoTable(photos / "photos.csv", {}, Locations::kOptional);
  // A third of them: processors without bf16 are slow at it. scripts/parity/run.sh --bf16 takes all, and larger models.
  table.rows.resize(117);
  const PhotoDataset dataset(table, photos / "images", {}, ModelViews(options));
  const auto features = [&](const std::string& precision) {
    const AutocastGuard autocast(torch::kCPU, precision);
    return ToTensor(EmbedPhotos(model, dataset, EmbedOptions(), LoaderOptions()).features.Require("image"));
  };
  const auto full = features("fp32");
  const auto half = features("bf16");
  ASSERT_EQ(full.size(0), 117);
  const double least = (full * half).sum(1).min().item<double>();
  EXPECT_GE(least, 0.999);
  const auto a = Nearest(full);
  const auto b = Nearest(half);
  int same = 0;
  for (std::size_t i = 0; i < a.size(); ++i) same += a[i] == b[i] ? 1 : 0;
  EXPECT_GE(same, 0.97 * 117) << same;
  // Photos differ, or this would show nothing.
  EXPECT_LT(torch::matmul(full, full.t()).min().item<double>(), 0.8);
  RecordProperty("least_cosine", std::to_string(least));
  RecordProperty("same_neighbour", same);
}

}  // namespace
}  // namespace dualgeo
