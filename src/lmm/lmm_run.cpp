#include "lmm/lmm_run.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "data/data_url.h"
#include "data/photo_source.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/hash.h"
#include "dualgeo/util/random.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "http_client.h"
#include "lmm/answer_parser.h"
#include "lmm/lmm_cache.h"
#include "lmm_budget.h"
#include "lmm_client.h"
#include "util/progress.h"

namespace dualgeo {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The request but for response_format and the photo, for which `image_url` stands.
Json RequestBody(const LmmOptions& options, const std::string& prompt, const std::string& image_url, int sample) {
  Json body;
  if (!options.model.empty()) body["model"] = options.model;
  body["messages"] = Json::array(
      {{{"role", "user"},
        {"content",
         Json::array({{{"type", "text"}, {"text", prompt}},
                      {{"type", "image_url"}, {"image_url", {{"url", image_url}, {"detail", options.detail}}}}})}}});
  body["temperature"] = options.temperature;
  if (options.max_tokens > 0) body["max_tokens"] = options.max_tokens;
  if (options.seed) body["seed"] = static_cast<std::int64_t>(*options.seed) + sample;
  if (!options.extra.empty()) body.update(Json::parse(options.extra));
  return body;
}

constexpr std::chrono::milliseconds kFirstLook{20}, kLastLook{500};  // at a question that another process asks

// An answer that the token limit cut off may have lost digits of its last number.
std::string WithoutLastNumber(const std::string& text) {
  const std::size_t end = text.find_last_not_of("0123456789.+-");
  return text.substr(0, end == std::string::npos ? 0 : end + 1);
}

class Run {
 public:
  Run(const LmmOptions& options, const std::vector<CandidateList>& lists, const LmmInputs& inputs)
      : options_(options),
        lists_(lists),
        inputs_(inputs),
        prompt_(PromptTemplate::Load(options.prompt)),
        photos_(inputs.images.empty() ? nullptr : OpenPhotoSource(inputs.images)),
        budget_(options.budget),
        cache_(options.cache, options.offline ? LmmCache::Mode::kReadOnly : LmmCache::Mode::kReadWrite),
        answers_(lists.size()),
        progress_(options.offline ? "replay" : "ask", static_cast<std::int64_t>(lists.size()), "photos") {
    if (!photos_ && !options.offline) throw InputError("the language model needs the photos: give --images");
    if (!options.offline) client_.emplace(options_, budget_);
  }

  LmmRun Go() {
    std::vector<std::thread> threads;
    const int count = static_cast<int>(
        std::min<std::size_t>(static_cast<std::size_t>(options_.concurrency), std::max<std::size_t>(lists_.size(), 1)));
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([this] {
        try {
          Work();
        } catch (...) {
          const std::lock_guard lock(mutex_);
          if (!error_) error_ = std::current_exception();
          next_ = lists_.size();
        }
      });
    }
    for (auto& thread : threads) thread.join();
    progress_.Finish();
    LmmRun run;
    const LmmSpending spending = budget_.spending();
    usage_.requests = spending.requests;
    usage_.prompt_tokens = spending.prompt_tokens;
    usage_.completion_tokens = spending.completion_tokens;
    usage_.cost = spending.cost;
    usage_.total_cost = budget_.Cost(usage_.total_prompt_tokens, usage_.total_completion_tokens);
    if (StopRequested()) {
      throw Interrupted("interrupted after " + std::to_string(usage_.requests) + " requests; the answers are in " +
                        options_.cache + ", run again to go on");
    }
    if (error_) std::rethrow_exception(error_);
    if (options_.offline && usage_.cached == 0 && usage_.questions > 0) {
      throw InputError(options_.cache + ": offline, and none of " + std::to_string(usage_.questions) +
                       " questions is in the cache: photos, candidates, endpoint, model, prompt and sampling settings "
                       "must be those of the run that filled it");
    }
    for (auto& photo : answers_) {
      for (auto& answer : photo) run.answers.push_back(std::move(answer));
    }
    run.usage = usage_;
    if (stopped_.empty()) StopIfNothingCame(run.answers);
    run.stopped = stopped_;
    run.failed = failed_;
    return run;
  }

