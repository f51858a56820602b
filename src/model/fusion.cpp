#include "dualgeo/model/fusion.h"

#include <functional>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

struct Entry {
  std::string name;
  std::function<std::shared_ptr<FusionImpl>(const FusionOptions&, int)> make;
};

// The registry: one line per fusion.
const std::vector<Entry>& Registry() {
  static const std::vector<Entry> kRegistry = {{"cross_attention", MakeCrossAttentionFusion},
                                               {"concat", MakeConcatFusion},
                                               {"gated", MakeGatedFusion},
                                               {"none", MakeNoFusion}};
  return kRegistry;
}

}  // namespace

std::vector<std::string> FusionNames() {
  std::vector<std::string> names;
  for (const auto& entry : Registry()) names.push_back(entry.name);
  return names;
}

std::shared_ptr<FusionImpl> MakeFusion(const FusionOptions& options, int embed_dim) {
  for (const auto& entry : Registry()) {
    if (entry.name == options.type) return entry.make(options, embed_dim);
  }
  throw InputError("model.fusion.type: unknown fusion \"" + Printable(options.type) +
                   "\"; known: " + Join(FusionNames()));
}

}  // namespace dualgeo
