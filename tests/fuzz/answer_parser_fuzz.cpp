// Any bytes give either a place on Earth or a one-line reason, and the same ones each time.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lmm/answer_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const dualgeo::ParsedAnswer answer = dualgeo::ParseAnswer(text);
  if (answer.location.has_value() != answer.reason.empty()) std::abort();
  if (answer.location) {
    if (!dualgeo::IsValid(*answer.location)) std::abort();
    if (answer.location->lat == 0 && answer.location->lon == 0) std::abort();
  }
  for (const auto& place : answer.alternatives) {
    if (!dualgeo::IsValid(place)) std::abort();
  }
  if (answer.reason.find('\n') != std::string::npos) std::abort();
  if (dualgeo::ParseAnswer(text).location != answer.location) std::abort();
  return 0;
}