 private:
  // A run to which the model said nothing at all has failed, whatever became of each question.
  void StopIfNothingCame(const std::vector<LmmAnswer>& answers) {
    std::map<std::string, int> reasons;
    for (const LmmAnswer& answer : answers) {
      if (answer.reply == LmmAnswer::Reply::kGiven) return;
      ++reasons[answer.reason];
    }
    if (answers.empty()) return;
    const auto most = std::max_element(reasons.begin(), reasons.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    Stop("the language model answered none of " + std::to_string(answers.size()) + " questions: " + most->first, true);
  }

  void Work() {
    std::optional<HttpClient> http;
    if (!options_.offline) http.emplace(client_->http_options());
    while (!StopRequested()) {
      const std::size_t i = next_++;
      if (i >= lists_.size()) return;
      answers_[i] = Photo(lists_[i], http ? &*http : nullptr);
      const std::lock_guard lock(mutex_);
      progress_.Add(1);
    }
  }

  // The photo's bytes and their hash; a hash alone when offline without photos.
  struct PhotoBytes {
    std::string bytes;
    std::string sha256;
  };
  PhotoBytes Read(const std::string& id) {
    if (!photos_) {
      const auto sha256 = cache_.FindPhoto(id);
      if (!sha256) throw InputError("not in the cache");
      return {"", *sha256};
    }
    PhotoBytes photo;
    photo.bytes = photos_->Read(id);
    photo.sha256 = Sha256(photo.bytes);
    if (!options_.offline && cache_.FindPhoto(id) != photo.sha256) cache_.PutPhoto(id, photo.sha256);
    return photo;
  }

  std::vector<LmmAnswer> Photo(const CandidateList& list, HttpClient* http) {
    std::vector<LmmAnswer> answers;
    PhotoBytes photo;
    std::string unreadable;
    try {
      photo = Read(list.query_id);
    } catch (const InputError& error) {
      unreadable = photos_ ? std::string("unreadable photo: ") + error.what() : error.what();
    }
    const auto no_photo = photos_ ? LmmAnswer::Reply::kRefused : LmmAnswer::Reply::kAskAgain;
    std::string url;  // made when the first question goes to the server
    std::set<std::pair<int, int>> asked;
    for (const int positives : options_.positives) {
      const PromptTemplate::Prompt prompt = prompt_.Render(list, positives, options_.negatives, inputs_.places);
      if (!asked.emplace(prompt.similar, prompt.dissimilar).second) continue;
      for (int sample = 0; sample < options_.samples; ++sample) {
        LmmAnswer answer;
        answer.query_id = list.query_id;
        answer.prompt = prompt_.name() + "/" + std::to_string(positives);
        answer.sample = sample;
        if (unreadable.empty()) {
          Question(prompt.text, photo, url, http, answer);
        } else {
          NoReply(answer, no_photo, unreadable, photos_ ? "unreadable photo" : "");
          const std::lock_guard lock(mutex_);
          ++usage_.questions;
        }
        answers.push_back(std::move(answer));
      }
    }
    return answers;
  }

  void Question(const std::string& prompt, const PhotoBytes& photo, std::string& url, HttpClient* http,
                LmmAnswer& answer) {
    // All that determines the reply, and nothing else; the photo by its hash, so that other versions of the JPEG
    // library replay, too.
    const Json request = {{"version", 1},
                          {"endpoint", options_.endpoint},
                          {"body", RequestBody(options_, prompt, "sha256:" + photo.sha256, answer.sample)},
                          {"image_side", options_.image_side},
                          {"jpeg_quality", options_.jpeg_quality},
                          {"response_format", options_.response_format},
                          {"sample", answer.sample}};
    const std::string request_text = Dump(request);
    const std::string key = Sha256(request_text);
    {
      const std::lock_guard lock(mutex_);
      ++usage_.questions;
    }
    if (options_.offline) {
      if (const auto cached = cache_.Find(key)) {
        UseCached(*cached, answer);
      } else {
        NoReply(answer, LmmAnswer::Reply::kAskAgain, "not in the cache", "");
      }
      return;
    }
    if (!MayAsk(key, answer)) return;
    const struct Release {
      LmmCache& cache;
      const std::string& key;
      ~Release() { cache.Release(key); }
    } release{cache_, key};
    AskServer(key, request_text, prompt, photo, url, *http, answer);
  }

  // A reply takes a request with its wait at most; each attempt renews the claim.
  double lease_seconds() const { return options_.timeout_seconds + options_.max_wait_seconds + 60; }

  // True when this thread has claimed the question. False when `answer` is settled: by the cache, by another process
  // that asked the same question meanwhile, or because the run has stopped.
  bool MayAsk(const std::string& key, LmmAnswer& answer) {
    const auto final = [&](const CachedAnswer& cached) {
      return cached.outcome == "answer" || (cached.outcome == "rejected" && !options_.retry_failed);
    };
    const auto before = cache_.Find(key);
    if (before && final(*before)) {
      UseCached(*before, answer);
      return false;
    }
    for (auto look = kFirstLook;; look = std::min(2 * look, kLastLook)) {
      std::string why = stopped();
      if (StopRequested()) why = "interrupted";
      if (!why.empty()) {
        NoReply(answer, LmmAnswer::Reply::kAskAgain, why, "");
        return false;
      }
      const bool claimed = cache_.Claim(key, lease_seconds());
      // Claimed first: nobody can answer it between this look and the request.
      const auto now = cache_.Find(key);
      if (now && (!before || now->row != before->row)) {
        if (claimed) cache_.Release(key);
        UseCached(*now, answer);
        return false;
      }
      if (claimed) return true;
      std::this_thread::sleep_for(look);
    }
  }

  void AskServer(const std::string& key, const std::string& request, const std::string& prompt, const PhotoBytes& photo,
                 std::string& url, HttpClient& http, LmmAnswer& answer) {
    if (url.empty()) {
      try {
        url = PhotoDataUrl(photo.bytes, photos_->Name(answer.query_id), options_.image_side, options_.jpeg_quality);
      } catch (const InputError& error) {
        NoReply(answer, LmmAnswer::Reply::kRefused, std::string("unreadable photo: ") + error.what(),
                "unreadable photo");
        return;
      }
    }
    std::call_once(disclosed_, [this] { Disclose(); });
    const ChatReply reply = client_->Ask(http, RequestBody(options_, prompt, url, answer.sample),
                                         DeriveSeed(std::stoull(key.substr(0, 15), nullptr, 16), "backoff"),
                                         [&](const ChatAttempt& attempt) {
                                           cache_.LogAttempt(key, attempt.seconds, attempt.status, attempt.error);
                                           cache_.Renew(key, lease_seconds());
                                         });
    Record(key, request, reply, answer);
  }

  // A config from elsewhere may name any file as prompt and any variable as key: what leaves this machine beside photos
  // and coordinates is said before it does.
  void Disclose() const {
    if (!PromptTemplate::IsBuiltIn(options_.prompt)) {
      spdlog::warn("lmm: the text of the prompt file {} is sent to {}", Printable(options_.prompt, 500),
                   options_.endpoint);
    }
    if (client_->has_key()) {
      spdlog::warn("lmm: the key in the environment variable {} is sent to {}", Printable(options_.api_key_env, 200),
                   options_.endpoint);
    }
  }

  void Record(const std::string& key, const std::string& request, const ChatReply& reply, LmmAnswer& answer) {
    if (reply.outcome == ChatReply::Outcome::kStopped || reply.outcome == ChatReply::Outcome::kFatal) {
      const bool fatal = reply.outcome == ChatReply::Outcome::kFatal;
      if (fatal || !StopRequested()) Stop(reply.reason, fatal);
      NoReply(answer, LmmAnswer::Reply::kAskAgain, reply.reason, fatal ? KindOf(reply.status) : "");
      return;
    }
    CachedAnswer cached;
    cached.outcome = reply.outcome == ChatReply::Outcome::kAnswer     ? "answer"
                     : reply.outcome == ChatReply::Outcome::kRejected ? "rejected"
                                                                      : "gave_up";
    cached.key = key;
    cached.text = reply.text;
    cached.reason = reply.reason;
    cached.status = reply.status;
    cached.photo = answer.query_id;
    cached.prompt = answer.prompt;
    cached.sample = answer.sample;
    cached.request = request;
    cached.response = reply.body;
    cached.model = reply.model;
    cached.finish_reason = reply.finish_reason;
    cached.prompt_tokens = reply.prompt_tokens;
    cached.completion_tokens = reply.completion_tokens;
    Keep(cached);
    Use(cached, answer);

    if (reply.outcome != ChatReply::Outcome::kGaveUp) {
      failures_ = 0;
    } else if (++failures_ >= options_.stop_after_failures) {
      Stop("server gave no reply to " + std::to_string(options_.stop_after_failures) +
               " requests in a row: " + reply.reason,
           true);
    }
  }

  // A refusal is the last word on its photo only where the server answers others: as long as it refuses everything, the
  // settings or the server are at fault, and the next run asks again.
  void Keep(const CachedAnswer& cached) {
    bool all_refused = false;
    {
      const std::lock_guard lock(refusals_mutex_);
      if (cached.outcome == "rejected" && !answered_) {
        refused_.push_back(cached);
        CachedAnswer open = cached;
        open.outcome = "gave_up";
        cache_.Put(open);
        all_refused = static_cast<int>(refused_.size()) >= options_.stop_after_failures &&
                      std::all_of(refused_.begin(), refused_.end(),
                                  [&](const CachedAnswer& other) { return other.status == cached.status; });
      } else {
        cache_.Put(cached);
      }
    }
    if (all_refused) {
      Stop("server refused the first " + std::to_string(options_.stop_after_failures) + " requests: " + cached.reason,
           true);
    }
  }

  // The server, or the one that filled the cache, answers: its refusals are meant for their photos.
  void KeepRefusals() {
    const std::lock_guard lock(refusals_mutex_);
    answered_ = true;
    for (const CachedAnswer& refusal : refused_) cache_.Put(refusal);
    refused_.clear();
  }

  void UseCached(const CachedAnswer& cached, LmmAnswer& answer) {
    Use(cached, answer);
    const std::lock_guard lock(mutex_);
    ++usage_.cached;
  }

  void Use(const CachedAnswer& cached, LmmAnswer& answer) {
    if (cached.outcome == "answer") {
      const bool at_limit = cached.finish_reason == "length";
      const auto parse = options_.parser == "decimals" ? ParseDecimals : ParseAnswer;
      ParsedAnswer parsed = parse(at_limit ? WithoutLastNumber(cached.text) : cached.text);
      answer.location = parsed.location;
      answer.reason = std::move(parsed.reason);
      if (!answer.location && at_limit) answer.reason += " (cut off by the token limit)";
      if (!answer.location && cached.finish_reason == "content_filter") answer.reason += " (content filter)";
      if (!options_.offline) KeepRefusals();
    } else {
      NoReply(answer, cached.outcome == "rejected" ? LmmAnswer::Reply::kRefused : LmmAnswer::Reply::kAskAgain,
              cached.reason, KindOf(cached.status));
    }
    const std::lock_guard lock(mutex_);
    usage_.total_prompt_tokens += cached.prompt_tokens;
    usage_.total_completion_tokens += cached.completion_tokens;
  }

  static std::string KindOf(long status) { return status == 0 ? "no reply" : "HTTP " + std::to_string(status); }

  // The first failure of a kind is shown at once, with the server's words; all are counted at the end. kind empty: it
  // is no fault.
  void NoReply(LmmAnswer& answer, LmmAnswer::Reply reply, const std::string& reason, const std::string& kind) {
    answer.reply = reply;
    answer.reason = reason;
    if (kind.empty()) return;
    const std::lock_guard lock(mutex_);
    if (told_.insert(kind).second) spdlog::warn("lmm: {}: {}", Printable(answer.query_id), reason);
  }

  // The others finish what is under way and take the rest from the cache.
  void Stop(const std::string& why, bool failed) {
    const std::lock_guard lock(mutex_);
    if (!stopped_.empty()) return;
    stopped_ = why;
    failed_ = failed;
  }
  std::string stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_.empty() ? "" : "not asked: " + stopped_;
  }

  const LmmOptions& options_;
  const std::vector<CandidateList>& lists_;
  const LmmInputs& inputs_;
  const PromptTemplate prompt_;
  const std::unique_ptr<PhotoSource> photos_;
  LmmBudget budget_;
  std::optional<LmmClient> client_;  // none when offline
  LmmCache cache_;
  std::vector<std::vector<LmmAnswer>> answers_;
  std::atomic<std::size_t> next_{0};
  std::atomic<int> failures_{0};
  std::once_flag disclosed_;
  std::mutex refusals_mutex_;          // of the two that follow
  std::vector<CachedAnswer> refused_;  // as long as nothing was answered
  bool answered_ = false;
  std::mutex mutex_;  // of what follows
  std::set<std::string> told_;
  Progress progress_;
  LmmUsage usage_;
  std::string stopped_;
  bool failed_ = false;
  std::exception_ptr error_;
};

}  // namespace

LmmRun AskAboutPhotos(const LmmOptions& options, const std::vector<CandidateList>& lists, const LmmInputs& inputs) {
  options.Validate();
  return Run(options, lists, inputs).Go();
}

}  // namespace dualgeo
