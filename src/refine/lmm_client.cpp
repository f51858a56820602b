#include "lmm_client.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>

#include "dualgeo/util/error.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
constexpr double kLongestBackoffSeconds = 60;

bool IsLoopback(const std::string& endpoint) {
  const std::size_t begin = endpoint.find("://") + 3;
  std::string host = endpoint.substr(begin, endpoint.find('/', begin) - begin);
  if (host.starts_with("[::1]")) return true;
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

// What a reply says of errors: {"error": {"message": ..., "code": ...}}, {"error": "..."}, {"message": ...}, or text.
std::string ErrorMessage(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_object()) {
    for (const char* key : {"error", "message", "detail"}) {
      if (!json.contains(key)) continue;
      const Json& value = json[key];
      if (value.is_string()) return value.get<std::string>();
      if (value.is_object() && value.contains("message") && value["message"].is_string()) {
        return value["message"].get<std::string>();
      }
      return value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
  }
  return body;
}

bool Mentions(std::string text, std::initializer_list<const char*> words) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.find(word) != std::string::npos; });
}

std::int64_t Count(const Json& object, const char* key) {
  if (!object.contains(key) || !object[key].is_number()) return 0;
  const double value = object[key].get<double>();
  return value > 0 && value < 1e15 ? static_cast<std::int64_t>(value) : 0;
}

std::string Text(const Json& object, const char* key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : std::string();
}

// False, with the reason, when the body is no chat completion.
bool ReadCompletion(const std::string& body, ChatReply& reply) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) {
    reply.reason = "reply is not JSON: " + Printable(body, 80);
    return false;
  }
  // What was billed counts, also when the rest is of no use.
  if (json.contains("usage") && json["usage"].is_object() && json["usage"].contains("prompt_tokens")) {
    reply.usage_known = true;
    reply.prompt_tokens = Count(json["usage"], "prompt_tokens");
    reply.completion_tokens = Count(json["usage"], "completion_tokens");
  }
  reply.model = Text(json, "model");
  if (!json.contains("choices") || !json["choices"].is_array() || json["choices"].empty() ||
      !json["choices"][0].is_object() || !json["choices"][0].contains("message") ||
      !json["choices"][0]["message"].is_object()) {
    reply.reason = "reply is no chat completion: " + Printable(ErrorMessage(body), 120);
    return false;
  }
  const Json& choice = json["choices"][0];
  const Json& message = choice["message"];
  reply.finish_reason = Text(choice, "finish_reason");
  if (message.contains("content") && message["content"].is_array()) {
    for (const auto& part : message["content"]) {
      if (part.is_object()) reply.text += Text(part, "text");
    }
  } else {
    reply.text = Text(message, "content");
  }
  if (reply.text.empty()) reply.text = Text(message, "refusal");
  return true;
}

}  // namespace

const Json& AnswerSchema() {
  static const Json schema = Json::parse(R"({
    "type": "json_schema",
    "json_schema": {
      "name": "location",
      "strict": true,
      "schema": {
        "type": "object",
        "properties": {"latitude": {"type": "number"}, "longitude": {"type": "number"}},
        "required": ["latitude", "longitude"],
        "additionalProperties": false
      }
    }
  })");
  return schema;
}

LmmClient::LmmClient(const LmmOptions& options, LmmBudget& budget)
    : options_(options), budget_(budget), schema_(options.response_format != "none") {
  url_ = options.endpoint;
  while (url_.ends_with('/')) url_.pop_back();
  url_ += "/chat/completions";
  if (!options.api_key_env.empty()) {
    const char* key = std::getenv(options.api_key_env.c_str());
    if (key != nullptr) key_ = key;
  }
  for (const char c : key_) {
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 127) {
      throw InputError("the key in " + options.api_key_env + " holds a blank or a control character");
    }
  }
  if (!key_.empty() && url_.starts_with("http://") && !IsLoopback(url_)) {
    throw InputError("the key in " + options.api_key_env + " would travel unencrypted to " + options.endpoint +
                     "; use https, a tunnel to localhost, or unset it");
  }
}

HttpOptions LmmClient::http_options() const {
  HttpOptions http;
  http.timeout_seconds = options_.timeout_seconds;
  http.connect_timeout_seconds = options_.connect_timeout_seconds;
  http.ca_file = options_.ca_file;
  return http;
}

std::string LmmClient::WithoutKey(std::string text) const {
  if (key_.empty()) return text;
  constexpr std::string_view kBlot = "(key)";
  for (std::size_t at = 0; (at = text.find(key_, at)) != std::string::npos; at += kBlot.size()) {
    text.replace(at, key_.size(), kBlot);
  }
  return text;
}

bool LmmClient::Wait(double seconds) const {
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (!StopRequested()) {
    const auto now = Clock::now();
    if (now >= end) return true;
    std::this_thread::sleep_for(std::min<Clock::duration>(std::chrono::milliseconds(50),
                                                          std::chrono::duration_cast<Clock::duration>(end - now)));
  }
  return false;
}

