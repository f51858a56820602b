#include "dualgeo/model/fusion.h"

#include "dualgeo/util/kinds.h"

namespace dualgeo {

#define DECLARE(name, make) std::shared_ptr<FusionImpl> make(const FusionOptions& options, int embed_dim);
DUALGEO_FUSIONS(DECLARE)
#undef DECLARE

std::shared_ptr<FusionImpl> MakeFusion(const FusionOptions& options, int embed_dim) {
  struct Kind {
    const char* name;
    std::shared_ptr<FusionImpl> (*make)(const FusionOptions&, int);
  };
  static constexpr Kind kKinds[] = {DUALGEO_FUSIONS(DUALGEO_KIND_ENTRY)};
  return FindKind(kKinds, options.type, "model.fusion.type").make(options, embed_dim);
}

}  // namespace dualgeo
