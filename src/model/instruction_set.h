// Which vector instructions the program's own CPU kernels use: the widest that the processor has, or lower ones on
// demand, so that each path is tested and measured on any machine. No LibTorch here.
#pragma once

#include <string>
#include <vector>

namespace dualgeo {

enum class InstructionSet { kPlain, kAvx2, kAvx512 };  // ascending

// What the environment variable DUALGEO_CPU (avx512, avx2 or plain) says, or else the best of this processor. Read
// once. Throws InputError, every time, when DUALGEO_CPU names something else or what the processor does not have. It
// does not reach the kernels of LibTorch and its libraries, which have variables of their own (docs/performance.md).
InstructionSet UsedInstructionSet();

// Those of this processor, ascending: plain always, which is any processor's.
std::vector<InstructionSet> InstructionSetsHere();

// "avx512", "avx2", "plain".
std::string NameOf(InstructionSet set);

// Within its life kernels use `set`, which the processor must have. For tests and benchmarks.
class InstructionSetScope {
 public:
  explicit InstructionSetScope(InstructionSet set);
  ~InstructionSetScope();
  InstructionSetScope(const InstructionSetScope&) = delete;
  InstructionSetScope& operator=(const InstructionSetScope&) = delete;

 private:
  int before_;
};

}  // namespace dualgeo
