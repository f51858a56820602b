#include "lmm/lmm_options.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/config.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {

const std::vector<std::string>& LmmOptions::LmmChoices() {
  static const std::vector<std::string> names = {"auto", "first", "medoid", "cluster", "verify", "bayes", "router"};
  return names;
}

void LmmBudgetOptions::Validate() const {
  if (cost > 0 && prompt_price == 0 && completion_price == 0) {
    throw InputError("predict.lmm.budget.cost is " + FormatDouble(cost) +
                     ", but prompt_price and completion_price are 0: nothing would ever cost anything");
  }
}

void LmmOptions::Validate() const {
  CheckFields(*this, "predict.lmm");
  const std::size_t scheme = endpoint.starts_with("https://") ? 8 : endpoint.starts_with("http://") ? 7 : 0;
  if (scheme == 0 || endpoint.size() == scheme) {
    throw InputError("predict.lmm.endpoint is '" + Printable(endpoint) +
                     "'; give http://HOST[:PORT]/... or https://...");
  }
  // The endpoint is logged and kept in the cache; a key must not be.
  const std::string authority = endpoint.substr(scheme, endpoint.find('/', scheme) - scheme);
  if (authority.find('@') != std::string::npos || endpoint.find_first_of("?#") != std::string::npos) {
    throw InputError(
        "predict.lmm.endpoint must hold no user, query or fragment; keys go into the environment variable " +
        api_key_env);
  }
  for (const char c : endpoint) {
    if (static_cast<unsigned char>(c) <= ' ')
      throw InputError("predict.lmm.endpoint holds a blank or control character");
  }
  if (positives.empty()) {
    throw InputError("predict.lmm.positives is empty; give at least one count, [0] for no candidates");
  }
  if (!extra.empty()) {
    // No request nests deeper, and what does cannot be written without much stack.
    bool deep = false;
    const auto json = nlohmann::json::parse(
        extra, [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) { return !(deep = deep || depth > 64); },
        false);
    if (deep) throw InputError("predict.lmm.extra nests deeper than 64 levels: " + Printable(extra));
    if (!json.is_object()) throw InputError("predict.lmm.extra is no JSON object: " + Printable(extra));
    for (const char* key : {"messages", "model", "n", "stream"}) {
      if (json.contains(key)) throw InputError("predict.lmm.extra must not set '" + std::string(key) + "'");
    }
  }
  budget.Validate();
}

}  // namespace dualgeo
