// Img2Loc's and G3's ways through the binary: gallery, prompts, answers, choice, against a server in this process; and
// the rule that stands in for a language model in the laboratory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "dualgeo/gallery/candidates.h"
#include "dualgeo/gallery/features.h"
#include "dualgeo/refine/predictions.h"
#include "lmm/answers.h"
#include "lmm/place_similarity.h"
#include "tests/gallery/gallery_fixture.h"
#include "tests/support/chat_server.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using ::testing::HasSubstr;

constexpr const char* kTinyRun =
    "seed: 1\n"
    "data:\n"
    "  train: {csv: world/train.csv, images: world/images}\n"
    "  benchmarks: {query: {csv: world/query.csv, images: world/images}}\n"
    "model:\n"
    "  embed_dim: 16\n  views: image\n"
    "  image_encoder: {preset: vit-tiny, freeze: false, width: 16, layers: 1, heads: 2, image_size: 32}\n"
    "  gps_encoder: {rff_size: 8, hidden: 16, embed_dim: 16}\n"
    "train: {epochs: 1, batch_size: 8}\nrerank: {method: none}\nevaluate: {bootstrap: 100}\n"
    "run: {steps: [train, gallery, search, predict, evaluate]}\n";

// The first place of each list in a prompt: similar, dissimilar.
std::vector<LatLon> FirstPlaces(const std::string& prompt) {
  std::vector<LatLon> places;
  bool inside = false;
  std::istringstream lines(prompt);
  for (std::string line; std::getline(lines, line);) {
    double lat = 0, lon = 0;
    const bool place = std::sscanf(line.c_str(), "- %lf, %lf", &lat, &lon) == 2;
    if (place && !inside) places.push_back({lat, lon});
    inside = place;
  }
  return places;
}

class SlowLmmSystems : public ::testing::Test {
 protected:
  SlowLmmSystems() { Ok({"world", "--out", "world", "--places", "5", "--views", "6", "--size", "48"}); }

  RunResult Run(const std::vector<std::string>& arguments) const { return RunBinary(arguments, folder_.path()); }
  RunResult Ok(const std::vector<std::string>& arguments) const {
    RunResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  void Refused(const std::vector<std::string>& arguments, const std::string& why) const {
    const RunResult result = Run(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr(why));
  }
  std::vector<Prediction> Predictions() const { return ReadPredictions(folder_ / "run/query/predictions.csv"); }

  TemporaryFolder folder_;
};

TEST_F(SlowLmmSystems, Img2LocAsksOnceWithNearestAndFarthest) {
  std::mutex mutex;
  std::string refused;
  ChatServer server([&](const ChatRequest& request) {
    const auto places = FirstPlaces(request.prompt());
    const std::lock_guard lock(mutex);
    if (places.size() != 2 || request.json().contains("response_format")) return ChatServerReply{400, "{}"};
    if (refused.empty()) refused = request.image();
    if (refused == request.image()) return ChatServerReply{200, Completion("I'm sorry, I can't help with that.")};
    return ChatServerReply{200, Completion(ToString(places[0]))};
  });
  folder_.Write("c.yaml", std::string(kTinyRun) +
                              "run_dir: run\ngallery: {features: [image], normalize: false}\n"
                              "search: {top_k: 4, negatives: 3}\n"
                              "predict: {method: lmm, lmm: {prompt: img2loc, positives: [16], temperature: 1, choose: "
                              "first, response_format: none, cache: cache.sqlite, endpoint: \"" +
                              server.endpoint() + "\"}}\n");
  Ok({"run", "--config", "c.yaml"});

  // Inner products of vectors as they come.
  EXPECT_EQ(nlohmann::json::parse(ReadFile(folder_ / "run/gallery/gallery.json")).at("normalize"), false);
  const FeatureSet gallery = ReadFeatures(folder_ / "run/features/train.safetensors");
  const FeatureSet queries = ReadFeatures(folder_ / "run/query/features.safetensors");
  std::map<std::string, std::int64_t> row;
  for (std::size_t i = 0; i < gallery.ids.size(); ++i) row[gallery.ids[i]] = static_cast<std::int64_t>(i);
  const auto lists = ReadCandidates(folder_ / "run/query/candidates.csv");
  ASSERT_EQ(lists.size(), queries.ids.size());
  for (std::size_t q = 0; q < lists.size(); ++q) {
    const auto query = queries.Require("image_raw").Row(static_cast<std::int64_t>(q));
    std::vector<double> all;
    for (std::int64_t i = 0; i < gallery.size(); ++i) all.push_back(Inner(query, gallery.Require("image_raw").Row(i)));
    std::ranges::sort(all, std::greater<>());
    ASSERT_EQ(lists[q].candidates.size(), 7U);
    for (const Candidate& candidate : lists[q].candidates) {
      const auto rank = static_cast<std::size_t>(candidate.rank);
      EXPECT_NEAR(*candidate.score, candidate.similar ? all[rank - 1] : all[all.size() - rank], 1e-4);
      EXPECT_NEAR(*candidate.score, Inner(query, gallery.Require("image_raw").Row(row.at(candidate.gallery_id))), 1e-4);
    }
  }

  // One prompt a photo, the first answer; who refuses gets the nearest photo's place, and it says so.
  EXPECT_EQ(server.requests(), static_cast<int>(lists.size()));
  const auto predictions = Predictions();
  ASSERT_EQ(predictions.size(), lists.size());
  int fallbacks = 0;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    ASSERT_TRUE(predictions[i].location);
    EXPECT_NEAR(predictions[i].location->lat, lists[i].candidates[0].location.lat, 1e-6);
    EXPECT_NEAR(predictions[i].location->lon, lists[i].candidates[0].location.lon, 1e-6);
    fallbacks += predictions[i].is_fallback() ? 1 : 0;
    EXPECT_EQ(predictions[i].method, predictions[i].is_fallback() ? "fallback/reranked_first" : "lmm/first");
    EXPECT_THAT(predictions[i].reason, predictions[i].is_fallback() ? HasSubstr("refusal") : HasSubstr(""));
  }
  EXPECT_EQ(fallbacks, 1);

