#include "gate.h"

#include <arpa/inet.h>

namespace dualgeo {
namespace {

// "[::1]:8765" -> "::1", "localhost:80" -> "localhost".
std::string HostName(const std::string& host) {
  if (host.starts_with("[")) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool IsAddress(const std::string& name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

std::string CookieOf(const std::string& cookies, const std::string& name) {
  for (std::size_t at = 0; at < cookies.size();) {
    std::size_t end = cookies.find(';', at);
    if (end == std::string::npos) end = cookies.size();
    while (at < end && cookies[at] == ' ') ++at;
    if (cookies.compare(at, name.size() + 1, name + "=") == 0) {
      return cookies.substr(at + name.size() + 1, end - at - name.size() - 1);
    }
    at = end + 1;
  }
  return "";
}

}  // namespace

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && IsAddress(host));
}

// Takes as long for a wrong token as for the right one.
bool Gate::IsToken(const std::string& text) const {
  if (token_.empty() || text.size() != token_.size()) return false;
  unsigned char differs = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    differs |= static_cast<unsigned char>(text[i]) ^ static_cast<unsigned char>(token_[i]);
  }
  return differs == 0;
}

Refusal Gate::Check(const Caller& caller) const {
  // A name that an attacker's DNS gives for this address is neither an address nor ours.
  const std::string name = HostName(caller.host);
  if (name != "localhost" && name != host_ && !IsAddress(name)) {
    return {403, "the Host of the request is not this server"};
  }
  const bool foreign = !caller.fetch_site.empty() && caller.fetch_site != "same-origin" && caller.fetch_site != "none";
  if (!caller.safe && (foreign || (!caller.origin.empty() && caller.origin != "http://" + caller.host &&
                                   caller.origin != "https://" + caller.host))) {
    return {403, "the request comes from a page of another origin"};
  }
  if (token_.empty()) return {};
  constexpr const char* kBearer = "Bearer ";
  const bool bearer =
      caller.authorization.starts_with(kBearer) && IsToken(caller.authorization.substr(std::string(kBearer).size()));
  if (bearer || IsToken(CookieOf(caller.cookie, kCookie))) return {};
  return {401, "needs the token: Authorization: Bearer TOKEN, or open /?token=TOKEN once"};
}

}  // namespace dualgeo
