#include "gallery/faiss_version.h"

#include <faiss/Index.h>
#include <faiss/utils/utils.h>

#include <algorithm>
#include <sstream>

namespace dualgeo {

FaissVersion DescribeFaiss() {
  std::string options = faiss::get_compile_options();
  while (options.ends_with(' ')) options.pop_back();
  const InstructionSet uses = FaissInstructions(options, InstructionSetsHere().back());
  return {std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
              std::to_string(FAISS_VERSION_PATCH),
          std::move(options), uses};
}

InstructionSet FaissInstructions(const std::string& options, InstructionSet here) {
  InstructionSet best = InstructionSet::kPlain;
  std::istringstream words(options);
  for (std::string word; words >> word;) {
    if (word.starts_with("AVX512")) best = std::max(best, InstructionSet::kAvx512);
    if (word == "AVX2") best = std::max(best, InstructionSet::kAvx2);
  }
  return std::min(best, here);
}

}  // namespace dualgeo
