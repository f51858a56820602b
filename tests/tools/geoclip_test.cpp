// GeoCLIP whole, by its released weights: places, places of photos, and their probabilities over the whole gallery.
#include <gmock/gmock.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "io/csv.h"
#include "io/safetensors.h"
#include "tests/model/support.h"
#include "tests/support/shared_data.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kConfig = DUALGEO_SOURCE_DIR "/configs/systems/geoclip.yaml";
const std::string kScript = DUALGEO_SOURCE_DIR "/scripts/parity/geoclip.sh";

RunResult RunScript(const std::vector<std::string>& arguments, const fs::path& folder) {
  std::vector<std::string> all = {std::string("DUALGEO=") + DUALGEO_BINARY, "bash", kScript};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return RunProgram("/usr/bin/env", all, folder);
}

std::vector<std::string> ReleasedWeights(const fs::path& folder) {
  return {
      "--set",
      "model.gps_encoder.weights=" + (folder / "geoclip_location_encoder_weights.pth").string(),
      "--set",
      "model.contrastive_gps.image_projection_weights=" + (folder / "geoclip_image_encoder_mlp_weights.pth").string(),
      "--set",
      "model.contrastive_gps.logit_scale_weights=" + (folder / "geoclip_logit_scale_weights.pth").string()};
}

// A CLIP of other sizes than any preset, random, under Hugging Face's names and with no word about its heads.
struct TinyClip {
  static ClipVisionSizes Sizes() { return {24, 3, 4, 16, 64, 768, true}; }
  static void Write(const fs::path& path, const std::map<std::string, std::string>& metadata) {
    fs::create_directories(path.parent_path());
    ClipVision clip(Sizes());
    torch::manual_seed(5);
    clip->Initialise();
    WriteSafetensors(path, StateDict(*clip), metadata);
  }
};

class GeoClipTool : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
};

TEST_F(GeoClipTool, EmbedsPlacesAsTheReleasedEncoder) {
  SHARED_PATH_OR_SKIP(weights, "data/weights");
  SHARED_PATH_OR_SKIP(golden, "fixtures/geoclip_location_io.safetensors");
  const SafetensorsFile io(golden);
  const auto places = io.Get("coordinates");
  std::string csv = "LAT,LON\n";
  for (std::int64_t i = 0; i < places.size(0); ++i) {
    char line[80];
    std::snprintf(line, sizeof line, "%.17g,%.17g\n", places[i][0].item<double>(), places[i][1].item<double>());
    csv += line;
  }
  folder_.Write("places.csv", csv);
  std::vector<std::string> command = {"embed",         "gps",          "--config",
                                      kConfig,         "--checkpoint", "none",
                                      "--coordinates", "places.csv",   "--out",
                                      "g.safetensors", "--set",        "model.image_encoder.preset=vit-tiny"};
  for (const auto& setting : ReleasedWeights(weights)) command.push_back(setting);
  const auto run = RunBinary(command, folder_.path());
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const SafetensorsFile out(folder_ / "g.safetensors");
  const auto expected = io.Get("embeddings").to(torch::kFloat64);
  const auto gps = out.Get("gps").to(torch::kFloat64);
  const auto cosine = (expected * gps).sum(1) / expected.norm(2, 1) / gps.norm(2, 1);
  EXPECT_GT(cosine.min().item<double>(), 1 - 1e-10);
  EXPECT_LT(((gps - expected).norm(2, 1) / expected.norm(2, 1)).max().item<double>(), 1e-5);
  EXPECT_LT(MaxDifference(out.Get("projected_gps"), expected / expected.norm(2, 1, true)), 1e-6);
}

