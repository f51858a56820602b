#include "lmm/lmm_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "dualgeo/geo/distance.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/random.h"
#include "src/lmm/lmm_client.h"
#include "tests/support/chat_server.h"
#include "tests/support/temporary_folder.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

using testing::HasSubstr;
using testing::Not;

// A photo that no other equals.
void WritePhoto(const std::filesystem::path& path, int i, int side = 24) {
  cv::Mat photo(side, side * 2, CV_8UC3, cv::Scalar(128, 96, 160));
  const int block = side / 3;  // its number in bits: survives JPEG
  for (int bit = 0; bit < 12; ++bit) {
    if ((i >> bit & 1) != 0) {
      cv::rectangle(photo, cv::Rect(bit % 6 * block, bit / 6 * block, block, block), cv::Scalar(255, 255, 255), -1);
    }
  }
  std::filesystem::create_directories(path.parent_path());
  cv::imwrite(path.string(), photo);
}

std::vector<CandidateList> Photos(const TemporaryFolder& folder, int count) {
  std::vector<CandidateList> lists;
  for (int i = 0; i < count; ++i) {
    const std::string id = "p" + std::to_string(i) + ".png";
    WritePhoto(folder / ("images/" + id), i);
    lists.push_back({id, {}, {}});
  }
  return lists;
}

void AddCandidates(std::vector<CandidateList>& lists, int similar, int dissimilar) {
  for (auto& list : lists) {
    for (int i = 0; i < similar + dissimilar; ++i) {
      Candidate candidate;
      candidate.similar = i < similar;
      candidate.rank = candidate.similar ? i + 1 : i - similar + 1;
      candidate.gallery_id = "g" + std::to_string(i);
      candidate.location = {10.0 + i, 20.0 + i};
      list.candidates.push_back(candidate);
    }
  }
}

LmmOptions Options(const TemporaryFolder& folder, const ChatServer& server) {
  LmmOptions options;
  options.endpoint = server.endpoint();
  options.model = "test-model";
  options.positives = {0};
  options.cache = (folder / "cache.sqlite").string();
  options.retry_seconds = 0.001;
  options.timeout_seconds = 10;
  options.api_key_env = "DUALGEO_TEST_KEY";
  return options;
}

LmmInputs Inputs(const TemporaryFolder& folder) {
  LmmInputs inputs;
  inputs.images = folder / "images";
  return inputs;
}

ChatServerReply Answer(const std::string& content) { return {200, Completion(content)}; }
ChatServerReply Eiffel(const ChatRequest&) { return Answer(R"({"latitude": 48.8584, "longitude": 2.2945})"); }

std::string Say(int status, const std::string& message) {
  return R"({"error": {"message": ")" + message + R"(", "code": )" + std::to_string(status) + "}}";
}

class KeyInEnvironment {
 public:
  explicit KeyInEnvironment(const char* key) { setenv("DUALGEO_TEST_KEY", key, 1); }
  ~KeyInEnvironment() { unsetenv("DUALGEO_TEST_KEY"); }
};

