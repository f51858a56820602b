#include "dualgeo/model/weight_names.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>

#include "dualgeo/util/text.h"
#include "weight_styles.h"

namespace dualgeo {
namespace {

std::vector<std::string_view> NameSegments(std::string_view name) {
  std::vector<std::string_view> segments;
  for (std::size_t begin = 0;;) {
    const std::size_t dot = name.find('.', begin);
    segments.push_back(name.substr(begin, dot == std::string_view::npos ? dot : dot - begin));
    if (dot == std::string_view::npos) return segments;
    begin = dot + 1;
  }
}

// What the wildcards stand for, or nothing when the name does not match.
std::optional<std::vector<std::string>> MatchName(std::string_view pattern, std::string_view name) {
  const auto wanted = NameSegments(pattern);
  const auto given = NameSegments(name);
  std::vector<std::string> captured;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (i >= given.size()) return std::nullopt;
    if (wanted[i] == "**") {
      captured.emplace_back(name.substr(static_cast<std::size_t>(given[i].data() - name.data())));
      return captured;
    }
    if (wanted[i] == "*") {
      captured.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  if (given.size() != wanted.size()) return std::nullopt;
  return captured;
}

std::string Substitute(std::string_view pattern, const std::vector<std::string>& captured, std::string_view part) {
  std::string name;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '?') {
      name += part;
    } else if (pattern[i] == '*') {
      name += captured[next++];
      if (i + 1 < pattern.size() && pattern[i + 1] == '*') ++i;
    } else {
      name += pattern[i];
    }
  }
  return name;
}

void ApplyRule(const NameRule& rule, const std::vector<std::string>& captured, const torch::Tensor& tensor,
               TensorMap& out) {
  if (rule.split.empty()) {
    out[Substitute(rule.to, captured, "")] = rule.transpose && tensor.dim() == 2 ? tensor.t() : tensor;
    return;
  }
  // Rows that are not equal parts stay whole, and are then reported as mis-shaped.
  const auto count = static_cast<std::int64_t>(rule.split.size());
  const bool splits = tensor.dim() > 0 && tensor.size(0) % count == 0;
  const auto parts = splits ? tensor.chunk(count, 0) : std::vector<torch::Tensor>(rule.split.size(), tensor);
  for (std::size_t i = 0; i < parts.size(); ++i) out[Substitute(rule.to, captured, rule.split[i])] = parts[i];
}

bool IsBeginning(const std::string& sign) { return sign.back() == '.'; }

// A whole name, or where the sign ends in a dot the beginning of one.
bool Holds(const TensorMap& tensors, const std::string& sign) {
  if (!IsBeginning(sign)) return tensors.count(sign) > 0;
  const auto found = tensors.lower_bound(sign);
  return found != tensors.end() && found->first.starts_with(sign);
}

// What stands before a sign in each name that has it at a segment's begin.
std::set<std::string> PrefixesBefore(const TensorMap& tensors, const std::string& sign) {
  std::set<std::string> prefixes;
  for (const auto& entry : tensors) {
    const std::string& name = entry.first;
    for (std::size_t at = name.find(sign); at != std::string::npos; at = name.find(sign, at + 1)) {
      const bool begins = at == 0 || name[at - 1] == '.';
      const bool ends = IsBeginning(sign) || at + sign.size() == name.size();
      if (begins && ends) prefixes.insert(name.substr(0, at));
    }
  }
  return prefixes;
}

// Of the first set of signs that fits anywhere.
std::vector<std::string> PrefixesOf(const TensorMap& tensors, const WeightStyle& style) {
  for (const auto& signs : style.signs) {
    std::vector<std::string> fitting;
    for (const auto& prefix : PrefixesBefore(tensors, signs.front())) {
      const auto holds = [&](const std::string& sign) { return Holds(tensors, prefix + sign); };
      if (std::all_of(signs.begin(), signs.end(), holds) &&
          std::none_of(style.without.begin(), style.without.end(), holds)) {
        fitting.push_back(prefix);
      }
    }
    if (!fitting.empty()) return style.anywhere ? std::vector<std::string>{""} : fitting;
  }
  return {};
}

bool HasOnly(const TensorMap& tensors, const WeightStyle& style) {
  const auto& names = style.signs.front();
  return std::equal(tensors.begin(), tensors.end(), names.begin(), names.end(),
                    [](const auto& tensor, const std::string& name) { return tensor.first == name; });
}

bool HasPart(const WeightStyle& style, WeightPart part) {
  return part == WeightPart::kOther ||
         std::any_of(style.rules.begin(), style.rules.end(), [&](const NameRule& rule) { return rule.part == part; });
}

// The words of a name: its segments but for numbers and wildcards.
void AddWords(std::string_view name, std::set<std::string, std::less<>>& words) {
  for (const auto segment : NameSegments(name)) {
    const bool word = std::any_of(segment.begin(), segment.end(),
                                  [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
    if (word && segment != "weight" && segment != "bias") words.emplace(segment);
  }
}

// How alike the words of names are: those in both, of those in either.
double Likeness(const std::set<std::string, std::less<>>& a, const std::set<std::string, std::less<>>& b) {
  const auto common = std::count_if(a.begin(), a.end(), [&](const std::string& word) { return b.count(word) > 0; });
  const auto all = static_cast<std::ptrdiff_t>(a.size() + b.size()) - common;
  return all > 0 ? static_cast<double>(common) / static_cast<double>(all) : 0;
}

// Takes `segment` out of the inside of every name, unless two would then be the same. Before a name it is a prefix like
// others, which tells the model's names from those beside it.
TensorMap WithoutSegment(TensorMap tensors, const std::string& segment) {
  TensorMap stripped;
  for (const auto& [name, tensor] : tensors) {
    std::string rest = name;
    for (std::size_t at; (at = rest.find("." + segment + ".")) != std::string::npos;) {
      rest.erase(at, segment.size() + 1);
    }
    if (!stripped.emplace(rest, tensor).second) return tensors;
  }
  return stripped;
}

// Takes `prefix` off where every name has it.
bool StripPrefix(TensorMap& tensors, const std::string& prefix) {
  const bool all = !tensors.empty() && std::all_of(tensors.begin(), tensors.end(), [&](const auto& tensor) {
    return tensor.first.size() > prefix.size() && tensor.first.starts_with(prefix);
  });
  if (!all) return false;
  TensorMap stripped;
  for (const auto& [name, tensor] : tensors) stripped[name.substr(prefix.size())] = tensor;
  tensors = std::move(stripped);
  return true;
}

}  // namespace

TensorMap StripWrappers(TensorMap tensors) {
  for (const char* segment : {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}) {
    tensors = WithoutSegment(std::move(tensors), segment);
  }
  // They can be nested.
  while (StripPrefix(tensors, "module.") || StripPrefix(tensors, "model.") || StripPrefix(tensors, "_orig_mod.") ||
         StripPrefix(tensors, "_fsdp_wrapped_module.")) {
  }
  return tensors;
}

std::string WeightNames::name() const { return style != nullptr ? style->name : "no style known here"; }

std::string WeightNames::description() const {
  std::string text = name();
  for (const auto& prefix : prefixes) {
    if (!prefix.empty()) text += ", below \"" + Printable(prefix) + "\"";
  }
  return text;
}
std::string WeightNames::note() const { return style != nullptr ? style->note : ""; }
bool WeightNames::readable() const { return style != nullptr && !style->rules.empty(); }

WeightNames NamesOf(const TensorMap& tensors) {
  for (const auto& style : WeightStyles()) {
    if (style.only) {
      if (HasOnly(tensors, style)) return {&style, {""}};
      continue;
    }
    auto prefixes = PrefixesOf(tensors, style);
    if (!prefixes.empty()) return {&style, std::move(prefixes)};
  }
  return {};
}

TensorMap MapNames(const TensorMap& tensors, const WeightNames& names, WeightPart part,
                   std::vector<std::string>* aside) {
  TensorMap mapped;
  TensorMap unknown;
  if (names.style == nullptr || names.style->rules.empty()) return mapped;
  const std::string& prefix = names.prefixes.front();
  for (const auto& [name, tensor] : tensors) {
    if (!name.starts_with(prefix)) {
      if (aside != nullptr) aside->push_back(name);
      continue;
    }
    const std::string inner = names.style->root + name.substr(prefix.size());
    bool matched = false;
    for (const auto& rule : names.style->rules) {
      const auto captured = MatchName(rule.from, inner);
      if (!captured) continue;
      if (rule.part == part) ApplyRule(rule, *captured, tensor, mapped);
      matched = true;
      break;
    }
    if (!matched) unknown[name] = tensor;
  }
  if (!mapped.empty()) mapped.merge(unknown);
  return mapped;
}

std::string NearestStyle(const TensorMap& tensors, WeightPart part) {
  std::set<std::string, std::less<>> words;
  for (const auto& entry : tensors) AddWords(entry.first, words);
  const WeightStyle* nearest = nullptr;
  double best = 0;
  for (const auto& style : WeightStyles()) {
    if (style.only || style.anywhere || !HasPart(style, part)) continue;
    std::set<std::string, std::less<>> own;
    for (const auto& signs : style.signs) {
      for (const auto& sign : signs) AddWords(sign, own);
    }
    for (const auto& rule : style.rules) AddWords(rule.from, own);
    const double likeness = Likeness(words, own);
    if (likeness > best) {
      best = likeness;
      nearest = &style;
    }
  }
  if (nearest == nullptr) return "";
  // Below the prefix where most of its signs are.
  const auto& signs = nearest->signs.front();
  std::set<std::string> prefixes = {""};
  for (const auto& sign : signs) prefixes.merge(PrefixesBefore(tensors, sign));
  const auto held = [&](const std::string& prefix) {
    return std::count_if(signs.begin(), signs.end(), [&](const auto& sign) { return Holds(tensors, prefix + sign); });
  };
  const std::string prefix = *std::max_element(prefixes.begin(), prefixes.end(),
                                               [&](const auto& a, const auto& b) { return held(a) < held(b); });
  for (const auto& sign : signs) {
    if (!Holds(tensors, prefix + sign)) {
      return "nearest is " + nearest->name + ", which has \"" + prefix + sign + (IsBeginning(sign) ? "…\"" : "\"");
    }
  }
  return "nearest is " + nearest->name;
}

TensorMap MapWholeModel(TensorMap tensors) {
  const WeightNames names = NamesOf(tensors);
  if (names.style == &WeightStyles().front() && names.prefixes.size() == 1 && !names.prefixes[0].empty()) {
    TensorMap inner;
    for (const auto& [name, tensor] : tensors) {
      if (name.starts_with(names.prefixes[0])) inner[name.substr(names.prefixes[0].size())] = tensor;
    }
    tensors = std::move(inner);
  }
  const std::string copy = "semantic_encoder.resnet.";
  auto found = tensors.lower_bound(copy);
  while (found != tensors.end() && found->first.starts_with(copy)) found = tensors.erase(found);
  return tensors;
}

}  // namespace dualgeo