// Sizes and heads from files of every kind; no photo is looked at.
TEST_F(GeoClipTool, FindsClipsSizesInItsFile) {
  SHARED_PATH_OR_SKIP(weights, "data/weights");
  const std::string sizes_script = DUALGEO_SOURCE_DIR "/scripts/parity/geoclip_sizes.py";
  const auto settings = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"python3",      sizes_script, "--dualgeo",
                                    DUALGEO_BINARY, "--weights",  weights.string()};
    all.insert(all.end(), more.begin(), more.end());
    return RunProgram("/usr/bin/env", all, folder_.path());
  };
  TinyClip::Write(folder_ / "a/clip.safetensors", {});
  const auto guessed = settings({"--clip", "a/clip.safetensors"});
  ASSERT_EQ(guessed.exit_code, 0) << guessed.err;
  EXPECT_THAT(guessed.err, HasSubstr("nothing says how many heads"));
  for (const char* line : {"embed_dim=768", "image_encoder.width=24", "image_encoder.layers=3",
                           "image_encoder.patch=16", "image_encoder.image_size=64", "image_encoder.projection_dim=768",
                           "image_encoder.heads=4", "image_encoder.activation=quick_gelu", "gps_encoder.rff_size=256",
                           "gps_encoder.hidden=1024", "gps_encoder.embed_dim=512", "contrastive_gps.dimension=512"}) {
    EXPECT_THAT(guessed.out, HasSubstr(std::string("model.") + line + "\n"));
  }
  EXPECT_THAT(settings({"--clip", "a/clip.safetensors", "--heads", "6"}).out, HasSubstr("heads=6"));
  TinyClip::Write(folder_ / "b/clip.safetensors", {{"num_attention_heads", "3"}});
  EXPECT_THAT(settings({"--clip", "b/clip.safetensors"}).out, HasSubstr("heads=3"));
  TinyClip::Write(folder_ / "c/model.safetensors", {});
  folder_.Write("c/config.json", R"({"vision_config": {"num_attention_heads": 8, "hidden_act": "gelu"}})");
  EXPECT_THAT(settings({"--clip", "c"}).out, AllOf(HasSubstr("heads=8"), HasSubstr("activation=gelu")));
  const auto openai = settings({"--clip", Golden("clip_tiny_weights_openai").string()});
  EXPECT_EQ(openai.exit_code, 1);
  EXPECT_THAT(openai.err, HasSubstr("takes vectors of 768 values, and " + Golden("clip_tiny_weights_openai").string() +
                                    " gives 20"));
  const auto none = RunProgram("/usr/bin/env", {"python3", sizes_script, "--dualgeo", DUALGEO_BINARY, "--weights", "a"},
                               folder_.path());
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("a: holds 0 files location_encoder_weights.pth"));
}

// GeoCLIP's own predict, from JPEG to places, and from vectors of CLIP on: one gallery of 100,000 places for both.
class GeoClipSlow : public GeoClipTool {
 protected:
  // Rows and scores of each photo's best, in the order of `ids`, against those of GeoCLIP. Places that the gallery
  // repeats may stand in for each other.
  static void ExpectBest(const std::vector<CandidateList>& lists, const std::vector<std::string>& ids,
                         const torch::Tensor& rows, const torch::Tensor& probabilities, const CsvTable& gallery) {
    const auto lat = gallery.Require("LAT"), lon = gallery.Require("LON");
    std::map<std::string, const CandidateList*> of;
    for (const auto& list : lists) of[list.query_id] = &list;
    double worst = 0;
    int differ = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      ASSERT_EQ(of.count(ids[i]), 1U) << ids[i];
      const auto& found = of.at(ids[i])->candidates;
      const auto photo = static_cast<std::int64_t>(i);
      ASSERT_GE(static_cast<std::int64_t>(found.size()), rows.size(1));
      for (std::int64_t k = 0; k < rows.size(1); ++k) {
        const auto& candidate = found[static_cast<std::size_t>(k)];
        const double expected = probabilities[photo][k].item<double>();
        worst = std::max(worst, std::abs(*candidate.score - expected));
        const auto row = static_cast<std::size_t>(rows[photo][k].item<std::int64_t>());
        differ += candidate.location != LatLon{gallery.Number(row, lat), gallery.Number(row, lon)};
      }
    }
    EXPECT_LT(worst, 1e-5);
    EXPECT_EQ(differ, 0);
    std::printf("greatest difference of a probability %.2g; %d of %lld places differ\n", worst, differ,
                static_cast<long long>(rows.numel()));
  }
};