TEST(LmmRunTest, SpeaksTheProtocolAndNeverWritesTheKey) {
  const KeyInEnvironment key("sk-very-secret-4711");
  TemporaryFolder folder;
  auto lists = Photos(folder, 1);
  WritePhoto(folder / "images/p0.png", 0, 800);  // 1600 x 800
  AddCandidates(lists, 7, 3);
  std::vector<ChatRequest> seen;
  ChatServer server([&](const ChatRequest& request) {
    seen.push_back(request);
    if (seen.size() == 1) return ChatServerReply{500, Say(500, "bad luck with key sk-very-secret-4711")};
    return Eiffel(request);
  });
  LmmOptions options = Options(folder, server);
  options.positives = {5};
  options.max_tokens = 77;
  options.seed = 5;
  options.extra = R"({"top_p": 0.9})";
  LmmInputs inputs = Inputs(folder);
  inputs.places = {{"g1", "Aswan, Egypt"}};
  const LmmRun run = AskAboutPhotos(options, lists, inputs);

  ASSERT_EQ(run.answers.size(), 1u);
  EXPECT_EQ(run.answers[0].location, (LatLon{48.8584, 2.2945}));
  EXPECT_EQ(run.answers[0].prompt, "geo/5");
  ASSERT_EQ(seen.size(), 2u);
  ChatRequest& request = seen[1];
  EXPECT_EQ(request.line, "POST /v1/chat/completions HTTP/1.1");
  EXPECT_EQ(request.headers["authorization"], "Bearer sk-very-secret-4711");
  EXPECT_EQ(request.headers["content-type"], "application/json");
  const nlohmann::json json = request.json();
  EXPECT_EQ(json["model"], "test-model");
  EXPECT_EQ(json["temperature"], 1.2);
  EXPECT_EQ(json["max_tokens"], 77);
  EXPECT_EQ(json["seed"], 5);
  EXPECT_EQ(json["top_p"], 0.9);
  EXPECT_EQ(json["response_format"]["type"], "json_schema");
  EXPECT_EQ(json["messages"][0]["role"], "user");
  EXPECT_EQ(json["messages"][0]["content"][1]["image_url"]["detail"], "low");
  EXPECT_THAT(request.prompt(), HasSubstr("- 10.000000, 20.000000\n- 11.000000, 21.000000 (Aswan, Egypt)"));
  EXPECT_THAT(request.prompt(), HasSubstr("14.000000"));       // the fifth similar one
  EXPECT_THAT(request.prompt(), Not(HasSubstr("15.000000")));  // and no sixth
  EXPECT_THAT(request.prompt(), HasSubstr("- 17.000000"));     // the dissimilar ones

  const std::string url = request.image();
  const std::string head = "data:image/jpeg;base64,";
  ASSERT_EQ(url.substr(0, head.size()), head);
  std::string jpeg;
  unsigned bits = 0;
  int have = 0;
  for (const char c : url.substr(head.size())) {
    const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = alphabet.find(c);
    if (value == std::string::npos) break;
    bits = bits << 6 | static_cast<unsigned>(value);
    if ((have += 6) >= 8) jpeg += static_cast<char>(bits >> (have -= 8) & 255);
  }
  const cv::Mat photo = cv::imdecode(std::vector<char>(jpeg.begin(), jpeg.end()), cv::IMREAD_COLOR);
  EXPECT_EQ(photo.cols, 512);
  EXPECT_EQ(photo.rows, 256);

  const std::string cache = ReadFile(options.cache);
  EXPECT_THAT(cache, Not(HasSubstr("very-secret")));
  EXPECT_THAT(cache, HasSubstr("bad luck with key (key)"));
  EXPECT_THAT(cache, Not(HasSubstr("base64")));
}

TEST(LmmRunTest, RerunCostsNothingAndReplaysWithoutPhotosAndServer) {
  TemporaryFolder folder;
  auto lists = Photos(folder, 6);
  AddCandidates(lists, 12, 4);
  std::atomic<int> refused{0};
  ChatServer server([&](const ChatRequest& request) {
    if (request.number % 5 == 4) {
      ++refused;
      return Answer("I'm sorry, but I can't help with that.");
    }
    if (request.number % 5 == 3) return ChatServerReply{400, Say(400, "image too odd")};
    return Answer("{\"latitude\": " + std::to_string(request.number % 80) + ".5, \"longitude\": 7}");
  });
  LmmOptions options = Options(folder, server);
  options.positives = {0, 5, 10, 15};  // the last shows all 12
  options.samples = 2;
  options.budget.prompt_price = 1;
  options.budget.completion_price = 10;
  const LmmRun first = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(first.answers.size(), 6u * 4 * 2);
  EXPECT_EQ(first.usage.questions, 48);
  EXPECT_EQ(first.usage.requests, 48);
  EXPECT_EQ(first.usage.cached, 0);
  const auto answered = first.usage.prompt_tokens / 100;
  EXPECT_EQ(first.usage.completion_tokens, answered * 20);
  EXPECT_NEAR(first.usage.cost, static_cast<double>(answered) * (100 * 1 + 20 * 10) / 1e6, 1e-12);

  const LmmRun again = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(again.usage.requests, 0);
  EXPECT_EQ(again.usage.cost, 0);
  EXPECT_EQ(again.usage.cached, 48);
  EXPECT_EQ(again.usage.total_prompt_tokens, first.usage.prompt_tokens);
  EXPECT_NEAR(again.usage.total_cost, first.usage.cost, 1e-12);
  EXPECT_EQ(again.answers, first.answers);

  server.Die();
  std::filesystem::remove_all(folder / "images");
  std::filesystem::permissions(options.cache, std::filesystem::perms::owner_read);
  options.offline = true;
  const LmmRun replay = AskAboutPhotos(options, lists, {});
  EXPECT_EQ(replay.answers, first.answers);
  EXPECT_EQ(replay.usage.requests, 0);

  options.temperature = 0.7;  // another experiment
  try {
    AskAboutPhotos(options, lists, {});
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("none of 48 questions is in the cache"));
  }
}

