#include "lr_factors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"

namespace dualgeo {
namespace {

struct PrefixFactor {
  std::string prefix;
  double factor = 1;
};

// Every beginning of a name that ends at a dot, and the names themselves.
std::vector<std::string> Beginnings(const std::vector<std::string>& names) {
  std::set<std::string> all;
  for (const std::string& name : names) {
    for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1)) {
      all.insert(name.substr(0, dot + 1));
    }
    all.insert(name);
  }
  return {all.begin(), all.end()};
}

PrefixFactor ParsePrefixFactor(const std::string& text, const std::vector<std::string>& names) {
  const auto equals = text.rfind('=');
  const auto factor = equals == text.npos ? std::nullopt : ParseDouble(text.substr(equals + 1));
  if (!factor || !(*factor >= 0 && *factor <= 1e6) || equals == 0) {
    throw InputError("lr_factors: '" + Printable(text) +
                     "' is not NAME=FACTOR with a factor from 0 to 1e6, such as vision_model_rgb.=0.1");
  }
  const std::string prefix = text.substr(0, equals);
  if (std::ranges::any_of(names, [&](const auto& name) { return name.starts_with(prefix); })) return {prefix, *factor};
  std::string message = "lr_factors: no weight that is trained begins with '" + Printable(prefix) + "'";
  if (const auto nearest = Nearest(prefix, Beginnings(names))) message += ", did you mean " + *nearest + "?";
  std::set<std::string> first;
  for (const auto& name : names) first.insert(name.substr(0, name.find('.')));
  throw InputError(message + " (they begin with: " + Join({first.begin(), first.end()}) + ")");
}

// "vision_model_rgb.encoder.layers.3.mlp.fc1.bias": block 3 of the stack "vision_model_rgb.encoder.layers.".
struct Block {
  std::string stack;
  int index = 0;
};

std::optional<Block> BlockOf(const std::string& name) {
  for (const char* word : {".layers.", ".blocks."}) {
    const auto at = name.find(word);
    if (at == name.npos) continue;
    const auto number = at + std::char_traits<char>::length(word);
    const auto end = name.find('.', number);
    if (end == name.npos) continue;
    if (const auto index = ParseInteger(name.substr(number, end - number))) {
      return Block{name.substr(0, number), static_cast<int>(*index)};
    }
  }
  return std::nullopt;
}

// What comes before the first block, by CLIP's, timm's and Hugging Face's names.
bool IsEmbedding(const std::string& name) {
  for (const char* word : {"embeddings", "patch_embed", "pos_embed", "cls_token", "pre_layrnorm"}) {
    if (name.find(word) != name.npos) return true;
  }
  return false;
}

std::vector<double> LayerFactors(const std::vector<std::string>& names, double decay) {
  std::map<std::string, int> blocks;  // how many each stack has
  for (const auto& name : names) {
    if (const auto block = BlockOf(name)) blocks[block->stack] = std::max(blocks[block->stack], block->index + 1);
  }
  if (blocks.empty()) {
    throw InputError(
        "layer_decay: " + FormatDouble(decay) +
        ": no block of an encoder is trained (a frozen encoder, model.image_encoder.freeze, or one without "
        "transformer blocks); set it to 1");
  }
  std::vector<double> factors(names.size(), 1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto block = BlockOf(names[i])) {
      factors[i] = std::pow(decay, blocks[block->stack] - block->index);
    } else if (IsEmbedding(names[i])) {
      // Of the encoder that it is a part of.
      const std::string part = names[i].substr(0, names[i].find('.') + 1);
      for (const auto& [stack, count] : blocks) {
        if (stack.starts_with(part)) factors[i] = std::pow(decay, count + 1);
      }
    }
  }
  return factors;
}

}  // namespace

std::vector<double> LrFactors(const std::vector<std::string>& names, const TrainOptions& options) {
  std::vector<double> factors(names.size(), 1);
  if (options.layer_decay < 1) factors = LayerFactors(names, options.layer_decay);
  std::vector<PrefixFactor> prefixes;
  for (const auto& text : options.lr_factors) prefixes.push_back(ParsePrefixFactor(text, names));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const PrefixFactor* longest = nullptr;
    for (const auto& one : prefixes) {
      if (!names[i].starts_with(one.prefix)) continue;
      if (longest == nullptr || one.prefix.size() > longest->prefix.size()) longest = &one;
    }
    if (longest != nullptr) factors[i] *= longest->factor;
    if (names[i].ends_with("bias")) factors[i] *= options.bias_lr_factor;
  }
  return factors;
}

}  // namespace dualgeo