  // Again from the cache alone, as a config says it.
  server.Die();
  EXPECT_THAT(Ok({"run", "--config", "c.yaml", "--set", "predict.lmm.offline=true"}).err,
              HasSubstr("predict-query: up to date"));
  std::filesystem::remove(folder_ / "run/query/predictions.csv");
  Ok({"run", "--config", "c.yaml", "--set", "predict.lmm.offline=true"});
  EXPECT_EQ(Predictions(), predictions);
  const RunResult other =
      Run({"run", "--config", "c.yaml", "--set", "predict.lmm.offline=true", "--set", "predict.lmm.temperature=0.5"});
  EXPECT_EQ(other.exit_code, 2) << other.err;
  EXPECT_THAT(other.err, HasSubstr("is in the cache"));
  EXPECT_FALSE(Ok({"locate", "world/images/" + queries.ids[0], "--run", "run"}).out.empty());
}

TEST_F(SlowLmmSystems, G3VerifiesAnswersAndRetrievedPlaces) {
  std::mutex mutex;
  std::multiset<std::size_t> shown;
  ChatServer server([&](const ChatRequest& request) {
    const std::string prompt = request.prompt();
    const auto places = FirstPlaces(prompt);
    const auto references = static_cast<std::size_t>(std::ranges::count(prompt, '-'));
    const std::lock_guard lock(mutex);
    shown.insert(places.size());
    if (places.empty()) return ChatServerReply{200, Completion("I cannot tell.")};
    // Somewhere between: a place that no gallery has, another for each prompt.
    const LatLon middle{(places[0].lat + places[1].lat) / 2 + 0.01 * static_cast<double>(references % 5),
                        places[0].lon};
    return ChatServerReply{200, Completion("{\"latitude\": " + std::to_string(middle.lat) +
                                           ", \"longitude\": " + std::to_string(middle.lon) + "}")};
  });
  folder_.Write("c.yaml",
                std::string(kTinyRun) +
                    "run_dir: run\ngallery: {features: [image, projected_image]}\n"
                    "search: {top_k: 6, negatives: 6}\n"
                    "predict: {method: lmm, lmm: {prompt: g3, positives: [0, 2, 4], samples: 2, retrieved: 1, "
                    "choose: verify, cache: cache.sqlite, endpoint: \"" +
                    server.endpoint() + "\"}}\n");
  Ok({"run", "--config", "c.yaml"});
  const auto lists = ReadCandidates(folder_ / "run/query/candidates.csv");
  const std::size_t photos = lists.size();
  EXPECT_EQ(nlohmann::json::parse(ReadFile(folder_ / "run/gallery/gallery.json")).at("dimension"), 32);
  // K prompts of N samples, one without references.
  EXPECT_EQ(static_cast<std::size_t>(server.requests()), 6 * photos);
  EXPECT_EQ(shown.count(0), 2 * photos);
  EXPECT_EQ(shown.count(2), 4 * photos);

  // The argmax over answers and the first retrieved place, by the features files.
  const std::vector<std::string> replay = {"predict",
                                           "--config",
                                           "c.yaml",
                                           "--candidates",
                                           "run/query/candidates.csv",
                                           "--offline",
                                           "--out",
                                           "first.csv",
                                           "--choose",
                                           "first",
                                           "--answers-out",
                                           "answers.csv",
                                           "--set",
                                           "predict.lmm.retrieved=null"};
  Ok(replay);
  const auto answers = GroupAnswers(ReadAnswers(folder_ / "answers.csv"));
  auto places = replay;
  places[9] = "auto";
  places.back() = "predict.lmm.retrieved=1";
  places.insert(places.end(), {"--places-out", "places.csv"});
  Ok(places);
  Ok({"embed", "gps", "--config", "c.yaml", "--coordinates", "places.csv", "--out", "places.safetensors"});
  const auto similarity =
      FeatureFileSimilarity(folder_ / "run/query/features.safetensors", folder_ / "places.safetensors");
  const auto predictions = Predictions();
  ASSERT_EQ(predictions.size(), photos);
  std::size_t generated = 0;
  for (std::size_t i = 0; i < photos; ++i) {
    std::vector<LatLon> competing;
    for (const auto& answer : answers.at(lists[i].query_id)) {
      if (answer.location) competing.push_back(*answer.location);
    }
    EXPECT_EQ(competing.size(), 4U);
    competing.push_back(lists[i].candidates[0].location);
    const auto cosines = similarity(lists[i].query_id, competing);
    const auto best = static_cast<std::size_t>(std::ranges::max_element(cosines) - cosines.begin());
    ASSERT_TRUE(predictions[i].location);
    const auto chosen = similarity(lists[i].query_id, std::vector<LatLon>{*predictions[i].location});
    EXPECT_NEAR(chosen[0], cosines[best], 1e-5);
    EXPECT_EQ(predictions[i].method, "lmm/verify");
    generated += best < 4 ? 1 : 0;
  }
  EXPECT_GT(generated, 0U);
  EXPECT_LT(generated, photos);  // both sorts win somewhere
}