TEST(LmmRunTest, PromptsThatShowTheSameAreAskedOnce) {
  TemporaryFolder folder;
  auto lists = Photos(folder, 1);
  AddCandidates(lists, 3, 0);
  ChatServer server(Eiffel);
  LmmOptions options = Options(folder, server);
  options.positives = {0, 5, 10, 15};
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(run.answers.size(), 2u);  // without, and with all three
  EXPECT_EQ(server.requests(), 2);
}

// 30 % of requests meet a fault; in the end every photo has an answer or a reason, and each was billed once.
TEST(LmmRunTest, SlowFiveHundredPhotosThroughFaults) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 500);
  std::mutex mutex;
  std::map<std::string, int> billed;  // by photo: complete answers that left the server
  std::map<std::string, int> faults;
  Random random(11);
  int pauses = 0;
  ChatServer server([&](const ChatRequest& request) -> ChatServerReply {
    const std::string photo = Sha256(request.image());
    const std::lock_guard lock(mutex);
    if (random.Chance(0.3)) {
      switch (random.Below(9)) {
        case 0:
          ++faults["429"];
          if (++pauses <= 2) return {429, Say(429, "slow down"), {"Retry-After: 1"}};
          return {429, Say(429, "slow down"), {"Retry-After: 0"}};
        case 1:
          ++faults["500"];
          return {500, Say(500, "internal")};
        case 2:
          ++faults["503 html"];
          return {503, "<html><h1>Service Unavailable</h1></html>"};
        case 3:
          ++faults["cut off"];
          return {200, Completion("{\"latitude\": 1, \"longitude\": 2}"), {}, 0, 40};
        case 4:
          ++faults["wrong JSON"];
          return {200, "{\"choices\": [{\"mess"};
        case 5:
          ++faults["no completion"];
          return {200, "{\"error\": {\"message\": \"upstream overloaded\"}}"};
        case 6:
          ++faults["hung up"];
          return {200, "", {}, 0, std::string::npos, true};
        case 7:
          if (faults["slow"] < 4) {
            ++faults["slow"];
            return {200, Completion("{\"latitude\": 1, \"longitude\": 2}"), {}, 6.0};
          }
          ++faults["502"];
          return {502, ""};
        default:
          ++faults["408"];
          return {408, Say(408, "timeout")};
      }
    }
    ++billed[photo];
    switch (std::stoul(photo.substr(0, 4), nullptr, 16) % 10) {
      case 0:
        return Answer("I'm sorry, but I cannot identify the location of this photo.");
      case 1:
        return Answer("```json\n{\"latitude\": 0.0, \"longitude\": 0.0}\n```");
      case 2:
        return Answer("Latitude: 48.8584° N, Longitude: 2.2945° E");
      default:
        return Eiffel(request);
    }
  });
  LmmOptions options = Options(folder, server);
  options.concurrency = 16;
  options.timeout_seconds = 5;
  options.retries = 12;
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));

  EXPECT_EQ(run.stopped, "");
  ASSERT_EQ(run.answers.size(), 500u);
  int answered = 0;
  std::map<std::string, int> reasons;
  for (std::size_t i = 0; i < 500; ++i) {
    EXPECT_EQ(run.answers[i].query_id, lists[i].query_id);
    EXPECT_EQ(run.answers[i].location.has_value(), run.answers[i].reason.empty());
    if (run.answers[i].location) {
      EXPECT_EQ(*run.answers[i].location, (LatLon{48.8584, 2.2945}));
      ++answered;
    } else {
      ++reasons[run.answers[i].reason.substr(0, 7)];
    }
  }
  EXPECT_GT(answered, 350);
  EXPECT_EQ(reasons.size(), 2u);  // refusal, echoed template: what the model said; no fault is left
  EXPECT_EQ(billed.size(), 500u);
  for (const auto& [photo, times] : billed) EXPECT_EQ(times, 1);
  EXPECT_EQ(faults.size(), 10u);
  int total_faults = 0;
  for (const auto& [kind, times] : faults) total_faults += times;
  EXPECT_EQ(run.usage.requests, 500 + total_faults);
  EXPECT_NEAR(total_faults / static_cast<double>(run.usage.requests), 0.3, 0.06);
  EXPECT_EQ(run.usage.prompt_tokens, 500 * 100);
}

