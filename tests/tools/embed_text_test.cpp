// `dualgeo embed text`: tokens, vectors, and texts that find places and photos.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/model/clip_text.h"
#include "dualgeo/model/dualgeo_model.h"
#include "dualgeo/model/weights.h"
#include "dualgeo/util/text.h"
#include "io/csv.h"
#include "io/safetensors.h"
#include "tests/model/support.h"
#include "tests/support/shared_data.h"
#include "tests/support/small_clip_vocabulary.h"
#include "tests/tools/run_binary.h"
#include "util/read_file.h"

namespace dualgeo {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(EmbedTextTokens, AreTheOriginals) {
  SHARED_PATH_OR_SKIP(cases_path, "fixtures/clip_bpe.json");
  SHARED_PATH_OR_SKIP(vocabulary, "data/clip_bpe/bpe_simple_vocab_16e6.txt.gz");
  const TemporaryFolder folder;
  const auto cases = nlohmann::json::parse(ReadFile(cases_path))["cases"];
  CsvRows table;
  for (const char* name : {"id", "text"}) table.Field(name);
  table.EndRow();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    table.Field(std::to_string(i));
    table.Field(cases[i]["text"].get<std::string>());
    table.EndRow();
  }
  const auto texts = folder.Write("t.csv", table.text);
  const auto run = RunBinary({"embed", "text", "--vocabulary", vocabulary.string(), "--texts", texts.string(),
                              "--tokens", (folder / "ids.csv").string()});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, AllOf(HasSubstr("1 of 200 texts have more than the 75 tokens that CLIP takes and are cut"),
                             HasSubstr("2 of 200 texts are empty")));
  const auto ids = CsvTable::Read(folder / "ids.csv");
  ASSERT_EQ(ids.rows(), 200U);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::vector<std::string> expected;
    for (const auto& id : cases[i]["ids"]) {
      if (expected.size() < 75) expected.push_back(std::to_string(id.get<int>()));
    }
    EXPECT_EQ(ids.Cell(i, 1), Join(expected, " ")) << cases[i]["text"];
  }
}

// A model as GeoCLIP's: a photo's CLIP vector through an MLP, compared with embeddings of GPS points.
class EmbedText : public ::testing::Test {
 protected:
  EmbedText() {
    torch::manual_seed(3);
    torch::NoGradGuard no_grad;
    tower_->Initialise();
    WriteSafetensors(folder_ / "text.safetensors", StateDict(*tower_));
    WriteSafetensors(folder_ / "model.safetensors", StateDict(*model_));
    WriteSmallClipVocabulary(folder_);
    folder_.Write("c.yaml",
                  "name: text\nseed: 1\nrun_dir: run\nmodel:\n  embed_dim: 16\n  views: image\n"
                  "  image_encoder: {preset: vit-tiny, width: 16, layers: 1, heads: 2, image_size: 32}\n"
                  "  gps_encoder: {projection: equal_earth, rff_size: 8, hidden: 16, embed_dim: 12}\n"
                  "  text_encoder: {preset: vit-tiny, width: 24, layers: 2, heads: 3, vocabulary_size: 528, weights: "
                  "text.safetensors, vocabulary: vocabulary}\n"
                  "gallery: {kind: gps}\nsearch: {top_k: 3, negatives: 0}\n");
    folder_.Write("t.csv",
                  "id,text\nparis,The photo is in Paris\nrome,ROME &amp; the photo\nlong," + Long() + "\nempty,\n");
  }

  static std::string Long() {
    std::string text;
    for (int i = 0; i < 90; ++i) text += "paris ";
    return text;
  }
  static TextEncoderOptions TextOptions() {
    TextEncoderOptions options;
    options.preset = "vit-tiny";
    options.width = 24;
    options.layers = 2;
    options.heads = 3;
    options.vocabulary_size = 528;
    return options;
  }
  static ModelOptions Options() {
    ModelOptions options;
    options.embed_dim = 16;
    options.views = "image";
    options.image_encoder.preset = "vit-tiny";
    options.image_encoder.width = 16;
    options.image_encoder.layers = 1;
    options.image_encoder.heads = 2;
    options.image_encoder.image_size = 32;
    options.gps_encoder.projection = "equal_earth";
    options.gps_encoder.rff_size = 8;
    options.gps_encoder.hidden = 16;
    options.gps_encoder.embed_dim = 12;
    return options;
  }