TEST_F(GeoClipSlow, GivesGeoClipsOwnAnswers) {
  SHARED_PATH_OR_SKIP(weights, "data/weights");
  SHARED_PATH_OR_SKIP(coordinates, "data/gallery_coordinates/geoclip_coordinates_100K.csv");
  SHARED_PATH_OR_SKIP(photos, "data/photos/images");
  SHARED_PATH_OR_SKIP(clip, "fixtures/geoclip_small_clip_weights.safetensors");
  SHARED_PATH_OR_SKIP(whole, "fixtures/geoclip_end_to_end.safetensors");
  SHARED_PATH_OR_SKIP(predict, "fixtures/geoclip_predict_io.safetensors");
  const auto gallery = CsvTable::Read(coordinates);

  const SafetensorsFile end_to_end(whole);
  const auto ids = nlohmann::json::parse(end_to_end.metadata().at("photos")).get<std::vector<std::string>>();
  std::string table = "IMG_ID\n";
  for (const auto& id : ids) table += id + "\n";
  folder_.Write("photos.csv", table);
  const auto run = RunScript(
      {"--clip", clip.string(), "--weights", weights.string(), "--gallery", coordinates.string(), "--photos",
       "photos.csv", "--images", photos.string(), "--out", "candidates.csv", "--work", "work", "--top-k", "10"},
      folder_.path());
  ASSERT_EQ(run.exit_code, 0) << run.err;
  ExpectBest(ReadCandidates(folder_ / "candidates.csv"), ids, end_to_end.Get("top_rows"),
             end_to_end.Get("top_probabilities"), gallery);

  // The same gallery, asked with made-up vectors of CLIP.
  const SafetensorsFile io(predict);
  ModelOptions options;
  options.views = "image";
  options.image_encoder.preset = "vit-tiny";
  options.gps_encoder.projection = "equal_earth";
  options.contrastive_gps.dimension = 512;
  options.contrastive_gps.location_projection = "none";
  options.contrastive_gps.image_projection_weights = (weights / "geoclip_image_encoder_mlp_weights.pth").string();
  DualGeoModel model(options, LossOptions{}, 1);
  LoadPretrained(*model);
  const torch::NoGradGuard no_grad;
  const auto projected = model->ProjectImage(io.Get("clip_features"));
  FeatureSet features;
  std::vector<std::string> names;
  std::string vectors = "IMG_ID\n";
  for (int i = 0; i < projected.size(0); ++i) {
    names.push_back("v" + std::to_string(i));
    vectors += names.back() + "\n";
  }
  features.ids = names;
  Matrix matrix(projected.size(0), projected.size(1));
  std::copy_n(projected.contiguous().data_ptr<float>(), projected.numel(), matrix.values.begin());
  features.features["projected_image"] = matrix;
  WriteFeatures(folder_ / "f.safetensors", features);
  folder_.Write("vectors.csv", vectors);
  std::vector<std::string> command = {"search",        "--config",     kConfig,         "--checkpoint", "none",
                                      "--gallery",     "work/gallery", "--photos",      "vectors.csv",  "--features",
                                      "f.safetensors", "--out",        "of_vectors.csv"};
  for (const auto& setting : ReleasedWeights(weights)) command.push_back(setting);
  command.insert(command.end(), {"--set", "model.image_encoder.preset=vit-tiny"});
  const auto search = RunBinary(command, folder_.path());
  ASSERT_EQ(search.exit_code, 0) << search.err;
  ExpectBest(ReadCandidates(folder_ / "of_vectors.csv"), names, io.Get("top_rows"), io.Get("top_probabilities"),
             gallery);
}

// Commands from nothing: an untrained model, places, photos; no shared data.
TEST_F(GeoClipTool, ScoresOfAllPlacesSumToOne) {
  std::string places = "LAT,LON\n";
  for (int i = 0; i < 40; ++i) places += std::to_string(2 * i - 40) + "," + std::to_string(5 * i - 100) + "\n";
  folder_.Write("places.csv", places);
  folder_.Write("photos.csv", "IMG_ID\nnoise.png\nnoise_90x31_bicubic.png\n");
  const auto with = [&](std::vector<std::string> command) {
    command.insert(command.end(), {"--config", kConfig, "--checkpoint", "none"});
    for (const char* setting :
         {"model.embed_dim=16", "model.image_encoder.preset=vit-tiny", "model.image_encoder.width=16",
          "model.image_encoder.heads=2", "model.image_encoder.layers=1", "model.gps_encoder.rff_size=4",
          "model.gps_encoder.hidden=8", "model.gps_encoder.embed_dim=10", "model.contrastive_gps.dimension=10"}) {
      command.insert(command.end(), {"--set", setting});
    }
    return RunBinary(command, folder_.path());
  };
  const auto build = with({"gallery", "build", "--coordinates", "places.csv", "--out", "g"});
  ASSERT_EQ(build.exit_code, 0) << build.err;
  const std::vector<std::string> search = {"search",
                                           "--gallery",
                                           "g",
                                           "--photos",
                                           "photos.csv",
                                           "--images",
                                           DUALGEO_SOURCE_DIR "/tests/data/photos",
                                           "--out",
                                           "c.csv",
                                           "--set",
                                           "search.top_k=40"};
  const auto run = with(search);
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto lists = ReadCandidates(folder_ / "c.csv");
  ASSERT_EQ(lists.size(), 2U);
  for (const auto& list : lists) {
    double sum = 0;
    for (const auto& candidate : list.candidates) sum += *candidate.score;
    EXPECT_NEAR(sum, 1, 1e-6);
    EXPECT_GE(*list.candidates.front().score, *list.candidates.back().score);
  }
  auto other = search;
  other.insert(other.end(), {"--set", "loss.logit_scale_init=0"});
  EXPECT_EQ(with(other).exit_code, 2) << "the gallery is of a model with another scale";
}

TEST_F(GeoClipTool, TheScriptSaysWhatItNeeds) {
  const auto run = RunScript({"--clip", "x"}, folder_.path());
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--weights DIR --gallery CSV"));
}

}  // namespace
}  // namespace dualgeo