TEST(LmmRunTest, ServerDiesMidRunAndTheNextRunGoesOn) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 120);
  std::mutex mutex;
  std::map<std::string, int> billed;
  ChatServer* dying = nullptr;
  auto server = std::make_unique<ChatServer>([&](const ChatRequest& request) -> ChatServerReply {
    const std::lock_guard lock(mutex);
    if (billed.size() >= 50) {
      dying->Close();
      return {200, "", {}, 0, std::string::npos, true};
    }
    ++billed[Sha256(request.image())];
    return Eiffel(request);
  });
  dying = server.get();
  const int port = server->port();
  LmmOptions options = Options(folder, *server);
  options.retries = 1;
  options.stop_after_failures = 5;
  const LmmRun cut = AskAboutPhotos(options, lists, Inputs(folder));
  server->Die();
  EXPECT_TRUE(cut.failed);
  EXPECT_THAT(cut.stopped, HasSubstr("no reply to 5 requests in a row"));
  ASSERT_EQ(cut.answers.size(), 120u);
  int answered = 0;
  for (const auto& answer : cut.answers) {
    EXPECT_EQ(answer.location.has_value(), answer.reason.empty());
    answered += answer.location ? 1 : 0;
  }
  EXPECT_GE(answered, 50 - options.concurrency);  // an answer on its way may die with the server
  EXPECT_LE(answered, 50);

  billed.clear();
  ChatServer next(
      [&](const ChatRequest& request) {
        const std::lock_guard lock(mutex);
        ++billed[Sha256(request.image())];
        return Eiffel(request);
      },
      port);
  const LmmRun rest = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(rest.stopped, "");
  EXPECT_EQ(rest.usage.cached, answered);
  EXPECT_EQ(static_cast<int>(billed.size()), 120 - answered);
  EXPECT_EQ(next.requests(), 120 - answered);
  for (const auto& answer : rest.answers) EXPECT_TRUE(answer.location);
}

TEST(LmmRunTest, BudgetOfRequestsIsExact) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 30);
  ChatServer server(Eiffel);
  LmmOptions options = Options(folder, server);
  options.budget.requests = 7;
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(server.requests(), 7);
  EXPECT_FALSE(run.failed);
  EXPECT_EQ(run.stopped, "budget of 7 requests spent");
  ASSERT_EQ(run.answers.size(), 30u);
  int answered = 0;
  for (const auto& answer : run.answers) {
    answered += answer.location ? 1 : 0;
    if (!answer.location) {
      EXPECT_THAT(answer.reason, HasSubstr("budget of 7 requests spent"));
    }
  }
  EXPECT_EQ(answered, 7);
  // Run after run it gets to the end.
  EXPECT_EQ(AskAboutPhotos(options, lists, Inputs(folder)).usage.cached, 7);
  options.budget.requests = 100;
  const LmmRun last = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(last.usage.cached, 14);
  EXPECT_EQ(last.usage.requests, 16);
  EXPECT_EQ(last.stopped, "");
}

