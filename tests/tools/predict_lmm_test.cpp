// `dualgeo predict --method lmm` as a user runs it, against a server in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <set>
#include <thread>

#include "dualgeo/refine/answers.h"
#include "dualgeo/refine/predictions.h"
#include "tests/support/chat_server.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"
#include "tests/tools/run_binary.h"

namespace dualgeo {
namespace {

using testing::HasSubstr;

// images/p<i>.png and photos.csv.
void WritePhotos(const TemporaryFolder& folder, int count) {
  std::filesystem::create_directories(folder / "images");
  std::string table = "IMG_ID\n";
  for (int i = 0; i < count; ++i) {
    cv::Mat photo(16, 64, CV_8UC3, cv::Scalar(90, 90, 90));
    for (int bit = 0; bit < 8; ++bit) {
      if ((i >> bit & 1) != 0) cv::rectangle(photo, cv::Rect(bit * 8, 0, 8, 16), cv::Scalar(255, 255, 255), -1);
    }
    cv::imwrite((folder / ("images/p" + std::to_string(i) + ".png")).string(), photo);
    table += "p" + std::to_string(i) + ".png\n";
  }
  folder.Write("photos.csv", table);
}

std::vector<std::string> Command(const TemporaryFolder& folder, const std::string& endpoint) {
  return {"predict",
          "--method",
          "lmm",
          "--photos",
          (folder / "photos.csv").string(),
          "--images",
          (folder / "images").string(),
          "--out",
          (folder / "out.csv").string(),
          "--endpoint",
          endpoint,
          "--cache",
          (folder / "cache.sqlite").string(),
          "--set",
          "predict.lmm.positives=[0]"};
}

ChatServerReply Somewhere(const ChatRequest&) {
  return {200, Completion("```json\n{\"latitude\": 48.8584, \"longitude\": 2.2945}\n```")};
}

TEST(PredictLmmCommandTest, AnswersAndReplays) {
  TemporaryFolder folder;
  WritePhotos(folder, 3);
  ChatServer server(Somewhere);
  auto command = Command(folder, server.endpoint());
  command.insert(command.end(), {"--answers-out", (folder / "answers.csv").string()});
  RunResult result = RunBinary(command);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("3 photos by lmm/medoid"));
  const auto predictions = ReadPredictions(folder / "out.csv");
  ASSERT_EQ(predictions.size(), 3u);
  EXPECT_EQ(predictions[2].location, (LatLon{48.8584, 2.2945}));
  EXPECT_EQ(ReadAnswers(folder / "answers.csv").size(), 3u);