TEST_F(SlowLmmSystems, MistakesAreOneLine) {
  folder_.Write("c.yaml", std::string(kTinyRun) + "run_dir: run\npredict: {method: lmm, lmm: {cache: cache.sqlite}}\n");
  const auto run = [](std::vector<std::string> settings) {
    std::vector<std::string> arguments = {"run", "--config", "c.yaml"};
    for (auto& setting : settings) arguments.insert(arguments.end(), {"--set", std::move(setting)});
    return arguments;
  };
  // Before anything is trained.
  Refused(run({"gallery.features=[image, image_text]"}),
          "gallery.features: image_text is of the head contrastive_text, which is not among model.heads");
  Refused(run({"gallery.features=[segmentation]"}),
          "gallery.features: segmentation is of a view that model.views image");
  Refused(run({"gallery.features=[projected_image]", "gallery.normalize=false"}),
          "projected_image of gallery.features");
  Refused(run({"gallery.features=[image]", "gallery.normalize=false", "gallery.metric=l2"}), "inner_product, not l2");
  Refused(run({"gallery.features=[image]", "gallery.normalize=false", "search.exclude_similarity_above=0.9"}),
          "goes by cosines, and gallery.normalize is false");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/checkpoint"));
  // Features that were embedded for another gallery.
  Ok({"embed", "photos", "--config", "c.yaml", "--photos", "world/train.csv", "--images", "world/images",
      "--checkpoint", "none", "--out", "f.safetensors"});
  Refused({"gallery", "build", "--config", "c.yaml", "--photos", "world/train.csv", "--features", "f.safetensors",
           "--set", "gallery.features=[image]", "--set", "gallery.normalize=false", "--out", "g"},
          "there is no feature image_raw");
  // Prompts and candidates.
  folder_.Write("candidates.csv",
                "query_id,rank,gallery_id,lat,lon,score,author,set\na,1,g,1,2,,,similar\na,2,g,3,4,,,similar\n");
  folder_.Write("answers.csv", "IMG_ID,LAT,LON\na,10,20\n");
  const std::vector<std::string> predict = {"predict", "--candidates", "candidates.csv", "--out", "out.csv"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), predict.begin(), predict.end());
    return more;
  };
  Refused(with({"--method", "lmm", "--images", "world/images", "--prompt", "g4"}),
          "predict.lmm.prompt is 'g4': neither built in (geo, img2loc, g3) nor a file");
  Refused(with({"--answers", "answers.csv", "--choose", "verify", "--config", "c.yaml", "--checkpoint", "none",
                "--photo-features", "f.safetensors", "--set", "predict.lmm.retrieved=3"}),
          "predict.lmm.retrieved is 3, but no photo has more than 2 similar candidates");
}

