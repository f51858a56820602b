#include "dualgeo/train/options.h"

#include <cctype>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

[[noreturn]] void Reject(const std::string& field, const std::string& value, const std::string& rule) {
  throw InputError(field + ": " + value + ": " + rule);
}

bool IsDeviceName(const std::string& name) {
  if (name == "auto" || name == "cpu" || name == "cuda") return true;
  const std::string prefix = "cuda:";
  if (name.rfind(prefix, 0) != 0 || name.size() == prefix.size() || name.size() > prefix.size() + 3) return false;
  for (std::size_t i = prefix.size(); i < name.size(); ++i) {
    if (std::isdigit(static_cast<unsigned char>(name[i])) == 0) return false;
  }
  return true;
}

}  // namespace

void RuntimeOptions::Validate() const {
  if (!IsDeviceName(device)) Reject("device", Printable(device), "allowed: auto, cpu, cuda, cuda:N");
  if (precision != "fp32" && precision != "bf16" && precision != "fp16") {
    Reject("precision", Printable(precision), "allowed: fp32, bf16, fp16");
  }
  if (precision == "fp16" && device == "cpu") Reject("precision", "fp16", "only on cuda; use bf16 on a CPU");
}

void TrainOptions::Validate(const std::string& section) const {
  const std::string dot = section + ".";
  if (beta1 >= 1) Reject(dot + "beta1", FormatDouble(beta1), "must be below 1");
  if (beta2 >= 1) Reject(dot + "beta2", FormatDouble(beta2), "must be below 1");
  if (cache_frozen_features) {
    Reject(dot + "cache_frozen_features", "true", "this version cannot keep features across epochs; allowed: false");
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
