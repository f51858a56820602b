#include "dualgeo/util/random.h"

#include <bit>

namespace dualgeo {
namespace {

std::uint64_t SplitMix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t DeriveSeed(std::uint64_t seed, std::string_view purpose, std::uint64_t a, std::uint64_t b) {
  std::uint64_t name = 0xCBF29CE484222325ULL;  // FNV-1a of the purpose
  for (const char c : purpose) name = (name ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  std::uint64_t state = seed;
  for (const std::uint64_t part : {name, a, b}) state = SplitMix64(state) ^ part;
  return SplitMix64(state);
}

Random::Random(std::uint64_t seed) {
  for (auto& word : s_) word = SplitMix64(seed);
}

std::uint64_t Random::Next() {
  const std::uint64_t result = std::rotl(s_[1] * 5, 7) * 9;
  const std::uint64_t t = s_[1] << 17;
  s_[2] ^= s_[0];
  s_[3] ^= s_[1];
  s_[1] ^= s_[2];
  s_[0] ^= s_[3];
  s_[2] ^= t;
  s_[3] = std::rotl(s_[3], 45);
  return result;
}

std::uint64_t Random::Below(std::uint64_t n) {
  // Rejects the few values at the top that would make small results more likely.
  const std::uint64_t limit = -n % n;
  for (;;) {
    const std::uint64_t value = Next();
    if (value >= limit) return value % n;
  }
}

}  // namespace dualgeo