// scripts/reproduce/stand_in_server.py in a process of its own, until the end of the test.
class StandIn {
 public:
  explicit StandIn(const TemporaryFolder& folder) {
    const std::string out = (folder / "endpoint").string();
    std::vector<std::string> words = {
        "/bin/sh", "-c",
        "exec python3 '" DUALGEO_SOURCE_DIR "/scripts/reproduce/stand_in_server.py' --port 0 > '" + out + "'"};
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    if (posix_spawn(&child_, "/bin/sh", nullptr, nullptr, argv.data(), environ) != 0) child_ = 0;
    for (int i = 0; i < 500 && endpoint_.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      std::ifstream(out) >> endpoint_;
    }
  }
  ~StandIn() {
    if (child_ == 0) return;
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;
  const std::string& endpoint() const { return endpoint_; }

 private:
  pid_t child_ = 0;
  std::string endpoint_;
};

TEST(SlowStandIn, AnswersFromThePromptAloneAndSaysWhatItIs) {
  if (std::system("python3 -c '' > /dev/null 2>&1") != 0) GTEST_SKIP() << "no python3";
  TemporaryFolder folder;
  const StandIn server(folder);
  ASSERT_FALSE(server.endpoint().empty());
  // Two near Paris beat the first, which is alone; b has no candidates.
  folder.Write("candidates.csv",
               "query_id,rank,gallery_id,lat,lon,score,author,set\n"
               "a.png,1,g,-30,150,,,similar\na.png,2,g,48.85,2.35,,,similar\na.png,3,g,48.86,2.34,,,similar\n"
               "a.png,4,g,48.8,2.3,,,similar\na.png,1,g,-30.1,150,,,dissimilar\n");
  folder.Write("photos.csv", "IMG_ID\na.png\nb.png\n");
  const std::string photo = ReadFile(DUALGEO_SOURCE_DIR "/tests/data/photos/noise.png");
  std::filesystem::create_directory(folder / "images");
  folder.Write("images/a.png", photo);
  folder.Write("images/b.png", photo);
  std::vector<std::string> command = {"predict",
                                      "--method",
                                      "lmm",
                                      "--photos",
                                      "photos.csv",
                                      "--images",
                                      "images",
                                      "--candidates",
                                      "candidates.csv",
                                      "--out",
                                      "out.csv",
                                      "--endpoint",
                                      server.endpoint(),
                                      "--choose",
                                      "first",
                                      "--model",
                                      "stand-in-prompt-rule",
                                      "--prompt",
                                      "g3",
                                      "--set",
                                      "predict.lmm.positives=[16]",
                                      "--answers-out",
                                      "answers.csv"};
  const RunResult result = RunBinary(command, folder.path());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto predictions = ReadPredictions(folder / "out.csv");
  ASSERT_EQ(predictions.size(), 2U);
  EXPECT_EQ(predictions[0].location, (LatLon{48.85, 2.35}));
  EXPECT_FALSE(predictions[1].location);
  EXPECT_THAT(predictions[1].reason, HasSubstr("refusal"));
  command[16] = "gpt-4o";
  const RunResult taken = RunBinary(command, folder.path());
  EXPECT_EQ(taken.exit_code, 1) << taken.err;
  EXPECT_THAT(taken.err, HasSubstr("this is no language model but a rule; ask for the model stand-in-prompt-rule"));
}

}  // namespace
}  // namespace dualgeo
