#include "dualgeo/refine/posterior_parameters.h"

#include <algorithm>
#include <utility>

#include "config/config.h"
#include "dualgeo/gallery/candidates.h"
#include "dualgeo/util/error.h"
#include "dualgeo/util/text.h"
#include "util/atomic_file.h"

namespace dualgeo {
namespace {

// Refuses a list of coefficients of the wrong length, or with one that is out of range.
class CoefficientCheck {
 public:
  CoefficientCheck(std::string group, std::size_t widths) : group_(std::move(group)), widths_(widths) {}

  void Field(const char* name, const std::vector<double>& values, const char*, Range range) const {
    if (!values.empty() && values.size() != widths_) {
      throw InputError(group_ + "." + name + " has " + std::to_string(values.size()) +
                       " numbers; it must be empty or have one for each of the " + std::to_string(widths_) + " widths");
    }
    for (const double value : values) {
      if (value >= range.min && value <= range.max) continue;
      throw InputError(group_ + "." + name + " holds " + FormatDouble(value) + "; it must lie in [" +
                       FormatDouble(range.min) + ", " + FormatDouble(range.max) + "]");
    }
  }

 private:
  std::string group_;
  std::size_t widths_;
};

}  // namespace

void PosteriorParameters::Validate() const {
  if (widths_km.empty()) throw InputError("widths_km is empty; give at least one width");
  for (const auto* widths : {&widths_km, &answer_widths_km}) {
    const std::string name = widths == &widths_km ? "widths_km" : "answer_widths_km";
    if (std::adjacent_find(widths->begin(), widths->end(), std::greater_equal<>()) != widths->end()) {
      throw InputError(name + " must rise from one to the next, each once");
    }
    if (!widths->empty() && !(widths->front() >= 0.01 && widths->back() <= 10000)) {
      throw InputError(name + " must lie in [0.01, 10000]");
    }
  }
  const auto check = [](const char* name, EvidenceWeights weights, std::size_t widths) {  // Visit wants to change it
    CoefficientCheck coefficients(name, widths);
    weights.Visit(coefficients);
    if (weights.constant.size() != widths) {
      throw InputError(std::string(name) + ".constant must have one number for each of the " + std::to_string(widths) +
                       " widths");
    }
  };
  for (const auto* scale : {&probability, &probability_with_answers}) {
    if (scale->offset.size() != kAccuracyKm.size() || scale->slope.size() != kAccuracyKm.size()) {
      throw InputError("probability offset and slope must have " + std::to_string(kAccuracyKm.size()) +
                       " numbers each, one for each accuracy threshold");
    }
  }
  check("list", list, widths_km.size());
  check("list_with_answers", list_with_answers, answer_widths_km.size());
  check("answers", answers, answer_widths_km.size());
  for (const auto& [name, column] : columns) {
    const CoefficientCheck list_check("columns." + name, widths_km.size());
    list_check.Field("list", column.list, "", kCoefficientRange);
    list_check.Field("list_gap", column.list_gap, "", kCoefficientRange);
    const CoefficientCheck answer_check("columns." + name, answer_widths_km.size());
    answer_check.Field("list_with_answers", column.list_with_answers, "", kCoefficientRange);
    answer_check.Field("list_with_answers_gap", column.list_with_answers_gap, "", kCoefficientRange);
  }
  const auto counted = [](const char* name, const std::vector<double>& values, std::size_t count) {
    if (values.size() == count) return;
    throw InputError(std::string(name) + " has " + std::to_string(values.size()) + " numbers; " +
                     std::to_string(count) + " belong there");
  };
  const std::size_t inputs = mlp.inputs.size(), hidden = static_cast<std::size_t>(mlp.hidden);
  counted("mlp.mean", mlp.mean, inputs);
  counted("mlp.deviation", mlp.deviation, inputs);
  counted("mlp.weights", mlp.weights, inputs == 0 ? 0 : hidden * (inputs + 2));
  counted("router.deviation", router.deviation, router.mean.size());
  const std::size_t terms = router.mean.empty() ? 0 : router.mean.size() + 1;
  counted("router.list", router.list, terms);
  counted("router.answer", router.answer, terms);
}

std::vector<std::string> PosteriorParameters::MoreColumns() const {
  std::vector<std::string> names;
  for (const auto& item : columns) names.push_back(item.first);
  return names;
}

PosteriorParameters ReadPosteriorParameters(const std::filesystem::path& path) {
  if (path.empty()) return DefaultPosteriorParameters();
  PosteriorParameters parameters;
  try {
    ResolveConfig(OptionTree(parameters), {path}, {});
  } catch (const InputError& error) {
    const std::string message = error.what();
    if (message.starts_with(path.string())) throw;
    throw InputError(path.string() + ": " + message);
  }
  return parameters;
}

void WritePosteriorParameters(const std::filesystem::path& path, PosteriorParameters parameters) {
  parameters.Validate();
  WriteFileAtomically(path,
                      "# The posterior over places of re-ranking by bayes; for rerank.parameters and --parameters.\n" +
                          DumpConfig(OptionTree(parameters)));
}

}  // namespace dualgeo