  const std::string endpoint = server.endpoint();
  server.Die();
  std::filesystem::remove_all(folder / "images");
  result = RunBinary({"predict", "--method", "lmm", "--photos", (folder / "photos.csv").string(), "--out",
                      (folder / "again.csv").string(), "--endpoint", endpoint, "--cache",
                      (folder / "cache.sqlite").string(), "--set", "predict.lmm.positives=[0]", "--offline"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(ReadPredictions(folder / "again.csv"), predictions);
}

TEST(PredictLmmCommandTest, CtrlCKeepsWhatWasAnswered) {
  TemporaryFolder folder;
  WritePhotos(folder, 60);
  std::mutex mutex;
  std::multiset<std::string> billed;
  ChatServer server([&](const ChatRequest& request) {
    ChatServerReply reply = Somewhere(request);
    reply.delay_seconds = 0.05;
    const std::lock_guard lock(mutex);
    billed.insert(request.image());
    return reply;
  });
  std::vector<std::string> words = Command(folder, server.endpoint());
  words.insert(words.begin(), DUALGEO_BINARY);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  ASSERT_EQ(posix_spawn(&child, DUALGEO_BINARY, nullptr, nullptr, argv.data(), environ), 0);
  while (server.requests() < 10) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_FALSE(std::filesystem::exists(folder / "out.csv"));
  EXPECT_LT(server.requests(), 60);

  const RunResult rest = RunBinary(Command(folder, server.endpoint()));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(billed.size(), 60u);  // requests under way at Ctrl-C were waited for
  EXPECT_EQ(std::set<std::string>(billed.begin(), billed.end()).size(), 60u);
  EXPECT_EQ(ReadPredictions(folder / "out.csv").size(), 60u);
}

TEST(PredictLmmCommandTest, DeadServerWritesWhatThereIsAndFails) {
  TemporaryFolder folder;
  WritePhotos(folder, 4);
  std::string endpoint;
  {
    ChatServer gone(Somewhere);
    endpoint = gone.endpoint();
  }
  auto command = Command(folder, endpoint);
  command.insert(command.end(), {"--set", "predict.lmm.retries=1", "--set", "predict.lmm.retry_seconds=0.01", "--set",
                                 "predict.lmm.stop_after_failures=2"});
  const RunResult result = RunBinary(command);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("server gave no reply to 2 requests in a row"));
  for (const auto& prediction : ReadPredictions(folder / "out.csv")) {
    EXPECT_FALSE(prediction.location);
    EXPECT_NE(prediction.reason, "");
  }
}

TEST(PredictLmmCommandTest, AnswersFromATableAndFallbacksApart) {
  TemporaryFolder folder;
  folder.Write("candidates.csv",
               "query_id,rank,gallery_id,lat,lon,score,author,set\na,1,g,1,2,,,similar\nb,1,g,3,4,,,similar\n");
  folder.Write("answers.csv", "IMG_ID,LAT_pred,LON_pred,success\na,10,20,True\nb,0,0,True\nz,5,5,True\n");
  folder.Write("truth.csv", "IMG_ID,LAT,LON\na,10,20\nb,50,60\n");
  const std::string out = (folder / "out.csv").string();
  RunResult result = RunBinary({"predict", "--candidates", (folder / "candidates.csv").string(), "--answers",
                                (folder / "answers.csv").string(), "--answers-columns",
                                "IMG_ID,LAT_pred,LON_pred,success", "--choose", "first", "--out", out});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("1 photos by lmm/first, 1 by fallback/reranked_first, 0 unanswered"));
  result = RunBinary({"evaluate", "--predictions", out, "--truth", (folder / "truth.csv").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("fallback/reranked_first"));
  EXPECT_THAT(result.out, HasSubstr("lmm/first"));
}

TEST(PredictLmmCommandTest, RealGeminiAnswersScoreAsPublished) {
  SHARED_PATH_OR_SKIP(answers, "data/predictions/gemini2flash_im2gps3k.csv");
  SHARED_PATH_OR_SKIP(candidates, "data/retrieval/g3_im2gps3k_candidates_dev.csv");
  SHARED_PATH_OR_SKIP(truth, "data/retrieval/im2gps3k_truth_dev.csv");
  TemporaryFolder folder;
  const std::string out = (folder / "out.csv").string();
  for (const char* choose : {"first", "bayes"}) {
    const RunResult predicted =
        RunBinary({"predict", "--candidates", candidates.string(), "--answers", answers.string(), "--answers-columns",
                   "IMG_ID,LAT_pred,LON_pred,success", "--choose", choose, "--out", out});
    ASSERT_EQ(predicted.exit_code, 0) << predicted.err;
    const RunResult scored = RunBinary({"evaluate", "--predictions", out, "--truth", truth.string()});
    ASSERT_EQ(scored.exit_code, 0) << scored.err;
    EXPECT_THAT(scored.out, HasSubstr("1316"));  // photos that have a list and an answer
  }
}

TEST(PredictLmmCommandTest, MistakesAreOneLine) {
  TemporaryFolder folder;
  const std::string candidates = folder.Write("c.csv", "query_id,rank,gallery_id,lat,lon\na,1,g,1,2\n").string();
  const std::string out = (folder / "out.csv").string();
  const auto error = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {"predict", "--candidates", candidates, "--out", out};
    command.insert(command.end(), more.begin(), more.end());
    const RunResult result = RunBinary(command);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(error({"--method", "lmm"}), HasSubstr("give --images"));
  EXPECT_THAT(error({"--method", "lmm", "--choose", "best"}), HasSubstr("allowed"));
  EXPECT_THAT(error({"--method", "top1", "--answers", candidates}), HasSubstr("--answers is for method lmm"));
  EXPECT_THAT(error({"--method", "lmm", "--offline", "--cache", (folder / "no.sqlite").string()}),
              HasSubstr("no such cache"));
  EXPECT_THAT(error({"--method", "lmm", "--endpoint", "127.0.0.1:8080"}), HasSubstr("http://HOST"));
  EXPECT_THAT(error({"--method", "lmm", "--gps-features", candidates}), HasSubstr("goes with --photo-features"));
  EXPECT_THAT(error({"--method", "lmm", "--photo-features", candidates}), HasSubstr("not a safetensors file"));
}

}  // namespace
}  // namespace dualgeo
