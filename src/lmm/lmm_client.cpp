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

bool Blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

// A text, or a list of parts of which those count that are text of the answer, not of reasoning.
std::string PartsOf(const Json& object, const char* key) {
  if (!object.contains(key) || !object[key].is_array()) return Text(object, key);
  std::string text;
  for (const auto& part : object[key]) {
    if (part.is_string()) text += part.get<std::string>();
    if (!part.is_object()) continue;
    const std::string type = Text(part, "type");
    if (type.empty() || type == "text" || type == "output_text") text += Text(part, "text");
  }
  return text;
}

// The JSON object that ends the text ("So it is Paris: {...}"); empty where none does.
std::string EndingObject(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \t\r\n`.");
  if (end == std::string::npos || text[end] != '}') return "";
  int open = 0;
  for (std::size_t i = end + 1; i-- > 0;) {
    open += text[i] == '}' ? 1 : text[i] == '{' ? -1 : 0;
    if (open == 0) return text.substr(i, end + 1 - i);
  }
  return "";
}

// Servers with a reasoning parser put all that some models say into another field. A JSON object at its end is the
// answer that was asked for; anything else is reasoning, which names many places that are not meant.
void ReadOtherFields(const Json& message, ChatReply& reply) {
  for (const char* field : {"reasoning_content", "reasoning", "thinking"}) {
    const std::string text = PartsOf(message, field);
    if (Blank(text)) continue;
    if (reply.finish_reason != "length") reply.text = EndingObject(text);
    if (reply.text.empty()) {
      reply.reason = "content is empty: " + std::to_string(text.size()) + " bytes stand in `" + field +
                     (reply.finish_reason == "length"
                          ? "`, cut off by the token limit; raise it (predict.lmm.max_tokens) or turn reasoning off"
                          : "`; turn the server's reasoning parser off");
    }
    return;
  }
}

// False, with the reason, when the body is no chat completion. A completion with a reason has no answer in it.
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
  reply.text = PartsOf(message, "content");
  if (Blank(reply.text)) reply.text = Text(message, "refusal");
  if (Blank(reply.text)) ReadOtherFields(message, reply);
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
  blotter_.emplace(key_);
}

HttpOptions LmmClient::http_options() const {
  HttpOptions http;
  http.timeout_seconds = options_.timeout_seconds;
  http.connect_timeout_seconds = options_.connect_timeout_seconds;
  http.ca_file = options_.ca_file;
  return http;
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

LmmClient::Next LmmClient::Read(const HttpReply& http, bool schema, ChatReply& reply) const {
  reply.status = http.status;
  reply.body = http.body;
  if (!http.error.empty()) {
    reply.reason = http.error;
    reply.outcome = http.stopped    ? ChatReply::Outcome::kStopped
                    : http.hopeless ? ChatReply::Outcome::kFatal
                                    : ChatReply::Outcome::kGaveUp;
    return reply.outcome == ChatReply::Outcome::kGaveUp ? Next::kAgain : Next::kReturn;
  }
  if (http.status != 200) return ReadError(http, schema, reply);
  if (!ReadCompletion(http.body, reply)) {
    reply.outcome = ChatReply::Outcome::kGaveUp;
    return Next::kAgain;
  }
  // What is written escaped in the body may spell the key.
  for (std::string* text : {&reply.text, &reply.reason, &reply.model, &reply.finish_reason}) *text = WithoutKey(*text);
  reply.outcome = reply.reason.empty() ? ChatReply::Outcome::kAnswer : ChatReply::Outcome::kRejected;
  return Next::kReturn;
}

LmmClient::Next LmmClient::ReadError(const HttpReply& http, bool schema, ChatReply& reply) const {
  const long status = http.status;
  reply.reason = "HTTP " + std::to_string(status) + ": " + Printable(WithoutKey(ErrorMessage(http.body)), 160);
  if (status == 429 && Mentions(http.body, {"insufficient_quota"})) {
    reply.outcome = ChatReply::Outcome::kFatal;
    return Next::kReturn;
  }
  if (status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501 && status != 505)) {
    reply.outcome = ChatReply::Outcome::kGaveUp;
    return Next::kAgain;
  }
  if (status == 400 || status == 413 || status == 415 || status == 422) {
    reply.outcome = ChatReply::Outcome::kRejected;
    const bool of_schema = schema && options_.response_format == "auto" && status != 413 &&
                           Mentions(http.body, {"response_format", "json_schema", "response format", "schema", "guided",
                                                "grammar", "structured"});
    return of_schema ? Next::kAgainWithoutSchema : Next::kReturn;
  }
  reply.outcome = ChatReply::Outcome::kFatal;
  if ((status == 401 || status == 403) && !options_.api_key_env.empty()) {
    reply.reason += " (key: environment variable " + options_.api_key_env + (key_.empty() ? ", not set)" : ")");
  }
  if (status >= 300 && status < 400) reply.reason += " (redirects are not followed)";
  return Next::kReturn;
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
    answer.body = WithoutKey(answer.body);
    answer.error = WithoutKey(answer.error);
    const Next next = Read(answer, schema, reply);
    budget_.Settle(reply.outcome == ChatReply::Outcome::kAnswer, reply.usage_known, reply.prompt_tokens,
                   reply.completion_tokens);
    on_attempt({seconds, reply.status, reply.reason});

    if (next == Next::kAgainWithoutSchema) {
      // Not a retry: another request, once for the whole run.
      if (schema_.exchange(false)) spdlog::info("lmm: the server takes no response_format; going on without");
      --attempt;
      continue;
    }
    if (next == Next::kReturn) return reply;
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