TEST(LmmRunTest, BudgetsOfTokensAndCostHoldWithManyThreads) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 60);
  ChatServer server([](const ChatRequest& request) {
    ChatServerReply reply = Eiffel(request);
    reply.delay_seconds = 0.005;
    return reply;
  });
  LmmOptions options = Options(folder, server);
  options.concurrency = 12;
  options.budget.tokens = 2000;  // of 120 each
  const LmmRun tokens = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_LE(tokens.usage.prompt_tokens + tokens.usage.completion_tokens, 2000);
  EXPECT_GE(tokens.usage.prompt_tokens + tokens.usage.completion_tokens, 600);
  EXPECT_EQ(tokens.stopped, "budget of 2000 tokens spent");

  options.budget = {};
  options.budget.prompt_price = 100;
  options.budget.cost = 0.105;  // of 0.01 each
  options.temperature = 0.5;
  const LmmRun cost = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_LE(cost.usage.cost, 0.105);
  EXPECT_GT(cost.usage.cost, 0);
  EXPECT_EQ(cost.stopped, "budget of cost 0.105 spent");
}

TEST(LmmRunTest, BudgetNeedsAServerThatCounts) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 10);
  ChatServer server([](const ChatRequest&) {
    return ChatServerReply{200, R"({"choices": [{"message": {"content": "48.8584, 2.2945"}}]})"};
  });
  LmmOptions options = Options(folder, server);
  options.budget.tokens = 100000;
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(server.requests(), 1);
  EXPECT_THAT(run.stopped, HasSubstr("does not say how many tokens"));
  // Whichever photo came first: several ask at once.
  const auto answered = [](const auto& answer) { return answer.location.has_value(); };
  EXPECT_EQ(std::count_if(run.answers.begin(), run.answers.end(), answered), 1);
}

// Where the server answers others: the first three are refused before it has answered anything.
TEST(LmmRunTest, RefusedRequestsAreNotRepeated) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 4);
  ChatServer server([](const ChatRequest& request) {
    if (request.number % 4 == 3) return Eiffel(request);
    return ChatServerReply{422, Say(422, "picture not allowed")};
  });
  LmmOptions options = Options(folder, server);
  options.response_format = "none";
  options.concurrency = 1;
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(server.requests(), 4);
  EXPECT_EQ(run.answers[0].reason, "HTTP 422: picture not allowed");
  EXPECT_EQ(run.answers[0].reply, LmmAnswer::Reply::kRefused);
  EXPECT_EQ(run.answers[3].reply, LmmAnswer::Reply::kGiven);
  EXPECT_EQ(run.stopped, "");
  EXPECT_EQ(AskAboutPhotos(options, lists, Inputs(folder)).usage.requests, 0);
  options.retry_failed = true;
  EXPECT_EQ(AskAboutPhotos(options, lists, Inputs(folder)).usage.requests, 3);
}

// A wrong setting, not odd photos: the run has failed, and the next one asks again.
TEST(LmmRunTest, ServerThatRefusesEverythingFailsTheRunAndIsAskedAgain) {
  TemporaryFolder folder;
  for (const int photos : {3, 30}) {
    const auto lists = Photos(folder, photos);
    std::atomic<bool> mended{false};
    ChatServer server([&](const ChatRequest& request) {
      if (mended) return Eiffel(request);
      return ChatServerReply{400, Say(400, "send max_completion_tokens")};
    });
    LmmOptions options = Options(folder, server);
    options.response_format = "none";
    options.concurrency = 1;
    const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
    EXPECT_TRUE(run.failed);
    EXPECT_THAT(run.stopped, HasSubstr("send max_completion_tokens"));
    EXPECT_EQ(server.requests(), std::min(photos, 10));  // stop_after_failures
    mended = true;
    const LmmRun next = AskAboutPhotos(options, lists, Inputs(folder));
    EXPECT_FALSE(next.failed);
    EXPECT_EQ(next.usage.requests, photos);
  }
}

