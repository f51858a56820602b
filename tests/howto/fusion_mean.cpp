// A made-up fusion: both views get the mean of the two.
#include "dualgeo/model/fusion.h"

namespace dualgeo {
namespace {

class MeanFusionImpl : public FusionImpl {
 public:
  FusionOutput Forward(const FusionInput& input) override {
    const auto mean = (input.image + input.segmentation) / 2;
    return {mean, mean};
  }
  void Initialise() override {}
};

}  // namespace

std::shared_ptr<FusionImpl> MakeMeanFusion(const FusionOptions&, int) { return std::make_shared<MeanFusionImpl>(); }

}  // namespace dualgeo
