// One HTTP POST at a time over libcurl, with bounds on time and size. One object per thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace dualgeo {

struct HttpOptions {
  double timeout_seconds = 120;
  double connect_timeout_seconds = 10;
  std::size_t max_bytes = std::size_t{8} << 20;  // of a reply
  std::string ca_file;                           // empty: the system's certificates
};

struct HttpReply {
  long status = 0;                            // 0: no complete reply
  std::string body;                           // empty unless complete
  std::optional<double> retry_after_seconds;  // of the header Retry-After, seconds or date
  std::string error;                          // why there is no complete reply
  bool hopeless = false;                      // the error will not go away: certificate refused, URL malformed
  bool stopped = false;                       // Ctrl-C
};

class HttpClient {
 public:
  explicit HttpClient(const HttpOptions& options);
  ~HttpClient();

  // bearer: key for "Authorization: Bearer", empty for none. Certificates are verified; redirects are not followed (a
  // key must not travel to another host). After Ctrl-C a request under way has ten more seconds, so that an answer that
  // is paid for is kept.
  HttpReply PostJson(const std::string& url, const std::string& body, const std::string& bearer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dualgeo
