#include "model/instruction_set.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "dualgeo/util/error.h"

namespace dualgeo {
namespace {

constexpr int kNotScoped = -1;
std::atomic<int> scoped_instruction_set = kNotScoped;

InstructionSet FromEnvironment(const std::vector<InstructionSet>& here) {
  const char* const set = std::getenv("DUALGEO_CPU");
  if (set == nullptr || *set == '\0') return here.back();
  std::string allowed;
  for (auto it = here.rbegin(); it != here.rend(); ++it) {
    if (NameOf(*it) == set) return *it;
    allowed += (allowed.empty() ? "" : ", ") + NameOf(*it);
  }
  throw InputError("DUALGEO_CPU: " + std::string(set) +
                   ": no instruction set of this processor; allowed here: " + allowed);
}

}  // namespace

std::vector<InstructionSet> InstructionSetsHere() {
  std::vector<InstructionSet> sets = {InstructionSet::kPlain};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets.push_back(InstructionSet::kAvx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw")) {
      sets.push_back(InstructionSet::kAvx512);
    }
  }
#endif
  return sets;
}

InstructionSet UsedInstructionSet() {
  static const InstructionSet set = FromEnvironment(InstructionSetsHere());
  const int scoped = scoped_instruction_set;
  return scoped == kNotScoped ? set : static_cast<InstructionSet>(scoped);
}

std::string NameOf(InstructionSet set) {
  return set == InstructionSet::kAvx512 ? "avx512" : set == InstructionSet::kAvx2 ? "avx2" : "plain";
}

InstructionSetScope::InstructionSetScope(InstructionSet set)
    : before_(scoped_instruction_set.exchange(static_cast<int>(set))) {}

InstructionSetScope::~InstructionSetScope() { scoped_instruction_set = before_; }

}  // namespace dualgeo