TEST(LmmRunTest, AnswerInAnotherFieldIsReadOrNamed) {
  TemporaryFolder folder;
  const auto message = [](const std::string& fields, const std::string& finish = "stop") {
    return ChatServerReply{200,
                           R"({"choices": [{"finish_reason": ")" + finish + R"(", "message": {)" + fields + "}}]}"};
  };
  const std::vector<ChatServerReply> replies = {
      message(R"("content": null, "reasoning": "It is Paris. {\"latitude\": 48.8584, \"longitude\": 2.2945}")"),
      message(R"("content": "", "reasoning_content": "```json\n{\"lat\": 48.8584, \"lng\": 2.2945}\n```")"),
      message(R"("content": null, "reasoning": "Perhaps 45.764, 4.8357, or Nice")"),
      message(R"("content": null, "reasoning": "{\"latitude\": 48.8584, \"longitude\": 2.2945}")", "length"),
      message(R"("content": "48.8584, 2.2945", "reasoning": "{\"latitude\": 1.5, \"longitude\": 2.5}")"),
      message(R"("content": [{"type": "reasoning", "text": "1.5, 2.5"}, {"type": "text", "text": "48.8584, 2.2945"}])"),
      message(R"("content": null, "refusal": "I cannot help with that.", "reasoning": "{\"lat\": 1.5, \"lon\": 2.5}")"),
  };
  const auto lists = Photos(folder, static_cast<int>(replies.size()));
  ChatServer server([&](const ChatRequest& request) { return replies.at(static_cast<std::size_t>(request.number)); });
  LmmOptions options = Options(folder, server);
  options.concurrency = 1;
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
  for (const std::size_t i : {0, 1, 4, 5}) EXPECT_EQ(run.answers[i].location, (LatLon{48.8584, 2.2945})) << i;
  EXPECT_THAT(run.answers[2].reason, HasSubstr("content is empty: 31 bytes stand in `reasoning`"));
  EXPECT_THAT(run.answers[3].reason, HasSubstr("`reasoning`, cut off by the token limit"));
  EXPECT_THAT(run.answers[6].reason, HasSubstr("refusal"));
}

TEST(LmmRunTest, SeveralRunsOnOneCacheAskEachQuestionOnce) {
  TemporaryFolder folder;
  auto lists = Photos(folder, 24);
  AddCandidates(lists, 6, 2);
  std::mutex mutex;
  std::map<std::string, int> asked;
  ChatServer server([&](const ChatRequest& request) {
    {
      const std::lock_guard lock(mutex);
      ++asked[Sha256(request.image() + request.prompt())];
    }
    ChatServerReply reply = Eiffel(request);
    reply.delay_seconds = 0.01;
    return reply;
  });
  LmmOptions options = Options(folder, server);
  options.positives = {0, 5};
  std::vector<LmmRun> runs(3);
  std::vector<std::thread> threads;
  for (LmmRun& run : runs) threads.emplace_back([&] { run = AskAboutPhotos(options, lists, Inputs(folder)); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(server.requests(), 48);
  EXPECT_EQ(asked.size(), 48u);
  for (const LmmRun& run : runs) {
    EXPECT_EQ(run.answers, runs[0].answers);
    for (const auto& answer : run.answers) EXPECT_TRUE(answer.location);
  }
}

// Two photos with the same bytes and candidates are one question.
TEST(LmmRunTest, EqualQuestionsOfOneRunAreAskedOnce) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 6);
  for (int i = 1; i < 6; ++i) {
    std::filesystem::copy_file(folder / "images/p0.png", folder / ("images/p" + std::to_string(i) + ".png"),
                               std::filesystem::copy_options::overwrite_existing);
  }
  ChatServer server([](const ChatRequest& request) {
    ChatServerReply reply = Eiffel(request);
    reply.delay_seconds = 0.05;
    return reply;
  });
  const LmmRun run = AskAboutPhotos(Options(folder, server), lists, Inputs(folder));
  EXPECT_EQ(server.requests(), 1);
  for (const auto& answer : run.answers) EXPECT_TRUE(answer.location);
}

TEST(LmmRunTest, NothingButUnreadablePhotosIsAFailure) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 3);
  std::filesystem::remove_all(folder / "images");
  std::filesystem::create_directory(folder / "images");
  ChatServer server(Eiffel);
  const LmmRun run = AskAboutPhotos(Options(folder, server), lists, Inputs(folder));
  EXPECT_TRUE(run.failed);
  EXPECT_THAT(run.stopped, HasSubstr("answered none of 3 questions: unreadable photo"));
}

TEST(LmmRunTest, WrongKeyStopsAtOnce) {
  for (const int status : {401, 403, 404, 302}) {
    TemporaryFolder folder;
    const auto lists = Photos(folder, 40);
    ChatServer server([&](const ChatRequest&) { return ChatServerReply{status, Say(status, "no")}; });
    LmmOptions options = Options(folder, server);
    const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
    EXPECT_TRUE(run.failed);
    EXPECT_LE(server.requests(), options.concurrency);
    EXPECT_THAT(run.stopped, HasSubstr("HTTP " + std::to_string(status)));
  }
}

TEST(LmmRunTest, SpentQuotaStopsAtOnce) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 40);
  ChatServer server([](const ChatRequest&) {
    return ChatServerReply{429, R"({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}})"};
  });
  const LmmRun run = AskAboutPhotos(Options(folder, server), lists, Inputs(folder));
  EXPECT_TRUE(run.failed);
  EXPECT_LE(server.requests(), 4);
}

