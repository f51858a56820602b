// configs/released-code.yaml: the released DualGeo under one switch.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

// "model.fusion.scope" -> "batch", from a dump of nested mappings with two blanks a level.
std::map<std::string, std::string> Flat(const std::string& yaml) {
  std::map<std::string, std::string> values;
  std::vector<std::string> path;
  std::istringstream lines(yaml);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t indent = line.find_first_not_of(' ');
    const std::size_t colon = line.find(':');
    if (indent == std::string::npos || line[indent] == '#' || colon == std::string::npos) continue;
    path.resize(indent / 2);
    path.push_back(line.substr(indent, colon - indent));
    std::string key;
    for (const auto& name : path) key += (key.empty() ? "" : ".") + name;
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    if (value != std::string::npos) values[key] = line.substr(value);
  }
  return values;
}

std::map<std::string, std::string> Resolved(const std::string& config) {
  const auto file = std::filesystem::path(DUALGEO_SOURCE_DIR) / "configs" / config;
  const auto run = RunBinary({"config", "--config", file.string()});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  return Flat(run.out);
}

TEST(ReleasedCode, DiffersFromThePapersSettingInTheNamedKeysAlone) {
  const auto paper = Resolved("dualgeo.yaml");
  const auto released = Resolved("released-code.yaml");
  ASSERT_GT(paper.size(), 100U);
  std::map<std::string, std::string> differing;
  for (const auto& [key, value] : released) {
    const auto found = paper.find(key);
    ASSERT_NE(found, paper.end()) << key;
    if (found->second != value) differing[key] = found->second + " -> " + value;
  }
  EXPECT_EQ(released.size(), paper.size());
  const std::map<std::string, std::string> expected = {{"name", "dualgeo -> released-code"},
                                                       {"run_dir", "runs/dualgeo -> runs/released-code"},
                                                       {"model.fusion.scope", "tokens -> batch"},
                                                       {"model.segmentation_encoder.input", "onehot -> gray"},
                                                       {"model.segmentation_encoder.resize", "nearest -> bilinear"},
                                                       {"model.segmentation_encoder.geometry", "aligned -> squash"},
                                                       {"data.augment.filter", "bicubic -> bilinear"},
                                                       {"train.shuffle", "true -> false"},
                                                       {"train.decay", "matrices -> all"},
                                                       {"embed.batch_size", "64 -> 256"},
                                                       {"search.negatives", "0 -> 20"},
                                                       {"rerank.center", "spherical_mean -> arithmetic_mean"},
                                                       {"predict.failure", "empty -> zero"},
                                                       {"predict.lmm.parser", "any -> decimals"},
                                                       {"predict.lmm.fallback", "reranked_first -> none"},
                                                       {"predict.lmm.choose", "auto -> first"},
                                                       {"evaluate.denominator", "all -> answered"}};
  EXPECT_EQ(differing, expected);
}

// The numbers of the paper (arXiv 2604.25533) and of its code.
TEST(ReleasedCode, DualgeoYamlIsThePapersSetting) {
  const auto paper = Resolved("dualgeo.yaml");
  const std::map<std::string, std::string> expected = {{"model.embed_dim", "768"},
                                                       {"model.views", "both"},
                                                       {"model.image_encoder.preset", "vit-l-14"},
                                                       {"model.image_encoder.freeze", "true"},
                                                       {"model.segmenter.preset", "b5"},
                                                       {"model.segmenter.num_labels", "150"},
                                                       {"model.segmenter.image_size", "512"},
                                                       {"model.segmentation_encoder.type", "resnet18"},
                                                       {"model.segmentation_encoder.base_width", "64"},
                                                       {"model.segmentation_encoder.image_size", "224"},
                                                       {"model.fusion.type", "cross_attention"},
                                                       {"model.fusion.direction", "both"},
                                                       {"model.fusion.heads", "8"},
                                                       {"model.fusion.dropout", "0.1"},
                                                       {"model.gps_encoder.projection", "mercator"},
                                                       {"model.gps_encoder.sigmas", "[1, 16, 256]"},
                                                       {"model.gps_encoder.rff_size", "256"},
                                                       {"model.gps_encoder.hidden", "1024"},
                                                       {"model.gps_encoder.embed_dim", "512"},
                                                       {"loss.image_gps", "1"},
                                                       {"loss.segmentation_gps", "1"},
                                                       {"loss.logit_scale_init", "3.99"},
                                                       {"train.epochs", "10"},
                                                       {"train.batch_size", "256"},
                                                       {"train.lr", "4e-05"},
                                                       {"train.weight_decay", "1e-06"},
                                                       {"train.schedule.type", "step"},
                                                       {"train.schedule.step_epochs", "2"},
                                                       {"train.schedule.gamma", "0.87"},
                                                       {"data.augment.flip", "0.5"},
                                                       {"data.augment.crop_scale", "[0.8, 1]"},
                                                       {"data.augment.crop_ratio", "[0.9, 1.1]"},
                                                       {"data.augment.color_jitter", "0.8"},
                                                       {"data.augment.brightness", "0.5"},
                                                       {"data.augment.contrast", "0.5"},
                                                       {"data.augment.saturation", "0.5"},
                                                       {"data.augment.hue", "0.1"},
                                                       {"data.augment.greyscale", "0.2"},
                                                       {"data.augment.blur", "0.5"},
                                                       {"data.augment.blur_radius", "1"},
                                                       {"gallery.kind", "images"},
                                                       {"gallery.features", "[fused_image, image]"},
                                                       {"gallery.index", "flat"},
                                                       {"gallery.metric", "inner_product"},
                                                       {"search.top_k", "20"},
                                                       {"rerank.method", "dbscan"},
                                                       {"rerank.eps_km", "50"},
                                                       {"rerank.min_samples", "2"},
                                                       {"rerank.cluster_choice", "size"},
                                                       {"rerank.order", "center"},
                                                       {"predict.lmm.temperature", "1.2"},
                                                       {"predict.lmm.detail", "low"},
                                                       {"evaluate.thresholds_km", "[1, 25, 200, 750, 2500]"},
                                                       {"evaluate.distance", "geodesic"}};
  for (const auto& [key, value] : expected) {
    ASSERT_EQ(paper.count(key), 1U) << key;
    EXPECT_EQ(paper.at(key), value) << key;
  }
}

TEST(ReleasedCode, InterpolatedMasksNeedGreyLevels) {
  const auto run = RunBinary({"config", "--set", "model.segmentation_encoder.resize=bilinear"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, ::testing::HasSubstr("model.segmentation_encoder.resize: bilinear"));
}

}  // namespace
}  // namespace dualgeo