  RunResult Run(std::vector<std::string> arguments, const std::vector<std::string>& settings = {}) const {
    arguments.insert(arguments.end(), {"--config", "c.yaml", "--checkpoint", "model.safetensors"});
    for (const auto& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
    return RunBinary(arguments, folder_.path());
  }
  RunResult Embed(const std::vector<std::string>& settings = {}) const {
    return Run({"embed", "text", "--texts", "t.csv", "--out", "t.safetensors"}, settings);
  }
  torch::Tensor Feature(const std::string& name) const { return SafetensorsFile(folder_ / "t.safetensors").Get(name); }

  // What the tower and, for `projected`, the image's MLP give for the texts of t.csv.
  torch::Tensor Expected(bool projected) {
    torch::NoGradGuard no_grad;
    const auto tokenizer = ClipTokenizer::Read(folder_ / "vocabulary");
    std::vector<std::vector<std::int64_t>> rows;
    for (const std::string& text :
         {std::string("the photo is in paris"), std::string("rome & the photo"), Long(), std::string()}) {
      rows.push_back(tokenizer.Encode(text));
      CutToClipContext(rows.back());
    }
    const auto text = tower_->Forward(MakeClipTextInput(tokenizer, rows));
    return projected ? model_->ProjectImage(text) : text / text.norm(2, 1, true);
  }

  TemporaryFolder folder_;
  ClipText tower_{Resolve(TextOptions(), 16)};
  DualGeoModel model_{Options(), LossOptions(), 5};
};

TEST_F(EmbedText, GivesTheTowersVectors) {
  const auto run = Embed();
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err,
              AllOf(HasSubstr("1 of 4 texts have more than the 75 tokens that CLIP takes and are cut (first: t.csv:4)"),
                    HasSubstr("1 of 4 texts are empty (first: t.csv:5)"),
                    HasSubstr("4 rows of projected_text [16], text [16] -> t.safetensors")));
  const auto features = ReadFeatures(folder_ / "t.safetensors");
  EXPECT_EQ(features.kind, "texts");
  EXPECT_EQ(features.ids, (std::vector<std::string>{"paris", "rome", "long", "empty"}));
  EXPECT_LT(MaxDifference(Feature("text"), Expected(false)), 1e-5);
  EXPECT_LT(MaxDifference(Feature("projected_text"), Expected(true)), 1e-5);
}

TEST_F(EmbedText, TextsFindPlaces) {
  ASSERT_EQ(Embed().exit_code, 0);
  std::string places = "LAT,LON\n";
  auto latlon = torch::empty({40, 2}, torch::kFloat64);
  for (int i = 0; i < 40; ++i) {
    latlon[i][0] = -78 + 4 * i;
    latlon[i][1] = -170 + 8 * i;
    places += std::to_string(-78 + 4 * i) + "," + std::to_string(-170 + 8 * i) + "\n";
  }
  folder_.Write("places.csv", places);
  // Without the text tower in the config: it is no part of the model whose gallery this is.
  const auto build = Run({"gallery", "build", "--coordinates", "places.csv", "--out", "g"},
                         {"model.text_encoder.weights=null", "model.text_encoder.width=null"});
  ASSERT_EQ(build.exit_code, 0) << build.err;
  const auto search =
      Run({"search", "--gallery", "g", "--texts", "t.csv", "--features", "t.safetensors", "--out", "found.csv"});
  ASSERT_EQ(search.exit_code, 0) << search.err;
  torch::NoGradGuard no_grad;
  const auto cosines = Expected(true).matmul(model_->ProjectGps(model_->EncodeGps(latlon)).t());
  const auto best = std::get<1>(cosines.topk(3));
  const auto lists = ReadCandidates(folder_ / "found.csv");
  ASSERT_EQ(lists.size(), 4U);
  for (std::int64_t i = 0; i < 4; ++i) {
    const auto& list = lists[static_cast<std::size_t>(i)];
    ASSERT_EQ(list.candidates.size(), 3U);
    for (std::int64_t k = 0; k < 3; ++k) {
      const auto row = best[i][k].item<std::int64_t>();
      const auto& candidate = list.candidates[static_cast<std::size_t>(k)];
      EXPECT_EQ(candidate.gallery_id, std::to_string(row)) << list.query_id;
      EXPECT_NEAR(candidate.score.value(), cosines[i][row].item<double>(), 1e-5);
    }
  }
}

TEST_F(EmbedText, BadInputIsOneLine) {
  const auto refused = [&](const RunResult& run, const std::string& what) {
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(what));
  };
  refused(Embed({"model.text_encoder.weights=null"}), "model.text_encoder.weights: no file is named");
  refused(Embed({"model.text_encoder.vocabulary=null"}), "model.text_encoder.vocabulary: no file is named");
  refused(Embed({"model.text_encoder.vocabulary_size=529"}), "has 528 tokens, the text encoder 529");
  refused(Embed({"model.text_encoder.layers=3"}), "the weights do not fit the model");
  refused(Run({"embed", "text", "--texts", "t.csv"}), "give --out, --tokens or both");
  refused(RunBinary({"embed", "text", "--texts", "t.csv", "--tokens", "ids.csv"}, folder_.path()),
          "--vocabulary is needed");
  refused(Run({"search", "--gallery", "g", "--texts", "t.csv", "--out", "found.csv"}),
          "--features is needed with --texts");
  refused(Run({"search", "--gallery", "g", "--out", "found.csv"}), "--photos is needed, or --texts");
  folder_.Write("t.csv", "id,text\n1,a\n1,b\n");
  refused(Embed(), "t.csv:3: id '1' stands in line 2, too");
  folder_.Write("t.csv", "id,text\n1,Z\xfcrich\n");
  refused(Embed(), "t.csv:2: the text is not UTF-8");
  EXPECT_FALSE(fs::exists(folder_ / "t.safetensors"));
}

TEST_F(EmbedText, AFusedModelHasNoWayFromTextsToPlaces) {
  const auto run = RunBinary({"embed", "text", "--texts", "t.csv", "--out", "t.safetensors", "--config", "c.yaml",
                              "--checkpoint", "none", "--set", "model.views=both", "--set",
                              "model.segmentation_encoder.base_width=4", "--set", "model.fusion.heads=2"},
                             folder_.path());
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("embed: no projected_text"));
  EXPECT_FALSE(SafetensorsFile(folder_ / "t.safetensors").Has("projected_text"));
}

}  // namespace
}  // namespace dualgeo
