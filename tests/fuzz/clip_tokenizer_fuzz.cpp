// Any bytes are a vocabulary or one line of refusal; what is a vocabulary turns any text into its tokens, or refuses
// it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "dualgeo/io/clip_tokenizer.h"
#include "fuzz_support.h"
#include "tests/support/small_clip_vocabulary.h"

namespace {

// The path of a file in memory, reused.
std::string Remember(const std::uint8_t* data, std::size_t size) {
  static const int file = memfd_create("vocabulary", 0);
  dualgeo::Require(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == static_cast<ssize_t>(size));
  return "/proc/self/fd/" + std::to_string(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const dualgeo::TemporaryFolder folder;
  static const auto small = dualgeo::ClipTokenizer::Read(dualgeo::WriteSmallClipVocabulary(folder));
  dualgeo::ExpectInputErrorOrNone([&] {
    const std::string text(reinterpret_cast<const char*>(data), size);
    for (const auto id : small.Encode(text)) dualgeo::Require(id >= 0 && id < small.size());
  });
  dualgeo::ExpectInputErrorOrNone([&] {
    const auto read = dualgeo::ClipTokenizer::Read(Remember(data, size));
    for (const auto id : read.Encode("the photo")) dualgeo::Require(id >= 0 && id < read.size());
  });
  return 0;
}