void LmmClient::HoldBackAll(double seconds) {
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const std::lock_guard lock(mutex_);
  not_before_ = std::max(not_before_, until);
}

bool LmmClient::WaitForLeave() const {
  while (true) {
    Clock::time_point until;
    {
      const std::lock_guard lock(mutex_);
      until = not_before_;
    }
    const double seconds = std::chrono::duration<double>(until - Clock::now()).count();
    if (seconds <= 0) return !StopRequested();
    if (!Wait(seconds)) return false;
  }
}

ChatReply LmmClient::Ask(HttpClient& http, const Json& body, std::uint64_t jitter_seed,
                         const std::function<void(const ChatAttempt&)>& on_attempt) {
  Random random(jitter_seed);
  const auto dump = [](const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
  const std::string plain = dump(body);
  std::string with_schema;
  if (options_.response_format != "none") {
    Json formatted = body;
    formatted["response_format"] = AnswerSchema();
    with_schema = dump(formatted);
  }

  for (int attempt = 0;; ++attempt) {
    ChatReply reply;
    if (!WaitForLeave()) {
      reply.reason = "interrupted";
      return reply;
    }
    if (!budget_.Reserve()) {
      reply.reason = budget_.spent();
      return reply;
    }
    const bool schema = schema_;
    const auto begin = Clock::now();
    HttpReply answer = http.PostJson(url_, schema ? with_schema : plain, key_);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    answer.body = WithoutKey(std::move(answer.body));
    reply.status = answer.status;
    reply.body = answer.body;

    bool again = false;
    bool without_schema = false;
    if (!answer.error.empty()) {
      reply.reason = WithoutKey(answer.error);
      reply.outcome = answer.stopped    ? ChatReply::Outcome::kStopped
                      : answer.hopeless ? ChatReply::Outcome::kFatal
                                        : ChatReply::Outcome::kGaveUp;
      again = !answer.stopped && !answer.hopeless;
    } else if (answer.status == 200) {
      again = !ReadCompletion(answer.body, reply);
      reply.outcome = again ? ChatReply::Outcome::kGaveUp : ChatReply::Outcome::kAnswer;
    } else {
      const std::string message = ErrorMessage(answer.body);
      reply.reason = "HTTP " + std::to_string(answer.status) + ": " + Printable(message, 160);
      const long status = answer.status;
      if (status == 429 && Mentions(answer.body, {"insufficient_quota"})) {
        reply.outcome = ChatReply::Outcome::kFatal;
      } else if (status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501 && status != 505)) {
        reply.outcome = ChatReply::Outcome::kGaveUp;
        again = true;
      } else if (status == 400 || status == 413 || status == 415 || status == 422) {
        reply.outcome = ChatReply::Outcome::kRejected;
        without_schema = schema && options_.response_format == "auto" && status != 413 &&
                         Mentions(answer.body, {"response_format", "json_schema", "response format", "schema", "guided",
                                                "grammar", "structured"});
      } else {
        reply.outcome = ChatReply::Outcome::kFatal;
        if (status == 401 || status == 403) {
          reply.reason += options_.api_key_env.empty() ? ""
                                                       : " (key: environment variable " + options_.api_key_env +
                                                             (key_.empty() ? ", not set)" : ")");
        }
        if (status >= 300 && status < 400) reply.reason += " (redirects are not followed)";
      }
    }
    budget_.Settle(reply.outcome == ChatReply::Outcome::kAnswer, reply.usage_known, reply.prompt_tokens,
                   reply.completion_tokens);
    on_attempt({seconds, reply.status, reply.reason});

    if (without_schema) {
      // Not a retry: another request, once for the whole run.
      if (schema_.exchange(false)) spdlog::info("lmm: the server takes no response_format; going on without");
      --attempt;
      continue;
    }
    if (!again) return reply;
    if (answer.retry_after_seconds && *answer.retry_after_seconds > options_.max_wait_seconds) {
      reply.outcome = ChatReply::Outcome::kFatal;
      reply.reason += "; it asks to wait " + FormatDouble(*answer.retry_after_seconds) +
                      " s, more than max_wait_seconds " + FormatDouble(options_.max_wait_seconds);
      return reply;
    }
    if (answer.retry_after_seconds) HoldBackAll(*answer.retry_after_seconds);
    if (attempt >= options_.retries) {
      reply.reason += " (" + std::to_string(attempt + 1) + " attempts)";
      return reply;
    }
    // Jitter, lest all threads come back at once.
    const double backoff = std::min(kLongestBackoffSeconds, options_.retry_seconds * std::pow(2.0, attempt));
    spdlog::debug("lmm: {}; attempt {}", reply.reason, attempt + 1);
    if (!Wait(answer.retry_after_seconds.value_or(0) + backoff * random.Uniform(0.5, 1.0))) {
      reply.outcome = ChatReply::Outcome::kStopped;
      reply.reason = "interrupted";
      return reply;
    }
  }
}

}  // namespace dualgeo
