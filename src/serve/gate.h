// Who may ask the server (serve.h).
#pragma once

#include <string>

namespace dualgeo {

// What a request says of itself; empty: the header is not there.
struct Caller {
  std::string host = {}, origin = {}, fetch_site = {}, authorization = {}, cookie = {};
  bool safe = true;  // GET or HEAD
};

struct Refusal {
  int status = 0;  // 0: none
  std::string reason;
};

class Gate {
 public:
  // host: that is listened on; token: empty: none is needed.
  Gate(std::string host, std::string token) : host_(std::move(host)), token_(std::move(token)) {}

  Refusal Check(const Caller& caller) const;
  bool IsToken(const std::string& text) const;

  static constexpr const char* kCookie = "dualgeo_token";

 private:
  std::string host_, token_;
};

bool IsLoopback(const std::string& host);

}  // namespace dualgeo
