#include "data/augment_options.h"

#include <string>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

void CheckPair(const char* name, const std::vector<double>& pair, double above) {
  if (pair.size() == 2 && pair[0] <= pair[1] && pair[0] > above) return;
  std::vector<std::string> values;
  for (const double value : pair) values.push_back(FormatDouble(value));
  throw InputError(std::string(name) + ": [" + Join(values) + "] given; two numbers above " + FormatDouble(above) +
                   " are needed, the smaller first");
}

}  // namespace

void AugmentOptions::Validate() const {
  CheckPair("crop_scale", crop_scale, 0.0);
  CheckPair("crop_ratio", crop_ratio, 0.0);
}

}  // namespace dualgeo
