#include "src/serve/gate.h"

#include <gtest/gtest.h>

namespace dualgeo {
namespace {

constexpr const char* kToken = "0123456789abcdef";

TEST(Gate, TakesAddressesAndItsOwnName) {
  const Gate gate("127.0.0.1", "");
  for (const char* host : {"127.0.0.1:8765", "localhost:8765", "localhost", "[::1]:8765", "192.168.1.7:80"}) {
    EXPECT_EQ(gate.Check({.host = host}).status, 0) << host;
  }
  // A name that someone's DNS gives for this address (rebinding), and what is no name.
  for (const char* host : {"evil.example:8765", "127.0.0.1.evil.example", "localhost.evil.example", "", "[", "1.2.3"}) {
    EXPECT_EQ(gate.Check({.host = host}).status, 403) << host;
  }
  EXPECT_EQ(Gate("photos.lab.example", kToken)
                .Check({.host = "photos.lab.example:80", .authorization = std::string("Bearer ") + kToken})
                .status,
            0);
}

TEST(Gate, RefusesWhatAPageOfAnotherOriginSends) {
  const Gate gate("127.0.0.1", "");
  const std::string host = "127.0.0.1:8765";
  const auto post = [&](const std::string& origin, const std::string& site) {
    return gate.Check({.host = host, .origin = origin, .fetch_site = site, .safe = false}).status;
  };
  EXPECT_EQ(post("", ""), 0);  // curl
  EXPECT_EQ(post("http://127.0.0.1:8765", "same-origin"), 0);
  EXPECT_EQ(post("http://evil.example", "cross-site"), 403);
  EXPECT_EQ(post("http://evil.example", ""), 403);
  EXPECT_EQ(post("null", ""), 403);
  EXPECT_EQ(post("http://127.0.0.1:9999", ""), 403);
  EXPECT_EQ(post("", "cross-site"), 403);
  EXPECT_EQ(post("", "same-site"), 403);
  EXPECT_EQ(gate.Check({.host = host, .fetch_site = "cross-site"}).status, 0);  // a link to the page
}

TEST(Gate, WantsTheToken) {
  const Gate gate("0.0.0.0", kToken);
  const auto with = [&](const std::string& authorization, const std::string& cookie) {
    return gate.Check({.host = "10.0.0.2:80", .authorization = authorization, .cookie = cookie}).status;
  };
  EXPECT_EQ(with("", ""), 401);
  EXPECT_EQ(with("Bearer 0123456789abcdeX", ""), 401);
  EXPECT_EQ(with("0123456789abcdef", ""), 401);
  EXPECT_EQ(with("Bearer 0123456789abcdef", ""), 0);
  EXPECT_EQ(with("", "a=b; dualgeo_token=0123456789abcdef; c=d"), 0);
  EXPECT_EQ(with("", "xdualgeo_token=0123456789abcdef"), 401);
  EXPECT_EQ(with("", "dualgeo_token="), 401);
  EXPECT_FALSE(Gate("127.0.0.1", "").IsToken(""));
}

TEST(Gate, KnowsLoopback) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) EXPECT_TRUE(IsLoopback(host)) << host;
  for (const char* host : {"0.0.0.0", "::", "127.evil.example", "192.168.0.1", ""})
    EXPECT_FALSE(IsLoopback(host)) << host;
}

}  // namespace
}  // namespace dualgeo
