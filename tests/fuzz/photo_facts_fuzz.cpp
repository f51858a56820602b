// Any bytes say of themselves what is possible, or nothing; they are no error.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>

#include "data/photo_facts.h"
#include "fuzz_support.h"

using dualgeo::Require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spdlog::set_level(spdlog::level::off);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const dualgeo::PhotoFacts facts = dualgeo::FactsInPhoto(bytes);
  Require(facts.orientation >= 1 && facts.orientation <= 8);
  if (facts.location) {
    Require(facts.without_location.empty());
    Require(facts.location->lat >= -90 && facts.location->lat <= 90);
    Require(facts.location->lon >= -180 && facts.location->lon <= 180);
  }
  if (facts.heading_deg) Require(*facts.heading_deg >= 0 && *facts.heading_deg < 360);
  Require(facts.author.size() <= 200);
  Require(std::ranges::none_of(facts.author, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
  if (const auto named = dualgeo::FactsInName(bytes); named && named->location) {
    Require(named->location->lat >= -90 && named->location->lat <= 90);
  }
  return 0;
}