TEST(LmmRunTest, WaitsAsLongAsTheServerAsks) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 3);
  std::vector<std::chrono::steady_clock::time_point> arrivals;
  ChatServer server([&](const ChatRequest& request) {
    arrivals.push_back(request.arrival);
    if (request.number == 0) return ChatServerReply{429, Say(429, "wait"), {"Retry-After: 1"}};
    return Eiffel(request);
  });
  LmmOptions options = Options(folder, server);
  options.concurrency = 1;
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
  ASSERT_EQ(arrivals.size(), 4u);
  EXPECT_GE(arrivals[1] - arrivals[0], std::chrono::seconds(1));
  EXPECT_EQ(run.stopped, "");

  // Two hours: newer versions of curl answer six at most.
  ChatServer long_wait([](const ChatRequest&) {
    return ChatServerReply{429, Say(429, "come back later"), {"Retry-After: 7200"}};
  });
  const LmmRun stopped = AskAboutPhotos(Options(folder, long_wait), lists, Inputs(folder));
  EXPECT_TRUE(stopped.failed);
  EXPECT_THAT(stopped.stopped, HasSubstr("asks to wait 7200 s"));
}

TEST(LmmRunTest, GoesOnWithoutResponseFormatWhereTheServerRefusesIt) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 8);
  std::atomic<int> with{0};
  ChatServer server([&](const ChatRequest& request) {
    if (!request.json().contains("response_format")) return Eiffel(request);
    ++with;
    return ChatServerReply{400, Say(400, "response_format of type json_schema is not supported")};
  });
  LmmOptions options = Options(folder, server);
  options.concurrency = 1;
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(with, 1);
  for (const auto& answer : run.answers) EXPECT_TRUE(answer.location);
  // Learnt or not, the answers are the same ones.
  EXPECT_EQ(AskAboutPhotos(options, lists, Inputs(folder)).usage.requests, 0);
}

TEST(LmmRunTest, UnreadablePhotoIsAnAnswerWithItsReason) {
  TemporaryFolder folder;
  auto lists = Photos(folder, 3);
  folder.Write("images/p1.png", "not a photo");
  std::filesystem::remove(folder / "images/p2.png");
  ChatServer server(Eiffel);
  const LmmRun run = AskAboutPhotos(Options(folder, server), lists, Inputs(folder));
  ASSERT_EQ(run.answers.size(), 3u);
  EXPECT_TRUE(run.answers[0].location);
  EXPECT_THAT(run.answers[1].reason, HasSubstr("p1.png"));
  EXPECT_THAT(run.answers[2].reason, HasSubstr("p2.png"));
  EXPECT_EQ(server.requests(), 1);
}

