#include "dualgeo/model/fusion.h"

namespace dualgeo {
namespace {

// Each view keeps its own vector.
class NoFusionImpl : public FusionImpl {
 public:
  FusionOutput Forward(const FusionInput& input) override { return {input.image, input.segmentation}; }
  void Initialise() override {}
};

}  // namespace

std::shared_ptr<FusionImpl> MakeNoFusion(const FusionOptions&, int) { return std::make_shared<NoFusionImpl>(); }

}  // namespace dualgeo
