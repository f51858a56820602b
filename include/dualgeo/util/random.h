// Random numbers that are the same on every machine for the same seed (std:: distributions are not).
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

namespace dualgeo {

// One generator per purpose: DeriveSeed(seed, "shuffle", epoch), DeriveSeed(seed, "augment", epoch, index) ...
// Changing how one purpose draws never changes what another gets.
std::uint64_t DeriveSeed(std::uint64_t seed, std::string_view purpose, std::uint64_t a = 0, std::uint64_t b = 0);

// xoshiro256** (Blackman, Vigna 2018), seeded through splitmix64. Cheap to construct, so one per photo is fine.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  std::uint64_t Next();
  // In [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }
  // In [0, n), n >= 1, without bias.
  std::uint64_t Below(std::uint64_t n);
  bool Chance(double probability) { return Uniform() < probability; }
  // Standard normal (Box-Muller; the second value is dropped, so that the state is only s_).
  double Normal() {
    const double u = 1.0 - Uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * Uniform());
  }

  template <class T>
  void Shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[Below(i)]);
  }

 private:
  std::uint64_t s_[4];
};

}  // namespace dualgeo
