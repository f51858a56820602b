#include "dualgeo/runtime/options.h"

#include <cctype>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

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
  if (!IsDeviceName(device)) throw InputError("device: " + Printable(device) + ": allowed: auto, cpu, cuda, cuda:N");
  if (precision != "fp32" && precision != "bf16" && precision != "fp16") {
    throw InputError("precision: " + Printable(precision) + ": allowed: fp32, bf16, fp16");
  }
  if (precision == "fp16" && device == "cpu") throw InputError("precision: fp16: only on cuda; use bf16 on a CPU");
}

}  // namespace dualgeo
