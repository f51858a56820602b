#include "src/lmm/key_blotter.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "util/base64.h"

namespace dualgeo {
namespace {

const std::string kKey = "sk-a/b+c<d>&\"e\\f=4711";

std::string Escaped(const std::string& key, const char* format) {
  std::string out;
  for (const char c : key) {
    char text[16];
    std::snprintf(text, sizeof text, format, static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += text;
  }
  return out;
}

std::string UrlEncoded(const std::string& key) {
  std::string out;
  for (const char c : key)
    out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? std::string(1, c) : Escaped({c}, "%%%02X");
  return out;
}

TEST(KeyBlotterTest, BlotsEverySpelling) {
  const KeyBlotter blotter(kKey);
  const std::string json = nlohmann::json(kKey).dump();
  const std::string twice = nlohmann::json(json).dump();
  const std::string spellings[] = {
      kKey,
      json.substr(1, json.size() - 2),
      twice.substr(3, twice.size() - 6),
      "sk-a\\/b+c\\u003cd\\u003e\\u0026\\\"e\\\\f=4711",
      Escaped(kKey, "\\u%04x"),
      Escaped(kKey, "\\u%04X"),
      Escaped(kKey, "\\\\u%04x"),
      Escaped(kKey, "\\x%02x"),
      UrlEncoded(kKey),
      Escaped(kKey, "%%%02x"),
      Escaped(kKey, "%%25%02X"),
      "sk-a/b+c&lt;d&gt;&amp;&quot;e\\f=4711",
      Escaped(kKey, "&#%u;"),
      Escaped(kKey, "&#x%x;"),
  };
  for (const std::string& spelling : spellings) {
    EXPECT_EQ(blotter.Blot("no such key: " + spelling + " here"), "no such key: (key) here") << spelling;
  }
}

TEST(KeyBlotterTest, BlotsBase64AtEveryAlignment) {
  const std::string key = "sk-very-secret~~~?4711";
  const KeyBlotter blotter(key);
  for (const std::string before : {"", "a", "ab", "Bearer ", "user:", "api-key: "}) {
    for (const std::string after : {"", "x", "xy", "xyz"}) {
      std::string encoded = Base64(before + key + after);
      EXPECT_EQ(blotter.Blot("header " + encoded + "."), "header (key).") << before << after;
      std::replace(encoded.begin(), encoded.end(), '+', '-');
      std::replace(encoded.begin(), encoded.end(), '/', '_');
      EXPECT_EQ(blotter.Blot("header " + encoded + "."), "header (key).") << before << after;
    }
  }
}

TEST(KeyBlotterTest, LeavesTheRestAlone) {
  const KeyBlotter blotter("sk-very-secret-4711");
  const std::string text = R"({"latitude": 48.8584, "note": "sk-very-secret-4712 \u003c 100%25 &amp; \\\\ ok"})";
  EXPECT_EQ(blotter.Blot(text), text);
  EXPECT_EQ(KeyBlotter("").Blot(text), text);
  EXPECT_EQ(KeyBlotter("x").Blot("x is 1"), "x is 1");  // no secret
  EXPECT_EQ(KeyBlotter("EMPTY").Blot("EMPTY"), "(key)");
}

TEST(KeyBlotterTest, TakesTimeInProportionToTheText) {
  const KeyBlotter blotter("\\\\\\\\secret");
  for (const char* unit : {"\\", "%25", "&#", "sk-", "\\u005c"}) {
    std::string text;
    while (text.size() < (1 << 20)) text += unit;
    EXPECT_EQ(blotter.Blot(text), text);
  }
}

}  // namespace
}  // namespace dualgeo