TEST(LmmRunTest, AnswerAtTheTokenLimitLosesItsLastNumber) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 2);
  ChatServer server([](const ChatRequest& request) {
    const bool whole = request.number == 0;
    nlohmann::json json = nlohmann::json::parse(
        Completion(whole ? "Latitude: 48.8584, Longitude: 2.2945, near" : "Latitude: 31.2304, Longitude: 12"));
    json["choices"][0]["finish_reason"] = "length";
    return ChatServerReply{200, json.dump()};
  });
  LmmOptions options = Options(folder, server);
  options.concurrency = 1;
  const LmmRun run = AskAboutPhotos(options, lists, Inputs(folder));
  EXPECT_EQ(run.answers[0].location, (LatLon{48.8584, 2.2945}));
  EXPECT_FALSE(run.answers[1].location);
  EXPECT_EQ(run.answers[1].reason, "latitude without longitude (cut off by the token limit)");
}

TEST(LmmRunTest, ReplyWithoutEndIsRefused) {
  TemporaryFolder folder;
  const auto lists = Photos(folder, 1);
  ChatServer server([](const ChatRequest&) { return ChatServerReply{200, std::string(std::size_t{9} << 20, 'x')}; });
  const LmmRun run = AskAboutPhotos(Options(folder, server), lists, Inputs(folder));
  EXPECT_THAT(run.answers[0].reason, HasSubstr("larger than 8 MiB"));
  EXPECT_EQ(server.requests(), 1);
}

TEST(LmmRunTest, RefusesToSendAKeyUnencrypted) {
  const KeyInEnvironment key("sk-secret");
  TemporaryFolder folder;
  const auto lists = Photos(folder, 1);
  ChatServer server(Eiffel);
  LmmOptions options = Options(folder, server);
  options.endpoint = "http://192.0.2.1:8000/v1";
  try {
    AskAboutPhotos(options, lists, Inputs(folder));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("unencrypted"));
    EXPECT_THAT(error.what(), Not(HasSubstr("sk-secret")));
  }
}

// openssl's own server with a certificate that nobody vouches for.
TEST(LmmRunTest, RefusesCertificatesThatItCannotVerify) {
  if (std::system("command -v openssl >/dev/null") != 0) GTEST_SKIP() << "no openssl command";
  TemporaryFolder folder;
  const auto lists = Photos(folder, 1);
  const std::string pem = (folder / "cert.pem").string();
  const std::string key = (folder / "key.pem").string();
  const std::string make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext "
      "subjectAltName=DNS:localhost -keyout " +
      key + " -out " + pem + " 2>/dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0);
  int port = 0;
  {
    ChatServer probe(Eiffel);
    port = probe.port();
  }
  std::string accept = std::to_string(port);
  std::vector<std::string> words = {"openssl", "s_server", "-quiet", "-www", "-accept",
                                    accept,    "-cert",    pem,      "-key", key};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  ASSERT_EQ(posix_spawnp(&child, "openssl", nullptr, nullptr, argv.data(), environ), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));

  ChatServer unused(Eiffel);
  LmmOptions options = Options(folder, unused);
  options.endpoint = "https://localhost:" + accept + "/v1";
  options.retries = 3;
  const LmmRun refused = AskAboutPhotos(options, lists, Inputs(folder));
  options.ca_file = pem;
  options.retries = 0;
  options.timeout_seconds = 1;
  const LmmRun accepted = AskAboutPhotos(options, lists, Inputs(folder));
  kill(child, SIGTERM);
  waitpid(child, nullptr, 0);

  EXPECT_TRUE(refused.failed);
  EXPECT_EQ(refused.usage.requests, 1);  // no use trying again
  EXPECT_THAT(refused.stopped, HasSubstr("certificate"));
  // With the certificate trusted the request goes through; that server then knows nothing of chat.
  EXPECT_THAT(accepted.answers[0].reason, Not(HasSubstr("certificate")));
}

}  // namespace
}  // namespace dualgeo
