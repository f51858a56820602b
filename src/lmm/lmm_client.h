// One question to an OpenAI-compatible chat-completions server, with retries. Shared by threads; each has its own
// HttpClient.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "http_client.h"
#include "key_blotter.h"
#include "lmm/lmm_options.h"
#include "lmm_budget.h"

namespace dualgeo {

struct ChatReply {
  enum class Outcome {
    kAnswer,    // the model spoke (whatever it said)
    kRejected,  // the server refuses this request (4xx), or gives no answer in its reply; asking again is no use
    kGaveUp,    // no reply after all retries
    kFatal,     // no request will succeed: wrong key, wrong URL, certificate, quota
    kStopped,   // Ctrl-C or the budget; nothing is known about the request
  };
  Outcome outcome = Outcome::kStopped;
  std::string text;    // kAnswer: what the model said
  std::string reason;  // the others: why; one line
  long status = 0;     // of the last HTTP reply
  std::string body;    // of it, the key blotted out
  std::string model;   // as the server names it
  std::string finish_reason;
  bool usage_known = false;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

// One HTTP request, for the cache's log.
struct ChatAttempt {
  double seconds = 0;
  long status = 0;
  std::string error;  // empty: answered
};

class LmmClient {
 public:
  // Reads the key from the environment. Throws InputError for a key that would travel unencrypted to another machine,
  // and for one with characters that no header may hold.
  LmmClient(const LmmOptions& options, LmmBudget& budget);

  HttpOptions http_options() const;
  bool has_key() const { return !key_.empty(); }

  // body: the request without response_format. jitter_seed: for the waits.
  ChatReply Ask(HttpClient& http, const nlohmann::ordered_json& body, std::uint64_t jitter_seed,
                const std::function<void(const ChatAttempt&)>& on_attempt);

  // `text` with the key blotted out.
  std::string WithoutKey(const std::string& text) const { return blotter_->Blot(text); }

 private:
  // What is to be done after one HTTP reply.
  enum class Next { kReturn, kAgain, kAgainWithoutSchema };
  Next Read(const HttpReply& http, bool schema, ChatReply& reply) const;
  Next ReadError(const HttpReply& http, bool schema, ChatReply& reply) const;

  bool Wait(double seconds) const;  // false: stopped
  void HoldBackAll(double seconds);
  bool WaitForLeave() const;

  const LmmOptions& options_;
  LmmBudget& budget_;
  std::string url_;
  std::string key_;
  std::optional<KeyBlotter> blotter_;
  std::atomic<bool> schema_;  // whether response_format is sent
  mutable std::mutex mutex_;
  std::chrono::steady_clock::time_point not_before_{};  // a server that asks for a pause asks all threads
};

// The JSON schema of the answer, as response_format takes it.
const nlohmann::ordered_json& AnswerSchema();

}  // namespace dualgeo
