// The FAISS that this program is linked with, and which vector instructions it was built for: Debian's for those that
// any processor has, which makes its scans of 8-bit and 16-bit codes forty times slower than a flat search
// (docs/performance.md). No FAISS here.
#pragma once

#include <string>

#include "model/instruction_set.h"

namespace dualgeo {

struct FaissVersion {
  std::string version;  // "1.7.3"
  std::string options;  // as FAISS says it: "OPTIMIZE GENERIC"
  InstructionSet uses = InstructionSet::kPlain;
};

FaissVersion DescribeFaiss();

// What FAISS's get_compile_options() means on a processor with `here`: GENERIC, AVX2 or AVX512 and their like; with DD
// several, of which it takes the best that the processor has.
InstructionSet FaissInstructions(const std::string& options, InstructionSet here);

}  // namespace dualgeo
