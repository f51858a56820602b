#include "http_client.h"

#include <curl/curl.h>

#include <cerrno>
#include <chrono>
#include <mutex>

#include "dualgeo/util/error.h"
#include "dualgeo/util/stop.h"
#include "dualgeo/util/text.h"
#include "dualgeo/util/version.h"

namespace dualgeo {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kGraceAfterStop{10};

struct Transfer {
  std::string body;
  std::size_t max_bytes = 0;
  bool too_large = false;
  bool stopped = false;
  std::optional<Clock::time_point> stop_seen;
};

std::size_t Write(char* data, std::size_t size, std::size_t count, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  const std::size_t bytes = size * count;
  if (transfer.body.size() + bytes > transfer.max_bytes) {
    transfer.too_large = true;
    return 0;
  }
  transfer.body.append(data, bytes);
  return bytes;
}

int Watch(void* of, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& transfer = *static_cast<Transfer*>(of);
  if (!StopRequested()) return 0;
  const auto now = Clock::now();
  if (!transfer.stop_seen) transfer.stop_seen = now;
  transfer.stopped = now - *transfer.stop_seen > kGraceAfterStop;
  return transfer.stopped ? 1 : 0;
}

// "Failed to connect to 127.0.0.1 port 9 after 0 ms: ...": with the time in it every failure would be one of its kind.
std::string WithoutTime(std::string message) {
  const std::size_t begin = message.find(" after ");
  const std::size_t end = message.find(" ms", begin == std::string::npos ? begin : begin + 7);
  if (end == std::string::npos || message.find_first_not_of("0123456789", begin + 7) != end) return message;
  return message.erase(begin, end + 3 - begin);
}

long Milliseconds(double seconds) { return static_cast<long>(seconds * 1000 + 0.5); }

}  // namespace

struct HttpClient::Impl {
  HttpOptions options;
  CURL* curl = nullptr;
  char message[CURL_ERROR_SIZE] = "";
};

HttpClient::HttpClient(const HttpOptions& options) : impl_(std::make_unique<Impl>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  impl_->options = options;
  impl_->curl = curl_easy_init();
  if (impl_->curl == nullptr) throw Error("libcurl cannot start");
}

HttpClient::~HttpClient() { curl_easy_cleanup(impl_->curl); }

HttpReply HttpClient::PostJson(const std::string& url, const std::string& body, const std::string& bearer) {
  CURL* curl = impl_->curl;
  curl_easy_reset(curl);
  Transfer transfer;
  transfer.max_bytes = impl_->options.max_bytes;
  impl_->message[0] = '\0';

  struct List {
    curl_slist* items = nullptr;
    ~List() { curl_slist_free_all(items); }
    void Add(const std::string& line) { items = curl_slist_append(items, line.c_str()); }
  } headers;
  headers.Add("Content-Type: application/json");
  headers.Add("Accept: application/json");
  headers.Add("Expect:");  // no pause before the body
  if (!bearer.empty()) headers.Add("Authorization: Bearer " + bearer);

  const std::string agent = std::string("dualgeo/") + kVersion;
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, impl_->message);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  // On a kept connection that breaks, libcurl sends the request a second time by itself; it could be billed twice, and
  // no budget would know. A handshake is little beside an answer.
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
  if (!impl_->options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, impl_->options.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, agent.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.items);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, Milliseconds(impl_->options.timeout_seconds));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(impl_->options.connect_timeout_seconds));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Write);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, Watch);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);

  const CURLcode code = curl_easy_perform(curl);
  HttpReply reply;
  if (code != CURLE_OK) {
    const std::string detail = impl_->message[0] != '\0' ? impl_->message : curl_easy_strerror(code);
    reply.error = transfer.too_large ? "reply larger than " + std::to_string(transfer.max_bytes >> 20) + " MiB"
                  : transfer.stopped ? "interrupted"
                                     : Printable(WithoutTime(detail), 200);
    long reason = 0;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &reason);
    // Of this process, not of the server: nothing that comes after would fare better.
    if (reason == EMFILE || reason == ENFILE || reason == ENOMEM) {
      throw Error("cannot connect to " + url + ": " + ErrnoText(static_cast<int>(reason)));
    }
    reply.stopped = transfer.stopped;
    reply.hopeless = transfer.too_large || code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_URL_MALFORMAT ||
                     code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_SSL_CACERT_BADFILE ||
                     code == CURLE_SSL_ISSUER_ERROR;
    return reply;
  }
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  curl_off_t wait = 0;
  if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0) {
    reply.retry_after_seconds = static_cast<double>(wait);
  }
  reply.body = std::move(transfer.body);
  return reply;
}

}  // namespace dualgeo
