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

#include "dualgeo/refine/predictions.h"
#include "lmm/answers.h"
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

std::vector<std::string> LmmArguments(const TemporaryFolder& folder, const std::string& endpoint) {
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
  auto command = LmmArguments(folder, server.endpoint());
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
  std::vector<std::string> words = LmmArguments(folder, server.endpoint());
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

  const RunResult rest = RunBinary(LmmArguments(folder, server.endpoint()));
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
  auto command = LmmArguments(folder, endpoint);
  command.insert(command.end(), {"--set", "predict.lmm.retries=1", "--set", "predict.lmm.retry_seconds=0.01", "--set",
                                 "predict.lmm.stop_after_failures=2"});
  const RunResult result = RunBinary(command);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("server gave no reply to 2 requests in a row"));
  EXPECT_THAT(result.err, HasSubstr("0 of 4 photos answered by lmm"));
  for (const auto& prediction : ReadPredictions(folder / "out.csv")) {
    EXPECT_FALSE(prediction.location);
    EXPECT_NE(prediction.reason, "");
  }
}

std::string Candidates(const TemporaryFolder& folder, int count) {
  std::string table = "query_id,rank,gallery_id,lat,lon,score,author,set\n";
  for (int i = 0; i < count; ++i) table += "p" + std::to_string(i) + ".png,1,g,10,20,,,similar\n";
  return folder.Write("candidates.csv", table).string();
}

int Occurrences(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

// LiteLLM with a model that it does not know, a server with too small a context, and the like.
TEST(PredictLmmCommandTest, ServerThatRefusesEverythingIsNoAnswer) {
  for (const int status : {400, 401, 404, 500}) {
    TemporaryFolder folder;
    WritePhotos(folder, 12);
    ChatServer server([&](const ChatRequest&) {
      return ChatServerReply{status, R"({"error": {"message": "send max_completion_tokens"}})"};
    });
    auto command = LmmArguments(folder, server.endpoint());
    command.insert(command.end(), {"--candidates", Candidates(folder, 12), "--set", "predict.lmm.retries=0"});
    const RunResult result = RunBinary(command);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr("0 of 12 photos answered by lmm (12 by fallback/reranked_first)"));
    EXPECT_THAT(result.err, HasSubstr("HTTP " + std::to_string(status) + ": send max_completion_tokens"));
    // When it happened, and in the line that ends the run.
    EXPECT_EQ(Occurrences(result.err, "send max_completion_tokens"), 2) << result.err;
    const auto predictions = ReadPredictions(folder / "out.csv");
    ASSERT_EQ(predictions.size(), 12u);
    for (const auto& prediction : predictions) {
      EXPECT_EQ(prediction.method, "fallback/reranked_first");
      EXPECT_THAT(prediction.reason, HasSubstr("max_completion_tokens"));
    }
  }
}

TEST(PredictLmmCommandTest, PartOfTheAnswersIsASuccessWithAWarning) {
  TemporaryFolder folder;
  WritePhotos(folder, 6);
  ChatServer server([&](const ChatRequest& request) {
    if (request.number % 3 == 2) return ChatServerReply{400, R"({"error": {"message": "picture not allowed"}})"};
    return Somewhere(request);
  });
  auto command = LmmArguments(folder, server.endpoint());
  command.insert(command.end(), {"--candidates", Candidates(folder, 6), "--set", "predict.lmm.response_format=none"});
  const RunResult result = RunBinary(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("4 of 6 photos answered by lmm (2 by fallback/reranked_first)"));
  EXPECT_EQ(Occurrences(result.err, "picture not allowed"), 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("photos without a usable answer: HTTP 400 2"));
}

TEST(PredictLmmCommandTest, NoPhotosOrNoServerIsNoAnswer) {
  TemporaryFolder folder;
  WritePhotos(folder, 3);
  std::string endpoint;
  {
    ChatServer gone(Somewhere);
    endpoint = gone.endpoint();
  }
  auto command = LmmArguments(folder, endpoint);
  command.insert(command.end(), {"--set", "predict.lmm.retries=0", "--candidates", Candidates(folder, 3)});
  RunResult result = RunBinary(command);  // fewer than stop_after_failures
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("0 of 3 photos answered by lmm (3 by"));
  std::filesystem::remove_all(folder / "images");
  std::filesystem::create_directory(folder / "images");
  ChatServer server(Somewhere);
  command = LmmArguments(folder, server.endpoint());
  command.insert(command.end(), {"--candidates", Candidates(folder, 3)});
  result = RunBinary(command);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("0 of 3 photos answered by lmm (3 by"));
  EXPECT_THAT(result.err, HasSubstr("unreadable photo"));
}

TEST(PredictLmmCommandTest, TooFewDescriptorsAreNoFaultOfThePhotos) {
  TemporaryFolder folder;
  WritePhotos(folder, 72);
  ChatServer server([](const ChatRequest& request) {
    ChatServerReply reply = Somewhere(request);
    reply.delay_seconds = 0.05;
    return reply;
  });
  std::string command = "ulimit -n 12; exec " DUALGEO_BINARY;
  for (const auto& word : LmmArguments(folder, server.endpoint())) command += " '" + word + "'";
  const RunResult result = RunProgram("/bin/sh", {"-c", command + " --concurrency 40 --set predict.lmm.retries=0"});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("oo many open files"));
}

