#include "train/options.h"

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

[[noreturn]] void Reject(const std::string& field, const std::string& value, const std::string& rule) {
  throw InputError(field + ": " + value + ": " + rule);
}

}  // namespace

void TrainOptions::Validate(const std::string& section) const {
  const std::string dot = section + ".";
  if (beta1 >= 1) Reject(dot + "beta1", FormatDouble(beta1), "must be below 1");
  if (beta2 >= 1) Reject(dot + "beta2", FormatDouble(beta2), "must be below 1");
  if (cache_frozen_features && section != "train") {
    Reject(dot + "cache_frozen_features", "true", "the segmenter has no frozen encoder; allowed: false");
  }
  if (schedule.type == "multi_step" && schedule.milestones.empty()) {
    Reject(dot + "schedule.milestones", "[]", "multi_step needs at least one");
  }
  if (momentum >= 1) Reject(dot + "momentum", FormatDouble(momentum), "must be below 1");
  if (nesterov && momentum == 0) Reject(dot + "nesterov", "true", "needs a momentum");
  if (schedule.type == "cosine" && schedule.min_lr > lr) {
    Reject(dot + "schedule.min_lr", FormatDouble(schedule.min_lr), "must not be above " + dot + "lr");
  }
}

}  // namespace dualgeo
