#include "model/fingerprint.h"

#include "dualgeo/model/weights.h"
#include "dualgeo/util/hash.h"

namespace dualgeo {

std::string Fingerprint(const std::string& options, const torch::nn::Module& module) {
  std::string text = options;
  for (const auto& [name, tensor] : StateDict(module)) {
    const auto bytes = tensor.detach().to(torch::kCPU).contiguous();
    text.append(name).append(" ").append(c10::toString(bytes.scalar_type()));
    for (const auto size : bytes.sizes()) text.append(" ").append(std::to_string(size));
    const std::string_view content(static_cast<const char*>(bytes.data_ptr()), bytes.nbytes());
    text.append(" ").append(Sha256(content)).append("\n");
  }
  return Sha256(text);
}

}  // namespace dualgeo