TEST(PredictLmmCommandTest, ExtraIsJsonAsItStands) {
  TemporaryFolder folder;
  WritePhotos(folder, 1);
  std::string body;
  ChatServer server([&](const ChatRequest& request) {
    body = request.body;
    return Somewhere(request);
  });
  auto command = LmmArguments(folder, server.endpoint());
  command.insert(command.end(), {"--set", R"(predict.lmm.extra={"max_completion_tokens": 200, "temperature": 1})"});
  RunResult result = RunBinary(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(body, HasSubstr(R"("temperature":1,)"));
  EXPECT_THAT(body, HasSubstr(R"("max_completion_tokens":200)"));
  command.back() = "predict.lmm.extra={\"top_p\": ";
  result = RunBinary(command);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("predict.lmm.extra"));
  command.back() = std::string(30'000, '.') + "=1";
  result = RunBinary(command);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(Occurrences(result.err, "\n"), 1);
}

// A config from elsewhere can name any file and any variable.
TEST(PredictLmmCommandTest, SaysWhatIsSentWhere) {
  TemporaryFolder folder;
  WritePhotos(folder, 3);
  const std::string prompt = folder.Write("diary.txt", "my secret thoughts").string();
  setenv("MY_BANK_PASSWORD", "swordfish-4711", 1);
  bool asked = false;
  ChatServer server([&](const ChatRequest& request) {
    asked = request.headers.at("authorization") == "Bearer swordfish-4711" && request.prompt() == "my secret thoughts";
    return Somewhere(request);
  });
  auto command = LmmArguments(folder, server.endpoint());
  command.insert(command.end(), {"-q", "--prompt", prompt, "--set", "predict.lmm.api_key_env=MY_BANK_PASSWORD"});
  RunResult result = RunBinary(command);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(asked);
  EXPECT_EQ(Occurrences(result.err, "the prompt file " + prompt + " is sent to " + server.endpoint()), 1) << result.err;
  EXPECT_EQ(Occurrences(result.err, "environment variable MY_BANK_PASSWORD is sent to " + server.endpoint()), 1);
  EXPECT_THAT(result.err, testing::Not(HasSubstr("swordfish")));
  result = RunBinary(command);  // from the cache: nothing is sent
  unsetenv("MY_BANK_PASSWORD");
  EXPECT_EQ(result.err, "");
}

pid_t Spawn(std::vector<std::string> words) {
  words.insert(words.begin(), DUALGEO_BINARY);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  EXPECT_EQ(posix_spawn(&child, DUALGEO_BINARY, nullptr, nullptr, argv.data(), environ), 0);
  return child;
}

TEST(PredictLmmCommandTest, ProcessesOnOneCacheAskEachQuestionOnce) {
  TemporaryFolder folder;
  WritePhotos(folder, 40);
  ChatServer server([](const ChatRequest& request) {
    ChatServerReply reply = Somewhere(request);
    reply.delay_seconds = 0.02;
    return reply;
  });
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    auto command = LmmArguments(folder, server.endpoint());
    command[8] = (folder / ("out" + std::to_string(i) + ".csv")).string();
    children.push_back(Spawn(command));
  }
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(server.requests(), 40);
  EXPECT_EQ(ReadPredictions(folder / "out0.csv"), ReadPredictions(folder / "out2.csv"));
  EXPECT_FALSE(std::filesystem::exists(folder / "cache.sqlite-wal"));
}

// Its request is under way when it is killed; nobody waits for its claim.
TEST(PredictLmmCommandTest, ClaimsOfAKilledProcessAreTakenOver) {
  TemporaryFolder folder;
  WritePhotos(folder, 2);
  std::atomic<bool> killed{false};
  ChatServer server([&](const ChatRequest& request) {
    for (int i = 0; i < 500 && !killed; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return Somewhere(request);
  });
  const pid_t child = Spawn(LmmArguments(folder, server.endpoint()));
  while (server.requests() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  killed = true;
  const auto begin = std::chrono::steady_clock::now();
  const RunResult result = RunBinary(LmmArguments(folder, server.endpoint()));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));  // the lease is minutes
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
  EXPECT_THAT(error({"--method", "lmm", "--choose", "best"}), HasSubstr("expects one of auto"));
  EXPECT_THAT(error({"--method", "top1", "--answers", candidates}), HasSubstr("--answers is for method lmm"));
  EXPECT_THAT(error({"--method", "lmm", "--offline", "--cache", (folder / "no.sqlite").string()}),
              HasSubstr("no such cache"));
  EXPECT_THAT(error({"--method", "lmm", "--endpoint", "127.0.0.1:8080"}), HasSubstr("http://HOST"));
  EXPECT_THAT(error({"--method", "lmm", "--gps-features", candidates}), HasSubstr("goes with --photo-features"));
  EXPECT_THAT(error({"--method", "lmm", "--photo-features", candidates}), HasSubstr("not safetensors"));
}

}  // namespace
}  // namespace dualgeo
